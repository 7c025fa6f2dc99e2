# SPDX-License-Identifier: Apache-2.0
"""A second implementation of the stand-in's protocol, from its description alone: the check's side in Python."""
import hmac
import json
import os
import socket
import struct

MAGIC = b"BHSTNDIN"
HELLO, CHALLENGE, PROOF, GREETING, REFUSAL = range(1, 6)
REASONS = {1: "wrong code", 2: "replay", 3: "exhausted", 4: "version"}


class Refused(Exception):
    pass


def key_of(code):
    """HKDF (RFC 5869) with SHA-256 and no salt."""
    prk = hmac.digest(bytes(32), code.encode(), "sha256")
    return hmac.digest(prk, b"bridgehead stand-in 1" + b"\x01", "sha256")


def frame(kind, body):
    return MAGIC + bytes([1, kind]) + struct.pack(">H", len(body)) + body


def parse(data):
    assert data[:8] == MAGIC and data[8] == 1, data
    length = struct.unpack(">H", data[10:12])[0]
    assert len(data) == 12 + length, data
    if data[9] == REFUSAL:
        raise Refused(REASONS[data[12]])
    return data[9], data[12:]


def hello(nonce):
    return frame(HELLO, nonce + bytes(20))


def proof(key, client, server, port):
    code = hmac.digest(key, b"check\x01" + client + server + struct.pack(">H", port), "sha256")
    return frame(PROOF, (client + server + code + struct.pack(">H", port)).ljust(500, b"\0"))


class Client:
    """Asks one port of a stand-in; keeps what it sent."""

    def __init__(self, address, port, transport="tcp"):
        kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.port = port
        self.socket = socket.socket(family, kind)
        self.socket.settimeout(10)
        self.socket.connect((address, port))

    def exchange(self, data):
        self.socket.sendall(data)
        answer = self.socket.recv(4096)
        assert len(answer) <= len(data), "an answer longer than its question amplifies"
        return answer

    def prove(self, code):
        self.client = os.urandom(32)
        kind, self.server_nonce = parse(self.exchange(hello(self.client)))
        assert kind == CHALLENGE
        self.sent = proof(key_of(code), self.client, self.server_nonce, self.port)
        kind, body = parse(self.exchange(self.sent))
        assert kind == GREETING
        text = body[32:]
        expected = hmac.digest(key_of(code), b"stand-in\x01" + self.client + self.server_nonce + text, "sha256")
        assert hmac.compare_digest(expected, body[:32])
        return json.loads(text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
