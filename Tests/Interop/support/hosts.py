# SPDX-License-Identifier: Apache-2.0
"""Machines in network namespaces of their own, on one link: each with its addresses, its own firewall, and sockets.

The link is a bridge in the namespaces that Scripts/test makes for each file; nothing outside is touched.
"""
import contextlib
import json
import re
import resource
import selectors
import socket
import subprocess
import sys
import threading
import time

# How long nothing at all must be heard before what is still unanswered counts as dropped. Here an answer takes less than
# a millisecond; a neighbour that has to be looked for, some.
PATIENCE = 1.2


class Link:
    """Links of different numbers have nothing to do with each other, whatever addresses their machines have."""

    def __init__(self, number=0):
        own = re.compile(r"lo|bridge\d+|port\d+-\d+")
        assert all(own.fullmatch(name) for _, name in socket.if_nameindex()), "run this by Scripts/test"
        self.number, self.bridge, self.machines = number, f"bridge{number}", {}
        _run("ip", "link", "add", self.bridge, "type", "bridge")
        _run("ip", "link", "set", self.bridge, "up")

    def add(self, name, addresses):
        self.machines[name] = Machine(name, addresses, self.bridge, f"port{self.number}-{len(self.machines)}")
        return self.machines[name]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for machine in self.machines.values():
            machine.close()
        _run("ip", "link", "del", self.bridge)


class Machine:
    def __init__(self, name, addresses, bridge, port):
        self.name, self.addresses = name, addresses
        self.process = subprocess.Popen(
            ["unshare", "--net", sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert json.loads(self.process.stdout.readline()) == "ready"
        _run("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", str(self.process.pid))
        _run("ip", "link", "set", port, "master", bridge, "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "link", "set", "eth0", "up")
        for address in addresses:
            family = "-6" if ":" in address else "-4"
            extra = ["nodad"] if ":" in address else []
            self.run("ip", family, "address", "add", address, "dev", "eth0", *extra)
            self.run("ip", family, "route", "replace", "default", "dev", "eth0")

    def run(self, *command, check=True, **options):
        """Runs a command in the machine's network namespace."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.process.pid), "--net", *map(str, command)], capture_output=True, text=True,
            **options)
        assert not check or done.returncode == 0, f"{self.name}: {command}: {done.stderr}"
        return done

    def ask(self, **question):
        self.send(**question)
        return self.answer()

    def send(self, **question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()

    def answer(self):
        return json.loads(self.process.stdout.readline())

    def listen(self, ports):
        """Accepts on these TCP ports and answers on these UDP ports, on all addresses."""
        assert self.ask(do="listen", ports=ports) == "listening"

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(10)


def passing(link, wanted):
    """Tries (source machine, transport, source address, address, port) all at once; returns those that pass."""
    by_machine = {}
    for probe in wanted:
        by_machine.setdefault(probe[0], []).append(probe[1:])
    for name, probes in by_machine.items():
        link.machines[name].send(do="probe", probes=probes, patience=PATIENCE)
    return {(name, *probe) for name in by_machine for probe in map(tuple, link.machines[name].answer())}


def _run(*command):
    subprocess.run(command, check=True, capture_output=True)


# What runs inside a machine.

def _listen(ports):
    """Accepts and echoes on a thread, until the process ends."""
    selector = selectors.DefaultSelector()
    for port in ports:
        for family in (socket.AF_INET, socket.AF_INET6):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                listener = socket.socket(family, kind)
                if family == socket.AF_INET6:
                    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.setblocking(False)
                listener.bind(("", port))
                if kind == socket.SOCK_STREAM:
                    listener.listen(1024)
                selector.register(listener, selectors.EVENT_READ, kind)

    def serve():
        while True:
            for key, _ in selector.select():
                with contextlib.suppress(OSError):
                    while True:
                        if key.data == socket.SOCK_STREAM:
                            key.fileobj.accept()[0].close()
                        else:
                            data, peer = key.fileobj.recvfrom(64)
                            key.fileobj.sendto(data, peer)

    threading.Thread(target=serve, daemon=True).start()


def _probe(probes, patience):
    """Tries all at once; ends when nothing has been heard for as long as `patience`."""
    selector = selectors.DefaultSelector()
    waiting = {}
    for probe in map(tuple, probes):
        transport, source, address, port = probe
        one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET,
                            socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM)
        one.setblocking(False)
        try:
            one.bind((source, 0))
            one.connect((address, port))
        except BlockingIOError:
            pass
        except OSError:  # The machine's own firewall may say so at once.
            one.close()
            continue
        waiting[one] = probe
        selector.register(one, selectors.EVENT_WRITE if transport == "tcp" else selectors.EVENT_READ)
    passed, last, sent = [], time.monotonic(), 0
    while waiting and time.monotonic() - last < patience:
        if time.monotonic() - sent > 0.3:  # A burst may overflow a buffer: what is not answered is sent again.
            sent = time.monotonic()
            for one, probe in waiting.items():
                if probe[0] == "udp":
                    with contextlib.suppress(OSError):
                        one.send(b"?")
        for key, _ in selector.select(0.1):
            one = key.fileobj
            probe = waiting.pop(one)
            selector.unregister(one)
            last = time.monotonic()
            try:
                if probe[0] == "udp":
                    one.recv(64)
                elif code := one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    raise OSError(code, "refused")
                passed.append(probe)
            except OSError:
                pass
            one.close()
    for one in waiting:
        one.close()
    return passed


def _main():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        if question["do"] == "listen":
            _listen(question["ports"])
            answer = "listening"
        else:
            answer = _probe(question["probes"], question["patience"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _main()
