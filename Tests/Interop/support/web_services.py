# SPDX-License-Identifier: Apache-2.0
"""Servers that no Linux package offers, for the far side of WS-Management and AD Web Services: framing of the tests' own
around MIT's GSSAPI, through pyspnego, as acceptor. What is sealed or unsealed here, a third party has sealed or unsealed."""
import base64
import http.server
import re
import socketserver
import struct
import threading

import spnego

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSMID = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"


def identify_response(version):
    return f"""<s:Envelope xmlns:s="{SOAP}"><s:Header/><s:Body><wsmid:IdentifyResponse xmlns:wsmid="{WSMID}">
<wsmid:ProtocolVersion>http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd</wsmid:ProtocolVersion>
<wsmid:ProductVendor>Microsoft Corporation</wsmid:ProductVendor><wsmid:ProductVersion>{version}</wsmid:ProductVersion>
</wsmid:IdentifyResponse></s:Body></s:Envelope>""".encode()


class Server:
    """A listener in a thread, for a with statement."""

    def __init__(self, address, port, handler, kind=socketserver.ThreadingTCPServer):
        class Listener(kind):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Listener((address, port), handler)
        self.server.owner = self
        self.failures = []
        self.seen = []

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class WinRM(Server):
    """A WinRM listener as far as a check goes. `behaviour` breaks it: no-negotiate, stopped, clear (an answer that is not
    sealed), damaged (a sealed answer with a changed byte), website."""

    def __init__(self, address, port=5985, behaviour=None):
        self.behaviour = behaviour
        super().__init__(address, port, WinRMHandler, http.server.ThreadingHTTPServer)


class WinRMHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Microsoft-HTTPAPI/2.0"

    def setup(self):
        super().setup()
        # The context belongs to the connection.
        self.context = None
        self.behaviour = self.server.owner.behaviour

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.owner.seen.append((self.path, dict(self.headers), body))
        if self.behaviour == "stopped":
            return self.reply(503)
        if self.behaviour == "website":
            return self.reply(404, b"<html>Not here</html>", Content_Type="text/html")
        if self.path == "/wsman-anon/identify":
            assert self.headers["WSMANIDENTIFY"] == "unauthenticated"
            return self.reply(200, identify_response("OS: 0.0.0 SP: 0.0 Stack: 3.0"),
                              Content_Type="application/soap+xml;charset=UTF-8")
        authorization = self.headers["Authorization"]
        if authorization:
            return self.authenticate(authorization)
        if self.context is None or not self.context.complete:
            offer = "Basic realm=\"WSMAN\"" if self.behaviour == "no-negotiate" else "Negotiate"
            return self.reply(401, WWW_Authenticate=offer)
        self.sealed(body)

    def authenticate(self, authorization):
        scheme, token = authorization.split(" ", 1)
        assert scheme == "Negotiate", scheme
        if self.context is None:
            self.context = spnego.server(protocol="negotiate", options=spnego.NegotiateOptions.negotiate_kerberos)
        try:
            answer = self.context.step(base64.b64decode(token))
        except Exception as error:  # the library's own kinds; the client sees only the refusal
            self.server.owner.failures.append(error)
            return self.reply(401, WWW_Authenticate="Negotiate")
        fields = {"WWW_Authenticate": "Negotiate " + base64.b64encode(answer).decode()} if answer else {}
        self.reply(200 if self.context.complete else 401, **fields)

    def sealed(self, body):
        assert re.match(r'multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";'
                        r'boundary="Encrypted Boundary"', self.headers["Content-Type"])
        length = int(re.search(rb"Length=(\d+)\r\n", body)[1])
        payload = body.split(b"\tContent-Type: application/octet-stream\r\n", 1)[1]
        payload = payload[:-len(b"--Encrypted Boundary--\r\n")]
        size = struct.unpack("<I", payload[:4])[0]
        message = self.context.unwrap_winrm(payload[4:4 + size], payload[4 + size:])
        assert len(message) == length and b"Identify" in message, message
        answer = identify_response("OS: 10.0.20348 SP: 0.0 Stack: 3.0")
        if self.behaviour == "clear":
            return self.reply(200, answer, Content_Type="application/soap+xml;charset=UTF-8")
        sealed = self.context.wrap_winrm(answer)
        data = bytearray(sealed.data)
        if self.behaviour == "damaged":
            data[len(data) // 2] ^= 1
        self.reply(
            200,
            b"--Encrypted Boundary\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n"
            + f"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={len(answer)}\r\n".encode()
            + b"--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n"
            + struct.pack("<I", len(sealed.header)) + sealed.header + bytes(data) + b"--Encrypted Boundary--\r\n",
            Content_Type='multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";'
                         'boundary="Encrypted Boundary"')


class WebServices(Server):
    """AD Web Services as far as a check goes: MC-NMF 2.2, MS-NNS 2.2. `fault` answers the preamble with one."""

    def __init__(self, address, port=9389, fault=None):
        self.fault = fault
        super().__init__(address, port, WebServicesHandler)


class WebServicesHandler(socketserver.StreamRequestHandler):
    def record(self):
        kind = self.rfile.read(1)
        if not kind:
            return None, b""
        if kind[0] == 0x00:
            return 0x00, self.rfile.read(2)
        if kind[0] in (0x01, 0x03):
            return kind[0], self.rfile.read(1)
        if kind[0] in (0x02, 0x09):
            size = self.rfile.read(1)[0]
            assert size < 0x80, "the tests' own names are short"
            return kind[0], self.rfile.read(size)
        return kind[0], b""

    def handle(self):
        owner = self.server.owner
        assert self.record() == (0x00, b"\x01\x00") and self.record() == (0x01, b"\x02")
        kind, via = self.record()
        assert kind == 0x02
        owner.seen.append(via.decode())
        assert self.record() == (0x03, b"\x08") and self.record() == (0x09, b"application/negotiate")
        if owner.fault:
            uri = f"http://schemas.microsoft.com/ws/2006/05/framing/faults/{owner.fault}".encode()
            return self.wfile.write(b"\x08" + bytes([len(uri)]) + uri)
        self.wfile.write(b"\x0a")
        header = self.rfile.read(5)
        if not header:
            return
        context = spnego.server(protocol="negotiate", options=spnego.NegotiateOptions.negotiate_kerberos)
        while True:
            assert header[0] in (0x14, 0x16) and header[1:3] == b"\x01\x00", header
            token = self.rfile.read(struct.unpack(">H", header[3:])[0])
            try:
                answer = context.step(token) or b""
            except Exception as error:  # the library's own kinds
                owner.failures.append(error)
                return self.wfile.write(b"\x15\x01\x00\x00\x08" + struct.pack(">II", 0, 0x8009030C))
            done = context.complete
            self.wfile.write(bytes([0x14 if done else 0x16, 1, 0]) + struct.pack(">H", len(answer)) + answer)
            if done:
                break
            header = self.rfile.read(5)
        size = struct.unpack("<I", self.rfile.read(4))[0]
        assert context.unwrap(self.rfile.read(size)).data == b"\x0c", "the end of the preamble"
        sealed = context.wrap(b"\x0b", encrypt=True).data
        self.wfile.write(struct.pack("<I", len(sealed)) + sealed)
        owner.seen.append(context.client_principal)
