# SPDX-License-Identifier: Apache-2.0
"""`ports listen` in the place of servers: proof of the shared code, and everything that must not pass for it."""
import json
import os
import pathlib
import signal
import socket
import stat
import subprocess

import pytest

from environment import wait_for
from network import blocked
from stand_ins import Client, Refused, parse

ADDRESS = "127.0.0.50"


def listening():
    """Ports that somebody holds in this namespace."""
    lines = subprocess.run(["ss", "-lntuH"], capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[4] for line in lines}


class StandIn:
    """A running `ports listen` whose events are read as they come."""

    def __init__(self, bridgehead, directory, *arguments, environment=None):
        self.output = directory / "events.jsonl"
        self.file = open(self.output, "w")
        self.process = bridgehead.start(
            "ports", "listen", "--json", *arguments, stdout=self.file, stderr=subprocess.PIPE)
        wait_for(lambda: self.process.poll() is not None or self.events(), "the stand-in listens")
        assert self.process.poll() is None, self.process.stderr.read()

    def events(self):
        return [json.loads(line) for line in self.output.read_text().splitlines() if line.endswith("}")]

    def outcomes(self):
        return [event["event"] for event in self.events()]

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(20)
        self.file.close()
        return code


@pytest.fixture
def code(bridgehead, tmp_path):
    """A code that the product made."""
    path = tmp_path / "code"
    stand_in = StandIn(bridgehead, tmp_path, "--role", "proxy", "--address", ADDRESS, "--new-code", "--code-file", path)
    assert stand_in.stop() == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return path


@pytest.fixture
def domain_controller(bridgehead, tmp_path, code):
    stand_in = StandIn(bridgehead, tmp_path, "--role", "ad", "--address", ADDRESS, "--code-file", code)
    yield stand_in
    stand_in.stop()


def test_every_port_of_the_role_proves_itself(domain_controller, code):
    secret = code.read_text().strip()
    ports = domain_controller.events()[0]["ports"]
    wanted = {(53, "tcp"), (53, "udp"), (88, "tcp"), (88, "udp"), (135, "tcp"), (389, "tcp"), (389, "udp"), (445, "tcp"),
              (636, "tcp"), (3268, "tcp"), (5985, "tcp"), (9389, "tcp"), (49152, "tcp"), (65535, "tcp")}
    assert wanted <= {(p["port"], p["transport"]) for p in ports}
    for port in ports:
        with Client(ADDRESS, port["port"], port["transport"]) as client:
            greeting = client.prove(secret)
        assert (greeting["role"], greeting["port"], greeting["transport"]) == ("ad", port["port"], port["transport"])
        assert greeting["rows"] == port["rows"]
    wait_for(lambda: domain_controller.outcomes().count("answered") == len(ports), "an event for each proof")


def test_another_code_proves_nothing(domain_controller):
    for transport in ["tcp", "udp"]:
        with Client(ADDRESS, 88, transport) as client, pytest.raises(Refused, match="wrong code"):
            client.prove("not the code but long enough")
    wait_for(lambda: domain_controller.outcomes().count("wrong-code") == 2, "the refusals are told")
    assert "answered" not in domain_controller.outcomes()


def test_a_recorded_proof_is_refused(bridgehead, tmp_path, domain_controller, code):
    secret = code.read_text().strip()
    with Client(ADDRESS, 88) as client:
        client.prove(secret)
        recorded = client.sent
    with Client(ADDRESS, 88) as client, pytest.raises(Refused, match="replay"):
        parse(client.exchange(recorded))
    # At another port, and in another run with the same code, it is no proof at all.
    with Client(ADDRESS, 389) as client, pytest.raises(Refused, match="wrong code"):
        parse(client.exchange(recorded))
    assert domain_controller.stop() == 0
    again = StandIn(bridgehead, tmp_path, "--role", "ad", "--address", ADDRESS, "--code-file", code)
    try:
        with Client(ADDRESS, 88) as client, pytest.raises(Refused, match="wrong code"):
            parse(client.exchange(recorded))
    finally:
        assert again.stop() == 0


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\x00\x01" + bytes(500), os.urandom(2000)])
def test_a_stranger_learns_only_that_it_is_a_stand_in(domain_controller, data):
    with Client(ADDRESS, 636) as client:
        client.socket.sendall(data)
        assert client.socket.recv(100) == b"Bridgehead stand-in 1\r\n"
        assert client.socket.recv(100) == b""
    wait_for(lambda: "stranger" in domain_controller.outcomes(), "the stranger is told")


def test_many_slow_connections_do_not_stop_it(domain_controller, code):
    held = [socket.create_connection((ADDRESS, 445)) for _ in range(200)]
    try:
        with Client(ADDRESS, 389) as client:
            client.prove(code.read_text().strip())
    finally:
        for one in held:
            one.close()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_it_refuses_to_start_on_a_port_in_use(bridgehead, code, transport):
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as taken:
        if transport == "tcp":
            # Past connections of the tests before must not be in the way.
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((ADDRESS, 88))
        if transport == "tcp":
            taken.listen()
        before = listening()
        done = bridgehead.run("ports", "listen", "--role", "ad", "--address", ADDRESS, "--code-file", code, check=False)
        assert done.returncode == 1
        assert f"{ADDRESS}:88/{transport}" in done.stderr and "remedy:" in done.stderr
        assert listening() == before, "no other port is held"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_leaves_nothing_behind(bridgehead, tmp_path, code, how):
    before, files = listening(), set(pathlib.Path(tmp_path).iterdir())
    stand_in = StandIn(bridgehead, tmp_path, "--role", "federation", "--code-file", code)
    assert listening() > before
    assert stand_in.stop(how) == 0
    assert stand_in.outcomes() == ["started", "stopped"]
    assert listening() == before
    assert set(pathlib.Path(tmp_path).iterdir()) - files <= {stand_in.output}


def test_the_code_is_never_on_the_command_line(bridgehead, tmp_path, code):
    """From the environment as well as from a file; without one it says where it looks; a weak or open one is refused."""
    arguments = ["ports", "listen", "--role", "proxy", "--address", ADDRESS]
    done = bridgehead.run(*arguments, check=False)
    assert done.returncode == 64 and "BRIDGEHEAD_STAND_IN_CODE" in done.stderr
    done = bridgehead.run(*arguments, check=False, environment={"BRIDGEHEAD_STAND_IN_CODE": "short"})
    assert done.returncode == 1 and "can be guessed" in done.stderr
    os.chmod(code, 0o644)
    done = bridgehead.run(*arguments, "--code-file", code, check=False)
    assert done.returncode == 78 and "chmod 600" in done.stderr
    os.chmod(code, 0o600)
    done = bridgehead.run(*arguments, "--new-code", "--code-file", code, check=False)
    assert done.returncode == 1 and "does not exist yet" in done.stderr
    help_text = bridgehead.run("ports", "listen", "--help").stdout
    assert "--code-file" in help_text and "--code " not in help_text


def test_rows_and_roles_that_lead_nowhere(bridgehead, code):
    done = bridgehead.run("ports", "listen", "--role", "connect", "--code-file", code, check=False)
    assert done.returncode == 1 and "No row of the reference leads to" in done.stderr
    done = bridgehead.run(
        "ports", "listen", "--role", "proxy", "--rows", "connect-ad/dns", "--code-file", code, check=False)
    assert done.returncode == 1 and "does not lead to" in done.stderr


def test_ipv6_too(bridgehead, tmp_path, code):
    stand_in = StandIn(
        bridgehead, tmp_path, "--role", "proxy", "--rows", "users-proxy/https", "--code-file", code)
    try:
        for address in ["::1", "127.0.0.1", ADDRESS]:
            with Client(address, 443) as client:
                assert client.prove(code.read_text().strip())["rows"] == ["users-proxy/https"]
    finally:
        assert stand_in.stop() == 0


# The check's side.

@pytest.fixture
def topology(tmp_path):
    def write(**changes):
        path = tmp_path / "topology.yaml"
        path.write_text(json.dumps({
            "version": 1, "name": "not-there-yet",
            "features": ["import", "import-tls", "initial-configuration", "password-hash-sync", "password-writeback",
                         "seamless-sso", "federation-installation", "certificate-authentication", "federated-sign-in"],
            "connect": [{"name": "sync1", "addresses": ["127.0.0.1"]}],
            "forests": [{"name": "corp.example", "domains": [{"name": "corp.example", "controllers": [
                {"name": "dc1.corp.example", "addresses": [ADDRESS], "globalCatalog": True}]}]}],
            "federation": {"name": "fs.corp.example", "servers": [{"name": "fs1", "addresses": ["127.0.0.60"]}]},
            "proxies": [{"name": "wap1", "addresses": [ADDRESS]}],
            "users": [{"name": "internet", "addresses": ["0.0.0.0/0"]}], **changes}))
        return path
    return write


def check(bridgehead, topology, *arguments):
    done = bridgehead.run("ports", "check", "-f", topology, "--output", "json", "--deadline", 20, *arguments, check=False)
    assert done.returncode in (0, 1, 3), done.stderr
    findings = json.loads(done.stdout)["findings"]
    return {(f["row"], f["transport"]): f for f in findings}


def outcome(finding):
    return finding["verdict"], finding["diagnosis"], finding["depth"]["reached"]


PROVED = ("works-with-remark", "stand-in", "path")


def test_a_check_finds_the_stand_ins(bridgehead, domain_controller, code, topology):
    findings = check(bridgehead, topology(), "--stand-in-code-file", code)
    # A row of another role leads to the same address and port: it is not the one that is stood in for.
    stray = findings.pop(("connect-federation/winrm", "tcp"))
    assert outcome(stray)[:2] == ("inconclusive", "stand-in") and "does not stand in for" in stray["summary"]
    assert {key: outcome(f) for key, f in findings.items()} == {key: PROVED for key in findings}
    assert {("connect-ad/dns", "udp"), ("connect-ad/kerberos", "udp"), ("connect-ad/ldap", "udp"),
            ("connect-ad/ldaps", "tcp"), ("connect-ad/smb", "tcp"), ("connect-ad/rpc-dynamic", "tcp"),
            ("connect-ad/winrm", "tcp"), ("connect-ad/ad-web-services", "tcp")} <= set(findings)
    assert "wrong-code" not in domain_controller.outcomes()


def test_without_the_code_nothing_is_proved(bridgehead, tmp_path, domain_controller, topology):
    """No code, or another one: the stand-in is recognised at most, and never makes a flow work."""
    other = tmp_path / "other"
    other.write_text("not the code but long enough")
    other.chmod(0o600)
    findings = check(bridgehead, topology())
    assert not [key for key, f in findings.items() if f["verdict"].startswith("works")]
    named = {key for key, f in findings.items() if outcome(f)[:2] == ("inconclusive", "stand-in")}
    assert {("connect-ad/winrm", "tcp"), ("connect-ad/kerberos", "tcp"), ("connect-ad/ldap", "tcp")} <= named
    for row in ["connect-ad/winrm", "connect-ad/ldaps", "connect-ad/rpc-dynamic"]:
        [finding] = check(bridgehead, topology(), "--stand-in-code-file", other, "--row", row).values()
        assert outcome(finding)[:2] == ("inconclusive", "stand-in"), finding
    wait_for(lambda: domain_controller.outcomes().count("wrong-code") >= 3, "the refusals are told")
    assert "answered" not in domain_controller.outcomes()


def test_a_part_of_the_range_that_is_dropped(bridgehead, domain_controller, code, topology):
    with blocked("tcp dport 61000-65535"):
        findings = check(bridgehead, topology(), "--stand-in-code-file", code, "--row", "connect-ad/rpc-dynamic")
    finding = findings["connect-ad/rpc-dynamic", "tcp"]
    assert outcome(finding)[:2] == ("blocked", "rpc-range-partly-blocked"), finding
    assert "65535" in finding["summary"] and "49152" not in finding["summary"]


def test_a_dropped_port_is_still_dropped(bridgehead, domain_controller, code, topology):
    with blocked("tcp dport 9389"):
        findings = check(bridgehead, topology(), "--stand-in-code-file", code)
    assert outcome(findings.pop(("connect-ad/ad-web-services", "tcp")))[:2] == ("blocked", "dropped")
    assert {outcome(f) for (row, _), f in findings.items() if row.startswith("connect-ad/")} == {PROVED}


def test_the_proxys_two_ports(bridgehead, tmp_path, code, topology):
    stand_in = StandIn(bridgehead, tmp_path, "--role", "proxy", "--address", ADDRESS, "--code-file", code)
    try:
        findings = check(bridgehead, topology(), "--from", "users", "--stand-in-code-file", code)
        assert {key: outcome(f) for key, f in findings.items()} == {
            ("users-proxy/https", "tcp"): PROVED, ("users-proxy/certificate-authentication", "tcp"): PROVED}
    finally:
        assert stand_in.stop() == 0


def test_the_range_of_a_topology_that_pins_it(bridgehead, tmp_path, code, topology):
    path = topology(policy={"rpcPorts": ["50000", "50010-50012"]})
    stand_in = StandIn(
        bridgehead, tmp_path, "--role", "ad", "--rows", "connect-ad/rpc-dynamic", "-f", path, "--address", ADDRESS,
        "--code-file", code)
    try:
        assert [p["port"] for p in stand_in.events()[0]["ports"]] == [50000, 50010, 50011, 50012]
        findings = check(bridgehead, path, "--row", "connect-ad/rpc-dynamic", "--stand-in-code-file", code)
        assert [outcome(f) for f in findings.values()] == [PROVED]
    finally:
        assert stand_in.stop() == 0
