# SPDX-License-Identifier: Apache-2.0
"""A path between two network namespaces that a test can spoil: packets pass through this process, from one TUN device to
another, delayed, lost, reordered or dropped by rule, and counted.

Run as a process of its own (see wan.Path): it opens the servers' device in the namespace in which it starts, moves into a
new one, the source host's, and opens the other device there. One JSON command a line on stdin, one answer a line on stdout.
netem does the same in kernels that have it; many have not.
"""
import collections
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
TCP, UDP, ICMP = socket.IPPROTO_TCP, socket.IPPROTO_UDP, socket.IPPROTO_ICMP
FIN, SYN, RST = 0x01, 0x02, 0x04
ROUTER = socket.inet_aton("10.9.0.2")
# Packets that wait for their time; more are lost, as in any queue.
QUEUE = 20_000
MTU = 1500


def open_tun(name):
    """The device, up, with the ordinary size of packets of an Ethernet."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    subprocess.run(["ip", "link", "set", name, "mtu", str(MTU), "txqueuelen", "10000", "up"], check=True)
    return device


class Packet:
    """What rules ask of an IPv4 packet. `outward` is from the source host to the servers."""
    __slots__ = ("outward", "protocol", "fragment", "source", "target", "sport", "dport", "flags", "payload")

    def __init__(self, data, outward):
        self.outward = outward
        header = (data[0] & 15) * 4
        offset = struct.unpack_from(">H", data, 6)[0]
        self.fragment = bool(offset & 0x3FFF)  # More fragments, or not the first.
        self.protocol = data[9]
        self.source, self.target = data[12:16], data[16:20]
        self.sport = self.dport = self.flags = self.payload = 0
        if self.protocol in (TCP, UDP) and not offset & 0x1FFF and len(data) >= header + 8:
            self.sport, self.dport = struct.unpack_from(">HH", data, header)
            if self.protocol == TCP and len(data) >= header + 20:
                self.flags = data[header + 13]
                self.payload = len(data) - header - (data[header + 12] >> 4) * 4
            elif self.protocol == UDP:
                self.payload = len(data) - header - 8

    @property
    def service(self):
        """The port at the servers' side."""
        return self.dport if self.outward else self.sport

    @property
    def server(self):
        return socket.inet_ntoa(self.target if self.outward else self.source)

    @property
    def flow(self):
        ends = (self.source, self.sport), (self.target, self.dport)
        return (self.protocol, *(ends if self.outward else reversed(ends)))


class Rule:
    """What is dropped. All conditions that are given must hold.

    protocol: "tcp" or "udp" · server: address · ports: [first, last] at the servers' side · direction: "out" or "back"
    fragments: any part of a fragmented packet · data: TCP packets that carry some (the handshake passes)
    idle: packets of a connection over which nothing went for so many seconds, and all that follow
    large: packets with more bytes of payload
    icmp: [type, code] of the error (RFC 792) that a router on the way answers with, where otherwise nobody says a word
    """

    def __init__(self, protocol=None, server=None, ports=None, direction=None, fragments=False, data=False, idle=None,
                 large=None, icmp=None):
        self.icmp = icmp
        self.protocol = {None: None, "tcp": TCP, "udp": UDP, "icmp": ICMP}[protocol]
        self.server, self.ports, self.direction = server, ports, direction
        self.fragments, self.data, self.idle, self.large = fragments, data, idle, large
        self.heard, self.forgotten, self.dropped = {}, set(), 0

    def drops(self, packet, now):
        matches = (
            self.protocol in (None, packet.protocol)
            and (self.server is None or self.server == packet.server)
            and (self.direction is None or (self.direction == "out") == packet.outward)
            and (self.ports is None or self.ports[0] <= packet.service <= self.ports[1]
                 or (self.fragments and packet.fragment and not packet.service))
            and (not self.fragments or packet.fragment)
            and (not self.data or (packet.protocol == TCP and packet.payload > 0))
            and (self.large is None or packet.payload > self.large))
        if matches and self.idle is not None:
            matches = self._forgets(packet, now)
        self.dropped += matches
        return matches

    def _forgets(self, packet, now):
        """Whether a firewall that forgets connections so soon has forgotten this one."""
        if packet.protocol != TCP:
            return False
        if packet.flags & SYN:
            self.forgotten.discard(packet.flow)
        elif packet.flow in self.heard and now - self.heard[packet.flow] > self.idle:
            self.forgotten.add(packet.flow)
        self.heard[packet.flow] = now
        return packet.flow in self.forgotten


def checksum(data):
    """RFC 1071."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data[:len(data) // 2 * 2])) + (data[-1] << 8 if len(data) % 2 else 0)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def icmp_error(data, kind, code):
    """What a router at ROUTER says of a packet to its sender: its header and the first eight bytes after it (RFC 792)."""
    quoted = data[:(data[0] & 15) * 4 + 8]
    body = struct.pack(">BBHI", kind, code, 0, 0) + quoted
    body = body[:2] + struct.pack(">H", checksum(body)) + body[4:]
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, ICMP, 0) + ROUTER + data[12:16]
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + body


class Relay:
    def __init__(self, outer, inner):
        self.outer, self.inner = outer, inner
        self.queue, self.number = [], 0
        self.set()
        self.reset()

    def set(self, delay=0.0, jitter=0.0, loss=0.0, reorder=0.0, rules=(), seed=0):
        """delay: seconds there and back together · jitter: at most so many more, for each packet · loss, reorder: shares of
        packets that are lost, and that are held back by another half delay (at least 5 ms)."""
        self.delay, self.jitter, self.loss, self.reorder = delay, jitter, loss, reorder
        self.rules = [Rule(**rule) for rule in rules]
        self.random = random.Random(seed)

    def reset(self):
        self.counts, self.seen = collections.Counter(), collections.Counter()
        self.syns, self.rates = collections.Counter(), collections.Counter()
        self.lost = self.reordered = 0

    def report(self):
        return {
            "packets": [{"protocol": p, "server": s, "port": n, "out": o, "packets": c}
                        for (p, s, n, o), c in self.counts.items()],
            "syns": [{"server": s, "port": n, "packets": c} for (s, n), c in self.syns.items()],
            # The most packets to one server in one second.
            "busiest": max(self.rates.values(), default=0),
            "seen": dict(self.seen), "lost": self.lost, "reordered": self.reordered,
            "dropped": [rule.dropped for rule in self.rules]}

    def take(self, data, outward):
        if data[0] >> 4 != 4 or len(data) < 20:
            return
        now = time.monotonic()
        packet = Packet(data, outward)
        self._count(packet, data, now)
        # Every rule sees every packet: one that watches for idle connections has to.
        if fitting := [rule for rule in self.rules if rule.drops(packet, now)]:
            if fitting[0].icmp and packet.outward and packet.protocol != ICMP:
                self._write(self.inner, icmp_error(data, *fitting[0].icmp))
            return
        if self.loss and self.random.random() < self.loss:
            self.lost += 1
            return
        wait = self.delay / 2 + (self.random.random() * self.jitter if self.jitter else 0)
        if self.reorder and self.random.random() < self.reorder:
            self.reordered += 1
            wait += max(self.delay / 2, 0.005)
        if not wait:
            self._write(self.outer if outward else self.inner, data)
        elif len(self.queue) < QUEUE:
            self.number += 1
            heapq.heappush(self.queue, (now + wait, self.number, outward, data))
        else:
            self.lost += 1

    def _count(self, packet, data, now):
        name = {TCP: "tcp", UDP: "udp", ICMP: "icmp"}.get(packet.protocol, str(packet.protocol))
        server = packet.server
        self.counts[name, server, packet.service, packet.outward] += 1
        if packet.outward:
            self.rates[server, int(now)] += 1
            if packet.protocol == TCP and packet.flags & SYN:
                self.syns[server, packet.service] += 1
            if b"NTLMSSP\0" in data:
                self.seen["ntlm"] += 1

    def _write(self, device, data):
        try:
            os.write(device, data)
        except BlockingIOError:
            self.lost += 1

    def run(self):
        control = sys.stdin.fileno()
        os.set_blocking(control, False)
        pending = b""
        poll = select.poll()
        for descriptor in (self.outer, self.inner, control):
            poll.register(descriptor, select.POLLIN)
        while True:
            now = time.monotonic()
            while self.queue and self.queue[0][0] <= now:
                _, _, outward, data = heapq.heappop(self.queue)
                self._write(self.outer if outward else self.inner, data)
            wait = max(0, (self.queue[0][0] - now) * 1000) if self.queue else None
            for descriptor, _ in poll.poll(wait):
                if descriptor == control:
                    data = os.read(control, 65536)
                    if not data:
                        return
                    *lines, pending = (pending + data).split(b"\n")
                    for line in lines:
                        self._obey(json.loads(line))
                    continue
                for _ in range(64):
                    try:
                        data = os.read(descriptor, 65536)
                    except BlockingIOError:
                        break
                    self.take(data, outward=descriptor == self.inner)

    def _obey(self, command):
        do = command.pop("do")
        answer = {"set": self.set, "reset": self.reset, "report": self.report}[do](**command)
        print(json.dumps(answer), flush=True)


def main():
    outer = open_tun("wan0")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    inner = open_tun("eth0")
    print(json.dumps("ready"), flush=True)
    Relay(outer, inner).run()


if __name__ == "__main__":
    main()
