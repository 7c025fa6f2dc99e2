# SPDX-License-Identifier: Apache-2.0
"""What is said of a password beside it: when it expires, that it was taken away, that its user left."""
import subprocess

import ldap3
import pytest
from ldap3.protocol.formatters.formatters import format_sid

from passwords import PasswordSite, anchor, attempt, change, held, set_password, status, sync

NEW = "Bridge-Keeper-2026!"
# MS-ADTS 3.1.1.4.5.36: never, and the ticks between 1601 and 1970.
NEVER, EPOCH = 0x7FFFFFFFFFFFFFFF, 116_444_736_000_000_000
EXPIRY = "msDS-UserPasswordExpiryTimeComputed"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = PasswordSite(tmp_path_factory.mktemp("policy"), "--users", 40, "--groups", 4)
    yield site
    site.close()


@pytest.fixture(scope="module")
def connect(site):
    connect = site.connect()
    sync(connect)
    return connect


def samba_tool(site, *arguments):
    directory = site.lab.directory / "dc" / site.forest["controllers"][0]["host"]
    done = subprocess.run(
        ["samba-tool", *arguments, "-H", str(directory / "private" / "sam.ldb"), f"--configfile={directory}/etc/smb.conf"],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def assert_expiries_agree(site):
    """What the tenant keeps is what the domain controller computes, for everybody."""
    kept, people = site.versions(), site.people(site.lab.administrator(), EXPIRY)
    assert len(people) == len(kept) > 30
    for person in people:
        told = int(person["raw_attributes"][EXPIRY][0])
        expected = None if told in (0, NEVER) else (told - EPOCH) // 10_000_000 * 1000
        assert kept[anchor(person)][2] == expected, (person["dn"], told, kept[anchor(person)])
    return [kept[anchor(person)][2] for person in people]


def test_the_domains_policy_is_carried_over(site, connect):
    expiries = assert_expiries_agree(site)
    assert any(expiries) and sync(connect)["sent"] == 0


def test_an_account_whose_password_never_expires(site, connect):
    admin = site.lab.administrator()
    person = site.people(admin, "userAccountControl")[0]
    control = int(person["raw_attributes"]["userAccountControl"][0])
    admin.modify(person["dn"], {"userAccountControl": [(ldap3.MODIFY_REPLACE, [str(control ^ 0x10000)])]})
    before = site.versions()[anchor(person)]
    assert sync(connect)["sent"] == 1
    after = site.versions()[anchor(person)]
    assert after[0] == before[0] and (after[2] is None) != (before[2] is None)
    assert_expiries_agree(site)


def test_a_new_policy_concerns_everybody(site, connect):
    samba_tool(site, "domain", "passwordsettings", "set", "--max-pwd-age=7")
    try:
        assert sync(connect)["sent"] == 0, "the policy is looked at now and then"
        assert change(connect, "UPDATE password_policy SET read_at = 0") == 1
        before = site.versions()
        assert sync(connect)["sent"] > 30
        assert assert_expiries_agree(site) != [row[2] for row in before.values()]
        assert {a: row[0] for a, row in site.versions().items()} == {a: row[0] for a, row in before.items()}
        assert sync(connect)["sent"] == 0
    finally:
        samba_tool(site, "domain", "passwordsettings", "set", "--max-pwd-age=42")


def test_a_fine_grained_policy(site, connect):
    admin = site.lab.administrator()
    person = site.people(admin, "sAMAccountName")[1]
    name = person["raw_attributes"]["sAMAccountName"][0].decode()
    samba_tool(site, "domain", "passwordsettings", "pso", "create", "short", "1", "--max-pwd-age=3", "--min-pwd-age=0")
    samba_tool(site, "domain", "passwordsettings", "pso", "apply", "short", name)
    set_password(admin, person["dn"], NEW)
    assert sync(connect)["sent"] >= 1
    kept = site.versions()
    others = [row[2] for key, row in kept.items() if key != anchor(person) and row[2]]
    assert kept[anchor(person)][2] < min(others)


def test_a_fine_grained_policy_that_changes(site, connect):
    """For whom it holds and what it says reach the tenant, though no password changes, once the account may read it."""
    def look_again():
        assert change(connect, "UPDATE password_policy SET read_at = 0") == 1
        return sync(connect)["sent"]

    look_again()
    assert_expiries_agree(site)
    assert look_again() == 0, "nothing has changed"
    admin, base = site.lab.administrator(), site.forest["baseDN"]
    admin.search(base, f"(sAMAccountName={site.forest['serviceAccount']['principal'].split('@')[0]})", attributes=["objectSid"])
    reader = next(e for e in admin.response if e["type"] == "searchResEntry")["raw_attributes"]["objectSid"][0]
    samba_tool(site, "domain", "passwordsettings", "pso", "set", "short", "--max-pwd-age=4")
    assert look_again() == 0, "policies are for administrators to read"
    samba_tool(site, "dsacl", "set", f"--objectdn=CN=Password Settings Container,CN=System,{base}",
               f"--sddl=(A;CI;RPLCLORC;;;{format_sid(reader)})")
    assert look_again() == 1, "all are looked at, and those told whom it concerns"
    kept = site.versions()
    name = next(p["raw_attributes"]["sAMAccountName"][0].decode() for p in site.people(admin, "sAMAccountName")[4:]
                if kept[anchor(p)][2])
    for step in (["set", "short", "--max-pwd-age=2"], ["apply", "short", name], ["unapply", "short", name],
                 ["delete", "short"]):
        before = site.versions()
        samba_tool(site, "domain", "passwordsettings", "pso", *step)
        assert look_again() == 1, step
        assert_expiries_agree(site)
        assert site.versions() != before, step


def test_a_password_that_is_taken_away_is_forgotten(site, connect):
    """No tool of an administrator does that; Samba's own library, below the server, does."""
    admin = site.lab.administrator()
    person = site.people(admin)[2]
    directory = site.lab.directory / "dc" / site.forest["controllers"][0]["host"]
    script = """
import ldb, sys
from samba import dsdb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
lp = LoadParm()
lp.load(sys.argv[1] + "/etc/smb.conf")
db = SamDB(url=sys.argv[1] + "/private/sam.ldb", session_info=system_session(lp), lp=lp)
change = ldb.Message(ldb.Dn(db, sys.argv[2]))
change["unicodePwd"] = ldb.MessageElement([], ldb.FLAG_MOD_REPLACE, "unicodePwd")
db.modify(change, controls=["local_oid:%s:0" % dsdb.DSDB_CONTROL_BYPASS_PASSWORD_HASH_OID])
"""
    done = subprocess.run(["/usr/bin/python3", "-c", script, str(directory), person["dn"]],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    before = site.versions()[anchor(person)]
    assert before[1]
    report = sync(connect)
    assert report["forgotten"] == 1 and report["errors"] == [], report
    after = site.versions()[anchor(person)]
    assert after[0] > before[0] and not after[1]
    assert held(connect)[person["dn"]][0] == "none"
    assert sync(connect)["forgotten"] == 0
    set_password(admin, person["dn"], NEW)
    assert sync(connect)["sent"] == 1 and site.versions()[anchor(person)][1]


def test_who_leaves_is_forgotten_and_who_is_restored_has_none(site, connect):
    admin = site.lab.administrator()
    person = site.people(admin)[3]
    user = next(u for u in site.tenant.list("Users") if u["externalId"] == anchor(person))
    admin.delete(person["dn"])
    # While the user is still at the tenant, nothing is forgotten: but the deletion clears the password in AD.
    connect.report()
    assert not any(u["id"] == user["id"] for u in site.tenant.list("Users"))
    site.tenant.stop()
    done = attempt(connect)
    assert done.returncode == 4, done.stderr
    counts = {c["state"]: c["users"] for c in status(connect)["counts"]}
    assert counts["leaving"] == 1, counts
    site.tenant.start()
    assert change(connect, "UPDATE password_departure SET next_try = 0") == 1
    assert sync(connect)["forgotten"] == 1
    assert "leaving" not in {c["state"] for c in status(connect)["counts"]}
    site.tenant.product.run("tenant", "users", "restore", user["id"], "--config", site.tenant.configuration)
    assert site.versions()[anchor(person)][1] == 0
