# SPDX-License-Identifier: Apache-2.0
"""Stores that cannot be written or read, and directories that are not what they were: a clear stop or a right result."""
import contextlib
import shutil
import sqlite3
import subprocess

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
