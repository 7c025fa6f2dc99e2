# SPDX-License-Identifier: Apache-2.0
"""A cloud directory that throttles, fails, and loses answers; and a client that means the cloud directory harm."""
import contextlib
import http.client
import json
import socket
import sqlite3
import ssl
import time

import pytest

from comparison import assert_created_once, compare
from environment import Connect, Tenant
from faulty_proxy import (
    BEHIND, FaultyProxy, answers, nonsense, reset_after, reset_before, slow, too_slow, truncated)


@pytest.fixture
def behind(small, tmp_path):
    tenant = Tenant(small, tmp_path / "tenant", port=BEHIND)
    yield tenant
    tenant.stop()


FAULTS = {
    "429 with Retry-After": answers(429, Retry_After=1), "429 without": answers(429),
    "503 with Retry-After": answers(503, Retry_After=1), "503 without": answers(503), "500": answers(500),
    "502": answers(502), "reset before": reset_before, "reset after": reset_after, "slow": slow, "too slow": too_slow,
    "truncated": truncated, "nonsense": nonsense,
}
# Faults after which the very run goes on to a right end.
PASSES = {"429 with Retry-After", "429 without", "503 with Retry-After", "503 without", "slow"}


def end_quarantine(connect):
    """As if the time had passed after which refused objects are tried again."""
    with contextlib.closing(sqlite3.connect(connect.values["connect"]["database"])) as database, database:
        database.execute("UPDATE quarantine SET next_try = 0")


@pytest.mark.parametrize("name", FAULTS)
def test_every_kind_of_fault(small, behind, tmp_path, name):
    """The first, third and sixth write meet the fault: in the end everything is there, and nothing twice."""
    met = []

    def fault(number, request):
        if number in (1, 3, 6):
            met.append(request.path)
            return FAULTS[name]
        return None

    connect = Connect(small, behind, tmp_path / "connect")
    connect.set("connect.target.requestTimeout", "2s")
    runs = []
    with FaultyProxy(small, behind, fault):
        for _ in range(4):
            done = connect.sync(check=False)
            runs.append(done)
            if done.returncode == 0 and connect.status()["pending"] == []:
                break
            assert done.returncode in (1, 4), done.stderr
            assert done.returncode == 4 or "remedy:" in done.stderr
            end_quarantine(connect)
    assert runs[-1].returncode == 0, [run.stderr for run in runs]
    assert met, "no request met the fault"
    if name in PASSES:
        assert len(runs) == 1, runs[0].stderr
    compare(small, behind)
    assert_created_once(behind)


def test_the_wait_that_was_asked_for_is_kept(small, behind, tmp_path):
    """No write comes before the time that Retry-After named."""
    times = []

    def fault(number, request):
        times.append(time.monotonic())
        return answers(429, Retry_After=2) if number == 1 else None

    connect = Connect(small, behind, tmp_path / "connect")
    with FaultyProxy(small, behind, fault):
        connect.sync()
    assert times[1] - times[0] >= 2
    compare(small, behind)
    assert_created_once(behind)


def test_a_tenant_that_only_fails(small, behind, tmp_path):
    """The run ends with an error that names the answer, what was read is kept, and the next run exports it."""
    connect = Connect(small, behind, tmp_path / "connect")
    with FaultyProxy(small, behind, lambda *_: answers(429, Retry_After=3600)):
        started = time.monotonic()
        done = connect.sync(check=False)
        assert done.returncode == 1 and "429" in done.stderr and "remedy:" in done.stderr, done.stderr
        assert time.monotonic() - started < 30, "an hour is not waited for"
    with FaultyProxy(small, behind, lambda *_: None):
        report = connect.report()
    assert report["imports"][0]["mode"] == "delta"
    compare(small, behind)
    assert_created_once(behind)


# ---- Hostile clients


def exchange(lab, tenant, data, timeout=20):
    """Sends raw bytes over TLS; returns the status of the answer, or None where the tenant closed without one."""
    context = ssl.create_default_context(cafile=lab.authority)
    raw = socket.create_connection((tenant.address, tenant.port), timeout=timeout)
    with context.wrap_socket(raw, server_hostname=tenant.name) as connection:
        answer = b""
        with contextlib.suppress(ConnectionError, BrokenPipeError, ssl.SSLError):
            for at in range(0, len(data), 65536):
                connection.sendall(data[at:at + 65536])
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while b"\r\n" not in answer:
                more = connection.recv(65536)
                if not more:
                    break
                answer += more
        return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.1 ") else None


def message(tenant, method, path, body=b"", token=None, **fields):
    lines = [f"{method} /scim/v2{path} HTTP/1.1", f"Host: {tenant.name}", "Connection: close",
             f"Authorization: Bearer {tenant.token if token is None else token}",
             "Content-Type: application/scim+json", f"Content-Length: {len(body)}",
             *[f"{k.replace('_', '-')}: {v}" for k, v in fields.items()]]
    return "\r\n".join([*lines, "", ""]).encode() + body


DEEP = b"[" * 100_000
USER = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "a@corp.example"}
BOMBS = {
    "deep JSON": ("POST", "/Users", DEEP, {400}),
    "deep JSON in a value": ("POST", "/Users", b'{"userName":' + DEEP, {400}),
    "deep objects": ("PATCH", "/Users/x", b'{"a":' * 50_000, {400, 404}),
    # More than sockets hold: a client that cannot send the rest must get its answer all the same.
    "a huge body": ("POST", "/Users", b'{"userName":"' + b"a" * (11 << 20) + b'"}', {413}),
    "a huge body for nobody": ("POST", "/Nobody", b"a" * (11 << 20), {404}),
    "invalid UTF-8": ("POST", "/Users", b'{"userName":"\xff\xfe\xc0\xaf"}', {400}),
    "a lone surrogate": ("POST", "/Users", b'{"userName":"\\ud800@corp.example"}', {400}),
    "a huge number": ("POST", "/Users", b'{"userName":1e999999999}', {400}),
    "no JSON": ("POST", "/Users", b"\x00\x01\x02", {400}),
    "keys twice": ("POST", "/Users", b'{"userName":"a@corp.example","userName":"b@corp.example"}', {400}),
    "many operations": ("POST", "/Bulk", json.dumps({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{"method": "DELETE", "path": "/Users/x"}] * 5000}).encode(), {413}),
    "nested filter": ("GET", "/Users?filter=" + "(" * 5000 + "userName%20pr" + ")" * 5000, b"", {400, 414}),
    "long filter": ("GET", "/Users?filter=" + "%20or%20".join(["userName%20pr"] * 900), b"", {400, 414}),
    "negated filter": ("GET", "/Users?filter=" + "not(" * 3000 + "userName%20pr" + ")" * 3000, b"", {400, 414}),
    "endless path": ("GET", "/Users/" + "a" * 200_000, b"", {400, 404, 414, 431, None}),
    "injection": ("GET", "/Users?filter=userName%20eq%20%22'%20OR%201=1--%22", b"", {200}),
    "negative page": ("GET", "/Users?startIndex=-5&count=-3", b"", {200}),
    "an enormous page": ("GET", "/Users?startIndex=1&count=99999999999999999999999", b"", {200, 400}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_does_no_harm(small, shared, name):
    method, path, body, expected = BOMBS[name]
    started = time.monotonic()
    assert exchange(small, shared, message(shared, method, path, body)) in expected
    assert time.monotonic() - started < 10
    assert shared.request("GET", "/Users?count=0")[1]["totalResults"] == 0, "alive, and nothing was made"


@pytest.fixture(scope="module")
def shared(small, tmp_path_factory):
    tenant = Tenant(small, tmp_path_factory.mktemp("shared"), port=9443)
    yield tenant
    tenant.stop()


@pytest.mark.parametrize("token", ["", "x", "a" * 8000, "bh_" + "A" * 43, "../../etc/passwd", "é" * 20])
def test_a_bad_token_is_refused(small, shared, token):
    data = message(shared, "GET", "/Users", token=token)
    assert exchange(small, shared, data) in (400, 401)


@pytest.mark.parametrize("scheme", ["Basic dXNlcjpwYXNz", "Bearer", "bearer  ", ""])
def test_another_scheme_is_refused(small, shared, scheme):
    data = message(shared, "GET", "/Users").replace(f"Bearer {shared.token}".encode(), scheme.encode())
    assert exchange(small, shared, data) == 401


def test_slow_clients_are_bounded(small, shared):
    """Two hundred clients that never end their request do not keep the tenant from others."""
    context = ssl.create_default_context(cafile=small.authority)
    held = []
    try:
        for number in range(200):
            raw = socket.create_connection((shared.address, shared.port), timeout=20)
            held.append(raw)
            if number % 2:
                held[-1] = connection = context.wrap_socket(raw, server_hostname=shared.name)
                connection.sendall(b"GET /scim/v2/Users HTTP/1.1\r\nHost: " + b"x" * 10)
        started = time.monotonic()
        assert shared.request("GET", "/Users?count=0")[0] == 200
        assert time.monotonic() - started < 5
        # Those without a handshake are let go after ten seconds.
        held[0].settimeout(20)
        assert held[0].recv(1) == b""
    finally:
        for connection in held:
            connection.close()


def test_a_token_that_asks_too_often(small, tmp_path):
    """Beyond its rate a token gets 429 and the seconds to wait; another token is served."""
    tenant = Tenant(small, tmp_path / "tenant", port=BEHIND)
    try:
        tenant.stop()
        values = json.loads(tenant.configuration.read_text())
        values["tenant"]["requestsPerMinute"] = 60
        tenant.configuration.write_text(json.dumps(values))
        tenant.start()
        context = ssl.create_default_context(cafile=small.authority)
        raw = socket.create_connection((tenant.address, tenant.port), timeout=30)
        connection = http.client.HTTPSConnection(tenant.name)
        connection.sock = context.wrap_socket(raw, server_hostname=tenant.name)
        statuses = []
        for _ in range(1000):
            connection.request("GET", "/scim/v2/Users?count=0", headers={"Authorization": f"Bearer {tenant.token}"})
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
            if answer.status == 429:
                assert 1 <= int(answer.getheader("Retry-After")) <= 60
                break
        connection.close()
        assert statuses[-1] == 429 and set(statuses[:-1]) == {200}, f"{len(statuses)} requests at once were allowed"
        first, tenant.token_file = tenant.token_file, tmp_path / "other.token"
        tenant.product.run("tenant", "token", "create", "--config", tenant.configuration, "--name", "other", "--scope",
                           "scim.read", "--output", tenant.token_file)
        assert tenant.request("GET", "/Users?count=0")[0] == 200
        tenant.token_file = first
    finally:
        tenant.stop()
