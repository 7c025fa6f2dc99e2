# SPDX-License-Identifier: Apache-2.0
"""Stores that cannot be written or read, and directories that are not what they were: a clear stop or a right result."""
import contextlib
import shutil
import sqlite3
import subprocess
import time

import pytest

from comparison import users_of
from network import Relay, redirected
from rights import deletions, folder, retitle, settled

LAB = ["--users", 60, "--groups", 6]


def refused(done, *words):
    assert done.returncode == 1, done.stdout + done.stderr
    assert all(word in done.stderr for word in (*words, "remedy:")), done.stderr


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


def damage_page(path, table):
    """Overwrites the page from which a table is read."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [(size,)] = database.execute("PRAGMA page_size").fetchall()
        [(root,)] = database.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [table]).fetchall()
    with open(path, "r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xa5" * size)


@pytest.mark.parametrize("table, isRead", [
    ("watermark", True), ("entry", True), ("mv", True), ("remote", True), ("setting", True), ("writeback_request", False),
    ("password_departure", False), ("sso_intent", False)])
def test_a_page_that_is_damaged(lab, new_tenant, new_connect, table, isRead):
    """What a delta has to know stops it where it cannot be read; what it never asks for does not matter."""
    new_connect.sync("--full")
    title = f"Page of {table}"
    retitle(lab, title)
    path = new_connect.directory / "connect.sqlite"
    damage_page(path, table)
    done = new_connect.sync(check=False)
    if isRead:
        refused(done, str(path))
        assert title not in str(new_tenant.list("Users")) and deletions(new_tenant) == []
        for file in new_connect.directory.glob("connect.sqlite*"):
            file.unlink()
        new_connect.sync("--full")
    else:
        assert done.returncode == 0, done.stdout + done.stderr
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

def change_watermark(connect, **values):
    with contextlib.closing(sqlite3.connect(connect.values["connect"]["database"])) as database, database:
        columns = ", ".join(f"{name} = ?" for name in values)
        changed = database.execute(f"UPDATE watermark SET {columns} WHERE cookie IS NOT NULL", list(values.values())).rowcount
    assert changed == 1


# Of another forest, recorded when its highest number was 4654.
ANOTHER_INVOCATION = bytes.fromhex("28ee2445dd756c4aacfc548cc4efeb12")
ANOTHER_FORESTS = (bytes.fromhex("4d534453 03000000 00cf26ea8d7bdd01 0000000000000000 28000000 2e12000000000000"
                                 "0000000000000000 2e12000000000000") + ANOTHER_INVOCATION
                   + bytes.fromhex("01000000 00000000 01000000 00000000") + ANOTHER_INVOCATION
                   + bytes.fromhex("2e12000000000000"))
FOREIGN = {
    "cut": {"cookie": b"MSDS\x03"}, "zeros": {"cookie": b"\x00" * 200}, "of-another-forest": {"cookie": ANOTHER_FORESTS},
    "of-another-forests-controller": {
        "cookie": ANOTHER_FORESTS, "dc": "dc1.another.example", "invocation": ANOTHER_INVOCATION, "usn": 4654},
}


def change_and_delete(lab, title):
    retitle(lab, title)
    admin = lab.administrator()
    admin.delete(users_of(lab, admin)[-1]["dn"])
    return len(users_of(lab, admin))


def only_the_change_arrived(lab, tenant, connect, report):
    assert report["exported"]["user"] == {**report["exported"]["user"], "created": 0, "deleted": 1, "updated": 1}
    settled(lab, tenant)
    again = connect.report()
    assert again["imports"][0]["mode"] == "delta" and again["imports"][0]["read"] == 0


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_cookie(lab, new_tenant, new_connect, name):
    """A watermark that says nothing to the domain controller costs that everything is read, and nothing else."""
    new_connect.sync("--full")
    left = change_and_delete(lab, f"Cookie {name}")
    change_watermark(new_connect, **FOREIGN[name])
    report = new_connect.report()
    assert sum(reading["read"] for reading in report["imports"]) > left
    only_the_change_arrived(lab, new_tenant, new_connect, report)


def test_a_cookie_of_another_partition(lab, new_tenant, new_connect):
    """Its numbers are the controller's own: what is new since it was given is read, whichever partition it was given for."""
    new_connect.sync("--full")
    sync = lab.administrator().extend.microsoft.dir_sync(
        f"CN=Configuration,{lab.forest['baseDN']}", "(objectClass=*)", attributes=["cn"], incremental_values=True)
    sync.loop()
    assert sync.cookie.startswith(b"MSDS")
    change_and_delete(lab, "Cookie of the configuration")
    change_watermark(new_connect, cookie=sync.cookie)
    only_the_change_arrived(lab, new_tenant, new_connect, new_connect.report())


def test_a_watermark_older_than_deletions_are_remembered(lab, new_tenant, new_connect):
    """Who was deleted since may be forgotten: everything is read, and nothing is to be done for it."""
    new_connect.sync("--full")
    people, at_tenant = len(users_of(lab, lab.administrator())), new_tenant.list("Users")
    change_watermark(new_connect, read_at=time.time() - 179 * 86_400)
    assert new_connect.report()["imports"][0]["mode"] == "delta"
    change_watermark(new_connect, read_at=time.time() - 181 * 86_400)
    report = new_connect.report()
    [reading] = report["imports"]
    assert reading["mode"] == "full" and reading["read"] > people and reading["deleted"] == 0
    assert "older than deletions are remembered (180 days)" in reading["note"]
    assert report["requests"] == 0 and report["exported"] == {} and deletions(new_tenant) == []
    assert new_tenant.list("Users") == at_tenant
    assert new_connect.report()["imports"][0]["mode"] == "delta"


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
