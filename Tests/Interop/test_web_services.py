# SPDX-License-Identifier: Apache-2.0
"""WS-Management and AD Web Services against MIT's GSSAPI as acceptor, with the lab's KDC and a keytab of the controller:
who signs in, what is sealed, and what must not pass."""
import json
import os

import pytest

from web_services import WebServices, WinRM

LAB = ["--users", 50, "--groups", 5]


@pytest.fixture(scope="module")
def acceptor(lab, tmp_path_factory):
    """A keytab with the controller's keys: tickets for HTTP/ and host/ are made for its account."""
    controller = lab.forest["controllers"][0]
    configuration = lab.directory / "dc" / controller["host"] / "etc/smb.conf"
    keytab = tmp_path_factory.mktemp("acceptor") / "http.keytab"
    lab.execute("samba-tool", "domain", "exportkeytab", keytab, "-s", configuration,
                f"--principal={controller['netbios']}$")
    kept = {name: os.environ.get(name) for name in ["KRB5_KTNAME", "KRB5_CONFIG"]}
    os.environ["KRB5_KTNAME"] = str(keytab)
    os.environ["KRB5_CONFIG"] = lab.description["kerberosConfigurationFile"]
    yield controller
    for name, value in kept.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


def check(lab, bridgehead, controller, row, credentials=True):
    account = lab.forest["serviceAccount"]
    signing = ["--credentials", account["principal"], "--keytab", account["keytabFile"]] if credentials else []
    done = bridgehead.run(
        "ports", "check", "--to", controller["host"], "--row", row, "--output", "json", "--deadline", 15,
        *[word for server in lab.forest["dnsServers"] for word in ("--dns", server)], "--root", lab.authority, *signing,
        check=False)
    assert done.returncode in (0, 1, 3), done.stderr
    [finding] = json.loads(done.stdout)["findings"]
    return finding


def outcome(finding):
    return finding["verdict"], finding["diagnosis"], finding["depth"]["reached"]


def test_winrm_with_and_without_credentials(lab, bridgehead, acceptor):
    with WinRM(acceptor["address"]) as server:
        finding = check(lab, bridgehead, acceptor, "connect-ad/winrm", credentials=False)
        assert outcome(finding) == ("works", "none", "service"), finding
        assert not any("Authorization" in fields for _, fields, _ in server.seen)
        server.seen.clear()
        finding = check(lab, bridgehead, acceptor, "connect-ad/winrm")
        assert outcome(finding) == ("works", "none", "operation"), finding
    assert server.failures == []
    # The Identify that counted was sealed: its words are nowhere in clear.
    path, fields, body = server.seen[-1]
    assert path == "/wsman" and "Authorization" not in fields and b"Envelope" not in body
    signed_in = [fields["Authorization"] for _, fields, _ in server.seen if "Authorization" in fields]
    assert len(signed_in) == 1 and not signed_in[0].startswith("Negotiate TlRM"), "never NTLM"


@pytest.mark.parametrize("behaviour, expected", [
    ("clear", ("broken", "permission-denied", "authenticated")), ("damaged", ("broken", "permission-denied", "authenticated")),
    ("no-negotiate", ("broken", "negotiate-not-offered", "service")), ("stopped", ("broken", "service-stopped", "port")),
    ("website", ("wrong-service", "other-protocol", "port"))])
def test_winrm_that_must_not_pass(lab, bridgehead, acceptor, behaviour, expected):
    with WinRM(acceptor["address"], behaviour=behaviour):
        assert outcome(check(lab, bridgehead, acceptor, "connect-ad/winrm")) == expected


def test_winrm_with_anothers_key(lab, bridgehead, acceptor, tmp_path, monkeypatch):
    """The listener cannot read its ticket."""
    account = lab.forest["serviceAccount"]
    monkeypatch.setenv("KRB5_KTNAME", account["keytabFile"])
    with WinRM(acceptor["address"]) as server:
        finding = check(lab, bridgehead, acceptor, "connect-ad/winrm")
    assert finding["verdict"] == "broken" and finding["depth"]["reached"] == "service", finding
    assert finding["diagnosis"] in ("authentication-refused", "wrong-service-principal"), finding
    assert server.failures


def test_web_services_with_and_without_credentials(lab, bridgehead, acceptor):
    with WebServices(acceptor["address"]) as server:
        finding = check(lab, bridgehead, acceptor, "connect-ad/ad-web-services", credentials=False)
        assert outcome(finding) == ("works", "none", "service"), finding
        finding = check(lab, bridgehead, acceptor, "connect-ad/ad-web-services")
        assert outcome(finding) == ("works", "none", "authenticated"), finding
    assert server.failures == []
    assert server.seen[0].startswith(f"net.tcp://{acceptor['host']}:9389/")
    assert server.seen[-1].lower() == lab.forest["serviceAccount"]["principal"].lower()


@pytest.mark.parametrize("fault", ["EndpointNotFound", "ServerTooBusy", "UpgradeInvalid"])
def test_faults_of_web_services(lab, bridgehead, acceptor, fault):
    with WebServices(acceptor["address"], fault=fault):
        finding = check(lab, bridgehead, acceptor, "connect-ad/ad-web-services")
    assert (finding["verdict"], finding["diagnosis"]) == ("broken", "service-stopped"), finding


def test_web_services_with_anothers_key(lab, bridgehead, acceptor, monkeypatch):
    monkeypatch.setenv("KRB5_KTNAME", lab.forest["serviceAccount"]["keytabFile"])
    with WebServices(acceptor["address"]) as server:
        finding = check(lab, bridgehead, acceptor, "connect-ad/ad-web-services")
    assert (finding["verdict"], finding["diagnosis"]) == ("broken", "authentication-refused"), finding
    assert "SEC_E_LOGON_DENIED" in json.dumps(finding)
    assert server.failures
