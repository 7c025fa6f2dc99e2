# SPDX-License-Identifier: Apache-2.0
"""Stores that cannot be written or read, and directories that are not what they were: a clear stop or a right result."""
import contextlib
import json
import shutil
import sqlite3
import subprocess

import ldap3
import pytest
from ldap3.protocol.microsoft import security_descriptor_control

from comparison import assert_created_once, compare, read, sid, users_of
from network import Relay, redirected

LAB = ["--users", 60, "--groups", 6]


def settled(lab, tenant):
    compare(lab, tenant)
    assert_created_once(tenant)


def retitle(lab, title, number=3):
    admin = lab.administrator()
    admin.modify(users_of(lab, admin)[number]["dn"], {"title": [(ldap3.MODIFY_REPLACE, [title])]})


def refused(done, *words):
    assert done.returncode == 1, done.stdout + done.stderr
    assert all(word in done.stderr for word in (*words, "remedy:")), done.stderr


def deletions(tenant):
    log = tenant.product.json("tenant", "audit", "--config", tenant.configuration, "--limit", 1_000_000, "--json")
    return [entry["target"] for entry in log if entry["action"] == "delete"]


# The store ---------------------------------------------------------------------------------------------------------------

@pytest.fixture
def disk(tmp_path):
    """A file system of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=700", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_file_system_that_became_read_only(lab, new_tenant, new_connect, disk):
    new_connect.set("connect.database", str(disk / "connect.sqlite"))
    new_connect.sync("--full")
    retitle(lab, "Read only")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    refused(new_connect.sync(check=False), str(disk))
    assert "Read only" not in str(new_tenant.list("Users"))
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    new_connect.sync()
    settled(lab, new_tenant)


def test_a_database_that_somebody_else_has_locked(lab, new_tenant, new_connect):
    new_connect.sync("--full")
    retitle(lab, "Locked")
    path = new_connect.values["connect"]["database"]
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused(new_connect.sync(check=False, timeout=120), path)
        other.execute("ROLLBACK")
    new_connect.sync()
    settled(lab, new_tenant)


def test_a_corrupt_database(lab, new_tenant, new_connect):
    """Nothing is concluded from it and nothing exported; without it, a full run adopts what the tenant holds."""
    new_connect.sync("--full")
    retitle(lab, "Corrupt")
    path = new_connect.directory / "connect.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 8192))
    refused(new_connect.sync(check=False), str(path))
    assert "Corrupt" not in str(new_tenant.list("Users")) and deletions(new_tenant) == []
    for file in new_connect.directory.glob("connect.sqlite*"):
        file.unlink()
    new_connect.sync("--full")
    settled(lab, new_tenant)


# The directory -----------------------------------------------------------------------------------------------------------

def folder(lab):
    """Where the domain controller keeps everything."""
    return lab.directory / "dc" / lab.forest["controllers"][0]["host"]


@contextlib.contextmanager
def denied(lab, name, right):
    """Takes a right on an object away from the service account, and gives it back."""
    admin, controller = lab.administrator(), folder(lab)
    account = lab.forest["serviceAccount"]["principal"].split("@")[0]
    trustee = sid(read(admin, [lab.forest["baseDN"]], f"(sAMAccountName={account})", ["objectSid"])[0])
    access = security_descriptor_control(sdflags=0x04)
    admin.search(name, "(objectClass=*)", ldap3.BASE, attributes=["nTSecurityDescriptor"], controls=access)
    before = admin.response[0]["raw_attributes"]["nTSecurityDescriptor"]
    lab.execute("samba-tool", "dsacl", "set", "-s", controller / "etc/smb.conf", "-H", controller / "private/sam.ldb",
                f"--objectdn={name}", f"--sddl=({right};{trustee})")
    try:
        yield
    finally:
        admin.modify(name, {"nTSecurityDescriptor": [(ldap3.MODIFY_REPLACE, before)]}, controls=access)


# DS-Replication-Get-Changes (MS-ADTS 5.1.3.2.1).
GET_CHANGES = "OD;;CR;1131f6aa-9c07-11d1-f79f-00c04fc2dcd2;"
# To read properties, to list the content, to list an object: on the object and all below it.
READ = "D;CI;RPLCLO;;"
# To read whether an account is disabled or expired, which is the property set User Account Restrictions (MS-ADTS
# 3.1.1.2.3.3), and to read one attribute, employeeID (MS-ADA1).
ACCOUNT = "OD;CI;RP;4c164200-20c0-11d0-a768-00aa006e0529;"
EMPLOYEE = "OD;CI;RP;bf967962-0de6-11d0-a285-00aa003049e2;"
# Exit codes of `connect sync`.
FINE, PARTIAL = 0, 4


def test_a_right_that_is_taken_away(lab, new_tenant, new_connect):
    """Replicating Directory Changes is refused from one run to the next: the run goes on as it can, and says so."""
    new_connect.sync("--full")
    with denied(lab, lab.forest["baseDN"], GET_CHANGES):
        retitle(lab, "Without the right")
        assert "lacks Replicating Directory Changes" in new_connect.report()["imports"][0]["note"]
        settled(lab, new_tenant)
        assert new_connect.report()["imports"][0]["mode"] == "delta"
    # Given back, it is used at once: what was not seen meanwhile is made up for.
    retitle(lab, "With the right")
    reading = new_connect.report()["imports"][0]
    assert reading["mode"] == "full" and "was given to the account" in reading["note"], reading
    settled(lab, new_tenant)
    retitle(lab, "And by changes")
    reading = new_connect.report()["imports"][0]
    assert reading["mode"] == "delta" and reading["read"] == 1 and "note" not in reading, reading
    settled(lab, new_tenant)
    assert deletions(new_tenant) == []


def unit_of(lab, name):
    return f"OU={name},OU=People,{lab.forest['baseDN']}"


def people_in(lab, unit):
    return [user for user in users_of(lab, lab.administrator()) if user["dn"].endswith("," + unit)]


def ends(done, code, *words):
    assert done.returncode == code, done.stderr
    assert all(word in done.stdout for word in words), done.stdout


def test_a_unit_that_may_no_longer_be_read(lab, new_tenant, new_connect):
    """What vanishes because a right is gone is a fault, not data: nobody is deleted, and nothing is cleared."""
    new_connect.sync("--full")
    unit = unit_of(lab, "Germany")
    with denied(lab, lab.forest["baseDN"], GET_CHANGES):
        new_connect.sync()
        with denied(lab, unit, READ):
            # Changes tell nothing of a right; who reads everything meets values that are hidden.
            ends(new_connect.sync(check=False), FINE)
            for _ in range(2):
                ends(new_connect.sync("--full", check=False), PARTIAL, "is not shown", unit)
                assert deletions(new_tenant) == []
                settled(lab, new_tenant)
        # Given back, it ends by itself.
        assert new_connect.report("--full")["requests"] == 0
        settled(lab, new_tenant)


def test_values_of_one_unit_that_may_no_longer_be_read(lab, new_tenant, new_connect):
    """A change brings an entry without some of its values: they stay, and what may be read arrives, cleared or not."""
    new_connect.sync("--full")
    admin, unit = lab.administrator(), unit_of(lab, "Germany")
    people = people_in(lab, unit)
    person = next(user for user in people if user["attributes"].get("employeeID"))
    locked = next(user for user in people if user["dn"] != person["dn"])
    admin.modify(locked["dn"], {"userAccountControl": [(ldap3.MODIFY_REPLACE, [514])]})
    other = next(user for user in users_of(lab, admin)
                 if user["attributes"].get("employeeID") and not user["dn"].endswith("," + unit))
    newcomer = f"CN=Newcomer,OU={person['dn'].split(',OU=', 1)[1]}"
    with denied(lab, lab.forest["baseDN"], GET_CHANGES):
        new_connect.sync()
        with denied(lab, unit, ACCOUNT), denied(lab, unit, EMPLOYEE):
            for user, more in ((person, {"department": [(ldap3.MODIFY_REPLACE, [])]}), (locked, {})):
                admin.modify(user["dn"], {"displayName": [(ldap3.MODIFY_REPLACE, ["Renamed"])], **more})
            admin.modify(other["dn"], {"employeeID": [(ldap3.MODIFY_REPLACE, [])]})
            done = new_connect.sync(check=False)
            ends(done, PARTIAL, "employeeid", "useraccountcontrol of 2 objects", unit)
            [reading] = json.loads(done.stdout)["imports"]
            assert reading["mode"] == "delta" and reading["hidden"]["objects"] == 2
            assert "department" not in reading["hidden"]["attributes"]
            # What the administrator reads is what the tenant holds: nothing was cleared, and nobody may sign in again.
            settled(lab, new_tenant)
            # Everybody of the unit lacks them now; one line says so.
            report = json.loads(new_connect.sync("--full", check=False).stdout)
            assert report["imports"][0]["hidden"]["objects"] == len(people) and len(report["errors"]) == 1
            settled(lab, new_tenant)
            # Nobody is taken for enabled because the account may not read whether they are.
            admin.add(newcomer, "user", {"sAMAccountName": "newcomer", "displayName": "Newcomer", "userAccountControl": 546,
                                         "userPrincipalName": f"newcomer@{lab.forest['verifiedSuffixes'][0]}"})
            ends(new_connect.sync(check=False), PARTIAL, "1 new users are left out")
            assert "newcomer" not in str(new_tenant.list("Users"))
        # Given back, a full run makes up for it; and what is cleared in truth is cleared.
        ends(new_connect.sync("--full", check=False), FINE)
        settled(lab, new_tenant)
        admin.modify(person["dn"], {"employeeID": [(ldap3.MODIFY_REPLACE, [])]})
        ends(new_connect.sync(check=False), FINE)
        settled(lab, new_tenant)
    assert deletions(new_tenant) == []


def test_a_unit_that_is_no_longer_listed(lab, new_tenant, new_connect):
    """For an account that never could read by changes, a unit that it may not list looks like one that is empty."""
    admin = lab.administrator()
    unit = "OU=" + people_in(lab, unit_of(lab, "Germany"))[0]["dn"].split(",OU=", 1)[1]
    with denied(lab, lab.forest["baseDN"], GET_CHANGES):
        new_connect.sync("--full")
        hidden = len(people_in(lab, unit))
        gone = next(user for user in users_of(lab, admin) if not user["dn"].endswith("," + unit))
        with denied(lab, unit, "D;;LC;;"):
            admin.delete(gone["dn"])
            done = new_connect.sync("--full", check=False)
            ends(done, PARTIAL, f"{hidden} objects themselves,", f"below {unit},")
            assert len(deletions(new_tenant)) == 1
            settled(lab, new_tenant)
        assert new_connect.report("--full")["requests"] == 0
        settled(lab, new_tenant)


def corrupt_cookie(connect, value):
    with contextlib.closing(sqlite3.connect(connect.values["connect"]["database"])) as database, database:
        changed = database.execute("UPDATE watermark SET cookie = ? WHERE cookie IS NOT NULL", [value]).rowcount
    assert changed == 1


@pytest.mark.parametrize("cookie", [b"MSDS\x03", b"\x00" * 200], ids=["cut", "zeros"])
def test_a_foreign_cookie(lab, new_tenant, new_connect, cookie):
    """A watermark that the domain controller does not understand costs that everything is read, and nothing else."""
    new_connect.sync("--full")
    retitle(lab, f"Cookie {cookie[:4].hex()}")
    admin = lab.administrator()
    gone = users_of(lab, admin)[-1]
    admin.delete(gone["dn"])
    corrupt_cookie(new_connect, cookie)
    report = new_connect.report()
    assert sum(reading["read"] for reading in report["imports"]) > len(users_of(lab, admin))
    assert report["exported"]["user"] == {**report["exported"]["user"], "created": 0, "deleted": 1, "updated": 1}
    settled(lab, new_tenant)
    again = new_connect.report()
    assert again["imports"][0]["mode"] == "delta" and again["imports"][0]["read"] == 0


def test_people_who_move_while_everything_is_read(lab, new_tenant, new_connect):
    """From units that were read already to units that were not, and back: everybody is found, nobody twice."""
    new_connect.sync("--full")
    ids = {u["externalId"]: u["id"] for u in new_tenant.list("Users")}
    admin = lab.administrator()
    people = users_of(lab, admin)
    units = sorted({u["dn"].split(",OU=", 1)[1] for u in people})
    [controller] = lab.forest["controllers"]

    def move():
        for person in people:
            name, unit = person["dn"].split(",OU=", 1)
            other = units[-1 - units.index(unit)]
            if other != unit:
                admin.modify_dn(person["dn"], name, new_superior=f"OU={other}")

    with Relay("127.0.10.220", 3890, (controller["address"], 389), after=30_000, cut=move, goes_on=True) as relay, \
            redirected(controller["address"], 389, relay):
        new_connect.sync("--full")
    assert relay.passed > 30_000
    assert deletions(new_tenant) == []
    new_connect.sync()
    settled(lab, new_tenant)
    assert {u["externalId"]: u["id"] for u in new_tenant.list("Users")} == ids


def test_a_restored_domain_controller(lab, new_tenant, new_connect, tmp_path):
    """Copied back from yesterday: what it then learns has numbers that were read before, and arrives all the same."""
    new_connect.sync("--full")
    original, copy = folder(lab), tmp_path / "yesterday"
    lab.down()
    subprocess.run(["cp", "-a", original, copy], check=True)
    lab.product.run("lab", "up", "--dir", lab.directory, *LAB)
    for number in range(5):
        retitle(lab, f"Lost {number}", number)
    new_connect.sync()
    assert "Lost 4" in str(new_tenant.list("Users"))
    lab.down()
    shutil.rmtree(original)
    subprocess.run(["cp", "-a", copy, original], check=True)
    lab.product.run("lab", "up", "--dir", lab.directory, *LAB)
    retitle(lab, "After the restore", 7)
    report = new_connect.report()
    assert report["imports"][0]["mode"] == "full"
    assert "After the restore" in str(new_tenant.list("Users"))
    settled(lab, new_tenant)
