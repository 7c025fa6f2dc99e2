# SPDX-License-Identifier: Apache-2.0
"""Web servers that behave as a test says: pages, TLS of every kind, requests for client certificates."""
import http.server
import socketserver
import ssl
import threading

METADATA = b"""<?xml version="1.0"?><EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"
 entityID="http://fs.corp.example/adfs/services/trust"><RoleDescriptor/></EntityDescriptor>"""
METADATA_PATH = "/FederationMetadata/2007-06/FederationMetadata.xml"


class WebServer:
    """`pages` is path → (status, type, body), `None` the page for all others. TLS when there is a chain."""

    def __init__(self, address, port, pages, chain=None, key=None, date=None, edit=None):
        self.requests, self.names = [], []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def date_time_string(self, timestamp=None):
                return super().date_time_string(date() if date else timestamp)

            def do_GET(self):
                owner.requests.append((self.path, self.headers["Host"]))
                status, kind, body = pages.get(self.path) or pages.get(None) or (404, "text/html", b"<html>no</html>")
                self.send_response(status)
                if kind:
                    self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        class Listener(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

            def finish_request(self, request, client_address):
                # The handshake on the connection's own thread: one that hangs holds up no other.
                if owner.context:
                    request = owner.context.wrap_socket(request, server_side=True)
                super().finish_request(request, client_address)

            def handle_error(self, request, client_address):
                pass

        self.context = None
        if chain:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(chain, key)
            self.context.sni_callback = lambda _, name, __: self.names.append(name)
            if edit:
                edit(self.context)
        self.server = Listener((address, port), Handler)

    def __enter__(self):
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
