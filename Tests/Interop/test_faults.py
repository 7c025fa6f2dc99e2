# SPDX-License-Identifier: Apache-2.0
"""Stores that cannot be written or read, and directories that are not what they were: a clear stop or a right result."""
import contextlib
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


def test_a_unit_that_may_no_longer_be_read(lab, new_tenant, new_connect):
    """What vanishes because a right is gone is a fault, not data: nobody is deleted, and nothing is cleared."""
    new_connect.set("connect.guard", {"clearedValues": 5})
    new_connect.sync("--full")
    base = lab.forest["baseDN"]
    with denied(lab, base, GET_CHANGES):
        new_connect.sync()
        with denied(lab, f"OU=Germany,OU=People,{base}", READ):
            # Changes tell nothing of a right; who reads everything meets values that are hidden.
            for arguments, code in (([], 0), (["--full"], 3), (["--full"], 3)):
                done = new_connect.sync(*arguments, check=False)
                assert done.returncode == code, done.stderr
                assert code == 0 or f"below OU=Germany,OU=People,{base}" in done.stderr, done.stderr
                assert deletions(new_tenant) == []
                settled(lab, new_tenant)
        # Given back, it ends by itself.
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
