# SPDX-License-Identifier: Apache-2.0
"""A proxy between Connect and a tenant, with the tenant's own certificate or another one. It passes requests on, except where a
test lets it do something else."""
import contextlib
import http.client
import socket
import ssl
import threading
import time

from network import Server, reset

BEHIND = 8443


class Request:
    def __init__(self, head, body):
        self.method, self.path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        self.head, self.body = head, body

    @property
    def action(self):
        """The operation of the Sync API; nothing for other requests."""
        return next((line.split(b":", 1)[1].strip().decode() for line in self.head.split(b"\r\n")
                     if line.lower().startswith(b"x-ms-aadmsods-apiaction:")), "")

    @property
    def writes(self):
        return self.method in ("POST", "PUT", "PATCH", "DELETE") and ".search" not in self.path


class FaultyProxy(Server):
    """HTTP/1.1 over TLS. `fault` gets each writing request, or each that `counts`, with its number and returns what is to be done
    with it."""

    def __init__(self, lab, tenant, fault, counts=lambda request: request.writes, address=None, certificate=None):
        self.tenant, self.fault, self.counts = tenant, fault, counts
        self.writes = 0
        self.lock = threading.Lock()
        # The operations of the Sync API that came.
        self.actions = []
        server = lab.forest["tenant"]
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*(certificate or (server["certificateChainFile"], server["privateKeyFile"])))
        self.onward = ssl.create_default_context(cafile=lab.authority)
        super().__init__(address or tenant.address, 443)

    def serve(self, raw):
        raw.settimeout(60)
        with self.context.wrap_socket(raw, server_side=True) as client:
            while request := self._read(client):
                action = None
                if request.action:
                    self.actions.append(request.action)
                if self.counts(request):
                    with self.lock:
                        self.writes += 1
                        number = self.writes
                    action = self.fault(number, request)
                if (action or forward)(self, client, request) is False:
                    return

    @staticmethod
    def _read(client):
        data = b""
        while b"\r\n\r\n" not in data:
            more = client.recv(65536)
            if not more:
                return None
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                       if line.lower().startswith(b"content-length:")), 0)
        while len(body) < length:
            body += client.recv(65536)
        return Request(head, body)

    def ask(self, request):
        """Passes the request on, and returns the answer's head and body."""
        raw = socket.create_connection((self.tenant.address, BEHIND), timeout=30)
        connection = http.client.HTTPSConnection(self.tenant.name)
        connection.sock = self.onward.wrap_socket(raw, server_hostname=self.tenant.name)
        fields = [line.split(": ", 1) if ": " in line else line.split(":", 1)
                  for line in request.head.decode().split("\r\n")[1:]]
        with contextlib.closing(connection):
            connection.request(request.method, request.path, request.body or None, dict(fields))
            answer = connection.getresponse()
            body = answer.read()
            lines = [f"HTTP/1.1 {answer.status} {answer.reason}"] + [
                f"{k}: {v}" for k, v in answer.getheaders() if k.lower() not in ("content-length", "connection")]
            return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode(), body


def forward(proxy, client, request):
    head, body = proxy.ask(request)
    client.sendall(head + body)


def answers(status, **fields):
    def act(proxy, client, request):
        lines = [f"HTTP/1.1 {status} Fault", *[f"{k.replace('_', '-')}: {v}" for k, v in fields.items()]]
        client.sendall("\r\n".join([*lines, "Content-Length: 0", "", ""]).encode())
    return act


def reset_before(proxy, client, request):
    reset(client)
    return False


def reset_after(proxy, client, request):
    """The work is done, the answer is lost."""
    proxy.ask(request)
    reset(client)
    return False


def slow(proxy, client, request):
    head, body = proxy.ask(request)
    client.sendall(head)
    for at in range(0, len(body), len(body) // 8 + 1):
        time.sleep(0.05)
        client.sendall(body[at:at + len(body) // 8 + 1])


def too_slow(proxy, client, request):
    """The work is done, the answer starts and does not end in time."""
    head, body = proxy.ask(request)
    client.sendall(head + body[:20])
    with contextlib.suppress(OSError):
        client.recv(1)
    return False


def truncated(proxy, client, request):
    head, body = proxy.ask(request)
    client.sendall(head + body[:len(body) // 2])
    client.unwrap()
    return False


def nonsense(proxy, client, request):
    """The work is done, the answer is no SCIM."""
    proxy.ask(request)
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n<html></html")
