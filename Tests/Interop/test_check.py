# SPDX-License-Identifier: Apache-2.0
"""`ports check` against a real domain controller: every row whose server exists works, with and without credentials; what
does not exist is said honestly; sign-ins are few; each output can be read by what it is for; reports prove their origin."""
import base64
import json
import os
import pathlib
import xml.etree.ElementTree

import ldap3
import pytest
import yaml
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from prometheus_client.parser import text_string_to_metric_families

LAB = ["--users", 50, "--groups", 5]
WORKS = {"works", "works-with-remark"}
# What a Samba controller does not have.
ABSENT = {"connect-ad/winrm", "connect-ad/ad-web-services"}
DIRECTORY = {"connect-ad/ldap", "connect-ad/ldaps", "connect-ad/global-catalog"}


class Check:
    """Runs checks against the lab's first controller."""

    def __init__(self, lab, directory):
        self.lab, self.forest = lab, lab.forest
        self.product, self.directory = lab.product, directory
        self.controller = self.forest["controllers"][0]
        self.topology = directory / "topology.yaml"
        self.topology.write_text(yaml.safe_dump({
            "version": 1, "name": "lab",
            "features": ["import", "import-tls", "password-hash-sync", "password-writeback", "seamless-sso"],
            "connect": [{"name": "sync1", "addresses": ["127.0.0.1"]}],
            "forests": [{"name": self.forest["name"], "domains": [{"name": self.forest["name"], "controllers": [
                {"name": self.controller["host"], "addresses": [self.controller["address"]], "globalCatalog": True}]}]}],
        }))

    @property
    def account(self):
        account = self.forest["serviceAccount"]
        return ["--credentials", account["principal"], "--keytab", account["keytabFile"]]

    def run(self, *arguments, **options):
        options.setdefault("check", False)
        return self.product.run("ports", "check", "--root", self.lab.authority, *arguments, **options)

    def of_topology(self, *arguments, **options):
        return self.run("-f", self.topology, "--dns", self.forest["dnsServers"][0], *arguments, **options)

    def findings(self, *arguments):
        done = self.of_topology("--output", "json", *arguments)
        assert done.stdout, done.stderr
        return json.loads(done.stdout), done.returncode


@pytest.fixture(scope="module")
def check(lab, tmp_path_factory):
    return Check(lab, tmp_path_factory.mktemp("check"))


def explain(findings):
    return json.dumps(findings, indent=1)


def test_every_row_works_without_credentials(check):
    report, status = check.findings()
    assert report["version"] == 1 and report["source"] == {"host": "sync1", "role": "connect"}
    bad = [f for f in report["findings"] if f["verdict"] not in WORKS]
    assert not bad, explain(bad)
    assert status == 0
    rows = {(f["row"], f["transport"]) for f in report["findings"]}
    assert {("connect-ad/dns", "udp"), ("connect-ad/dns", "tcp"), ("connect-ad/kerberos", "udp"),
            ("connect-ad/kerberos", "tcp"), ("connect-ad/ldap", "udp"), ("connect-ad/ldap", "tcp"),
            ("connect-ad/ldaps", "tcp"), ("connect-ad/global-catalog", "tcp"),
            ("connect-ad/rpc-endpoint-mapper", "tcp"), ("connect-ad/rpc-dynamic", "tcp"),
            ("connect-ad/smb", "tcp")} == rows
    for finding in report["findings"]:
        assert finding["evidence"] and finding["specification"]
        assert finding["source"]["address"] == "127.0.0.1" and finding["source"]["interface"] == "lo"
        assert finding["target"]["address"] == check.controller["address"]


def test_credentials_lead_to_the_operation(check):
    report, status = check.findings(*check.account)
    bad = [f for f in report["findings"] if f["verdict"] not in WORKS]
    assert not bad and status == 0, explain(bad)
    for finding in report["findings"]:
        if finding["row"] in DIRECTORY:
            assert finding["depth"] == {"reached": "operation", "required": "operation"}, finding


def test_a_host_alone_is_enough(check):
    """Without a topology: every row of a controller; services that Samba lacks are said to be missing, and nothing else."""
    done = check.run("--to", check.controller["host"], "--dns", check.forest["dnsServers"][0], "--output", "json")
    findings = json.loads(done.stdout)["findings"]
    assert {f["row"] for f in findings if f["verdict"] not in WORKS} == ABSENT, explain(findings)
    missing = {f["row"]: (f["verdict"], f["diagnosis"]) for f in findings if f["row"] in ABSENT}
    assert missing == {"connect-ad/winrm": ("refused", "rejected-by-reset"),
                       "connect-ad/ad-web-services": ("refused", "service-not-installed")}
    assert done.returncode == 1


def bad_password_count(lab, account):
    with lab.administrator() as connection:
        # A domain that never locks accounts does not count either.
        connection.modify(lab.forest["baseDN"], {"lockoutThreshold": [(ldap3.MODIFY_REPLACE, [5])]})
        connection.search(lab.forest["baseDN"], f"(sAMAccountName={account})", attributes=["badPwdCount"])
        return int(connection.entries[0]["badPwdCount"].value or 0)


def test_a_wrong_password_is_tried_once(check, lab, tmp_path):
    account = lab.forest["plainAccount"]["principal"]
    name = account.split("@")[0]
    secret = tmp_path / "wrong"
    secret.write_text("certainly-not-this-one")
    secret.chmod(0o600)
    before = bad_password_count(lab, name)
    report, status = check.findings("--credentials", account, "--password-file", secret)
    assert bad_password_count(lab, name) == before + 1
    refused = [f for f in report["findings"] if f["diagnosis"] == "authentication-refused"]
    assert sum(f["verdict"] == "broken" for f in refused) == 1, explain(refused)
    # The others answer, and are not blamed.
    assert all(f["verdict"] in {"broken", "inconclusive"} for f in refused)
    assert {f["row"] for f in refused} >= DIRECTORY
    assert status == 1
    assert "certainly-not-this-one" not in json.dumps(report)


def test_selections(check):
    report, status = check.findings("--row", "connect-ad/ldap")
    assert {f["row"] for f in report["findings"]} == {"connect-ad/ldap"} and status == 0
    assert check.of_topology("--to", "nobody.example").returncode == 2
    assert check.of_topology("--from", "proxy").returncode == 2
    assert check.of_topology("--row", "no-such/row").returncode == 64
    assert check.run("--to", "192.0.2.1").returncode == 64


def test_explanations_show_the_conversation(check):
    text = check.of_topology("--row", "connect-ad/kerberos", "--explain").stdout
    assert "> AS-REQ for bridgehead-ports-check@" in text and "< KRB-ERROR 6" in text
    assert "two fragments" in text


def test_junit(check):
    done = check.of_topology("--output", "junit")
    suite = xml.etree.ElementTree.fromstring(done.stdout)[0]
    assert suite.get("name") == "sync1" and suite.get("failures") == "0"
    assert int(suite.get("tests")) == len(suite) == 11


def test_nagios(check):
    done = check.of_topology("--output", "nagios")
    first = done.stdout.splitlines()[0]
    # A remark is a warning.
    assert (done.returncode, first.split(" - ")[0]) in {(0, "PORTS OK"), (1, "PORTS WARNING")}
    data = dict(word.split("=") for word in first.split(" | ")[1].split())
    assert data["flows"] == data["works"] == "11" and data["failed"] == "0"
    down = check.run("--to", "127.0.99.99", "--domain", "corp.example", "--row", "connect-ad/ldaps", "--nagios")
    assert down.returncode == 2


def test_prometheus(check):
    families = {f.name: f for f in text_string_to_metric_families(check.of_topology("--output", "prometheus").stdout)}
    works = families["bridgehead_ports_flow_works"].samples
    assert len(works) == 11 and all(s.value == 1 for s in works)
    assert len({tuple(sorted(s.labels.items())) for s in works}) == 11
    expiry = families["bridgehead_ports_certificate_expiry_timestamp_seconds"].samples
    assert {s.labels["row"] for s in expiry} == {"connect-ad/ldaps"}


def test_a_dead_host_is_waited_for_once(check, tmp_path):
    """Nothing in the namespace has the address or a route to it: all flows end together, none after another."""
    topology = yaml.safe_load(check.topology.read_text())
    controllers = topology["forests"][0]["domains"][0]["controllers"]
    controllers.append({"name": f"dead.{check.forest['name']}", "addresses": ["192.0.2.77"]})
    file = tmp_path / "topology.yaml"
    file.write_text(yaml.safe_dump(topology))
    done = check.run("-f", file, "--dns", check.forest["dnsServers"][0], "--output", "json")
    findings = json.loads(done.stdout)["findings"]
    dead = [f for f in findings if f["target"]["address"] == "192.0.2.77"]
    # The ports of the dynamic range are known to the endpoint mapper alone: nothing is said of them.
    assert {(f["row"] == "connect-ad/rpc-dynamic", f["diagnosis"]) for f in dead} == {
        (False, "no-route"), (True, "unknown")}, explain(dead)
    alive = [f for f in findings if f not in dead]
    assert all(f["verdict"] in WORKS for f in alive), explain(alive)
    assert done.returncode == 1


# Reports

def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verified(path):
    """The payload of a report file, verified by another implementation of Ed25519 and JWS."""
    file = json.loads(pathlib.Path(path).read_text())
    header = json.loads(decoded(file["protected"]))
    assert header["alg"] == "EdDSA" and header["jwk"]["crv"] == "Ed25519"
    key = Ed25519PublicKey.from_public_bytes(decoded(header["jwk"]["x"]))
    key.verify(decoded(file["signature"]), f"{file['protected']}.{file['payload']}".encode())
    return json.loads(decoded(file["payload"])), header["jwk"]


@pytest.fixture(scope="module")
def reports(check):
    """Of two source hosts: sync1, and sync2 with the topology of its own."""
    files = {}
    for name in ["sync1", "sync2"]:
        directory = check.directory / name
        directory.mkdir()
        topology = directory / "topology.yaml"
        topology.write_text(check.topology.read_text().replace("sync1", name))
        public = check.product.run("ports", "report", "key", "--output", directory / "key").stdout
        (directory / "public.jwk").write_text(public)
        assert os.stat(directory / "key").st_mode & 0o777 == 0o600
        done = check.run("-f", topology, "--dns", check.forest["dnsServers"][0], "--report", directory / "report",
                         "--report-key", directory / "key")
        assert done.returncode == 0, done.stderr
        files[name] = directory
    return files


def test_a_report_is_signed(reports):
    payload, key = verified(reports["sync1"] / "report")
    assert payload["source"]["host"] == "sync1" and len(payload["findings"]) == 11
    assert key == json.loads((reports["sync1"] / "public.jwk").read_text())
    assert json.loads((reports["sync1"] / "key").read_text())["d"] not in (reports["sync1"] / "report").read_text()


def test_reports_become_one_matrix(check, reports):
    files = [d / "report" for d in reports.values()]
    keys = [w for d in reports.values() for w in ("--key", d / "public.jwk")]
    matrix = check.product.json("ports", "report", "merge", *files, *keys, "--json")
    assert [s["host"] for s in matrix["sources"]] == ["sync1", "sync2"]
    assert len(matrix["lines"]) == 11
    assert all(set(line["cells"]) == {"sync1", "sync2"} for line in matrix["lines"])
    text = check.product.run("ports", "report", "merge", *files, *keys).stdout
    assert "sync1 (connect)" in text.splitlines()[0] and len(text.splitlines()) == 12


def test_a_changed_or_foreign_report_is_refused(check, reports, tmp_path):
    source = json.loads((reports["sync1"] / "report").read_text())
    payload = decoded(source["payload"]).replace(b'"works"', b'"broken"', 1)
    changed = {**source, "payload": base64.urlsafe_b64encode(payload).decode().rstrip("=")}
    file = tmp_path / "changed"
    file.write_text(json.dumps(changed))
    with pytest.raises(InvalidSignature):
        verified(file)
    done = check.product.run("ports", "report", "merge", file, check=False)
    assert done.returncode == 1 and "changed after it was made" in done.stderr
    foreign = check.product.run(
        "ports", "report", "merge", reports["sync1"] / "report", "--key", reports["sync2"] / "public.jwk", check=False)
    assert foreign.returncode == 1 and "not trusted" in foreign.stderr


def test_a_key_that_others_can_read_is_refused(check, reports, tmp_path):
    key = tmp_path / "key"
    key.write_text((reports["sync1"] / "key").read_text())
    key.chmod(0o644)
    done = check.of_topology("--report", tmp_path / "report", "--report-key", key)
    assert done.returncode == 78 and "chmod 600" in done.stderr and not (tmp_path / "report").exists()


def test_no_password_is_shown(check, lab):
    """Neither an explanation nor the finest log tells the secret."""
    account = lab.forest["serviceAccount"]
    done = check.of_topology("--credentials", account["principal"], "--password-file", account["passwordFile"],
                             "--explain", "--log-level", "trace")
    secret = pathlib.Path(account["passwordFile"]).read_text().strip()
    assert done.returncode == 0, done.stdout + done.stderr
    assert secret not in done.stdout and secret not in done.stderr
