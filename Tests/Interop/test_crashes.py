# SPDX-License-Identifier: Apache-2.0
"""Ends that nobody announced, at every moment of a run: whatever is killed, and whenever, the next run ends right.

BRIDGEHEAD_RANDOM_KILLS says at how many random moments a full cycle is killed, and a delta cycle as often;
BRIDGEHEAD_FUZZ_SEED which they are.
"""
import collections
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from comparison import assert_created_once, compare
from crashes import PHASES, Changes, Run, conclude
from environment import wait_for

USERS, GROUPS = 200, 20
LAB = ["--users", USERS, "--groups", GROUPS]
RANDOM_KILLS = int(os.environ.get("BRIDGEHEAD_RANDOM_KILLS", "6"))
SEED = int(os.environ.get("BRIDGEHEAD_FUZZ_SEED", "20240229"))
MOMENTS = collections.Counter()


@pytest.fixture(scope="module", autouse=True)
def tally(pytestconfig):
    """Tells how many moments were tried, and at how many of them there still was a run to kill: at half of them at least."""
    yield
    with pytestconfig.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        for cycle in ("full", "delta"):
            print(f"\nseen: {cycle} cycle: {MOMENTS[cycle, 'tried']} random moments tried with seed {SEED}, "
                  f"{MOMENTS[cycle, 'killed']} killed the run")
    for cycle in ("full", "delta"):
        assert MOMENTS[cycle, "killed"] * 2 >= MOMENTS[cycle, "tried"], (cycle, MOMENTS)


def note(cycle, code):
    MOMENTS[cycle, "tried"] += 1
    MOMENTS[cycle, "killed"] += code == -signal.SIGKILL


@pytest.mark.parametrize("phase", range(len(PHASES)), ids=[f"{n}-{name}" for n, name in enumerate(PHASES)])
def test_killed_when_a_phase_begins_on_the_first_run(lab, new_tenant, new_connect, phase):
    run = Run(new_connect, "--full")
    assert run.until(phase) and run.phases == PHASES[:phase + 1]
    code = run.end(signal.SIGKILL)
    # The last phase lasts a millisecond: there the run may have been quicker.
    assert code == -signal.SIGKILL or phase == len(PHASES) - 1 and code == 0, code
    conclude(code, lab, new_tenant, new_connect)
    assert code == 0 or new_connect.status()["runs"][1]["outcome"] == "interrupted"


@pytest.mark.parametrize("kill", range(RANDOM_KILLS))
def test_killed_at_any_moment_of_the_first_run(lab, new_tenant, new_connect, kill):
    """A random moment after the import began; the export, which is the longest phase, gets most of them."""
    chance = random.Random(SEED + kill)
    run = Run(new_connect, "--full")
    assert run.until(5 if kill % 3 else 0)
    time.sleep(chance.uniform(0, 0.6))
    code = run.end(signal.SIGKILL)
    conclude(code, lab, new_tenant, new_connect)
    note("full", code)


def test_killed_in_every_phase_of_deltas(lab, new_tenant, new_connect):
    """In each phase once, then at random moments of the time that such a run takes."""
    new_connect.sync("--full")
    changes, chance = Changes(lab), random.Random(SEED)
    changes.make()
    run = Run(new_connect)
    assert run.until(0)
    begun = time.monotonic()
    assert run.end() == 0
    lasting = time.monotonic() - begun
    for number in range(len(PHASES) + RANDOM_KILLS):
        changes.make()
        run = Run(new_connect)
        if number < len(PHASES):
            assert run.until(number)
        else:
            assert run.until(0)
            time.sleep(chance.uniform(0, 0.8 * lasting))
        code = run.end(signal.SIGKILL)
        conclude(code, lab, new_tenant, new_connect)
        if number >= len(PHASES):
            note("delta", code)
        assert code == -signal.SIGKILL or number >= len(PHASES) - 1, (number, code)


@pytest.mark.parametrize("phase", [0, 1, 5], ids=["import", "synchronise", "export"])
def test_a_stop_is_clean(lab, new_tenant, new_connect, phase):
    run = Run(new_connect, "--full")
    assert run.until(phase)
    code = run.end(signal.SIGTERM)
    text = "".join(run.lines)
    assert code == 1, text
    assert "stopping on SIGTERM; the next run goes on from here" in text
    assert '"message":"The run was stopped.","error":"interrupted","remedy":"' in text
    assert new_connect.status()["runs"][0]["outcome"] == "interrupted"
    new_connect.sync()
    compare(lab, new_tenant)
    assert_created_once(new_tenant)


def test_a_second_run_is_refused(lab, new_tenant, new_connect):
    run = Run(new_connect, "--full")
    assert run.until(0)
    run.process.send_signal(signal.SIGSTOP)
    done = new_connect.sync(check=False)
    assert done.returncode == 1
    assert "Another run is at work" in done.stderr and "remedy:" in done.stderr
    assert new_connect.status()["runs"][0]["outcome"] == "running", "a look at the status needs no lock"
    assert run.end(signal.SIGCONT) == 0
    compare(lab, new_tenant)
    assert_created_once(new_tenant)


def test_the_tenant_is_killed_in_mid_export(lab, new_tenant, new_connect):
    """At the first object that it has made. It starts again; the run under way or the next one ends right."""
    run = Run(new_connect, "--full")
    drained = threading.Thread(target=lambda: run.end())
    drained.start()
    database = sqlite3.connect(f"file:{new_tenant.directory / 'tenant.sqlite'}?mode=ro", uri=True)

    def writing():
        return database.execute("SELECT COUNT(*) FROM audit WHERE action = 'create' AND kind = 'User'").fetchone()[0]

    wait_for(writing, "the tenant makes a user")
    new_tenant.process.send_signal(signal.SIGKILL)
    new_tenant.process.wait()
    made = writing()
    database.close()
    assert made < USERS + GROUPS
    new_tenant.start()
    drained.join(120)
    assert run.process.returncode in (0, 1)
    new_connect.sync()
    compare(lab, new_tenant)
    assert_created_once(new_tenant)


def test_a_full_disk(lab, new_tenant, new_connect, tmp_path):
    """The run says what is full; when there is room again, the next one goes on."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k,mode=700", "tmpfs", disk], check=True)
    try:
        new_connect.set("connect.database", str(disk / "connect.sqlite"))
        done = new_connect.sync("--full", check=False)
        assert done.returncode == 1, done.stdout
        assert "full" in done.stderr and str(disk) in done.stderr and "remedy:" in done.stderr, done.stderr
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        new_connect.sync()
        compare(lab, new_tenant)
        assert_created_once(new_tenant)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_disk_that_something_else_fills(lab, new_tenant, new_connect, tmp_path):
    """Between two runs. The delta says what is full, and changes nothing that it could not note."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=700", "tmpfs", disk], check=True)
    try:
        new_connect.set("connect.database", str(disk / "connect.sqlite"))
        new_connect.sync("--full")
        Changes(lab).make()
        before = new_tenant.list("Users")
        filler = disk / "filler"
        with open(filler, "wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            while True:
                file.write(bytes(4096))
        done = new_connect.sync(check=False)
        assert done.returncode == 1, done.stdout
        assert "no space left" in done.stderr and str(disk) in done.stderr and "remedy:" in done.stderr, done.stderr
        assert new_tenant.list("Users") == before
        filler.unlink()
        new_connect.sync()
        compare(lab, new_tenant)
        assert_created_once(new_tenant)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
