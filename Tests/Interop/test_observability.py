# SPDX-License-Identifier: Apache-2.0
"""What an operator sees: metrics in Prometheus' text format, one JSON object a line, clean stops, and errors that say
what to do. prometheus-client judges the metrics."""
import http.client
import json
import os
import re
import signal
import socket
import ssl

import pytest
from prometheus_client.parser import text_string_to_metric_families

from environment import Connect, wait_for
from network import SilentServer

METRICS = ("127.0.0.1", 9464)
# https://prometheus.io/docs/instrumenting/exposition_formats/: a comment, or name{labels} value.
LINE = re.compile(
    r'(# (TYPE [a-zA-Z_:][a-zA-Z0-9_:]* (counter|gauge|histogram|summary|untyped)|HELP [a-zA-Z_:][a-zA-Z0-9_:]* .*)'
    r'|[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\["\\n])*",?)*\})? [0-9.eE+-]+( [0-9]+)?)')


def settings(tenant, **changes):
    values = json.loads(tenant.configuration.read_text())
    for section, value in changes.items():
        values[section] = {**values.get(section, {}), **value}
    return values


def listeners(process):
    """Addresses that a process listens on, from the kernel's own table."""
    sockets = set()
    for descriptor in os.listdir(f"/proc/{process.pid}/fd"):
        try:
            target = os.readlink(f"/proc/{process.pid}/fd/{descriptor}")
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            sockets.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in open(f"/proc/{process.pid}/net/{table}").read().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets:
                found.add(int(fields[1].rsplit(":", 1)[1], 16))
    return found


def scrape():
    connection = http.client.HTTPConnection(*METRICS, timeout=10)
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert text.endswith("\n")
    for line in text.splitlines():
        assert LINE.fullmatch(line), line
    types = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    assert len(types) == len(set(types)), "a type is said twice"
    samples = {}
    for family in text_string_to_metric_families(text):
        assert family.type != "unknown", family
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in samples, f"{key} stands there twice"
            samples[key] = sample.value
    return samples


def total(samples, name, **labels):
    return sum(value for (sample, found), value in samples.items()
               if sample == name and labels.items() <= dict(found).items())


@pytest.fixture
def metered(small_tenant):
    """The tenant with a metrics listener."""
    small_tenant.stop()
    small_tenant.configuration.write_text(json.dumps(settings(
        small_tenant, metrics={"listen": "%s:%d" % METRICS})))
    small_tenant.start()
    return small_tenant


def test_there_is_no_listener_unless_configured(small_tenant):
    assert listeners(small_tenant.process) == {443}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(METRICS, timeout=5)


def test_metrics(metered):
    assert listeners(metered.process) == {443, METRICS[1]}
    requests, latency = "bridgehead_tenant_requests_total", "bridgehead_tenant_request_duration_seconds"
    before = scrape()
    for _ in range(5):
        assert metered.request("GET", "/Users?count=1")[0] == 200
    assert metered.request("GET", "/Users/nobody")[0] == 404
    after = scrape()
    assert total(after, requests, method="GET", path="/Users", status="200") == total(
        before, requests, method="GET", path="/Users", status="200") + 5
    assert total(after, requests, status="404") == total(before, requests, status="404") + 1
    assert total(after, latency + "_count") == total(before, latency + "_count") + 6
    assert 0 < total(after, latency + "_sum") - total(before, latency + "_sum") < 60


def test_a_client_cannot_make_series(metered):
    before = len(scrape())
    for number in range(20):
        metered.request("GET", f"/Users/{number}")
        metered.request("GET", f"/Nonsense{number}")
        metered.request(f"VERB{number}", "/Users")
    assert len(scrape()) <= before + 12


def unique(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), names
    return dict(pairs)


def records(text):
    assert text == "" or text.endswith("\n")
    lines = [json.loads(line, object_pairs_hook=unique) for line in text.split("\n")[:-1]]
    for line in lines:
        assert {"time", "level", "logger", "message"} <= line.keys(), line
        assert all(isinstance(value, str) for value in line.values()), line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["time"]), line
    return lines


def test_records_of_a_synchronisation_are_json(small, small_tenant, tmp_path):
    connect = Connect(small, small_tenant, tmp_path)
    done = connect.sync("--log-format", "json", "--log-level", "debug")
    lines = records(done.stderr)
    json.loads(done.stdout)
    flows = [line for line in lines if line["message"] == "flow established"]
    for flow in flows:
        assert {"row", "transport", "host", "address", "port", "protection"} <= flow.keys(), flow
        assert all(flow[name] for name in ("row", "transport", "address", "port", "protection")), flow
        assert flow["port"].isdigit() and flow["transport"] in ("tcp", "udp"), flow
    rows = {flow["row"] for flow in flows}
    assert {"connect-ad/dns", "connect-ad/kerberos", "connect-ad/ldap", "connect-cloud/http",
            "connect-cloud/https"} <= rows
    assert rows == {flow["row"] for flow in connect.status()["flows"]}
    assert small_tenant.token not in done.stderr


def serve(tenant, *options):
    """A second tenant process on the first one's configuration; the first is stopped."""
    tenant.stop()
    process = tenant.product.start("tenant", "serve", "--config", tenant.configuration, *options)
    tenant.process, tenant.log = process, open(os.devnull, "w")
    wait_for(tenant._answers, "the tenant answers", 60)
    return process


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_waits_for_the_request_under_way(small, small_tenant, stop):
    process = serve(small_tenant, "--log-format", "json", "--log-level", "debug")
    body = json.dumps({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                       "userName": f"{stop.name.lower()}@{small_tenant.initial_domain}"}).encode()
    context = ssl.create_default_context(cafile=small.authority)
    raw = socket.create_connection((small_tenant.address, 443), timeout=30)
    with context.wrap_socket(raw, server_hostname=small_tenant.name) as connection:
        connection.sendall((f"POST /scim/v2/Users HTTP/1.1\r\nHost: {small_tenant.name}\r\n"
                            f"Authorization: Bearer {small_tenant.token}\r\nContent-Type: application/scim+json\r\n"
                            f"Content-Length: {len(body)}\r\n\r\n").encode() + body[:20])
        # The server has the head: it asks for nothing more than the rest of the body.
        assert small_tenant.request("GET", "/ServiceProviderConfig")[0] == 200
        process.send_signal(stop)
        wait_for(lambda: not listeners(process), "the tenant listens no more")
        assert process.poll() is None
        connection.sendall(body[20:])
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 201
        identifier = json.loads(answer.read())["id"]
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    lines = records(errors)
    assert any(line["message"] == "request" and line["status"] == "201" for line in lines)
    assert small_tenant.token not in errors
    small_tenant.start()
    assert small_tenant.request("GET", f"/Users/{identifier}")[0] == 200
    assert small_tenant.request("DELETE", f"/Users/{identifier}")[0] == 204


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_synchronisation_stops_at_once_and_goes_on_later(small, small_tenant, tmp_path, stop, form):
    connect = Connect(small, small_tenant, tmp_path)
    small_tenant.stop()
    # A target that never answers: the run waits in its export until it is stopped.
    with SilentServer(small_tenant.address, 443) as server:
        process = connect.product.start(
            "connect", "sync", "--config", connect.configuration, "--json", "--log-format", form)
        wait_for(lambda: server.accepted or process.poll() is not None, "the export begins")
        assert process.poll() is None, process.communicate()
        process.send_signal(stop)
        output, errors = process.communicate(timeout=30)
    small_tenant.start()
    assert process.returncode == 1, errors
    assert output == "" and stop.name in errors and "The run was stopped." in errors
    if form == "json":
        assert [line["error"] for line in records(errors) if line["level"] == "error"] == ["interrupted"]
    else:
        assert "remedy: run it again" in errors
    assert connect.report()["errors"] == []
    assert len([user for user in small_tenant.list("Users") if user.get("externalId")]) == 50


def broken(values, **changes):
    for path, value in changes.items():
        section, name = path.split("__")
        values.setdefault(section, {})[name] = value
    return values


@pytest.mark.parametrize("what, changes, words", [
    ("an address in use", {"tenant__listen": "{address}:443"}, ["cannot listen on {address}:443", "free"]),
    ("an address of nobody", {"tenant__listen": "192.0.2.1:443"}, ["cannot listen on 192.0.2.1:443"]),
    ("a name of nobody", {"tenant__listen": "nobody.invalid:8443"}, ["cannot listen on nobody.invalid:8443"]),
    ("a metrics name of nobody", {"metrics__listen": "nobody.invalid:9464"}, ["metrics", "nobody.invalid:9464"]),
    ("a metrics address in use", {"metrics__listen": "{address}:443"}, ["metrics", "{address}:443"]),
    ("no key", {"tenant__key": "{folder}/none.key"}, ["{folder}/none.key", "does not exist"]),
    ("a key that all can read", {"tenant__key": "{folder}/open.key"}, ["{folder}/open.key", "chmod 600"]),
    ("a key that is none", {"tenant__key": "{folder}/rubbish.key"}, ["{folder}/rubbish.key", "not understood"]),
    ("a folder as key", {"tenant__key": "{folder}"}, ["{folder}"]),
    ("another certificate's key", {"tenant__key": "{folder}/other.key"}, ["{folder}/other.key", "together"]),
    ("no certificate", {"tenant__certificate": "{folder}/none.pem"}, ["{folder}/none.pem", "cannot be read"]),
    ("no database folder", {"tenant__database": "{folder}/none/tenant.sqlite"}, ["{folder}/none"]),
    ("a database that is none", {"tenant__database": "{folder}/rubbish.key"}, ["{folder}/rubbish.key"]),
])
def test_errors_of_a_service_say_what_to_do(small, small_tenant, tmp_path, what, changes, words):
    for name, mode in (("rubbish.key", 0o600), ("open.key", 0o644)):
        (tmp_path / name).write_text("rubbish " * 1000)
        (tmp_path / name).chmod(mode)
    small.product.run("lab", "ca", "issue", "--dir", small.directory, "--name", "other.example", "--out",
                      tmp_path / "other")
    fill = lambda text: text.format(address=small_tenant.address, folder=tmp_path)
    values = json.loads(small_tenant.configuration.read_text())
    if "tenant__listen" not in changes:
        values["tenant"]["listen"] = f"{small_tenant.address}:8443"
    file = tmp_path / "tenant.yaml"
    file.write_text(json.dumps(broken(values, **{name: fill(value) for name, value in changes.items()})))
    for form in ("text", "json"):
        done = small_tenant.product.run(
            "tenant", "serve", "--config", file, "--log-format", form, check=False, timeout=60)
        assert done.returncode == 1, done.stderr
        assert done.stdout == ""
        for word in map(fill, words):
            assert word in done.stderr, done.stderr
        if form == "text":
            assert "error: " in done.stderr and "\nremedy: " in done.stderr, done.stderr
        else:
            last = records(done.stderr)[-1]
            assert last["level"] == "error" and last["error"] and last["remedy"], last
        for dump in (".swift:", "Fatal", "SQLite error", "Optional(", "NIOCore.", "Error(", "descriptor:", "errno:"):
            assert dump not in done.stderr, done.stderr


def test_a_synchronisation_without_a_database_folder(small, small_tenant, tmp_path):
    connect = Connect(small, small_tenant, tmp_path)
    connect.set("connect.database", str(tmp_path / "none" / "connect.sqlite"))
    done = connect.sync(check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert str(tmp_path / "none") in done.stderr and "\nremedy: " in done.stderr
