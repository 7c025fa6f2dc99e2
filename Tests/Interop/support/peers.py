# SPDX-License-Identifier: Apache-2.0
"""Scripted servers for what the lab's own cannot show: wrong answers, answers of others, and stand-ins for roles that are
not there, each on its port. What can be had from a real server is its answer with one thing changed."""
import contextlib
import http
import random
import re
import select
import socket
import ssl
import threading
import time

from network import Server, reset

TIMEOUT = 60


class Datagrams:
    """Answers each datagram with what `answer` makes of it; None says nothing."""

    def __init__(self, address, port, answer):
        self.address, self.port, self.answer = address, port, answer
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                data, peer = self.socket.recvfrom(65535)
                # The socket is unusable once it is closed, and shut down it gives empty datagrams.
                if self.socket.fileno() < 0:
                    return
                threading.Thread(target=self._one, args=(data, peer), daemon=True).start()

    def _one(self, data, peer):
        with contextlib.suppress(OSError):
            for part in [self.answer(data)] if data else []:
                if part is not None:
                    self.socket.sendto(part, peer)

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def changed_datagrams(address, port, target, change):
    """Passes datagrams on to a real server, and its answers back as `change` makes them."""
    def answer(data):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as onward:
            onward.settimeout(5)
            onward.connect(target)
            onward.send(data)
            return change(onward.recv(65535))
    return Datagrams(address, port, answer)


class Changed(Server):
    """Passes a connection on to a real server, and its answers back as `change` makes them. None ends the connection."""

    def __init__(self, address, port, target, change):
        self.target, self.change = target, change
        super().__init__(address, port)

    def serve(self, raw):
        with socket.create_connection(self.target, timeout=TIMEOUT) as onward:
            while True:
                for source in select.select([raw, onward], [], [], TIMEOUT)[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    if source is raw:
                        onward.sendall(data)
                    elif (data := self.change(data)) is None:
                        return
                    else:
                        raw.sendall(data)


class Says(Server):
    """Says the same to everybody, at once or after the first bytes, then stays silent, closes or resets."""

    def __init__(self, address, port, words, first=True, then="silence"):
        self.words, self.first, self.then = words, first, then
        super().__init__(address, port)

    def serve(self, raw):
        raw.settimeout(TIMEOUT)
        if not self.first and not raw.recv(65536):
            return
        raw.sendall(self.words)
        if self.then == "reset":
            reset(raw)
        elif self.then == "silence":
            while raw.recv(65536):
                pass


class Echoes(Server):
    """Says what it was told."""

    def serve(self, raw):
        raw.settimeout(TIMEOUT)
        while data := raw.recv(65536):
            raw.sendall(data)


# How an answer without an end begins, by port: with the length that the protocol's header can name at most.
OPENINGS = {
    53: b"\xff\xff", 88: b"\x7f\xff\xff\xff", 135: bytes.fromhex("05000c0310000000ffff000001000000"),
    389: b"\x30\x84\x7f\xff\xff\xff", 3268: b"\x30\x84\x7f\xff\xff\xff", 445: b"\x00\xff\xff\xff\xfeSMB",
    636: b"\x16\x03\x03\x40\x00", 443: b"\x16\x03\x03\x40\x00", 49443: b"\x16\x03\x03\x40\x00",
    80: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", 5985: b"HTTP/1.1 200 OK\r\nX-Long: ",
    9389: b"\x08\xff\xff\xff\xff\x0f"}
HOSTILE = ["garbage", "greeting", "endless", "nothing", "reset", "close", "reset when asked", "close when asked", "echo"]


def hostile(address, port, kind, seed=0, instead_of=None):
    """A server that is none, of one of the kinds above; the endless one begins like that of the port that it is `instead_of`."""
    if kind == "echo":
        return Echoes(address, port)
    if kind == "endless":
        return Endless(address, port, OPENINGS.get(instead_of, OPENINGS[135]))
    chance = random.Random(f"{seed}/{instead_of}")
    noise = chance.randbytes(chance.choice([1, 4, 64, 3000]))
    choices = {
        "garbage": (noise, False, "silence"), "greeting": (noise, True, "silence"), "nothing": (b"", True, "silence"),
        "reset": (b"", True, "reset"), "close": (b"", True, "close"),
        "reset when asked": (b"", False, "reset"), "close when asked": (b"", False, "close")}
    words, first, then = choices[kind]
    return Says(address, port, words, first, then)


class Endless(Server):
    """Answers, and never stops."""

    def __init__(self, address, port, opening):
        self.opening = opening
        super().__init__(address, port)

    def serve(self, raw):
        raw.settimeout(TIMEOUT)
        if not raw.recv(65536):
            return
        raw.sendall(self.opening)
        while True:
            raw.sendall(b"A" * 16384)
            time.sleep(0.001)


# TLS and HTTP

def tls(chain, key, lowest=ssl.TLSVersion.TLSv1_2, highest=None, ciphers=None, asks=None):
    """A server's side. asks: an authority's file whose certificates clients are asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    if highest is not None and highest < ssl.TLSVersion.TLSv1_2:
        # OpenSSL has the old versions' signatures only at the lowest level.
        context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = lowest
    if highest is not None:
        context.maximum_version = highest
    if ciphers:
        context.set_ciphers(ciphers)
    if asks:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(asks)
    return context


class ResetInHandshake(Server):
    """Shows its certificate in TLS 1.2, and resets the connection when the client goes on."""

    def __init__(self, address, port, context):
        self.context = context
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        super().__init__(address, port)

    def serve(self, raw):
        raw.settimeout(TIMEOUT)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        inside, has_answered = self.context.wrap_bio(incoming, outgoing, server_side=True), False
        while data := raw.recv(65536):
            if has_answered:
                return reset(raw)
            incoming.write(data)
            with contextlib.suppress(ssl.SSLWantReadError):
                inside.do_handshake()
            if said := outgoing.read():
                raw.sendall(said)
                has_answered = True


class Forwarding(Server):
    """Ends TLS and passes on what is inside to a server without."""

    def __init__(self, address, port, context, target):
        self.context, self.target = context, target
        super().__init__(address, port)

    def serve(self, raw):
        raw.settimeout(TIMEOUT)
        with self.context.wrap_socket(raw, server_side=True) as inside, \
                socket.create_connection(self.target, timeout=TIMEOUT) as onward:
            while True:
                ready = [inside] if inside.pending() else select.select([inside, onward], [], [], TIMEOUT)[0]
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        return
                    (onward if source is inside else inside).sendall(data)


class Web(Server):
    """HTTP, with or without TLS. `page(method, target, headers)` gives status, headers and body."""

    def __init__(self, address, port, page, context=None):
        self.page, self.context = page, context
        self.requests = []
        super().__init__(address, port)

    def serve(self, raw):
        raw.settimeout(TIMEOUT)
        with (self.context.wrap_socket(raw, server_side=True) if self.context else raw) as connection:
            reader = connection.makefile("rb")
            while line := reader.readline(65536):
                words = line.decode("latin-1").split(" ", 2)
                if len(words) != 3:
                    return
                method, target, _ = words
                headers = {}
                while (line := reader.readline(65536)) not in (b"\r\n", b""):
                    name, _, value = line.decode("latin-1").partition(":")
                    headers[name.lower()] = value.strip()
                reader.read(int(headers.get("content-length", 0)))
                self.requests.append((method, target))
                status, extra, body = self.page(method, target, headers)
                answer = {"Content-Length": str(len(body)), "Date": time.strftime(
                    "%a, %d %b %Y %H:%M:%S GMT", time.gmtime()), **extra}
                head = f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\n" + "".join(
                    f"{name}: {value}\r\n" for name, value in answer.items())
                connection.sendall(head.encode() + b"\r\n" + (b"" if method == "HEAD" else body))


PORTAL = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>Accept the terms to use this network.</body></html>"


def portal(method, target, headers):
    """A captive portal: every address is its page."""
    return 200, {"Content-Type": "text/html"}, PORTAL


def revocation_list(data):
    return lambda method, target, headers: (200, {"Content-Type": "application/pkix-crl"}, data)


METADATA = (b'<?xml version="1.0"?><EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" '
            b'entityID="http://fs.corp.example/adfs/services/trust"></EntityDescriptor>')


def federation(probe=200, metadata=200):
    """A federation server's pages (probe on 80, metadata on 443)."""
    def page(method, target, headers):
        if target.startswith("/adfs/probe"):
            return probe, {}, b""
        if target.lower().startswith("/federationmetadata/2007-06/federationmetadata.xml") and metadata == 200:
            return 200, {"Content-Type": "application/samlmetadata+xml"}, METADATA
        return (metadata if "metadata" in target.lower() else 404), {}, b"Service Unavailable"
    return page


IDENTIFY = (b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/><s:Body><wsmid:IdentifyResponse '
            b'xmlns:wsmid="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"><wsmid:ProtocolVersion>'
            b'http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd</wsmid:ProtocolVersion><wsmid:ProductVendor>'
            b'Microsoft Corporation</wsmid:ProductVendor><wsmid:ProductVersion>OS: 0.0.0 SP: 0.0 Stack: 3.0'
            b'</wsmid:ProductVersion></wsmid:IdentifyResponse></s:Body></s:Envelope>')


def winrm(status=200, schemes=("Negotiate", "Kerberos")):
    """A WinRM listener before anybody has signed in (MS-WSMV 2.2.5)."""
    def page(method, target, headers):
        if status != 200:
            return status, {"Server": "Microsoft-HTTPAPI/2.0"}, b"Service Unavailable"
        if target.startswith("/wsman-anon/identify"):
            return 200, {"Content-Type": "application/soap+xml;charset=UTF-8"}, IDENTIFY
        if target.startswith("/wsman"):
            # One header a scheme is what http.sys sends; a list in one header means the same (RFC 9110 11.6.1).
            return 401, {"WWW-Authenticate": ", ".join(schemes), "Server": "Microsoft-HTTPAPI/2.0"}, b""
        return 404, {}, b""
    return page


class WebServices(Server):
    """AD Web Services up to the upgrade to application/negotiate (MC-NMF 2.2.3): it accepts it, or says a fault. Whoever
    signs in sees it hang up after the first token, which it has read whole: it ends in order, never by a reset."""

    def __init__(self, address, port, fault=None):
        self.fault = fault
        super().__init__(address, port)

    def serve(self, raw):
        raw.settimeout(TIMEOUT)
        data = b""
        while b"application/negotiate" not in data:
            more = raw.recv(4096)
            if not more:
                return
            data += more
        if self.fault:
            text = f"http://schemas.microsoft.com/ws/2006/05/framing/faults/{self.fault}".encode()
            raw.sendall(b"\x08" + bytes([len(text)]) + text)
        else:
            raw.sendall(b"\x0a")
            token = b""
            # MS-NNS 2.2.1: five bytes, of which the last two are the token's length.
            while len(token) < 5 or len(token) < 5 + int.from_bytes(token[3:5], "big"):
                more = raw.recv(4096)
                if not more:
                    return
                token += more


# One thing changed in a real server's answers

def is_framed(data):
    """Whether these are whole DNS messages, each with its length in front."""
    at = 0
    while at + 14 <= len(data):
        at += 2 + int.from_bytes(data[at:at + 2], "big")
    return at == len(data)


def names_refused(*names, code=3):
    """A DNS server that has no answer for these names and those below them: 3 NXDOMAIN, 2 SERVFAIL, 5 REFUSED, 0 no record
    of that type (RFC 1035 4.1.1). By TCP, messages have their length in front."""
    def framed(data):
        out = b""
        while data:
            size = 2 + int.from_bytes(data[:2], "big")
            message = change(data[2:size])
            out, data = out + len(message).to_bytes(2, "big") + message, data[size:]
        return out

    def change(data):
        if is_framed(data):
            return framed(data)
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode().lower())
            at += 1 + data[at]
        asked = ".".join(labels)
        if not any(asked == name or asked.endswith("." + name) for name in names):
            return data
        # The question stays; answers, authorities and additional records go.
        return data[:3] + bytes([data[3] & 0xF0 | code]) + data[4:6] + bytes(6) + data[12:at + 5]
    return change


def replaced(old, new):
    """Other words of the same length, wherever they stand."""
    assert len(old) == len(new)
    return lambda data: data.replace(old, new)

def skewed(seconds):
    """A KDC whose clock is ahead by so much: stime [4] of its errors (RFC 4120 5.9.1)."""
    def change(data):
        def later(match):
            at = time.mktime(time.strptime(match[2].decode(), "%Y%m%d%H%M%S")) + seconds
            return match[1] + time.strftime("%Y%m%d%H%M%S", time.localtime(at)).encode() + b"Z"
        return re.sub(rb"(\xa4\x11\x18\x0f)(\d{14})Z", later, data)
    return change


def ping_flags(clear=0, add=0):
    """A domain controller that says less or more of itself: flags of NETLOGON_SAM_LOGON_RESPONSE_EX (MS-ADTS 6.3.1.9)."""
    def change(data):
        at = data.find(b"\x17\x00\x00\x00")
        if at < 0:
            return data
        flags = int.from_bytes(data[at + 4:at + 8], "little") & ~clear | add
        return data[:at + 4] + flags.to_bytes(4, "little") + data[at + 8:]
    return change


WRITABLE, WEB_SERVICES = 0x100, 0x2000


def no_such_domain(data):
    """The answer of a controller of another domain to a ping: SearchResultDone alone (MS-ADTS 6.3.3.2)."""
    message = data[data.index(b"\x02", 2):]
    number = message[:2 + message[1]]
    body = number + b"\x65\x07\x0a\x01\x00\x04\x00\x04\x00"
    return b"\x30" + bytes([len(body)]) + body


def mapped(address=None, port=None):
    """An endpoint mapper that names another address or port: floors 4 and 5 of a tower (C706 appendix L)."""
    def change(data):
        if port is not None:
            data = re.sub(rb"\x01\x00\x07\x02\x00..", b"\x01\x00\x07\x02\x00" + port.to_bytes(2, "big"), data, flags=re.S)
        if address is not None:
            data = re.sub(
                rb"\x01\x00\x09\x04\x00....", b"\x01\x00\x09\x04\x00" + socket.inet_aton(address), data, flags=re.S)
        return data
    return change


NOT_REGISTERED = 0x16C9A0D6  # EPT_S_NOT_REGISTERED, C706 appendix E
DRSUAPI = bytes.fromhex("354251e3064bd111ab0400c04fc2dcd2")


def unregistered(data):
    """An endpoint mapper that does not know drsuapi: its response to ept_map is empty (MS-RPCE 2.2.1.2.5)."""
    if data[2:3] != b"\x02" or DRSUAPI not in data:
        return data
    stub = bytes(20) + bytes(4) + (4).to_bytes(4, "little") + bytes(8) + NOT_REGISTERED.to_bytes(4, "little")
    size = 24 + len(stub)
    return (data[:8] + size.to_bytes(2, "little") + bytes(2) + data[12:16] + len(stub).to_bytes(4, "little")
            + data[20:24] + stub)


def bind_refused(data):
    """bind_nak with reason "not specified" for each bind_ack (C706 12.6.4.5)."""
    if data[2:3] != b"\x0c":
        return data
    return data[:2] + b"\x0d" + data[3:8] + (21).to_bytes(2, "little") + bytes(2) + data[12:16] + bytes(2) + b"\x01\x05\x00"


def catalog_not_ready(data):
    """rootDSE's isGlobalCatalogReady: FALSE (MS-ADTS 3.1.1.3.2.4)."""
    return _ber_replaced(data, "isGlobalCatalogReady", b"TRUE", b"FALSE")


def _ber_replaced(data, attribute, old, new):
    """LDAP messages with one value of an attribute replaced, and all lengths right again."""
    found = [False]

    def rebuilt(part):
        out = b""
        while part:
            tag, size, head = part[0], part[1], 2
            if size & 0x80:
                head = 2 + (size & 0x7F)
                size = int.from_bytes(part[2:head], "big")
            value, part = part[head:head + size], part[head + size:]
            if tag & 0x20:
                value = rebuilt(value)
            elif tag == 4:
                follows, found[0] = found[0], value.lower() == attribute.lower().encode()
                if follows and value == old:
                    value = new
            length = len(value).to_bytes(4, "big")
            out += bytes([tag, 0x84]) + length + value
        return out
    return rebuilt(data)


def unsigned(data):
    """A file server that cannot sign: SecurityMode of SMB2 NEGOTIATE's response is 0 (MS-SMB2 2.2.4)."""
    is_negotiation = data[4:8] == b"\xfeSMB" and data[16:18] == b"\x00\x00" and len(data) > 72
    return data[:70] + b"\x00\x00" + data[72:] if is_negotiation else data


def half(data):
    """The first half of an answer."""
    return data[:len(data) // 2]


def mutated(seed, share=0.02):
    """Answers with some of their bytes changed."""
    chance = random.Random(seed)

    def change(data):
        out = bytearray(data)
        for _ in range(max(1, int(len(out) * share))):
            out[chance.randrange(len(out))] = chance.randrange(256)
        if chance.random() < 0.2:
            del out[chance.randrange(len(out)):]
        return bytes(out)
    return change
