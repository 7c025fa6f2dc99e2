# SPDX-License-Identifier: Apache-2.0
"""`connect forest add` and `check` on a real forest: what they find, which rights they miss, and that the commands they
name, run as they are, give exactly those."""
import difflib
import json
import pathlib
import shutil
import ssl
import subprocess
import tempfile

import ldap3
import pytest
from ldap3.core.exceptions import LDAPExtensionError
from ldap3.protocol.formatters.formatters import format_sid

from environment import Lab, Product
from network import blocked

LAB = ["--users", 50, "--groups", 5]
GET_CHANGES, GET_CHANGES_ALL = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2", "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"
RESET_PASSWORD = "00299570-246d-11d0-a768-00aa006e0529"
CONSISTENCY, PWD_LAST_SET = "23773dc2-b63a-11d2-90e1-00c04fd91ab1", "bf967a0a-0de6-11d0-a285-00aa003049e2"
LOCKOUT_TIME = "28630ebf-41d5-11d1-a9c1-0000f80367c1"
PROPERTIES = {"writeConsistencyGuid": "ms-ds-consistencyguid", "writePwdLastSet": "pwdlastset", "writeLockoutTime": "lockouttime"}
USER = "bf967aba-0de6-11d0-a285-00aa003049e2"

EDIT = """
import re, sys
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
from samba.sd_utils import SDUtils
lp = LoadParm()
lp.load_default()
utils, shown = SDUtils(SamDB(session_info=system_session(), lp=lp)), ["show_deleted:1"]
dn = sys.argv[1]
sddl = utils.read_sd_on_dn(dn, shown).as_sddl(utils.domain_sid)
entries = [text.strip("()").split(";") for text in re.findall(r"\\([^()]*\\)", sddl)]
%s
assert gone, "there is nothing to take away"
for entry in gone:
    sddl = sddl.replace("(" + ";".join(entry) + ")", "", 1)
utils.modify_sd_on_dn(dn, sddl, shown)
"""
# An entry is type; flags; rights; object; inheriting class; trustee. Inherited ones have the flag ID.
REVOKE = EDIT % """
gone = [e for e in entries if e[5] == sys.argv[2] and "ID" not in e[1] and sys.argv[3] in ("", e[3])]
"""
PROTECT = EDIT % """
gone = [e for e in entries if "ID" in e[1]]
sddl = re.sub("D:[A-Z]*", "D:P", sddl, count=1)
"""


class Forest:
    """A forest, the shell of its domain controller, and a configuration that a person wrote."""

    def __init__(self, lab, directory):
        self.lab, self.product, self.directory = lab, Product(), directory
        self.values = lab.forest
        self.unit = self.values["synchronisedUnits"][0]
        host = self.values["controllers"][0]["host"]
        self.shell = {"PATH": "/usr/bin:/bin", "SMB_CONF_PATH": f"{lab.directory}/dc/{host}/etc/smb.conf"}
        self.configuration = directory / "bridgehead.yaml"

    def account(self, key):
        return self.values[key]["principal"]

    def connection(self, key):
        """The account itself, with ldap3 over LDAPS."""
        target, account = self.values["controllers"][0], self.values[key]
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=self.lab.authority, valid_names=[target["host"]])
        server = ldap3.Server(target["address"], port=636, use_ssl=True, tls=tls, get_info=ldap3.NONE)
        name = account["principal"].split("@")[0]
        return ldap3.Connection(
            server, user=f"{self.values['netbios']}\\{name}", auto_bind=True,
            password=pathlib.Path(account["passwordFile"]).read_text().strip())

    def may(self, key, right):
        """What the domain controller itself says or does: the oracle for what the product read from access lists."""
        client = self.connection(key)
        if right in PROPERTIES:
            client.search(self.unit, "(&(objectCategory=person)(objectClass=user))", attributes=["allowedAttributesEffective"])
            found = [e for e in client.response if e["type"] == "searchResEntry"]
            answers = {PROPERTIES[right] in (v.decode().lower() for v in e["raw_attributes"]["allowedAttributesEffective"])
                       for e in found}
            assert len(answers) == 1, "all users are alike"
            return answers.pop()
        if right == "resetPassword":
            client.search(self.unit, "(&(objectCategory=person)(objectClass=user))", attributes=["cn"])
            return client.modify(
                client.entries[0].entry_dn,
                {"unicodePwd": [(ldap3.MODIFY_REPLACE, ['"Oracle-4711-Word!"'.encode("utf-16-le")])]})
        if right == "replicatingDirectoryChanges":
            try:
                client.extend.microsoft.dir_sync(self.values["baseDN"], "(objectClass=domain)", ["dc"]).loop()
            except LDAPExtensionError as error:
                assert "insufficientAccessRights" in str(error)
                return False
            return True
        return None

    def sid(self, key):
        name = self.account(key).split("@")[0]
        admin = self.lab.administrator()
        admin.search(self.values["baseDN"], f"(sAMAccountName={name})", attributes=["objectSid"])
        return format_sid(admin.entries[0].objectSid.raw_values[0])

    def run_on_controller(self, command):
        subprocess.run(["bash", "-c", command], env=self.shell, check=True, capture_output=True, text=True)

    def revoke(self, dn, sid, kind=""):
        """Takes the entries of an account away, those about one right where it is named."""
        subprocess.run(["/usr/bin/python3", "-c", REVOKE, dn, sid, kind], env=self.shell, check=True, capture_output=True,
                       text=True)

    def write(self, *forests, comment="# This comment was written by hand."):
        """A configuration as a person writes it; the sections of forests are lines."""
        lines = [
            comment, "version: 1", "dns:", f"  servers: {json.dumps(self.values['dnsServers'])}   # the forest's own", "trust:",
            f"  roots: [{self.lab.authority}]", "", "connect:", f"  database: {self.directory}/connect.sqlite"]
        lines += ["  forests:", *["    " + line for line in forests]] if forests else ["  forests: []  # none yet"]
        lines += [
            "  # Where everything goes.", "  target:", "    url: https://tenant.corp.example/scim/v2",
            f"    token: {{ file: {self.directory}/token }}", "    verifiedDomains: [corp.example]",
            "    initialDomain: corp.tenant.example", "# The end."]
        self.configuration.write_text("\n".join(lines) + "\n")

    def section(self, *more):
        """All three uses, each with an account of its own."""
        lines = [f"- name: {self.values['name']}"]
        for key, account in (("credentials", "serviceAccount"), ("passwordCredentials", "passwordAccount"),
                             ("writebackCredentials", "plainAccount")):
            lines += [f"  {key}:", f"    principal: {self.account(account)}",
                      f"    password: {{ file: {self.values[account]['passwordFile']} }}"]
        lines += ["  writebackUnits:", "    include:", f"      - {self.unit}"]
        return lines + ["  organizationalUnits:", "    include:", f"      - {self.unit}", "  writeSourceAnchors: true", *more]

    def command(self, *arguments, code=0):
        done = self.product.run("connect", "forest", *arguments, "--config", self.configuration, check=False)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done

    def check(self, code=0):
        answer = json.loads(self.command("check", "--json", code=code).stdout)
        assert len(answer["forests"]) == 1
        return answer["forests"][0], answer["flows"]


@pytest.fixture(scope="module")
def forest(lab, tmp_path_factory):
    forest = Forest(lab, tmp_path_factory.mktemp("forest"))
    forest.write(*forest.section())
    return forest


def of(report, verdict):
    return [finding for finding in report["findings"] if finding["verdict"] == verdict]


def missing(report):
    return {(finding["role"], finding["right"], finding["subject"]) for finding in of(report, "missing")}


def test_what_is_missing_is_granted_by_the_commands_that_are_named(forest):
    """The accounts for reading have what the documentation says; the anchor and writing back come new."""
    report, _ = forest.check(code=2)
    assert of(report, "failed") == []
    assert missing(report) == {
        ("import", "writeConsistencyGuid", forest.unit), ("writeback", "resetPassword", forest.unit),
        ("writeback", "writePwdLastSet", forest.unit), ("writeback", "writeLockoutTime", forest.unit)}
    for finding in of(report, "missing"):
        assert finding["grant"]["windows"].startswith(f'dsacls "{forest.unit}" /I:S /G "CORP\\svc-'), finding
        forest.run_on_controller(finding["grant"]["samba"])
    report, _ = forest.check()
    assert of(report, "missing") == [] and len([f for f in report["findings"] if f["check"] == "right"]) == 8


def test_the_forest_says_who_it_is(forest):
    report, flows = forest.check()
    [domain] = report["domains"]
    assert domain["identifier"] == forest.values["domainSID"] and domain["netBIOSName"] == forest.values["netbios"]
    assert domain["base"] == forest.values["baseDN"]
    [controller] = domain["controllers"]
    assert controller["host"] == forest.values["controllers"][0]["host"]
    assert controller["isPDC"] and controller["isGlobalCatalog"] and controller["answers"]
    used = {(flow["row"], flow["transport"]): flow for flow in flows}
    assert used["connect-ad/rpc-endpoint-mapper", "tcp"]["port"] == 135
    assert used["connect-ad/rpc-dynamic", "tcp"]["port"] >= 49152
    for row in ("connect-ad/rpc-dynamic", "connect-ad/ldap", "connect-ad/global-catalog"):
        assert "sign and seal, aes256" in used[row, "tcp"]["protection"]
    assert "SMB 3.1.1" in used["connect-ad/smb", "tcp"]["protection"]
    assert ("connect-ad/kerberos", "udp") in used or ("connect-ad/kerberos", "tcp") in used


def rights(forest):
    """Each right with the entries that give it."""
    base, unit = forest.values["baseDN"], forest.unit
    return [
        ("import", "replicatingDirectoryChanges", base, "serviceAccount", GET_CHANGES),
        ("import", "readDeletedObjects", f"CN=Deleted Objects,{base}", "serviceAccount", ""),
        ("import", "writeConsistencyGuid", unit, "serviceAccount", CONSISTENCY),
        ("passwords", "replicatingDirectoryChanges", base, "passwordAccount", GET_CHANGES),
        ("passwords", "replicatingDirectoryChangesAll", base, "passwordAccount", GET_CHANGES_ALL),
        ("writeback", "resetPassword", unit, "plainAccount", RESET_PASSWORD),
        ("writeback", "writePwdLastSet", unit, "plainAccount", PWD_LAST_SET),
        ("writeback", "writeLockoutTime", unit, "plainAccount", LOCKOUT_TIME)]


@pytest.mark.parametrize("index", range(8))
def test_each_right_that_is_taken_away_is_named_alone(forest, index):
    role, right, place, account, kind = rights(forest)[index]
    forest.revoke(place, forest.sid(account), kind)
    report, _ = forest.check(code=2)
    said = forest.may(account, right)
    for finding in of(report, "missing"):
        forest.run_on_controller(finding["grant"]["samba"])
    assert missing(report) == {(role, right, place)} and of(report, "failed") == []
    assert forest.account(account) in finding["message"] and finding["remedy"]
    assert said in (False, None), "the domain controller lets it"
    forest.check()
    assert forest.may(account, right) in (True, None), "the domain controller does not let it"


def test_users_who_inherit_nothing_are_named(forest):
    """A grant on the unit does not reach them, so none is offered."""
    admin = forest.lab.administrator()
    admin.search(forest.unit, "(&(objectCategory=person)(objectClass=user))", attributes=["cn"], size_limit=0)
    dn = admin.entries[0].entry_dn
    subprocess.run(["/usr/bin/python3", "-c", PROTECT, dn], env=forest.shell, check=True, capture_output=True)
    try:
        report, _ = forest.check(code=2)
        found = of(report, "missing")
        assert {f["right"] for f in found} == {"writeConsistencyGuid", "resetPassword", "writePwdLastSet", "writeLockoutTime"}
        assert all("(1 of 5" in f["message"] and dn in f["message"] and "grant" not in f for f in found), found
        assert all("Inheritance is switched off" in f["remedy"] for f in found)
    finally:
        admin.delete(dn)
    forest.check()


def test_a_denial_is_not_mended_by_a_grant(forest):
    sid = forest.sid("plainAccount")
    forest.run_on_controller(
        f'samba-tool dsacl set --objectdn="{forest.unit}" --sddl="(OD;CIIO;CR;{RESET_PASSWORD};{USER};{sid})"')
    report, _ = forest.check(code=2)
    assert missing(report) == {("writeback", "resetPassword", forest.unit)}
    [finding] = of(report, "missing")
    assert "denies" in finding["message"] and "Remove" in finding["remedy"] and "grant" not in finding
    forest.revoke(forest.unit, sid, RESET_PASSWORD)
    report, _ = forest.check(code=2)
    forest.run_on_controller(of(report, "missing")[0]["grant"]["samba"])
    forest.check()


def test_rights_that_come_by_a_group(forest):
    """As administrators give them: to a group that the account is in."""
    admin, base = forest.lab.administrator(), forest.values["baseDN"]
    group, sid = f"CN=Writers,{forest.values['otherUnits'][-1]}", forest.sid("plainAccount")
    account = f"CN=svc-plain,OU=Service Accounts,{base}"
    admin.add(group, ["group"], {"sAMAccountName": "Writers"})
    admin.modify(group, {"member": [(ldap3.MODIFY_ADD, [account])]})
    admin.search(group, "(objectClass=group)", ldap3.BASE, attributes=["objectSid"])
    trustee = format_sid(admin.entries[0].objectSid.raw_values[0])
    forest.revoke(forest.unit, sid, RESET_PASSWORD)
    forest.run_on_controller(
        f'samba-tool dsacl set --objectdn="{forest.unit}" --sddl="(OA;CIIO;CR;{RESET_PASSWORD};{USER};{trustee})"')
    forest.check()
    forest.revoke(forest.unit, trustee, RESET_PASSWORD)
    admin.delete(group)
    report, _ = forest.check(code=2)
    forest.run_on_controller(of(report, "missing")[0]["grant"]["samba"])
    forest.check()


def test_a_closed_endpoint_mapper(forest):
    with blocked("tcp dport 135"):
        report, flows = forest.check(code=1)
    [finding] = of(report, "failed")
    assert finding["check"] == "replicationService" and "Open TCP port 135" in finding["remedy"], finding
    assert "connect-ad/rpc-dynamic" not in {flow["row"] for flow in flows}
    assert len([f for f in of(report, "passed") if f["check"] == "right"]) == 8, "the rest is checked all the same"


@pytest.mark.parametrize("verdict", ["drop", "reject with tcp reset"])
def test_a_closed_dynamic_range(forest, verdict):
    address = forest.values["controllers"][0]["address"]
    with blocked(f"ip daddr {address} tcp dport 49152-65535 tcp flags syn", verdict=verdict):
        report, _ = forest.check(code=1)
    [finding] = of(report, "failed")
    assert finding["check"] == "replicationService" and "port 135 does" in finding["message"], finding
    assert "49152-65535" in finding["remedy"]


def test_a_closed_file_service(forest):
    with blocked("tcp dport 445", verdict="reject with tcp reset"):
        report, _ = forest.check(code=1)
    [finding] = of(report, "failed")
    assert finding["check"] == "securityAuthority" and "445" in finding["message"] + finding["remedy"], finding


def test_a_wrong_password(forest):
    secret = forest.directory / "wrong"
    secret.write_text("not-the-password")
    secret.chmod(0o600)
    good = forest.values["plainAccount"]["passwordFile"]
    forest.write(*[line.replace(good, str(secret)) for line in forest.section()])
    done = forest.command("check", code=1)
    assert "refused the password" in done.stdout and forest.account("plainAccount") in done.stdout
    assert "not-the-password" not in done.stdout + done.stderr
    forest.write(*forest.section())
    forest.check()


def test_a_trust_between_two_forests():
    """Made by samba-tool on both sides; this Samba cannot validate it without its winbind, so that is left out."""
    # Sockets of servers have short paths.
    tmp_path = pathlib.Path(tempfile.mkdtemp(prefix="trust"))
    lab = Lab(tmp_path / "lab", "--users", 5, "--groups", 1, "--forest", "one.example", "--forest", "two.example",
              "--network", 20)
    try:
        one, two = lab.forests
        lab.trust(one, two, "external")
        configuration = tmp_path / "bridgehead.yaml"
        configuration.write_text(json.dumps({
            "version": 1, "dns": {"servers": one["dnsServers"]}, "trust": {"roots": [lab.authority]},
            "connect": {
                "database": str(tmp_path / "connect.sqlite"),
                "forests": [{
                    "name": one["name"], "credentials": {
                        "principal": one["serviceAccount"]["principal"], "keytab": one["serviceAccount"]["keytabFile"]}}],
                "target": {"url": "https://tenant.one.example/scim/v2", "token": {"file": str(tmp_path / "token")},
                           "verifiedDomains": ["one.example"], "initialDomain": "one.tenant.example"}}}))
        [report] = lab.product.json("connect", "forest", "check", "--config", configuration, "--json")["forests"]
        assert report["trusts"] == [
            {"domain": "one.example", "name": "two.example", "direction": "both", "isForestTrust": False}]
    finally:
        lab.down()
        shutil.rmtree(tmp_path)


# ---- Adding


def add(forest, *arguments, code=0):
    account = forest.values["serviceAccount"]
    return forest.command(
        "add", forest.values["name"], "--principal", account["principal"], "--keytab", account["keytabFile"], *arguments,
        code=code)


def test_a_preview_writes_nothing(forest):
    forest.write()
    before = forest.configuration.read_bytes()
    done = add(forest, "--unit", forest.unit, "--dry-run", code=2)
    assert forest.configuration.read_bytes() == before
    for line in ("-  forests: []  # none yet", "+    - name: corp.example", f'+          - "{forest.unit}"',
                 "+      writeSourceAnchors: false"):
        assert line in done.stdout.splitlines(), done.stdout


def test_a_section_is_written_and_everything_else_stays(forest):
    forest.write()
    forest.configuration.chmod(0o640)
    before = forest.configuration.read_text().splitlines()
    answer = json.loads(add(forest, "--unit", forest.unit, "--json").stdout)
    assert answer["isWritten"] and of(answer["report"], "missing") == []
    after = forest.configuration.read_text().splitlines()
    assert [line for line in difflib.ndiff(before, after) if line.startswith("-")] == ["-   forests: []  # none yet"]
    assert "  forests:  # none yet" in after and "      domains:" in after and "        - corp.example" in after
    assert forest.configuration.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in forest.directory.iterdir() if p.name.endswith(".new")] == []
    forest.product.run("config", "validate", "--config", forest.configuration)
    forest.check()


def test_a_section_that_is_there_is_changed_only_when_told(forest):
    text = forest.configuration.read_text().replace("      credentials:", "      # Ask Anna before you change it.\n      credentials:")
    forest.configuration.write_text(text)
    assert "says all this already" in add(forest, "--unit", forest.unit).stdout
    passwords = forest.values["passwordAccount"]
    more = ("--passwords-principal", passwords["principal"], "--passwords-keytab", passwords["keytabFile"])
    refused = add(forest, *more, code=1)
    assert "has a section" in refused.stderr and "--replace" in refused.stderr
    assert forest.configuration.read_text() == text
    add(forest, *more, "--domain-controller", "dc1.corp.example", "--replace")
    changed = forest.configuration.read_text().splitlines()
    difference = list(difflib.ndiff(text.splitlines(), changed))
    assert not [line for line in difference if line.startswith("-")], "nothing was lost"
    added = [line[2:] for line in difference if line.startswith("+")]
    assert added == ["      domainControllers:", "        - dc1.corp.example", "      passwordCredentials:",
                     f"        principal: {passwords['principal']}", f"        keytab: {passwords['keytabFile']}"]
    report, _ = forest.check()
    assert report["accounts"] == {"import": forest.account("serviceAccount"), "passwords": passwords["principal"]}


def test_with_a_right_missing_nothing_is_written(forest):
    forest.write()
    before = forest.configuration.read_text()
    sid = forest.sid("serviceAccount")
    forest.revoke(forest.values["baseDN"], sid, GET_CHANGES)
    done = add(forest, code=2)
    assert "samba-tool dsacl set" in done.stdout and "nothing was written" in done.stderr
    assert forest.configuration.read_text() == before
    add(forest, "--accept-missing")
    assert "- name: corp.example" in forest.configuration.read_text()
    report, _ = forest.check(code=2)
    forest.run_on_controller(of(report, "missing")[0]["grant"]["samba"])
    forest.check()


def test_a_second_forest_joins_the_list(forest):
    other = [line.replace("corp.example", "other.example").replace("CORP.EXAMPLE", "OTHER.EXAMPLE")
             .replace("DC=corp", "DC=other") for line in forest.section()]
    forest.write(*other, "  # The last word on the other one.")
    before = forest.configuration.read_text().splitlines()
    # With a further forest, members from there are seen by the right to read foreign security principals.
    add(forest, "--pin-controllers", "--domain", "corp.example")
    after = forest.configuration.read_text().splitlines()
    assert [line[2:] for line in difflib.ndiff(before, after) if line[0] in " -"] == before
    assert not [line for line in difflib.ndiff(before, after) if line.startswith("-")]
    at = after.index("    - name: corp.example")
    assert after[at - 1].strip() == "# The last word on the other one."
    assert after[at + 3:at + 5] == ["      domainControllers:", "        - dc1.corp.example"]
    forest.product.run("config", "validate", "--config", forest.configuration)


@pytest.mark.parametrize("text,words", [
    ("version: 1\n", "no connect section"),
    ("version: 1\nconnect: { database: /tmp/x, forests: [] }\n", "in braces"),
    ("version: [\n", "not valid YAML"),
], ids=["no section", "braces", "no YAML"])
def test_files_that_cannot_be_changed(forest, text, words):
    forest.configuration.write_text(text)
    done = add(forest, code=78)
    assert words in done.stderr and "error:" in done.stderr
    assert forest.configuration.read_text() == text
