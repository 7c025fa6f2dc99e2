# SPDX-License-Identifier: Apache-2.0
"""Firewalls, redirections and misbehaving servers, all inside the namespaces that Scripts/test makes for each file."""
import contextlib
import itertools
import os
import select
import signal
import socket
import ssl
import struct
import subprocess
import threading

_numbers = itertools.count()


def _nft(script):
    # Only a namespace of our own has nothing but a loopback interface: no rule may reach the machine's firewall.
    assert [name for _, name in socket.if_nameindex()] == ["lo"], "run this by Scripts/test"
    subprocess.run(["nft", "-f", "-"], input=script, text=True, check=True, capture_output=True)


@contextlib.contextmanager
def blocked(*matches, verdict="drop"):
    """Drops what a match like `tcp dport 389` names where it arrives, as a firewall on the way does: the sender hears nothing."""
    table = f"blocked{next(_numbers)}"
    rules = "\n".join(f"{match} {verdict}" for match in matches)
    _nft(f"table inet {table} {{\nchain input {{\ntype filter hook input priority 0;\n{rules}\n}}\n}}\n")
    try:
        yield
    finally:
        _nft(f"delete table inet {table}")


@contextlib.contextmanager
def redirected(address, port, server):
    """Leads TCP connections to another server; those that come from that server's own address pass."""
    table = f"redirected{next(_numbers)}"
    _nft(f"table ip {table} {{\nchain output {{\ntype nat hook output priority -100;\n"
         f"ip saddr != {server.address} ip daddr {address} tcp dport {port} dnat to {server.address}:{server.port}\n"
         "}\n}\n")
    try:
        yield
    finally:
        _nft(f"delete table ip {table}")


class Server:
    """Accepts connections on a thread and hands each to `serve` on a thread of its own."""

    def __init__(self, address, port):
        self.address, self.port = address, port
        self.listener = socket.create_server((address, port))
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._guarded, args=(raw,), daemon=True).start()

    def _guarded(self, raw):
        with contextlib.suppress(OSError), raw:
            self.serve(raw)

    def serve(self, raw):
        raise NotImplementedError

    def close(self):
        # A close alone would leave the port to the thread that waits in accept.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class CountingServer(Server):
    """Ends TLS with a given certificate and counts the bytes of requests that arrive inside it."""

    def __init__(self, address, port, chain, key):
        self.received = 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(chain, key)
        super().__init__(address, port)

    def serve(self, raw):
        raw.settimeout(20)
        with self.context.wrap_socket(raw, server_side=True) as connection:
            data = connection.recv(65536)
            self.received += len(data)
            if data.startswith((b"GET ", b"POST ")):
                connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


class SilentServer(Server):
    """Accepts and never says a word."""

    def serve(self, raw):
        raw.settimeout(120)
        while raw.recv(65536):
            pass


class Relay(Server):
    """Passes connections on to a real server and counts the bytes: `sent` to it, `passed` back. Once so many have gone
    back, it calls `cut`, and unless it `goes_on`, what was still under way is lost."""

    def __init__(self, address, port, target, after=float("inf"), cut=None, goes_on=False):
        self.target, self.after, self.cut, self.goes_on = target, after, cut, goes_on
        self.sent = self.passed = 0
        super().__init__(address, port)

    def serve(self, raw):
        onward = socket.create_connection(self.target, source_address=(self.address, 0), timeout=20)
        with onward:
            while True:
                for source in select.select([raw, onward], [], [], 30)[0]:
                    data = source.recv(4096)
                    if not data:
                        return
                    if source is onward:
                        before, self.passed = self.passed, self.passed + len(data)
                        if before < self.after <= self.passed:
                            self.cut()
                            if not self.goes_on:
                                return reset(raw)
                    else:
                        self.sent += len(data)
                    (onward if source is raw else raw).sendall(data)


def reset(connection):
    """Closes with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def end_session(leader, how=signal.SIGKILL):
    """Ends every process of a session at once, as a power cut does: returns how many there were."""
    members = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.getsid(int(pid)) == leader:
                members.append(int(pid))
    for pid in members:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)
    return len(members)
