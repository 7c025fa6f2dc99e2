# SPDX-License-Identifier: Apache-2.0
"""A source host at the far end of a path that a test can spoil, and firewalls in front of the servers.

The servers are in the namespaces that Scripts/test makes for each file: a lab's domain controllers on their loopback
addresses, scripted ones on further addresses of the loopback interface. The source host has a network namespace of its own;
relay.py carries what it sends to the servers and back.
"""
import contextlib
import itertools
import json
import os
import pathlib
import select
import socket
import subprocess
import sys

_numbers = itertools.count()
# Where the source host is, seen from the servers, and the networks that it finds behind the path.
SOURCE = "10.9.0.1"
GATEWAY = "10.9.0.2"


def unavailable():
    """Why there can be no path here, or None."""
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        return f"/dev/net/tun cannot be opened: {error}"
    return None


class Path:
    """The source host and the way from it to the servers."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, pathlib.Path(__file__).with_name("relay.py")], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        assert json.loads(self.process.stdout.readline() or "null") == "ready", "the relay does not start"
        # Loopback addresses as sources and destinations on a link: route_localnet (ip-sysctl of the kernel).
        for setting in ("all/rp_filter=0", "wan0/rp_filter=0", "wan0/route_localnet=1", "all/route_localnet=1"):
            _sysctl(setting)
        # Every refusal is said, however many there are (icmp(7)).
        pathlib.Path("/proc/sys/net/ipv4/icmp_ratelimit").write_text("0")
        # A port that was led elsewhere must not stay so for those who ask again from the same port.
        for name in ("nf_conntrack_udp_timeout", "nf_conntrack_udp_timeout_stream"):
            with contextlib.suppress(FileNotFoundError):
                pathlib.Path("/proc/sys/net/netfilter", name).write_text("1")
        _ip("address", "add", f"{GATEWAY}/32", "peer", f"{SOURCE}/32", "dev", "wan0")
        # The source host does not have the servers' loopback network: only 127.0.0.0/24 is its own.
        self.host("ip", "link", "set", "lo", "up")
        self.host("ip", "route", "del", "local", "127.0.0.0/8", "dev", "lo", "table", "local", check=False)
        self.host("ip", "route", "add", "local", "127.0.0.0/24", "dev", "lo", "table", "local", "src", "127.0.0.1")
        self.host("sh", "-c", "for f in all eth0; do echo 1 > /proc/sys/net/ipv4/conf/$f/route_localnet; "
                              "echo 0 > /proc/sys/net/ipv4/conf/$f/rp_filter; done")
        self.host("ip", "address", "add", f"{SOURCE}/32", "peer", f"{GATEWAY}/32", "dev", "eth0")
        self.host("ip", "route", "add", "default", "dev", "eth0", "src", SOURCE)
        self.host("ip", "route", "add", "127.0.0.0/8", "dev", "eth0", "src", SOURCE)

    @property
    def prefix(self):
        """Put before a command line, it runs on the source host."""
        return ["nsenter", "--target", str(self.process.pid), "--net"]

    def host(self, *command, check=True, **options):
        options.setdefault("timeout", 120)
        done = subprocess.run(
            [*self.prefix, *map(str, command)], capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def _ask(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        assert select.select([self.process.stdout], [], [], 30)[0], "the relay does not answer"
        return json.loads(self.process.stdout.readline())

    @contextlib.contextmanager
    def spoiled(self, *rules, **qualities):
        """The path drops what a rule names (relay.Rule) and has these qualities (relay.Relay.set), until the end."""
        self._ask(do="set", rules=rules, **qualities)
        try:
            yield
        finally:
            self._ask(do="set")

    @contextlib.contextmanager
    def own_firewall(self, *rules):
        """nftables statements on what the source host sends."""
        table = f"own{next(_numbers)}"
        self.host("nft", "add", "table", "inet", table)
        self.host("nft", "add", "chain", "inet", table, "output", "{ type filter hook output priority 0; }")
        for rule in rules:
            self.host("nft", "add", "rule", "inet", table, "output", *rule.split())
        try:
            yield
        finally:
            self.host("nft", "delete", "table", "inet", table)

    @contextlib.contextmanager
    def dead_link(self, address):
        """A network of the source host's own in which nobody has the address: questions of ARP stay without an answer."""
        base = address.rsplit(".", 1)[0]
        self.host("ip", "link", "add", "dead0", "type", "veth", "peer", "name", "dead1")
        try:
            self.host("ip", "address", "add", f"{base}.1/24", "dev", "dead0")
            for end in ("dead0", "dead1"):
                self.host("ip", "link", "set", end, "up")
            yield
        finally:
            self.host("ip", "link", "del", "dead0")

    @contextlib.contextmanager
    def unrouted(self, address, kind):
        """The source host's routing table refuses an address: unreachable, throw or prohibit (ip-route(8))."""
        self.host("ip", "route", "add", kind, f"{address}/32")
        try:
            yield
        finally:
            self.host("ip", "route", "del", kind, f"{address}/32")

    def report(self):
        return self._ask(do="report")

    def reset(self):
        self._ask(do="reset")

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@contextlib.contextmanager
def addresses(*numbers):
    """Further addresses of the servers' side."""
    for number in numbers:
        _ip("address", "add", f"{number}/32", "dev", "lo")
    try:
        yield
    finally:
        for number in numbers:
            _ip("address", "del", f"{number}/32", "dev", "lo")


@contextlib.contextmanager
def firewall(*rules):
    """What comes over the path meets these nftables statements before the servers do, such as `tcp dport 88 drop`.

    The servers among themselves are not concerned."""
    with _table("\n".join(
            ["chain input {", "type filter hook input priority 0;", *(f'iifname "wan0" {rule}' for rule in rules), "}"])):
        yield


@contextlib.contextmanager
def led(protocol, address, port, server, to=None, always=False):
    """What comes over the path for one port of a server goes to another address and port instead; what the other server
    asks the real one arrives there. `always` gives way to those that do not say it."""
    target = f"{server}:{to or port}"
    with _table(f"chain prerouting {{\ntype nat hook prerouting priority {-90 if always else -100};\n"
                f'iifname "wan0" ip daddr {address} {protocol} dport {port} dnat to {target}\n}}\n', family="ip"):
        yield


@contextlib.contextmanager
def _table(body, family="inet"):
    # The path's own device is the only one beside the loopback interface: no rule may reach the machine's firewall.
    assert {name for _, name in socket.if_nameindex()} <= {"lo", "wan0"}, "run this by Scripts/test"
    name = f"wan{next(_numbers)}"
    subprocess.run(
        ["nft", "-f", "-"], input=f"table {family} {name} {{\n{body}\n}}\n", text=True, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["nft", "delete", "table", family, name], check=True, capture_output=True)


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _sysctl(setting):
    name, value = setting.split("=")
    pathlib.Path("/proc/sys/net/ipv4/conf", name).write_text(value)
