# SPDX-License-Identifier: Apache-2.0
"""What a check does with credentials: as deep as the rows' operations, and a single refused sign-in."""
import pathlib

import ldap3
import pytest

import wan
from fault_site import Site, key

WORKS = {"works", "works-with-remark"}
SEALED = ["connect-ad/ldap", "connect-ad/ldaps", "connect-ad/global-catalog", "connect-ad/rpc-dynamic", "connect-ad/smb"]
pytestmark = pytest.mark.skipif(wan.unavailable() is not None, reason=str(wan.unavailable()))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def controller(site):
    return site.lab.forest["controllers"][0]["host"]


def tcp(run):
    return {key(finding)[0]: finding for finding in run.findings if finding["transport"] == "tcp"}


def test_the_operation_of_each_row(site, controller):
    account = site.lab.forest["serviceAccount"]
    site.path.reset()
    run = site.check("--to", controller, "--credentials", account["principal"], "--keytab", account["keytabFile"])
    rows = tcp(run)
    for row in SEALED:
        assert rows[row]["verdict"] in WORKS and rows[row]["depth"]["reached"] == "operation", rows[row]
    # The KDC that the row names was shown the account's ticket, not the password.
    kerberos = rows["connect-ad/kerberos"]
    assert kerberos["verdict"] in WORKS and kerberos["depth"]["reached"] == "authenticated", kerberos
    assert any("a ticket for ldap/" in (phase["received"] or "") for phase in kerberos["evidence"]), kerberos
    assert site.path.report()["seen"] == {}, "NTLM was spoken"


def test_a_refused_sign_in_is_not_repeated(site, controller, tmp_path):
    """One wrong password, in a whole check of many rows that would all sign in: the account counts one."""
    account = site.lab.forest["plainAccount"]
    secret = tmp_path / "password"
    secret.touch(mode=0o600)
    secret.write_text("not the password\n")
    # A controller counts only where a policy locks accounts.
    with site.lab.administrator() as administrator:
        administrator.modify(
            site.lab.forest["baseDN"], {"lockoutThreshold": [(ldap3.MODIFY_REPLACE, ["5"])]})
    before = bad_passwords(site, account)
    run = site.check("--to", controller, "--credentials", account["principal"], "--password-file", secret)
    assert bad_passwords(site, account) - before == 1
    rows = tcp(run)
    assert {rows[row]["diagnosis"] for row in [*SEALED, "connect-ad/kerberos"]} == {"authentication-refused"}
    # The one that tried, and those that did not.
    verdicts = sorted(f["verdict"] for f in rows.values() if f["diagnosis"] == "authentication-refused")
    assert verdicts[0] == "broken" and set(verdicts[1:]) == {"inconclusive"}, verdicts
    assert rows["connect-ad/rpc-endpoint-mapper"]["verdict"] in WORKS, rows["connect-ad/rpc-endpoint-mapper"]
    assert pathlib.Path(secret).read_text().strip() not in run.output + run.errors


def bad_passwords(site, account):
    with site.lab.administrator() as administrator:
        name = account["principal"].split("@")[0]
        administrator.search(
            site.lab.forest["baseDN"], f"(sAMAccountName={name})", ldap3.SUBTREE, attributes=["badPwdCount"])
        return int(administrator.entries[0].badPwdCount.value or 0)


def test_a_name_without_a_service_principal(site, controller):
    """The controller under another name: the KDC has no key for it."""
    account = site.lab.forest["serviceAccount"]

    def alias(topology):
        topology["forests"][0]["domains"][0]["controllers"][0]["name"] = "alias.corp.example"
    run = site.check(
        "--to", "alias.corp.example", "--credentials", account["principal"], "--keytab", account["keytabFile"],
        topology=site.topology(alias))
    rows = tcp(run)
    assert rows["connect-ad/winrm"]["diagnosis"] == "wrong-service-principal", rows["connect-ad/winrm"]
    # Whoever asks the directory itself learns the right name.
    assert rows["connect-ad/ldap"]["diagnosis"] == "wrong-controller", rows["connect-ad/ldap"]
    assert rows["connect-ad/kerberos"]["verdict"] in WORKS
