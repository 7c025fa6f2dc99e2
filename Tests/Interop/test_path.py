# SPDX-License-Identifier: Apache-2.0
"""The path that the fault tests spoil, by plain sockets: each way of spoiling does what its name says and nothing else, or a
diagnosis would be judged by a fault that was not there."""
import pytest

import peers
import wan
from network import Server

SERVER = "10.20.0.1"
pytestmark = pytest.mark.skipif(wan.unavailable() is not None, reason=str(wan.unavailable()))

FINE = ["answered"] * 3
UNREACHABLE = "No route to host"  # What Linux makes of ICMP's prohibitions (ip(7)).

# Runs on the source host: one exchange by TCP, one by UDP, one by UDP that has to be fragmented; their results as words.
CLIENT = """
import concurrent.futures, socket, time
def exchange(kind, port, data):
    one = socket.socket(socket.AF_INET, kind)
    one.settimeout(0.5)
    started = time.monotonic()
    try:
        one.connect(("10.20.0.1", port))
        one.send(data)
        answer = b""
        while len(answer) < len(data):
            answer += one.recv(65535)
        result = "answered" if answer == data else answer.decode()
    except OSError as error:
        result = "silence" if error.errno is None else error.strerror
    return f"{result}|{round((time.monotonic() - started) * 1000)}"
kinds = [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_DGRAM]
with concurrent.futures.ThreadPoolExecutor(3) as pool:
    for line in pool.map(exchange, kinds, [1000] * 3, [b"hello", b"hello", b"x" * 1800]):
        print(line)
"""


class Echo(Server):
    def serve(self, raw):
        while data := raw.recv(65536):
            raw.sendall(data)


@pytest.fixture(scope="module")
def path():
    with wan.Path() as path, wan.addresses(SERVER), Echo(SERVER, 1000), \
            peers.Datagrams(SERVER, 1000, lambda data: data):
        yield path


def exchanges(path):
    lines = path.host("python3", "-c", CLIENT).stdout.splitlines()
    return [line.split("|")[0] for line in lines], [int(line.split("|")[1]) for line in lines]




def test_an_unspoilt_path(path):
    assert exchanges(path)[0] == FINE


@pytest.mark.parametrize("rule, results", [
    ({}, ["silence"] * 3),
    ({"protocol": "tcp"}, ["silence", "answered", "answered"]),
    ({"protocol": "udp", "ports": [1000, 1000], "server": SERVER}, ["answered", "silence", "silence"]),
    ({"fragments": True}, ["answered", "answered", "silence"]),
    ({"data": True}, ["silence", "answered", "answered"]),
    ({"direction": "back", "protocol": "udp"}, ["answered", "silence", "silence"]),
    ({"icmp": [3, 13]}, [UNREACHABLE] * 3),
    ({"icmp": [3, 1], "protocol": "tcp"}, [UNREACHABLE, "answered", "answered"]),
    ({"server": "10.20.0.2"}, FINE),
    ({"ports": [1001, 65535]}, FINE),
], ids=str)
def test_what_a_rule_drops(path, rule, results):
    with path.spoiled(rule):
        assert exchanges(path)[0] == results
        assert (path.report()["dropped"][0] > 0) == (results != FINE)
    assert exchanges(path)[0] == FINE


@pytest.mark.parametrize("rule, results", [
    ("tcp dport 1000 drop", ["silence", "answered", "answered"]),
    ("tcp dport 1000 reject with tcp reset", ["Connection refused", "answered", "answered"]),
    ("tcp dport 1000 reject with icmp type admin-prohibited", [UNREACHABLE, "answered", "answered"]),
    ("udp dport 1000 reject with icmp type port-unreachable", ["answered"] + ["Connection refused"] * 2),
    ("udp dport 1000 reject with icmp type admin-prohibited", ["answered"] + [UNREACHABLE] * 2),
])
def test_what_a_firewall_says(path, rule, results):
    with wan.firewall(rule):
        assert exchanges(path)[0] == results
    assert exchanges(path)[0] == FINE


def test_delay(path):
    """One round trip for each datagram, two for the connection and what goes over it: never less."""
    path.reset()
    with path.spoiled(delay=0.1):
        results, times = exchanges(path)
    assert results == FINE
    assert times[0] >= 200 and times[1] >= 100 and times[2] >= 100


def test_loss_and_reordering_are_mended_by_tcp(path):
    path.reset()
    client = ("import socket; s = socket.create_connection(('10.20.0.1', 1000)); d = bytes(range(256)) * 400\n"
              "import threading; threading.Thread(target=s.sendall, args=(d,)).start(); a = b''\n"
              "while len(a) < len(d): a += s.recv(65536)\n"
              "print(a == d)")
    with path.spoiled(loss=0.05, reorder=0.2, seed=1):
        assert path.host("python3", "-c", client).stdout == "True\n"
    report = path.report()
    assert report["lost"] > 0 and report["reordered"] > 0


def test_a_connection_that_is_idle_too_long_is_forgotten(path):
    # Two questions with less than the limit between them, tried again where a busy machine took longer; then a pause that
    # is longer for certain: the path's count begins before the client's.
    client = ("import socket, time\n"
              "def ask(patience):\n"
              "    s.settimeout(patience)\n"
              "    try:\n        s.send(b'x'); return s.recv(1).decode()\n"
              "    except TimeoutError: return 'silence'\n"
              "for _ in range(20):\n"
              "    s = socket.create_connection(('10.20.0.1', 1000)); start = time.monotonic()\n"
              "    first, second = ask(30), ask(1); took = time.monotonic() - start\n"
              "    if took < 0.5: break\n"
              "time.sleep(0.6); print(took < 0.5, first, second, ask(1))")
    with path.spoiled({"protocol": "tcp", "idle": 0.5}):
        assert path.host("python3", "-c", client).stdout == "True x x silence\n"
        assert exchanges(path)[0] == FINE


def test_a_port_led_to_another_server(path):
    with peers.Says(SERVER, 1001, b"other"), wan.led("tcp", SERVER, 1000, SERVER, 1001):
        assert exchanges(path)[0] == ["other", "answered", "answered"]
    with peers.changed_datagrams(SERVER, 1001, (SERVER, 1000), bytes.upper), wan.led("udp", SERVER, 1000, SERVER, 1001):
        assert exchanges(path)[0] == ["answered", "HELLO", "X" * 1800]
    assert exchanges(path)[0] == FINE


def test_what_is_counted(path):
    path.reset()
    with path.spoiled({"protocol": "tcp", "direction": "back"}):
        exchanges(path)
    report = path.report()
    # The client gives up before the second one is due, after a second.
    assert [syn["packets"] for syn in report["syns"] if syn["port"] == 1000] == [1]
    assert report["seen"] == {} and report["busiest"] >= 3
    sent = [p["packets"] for p in report["packets"] if p["protocol"] == "udp" and p["port"] == 1000 and p["out"]]
    assert sent == [2]  # The later fragment has no port.
