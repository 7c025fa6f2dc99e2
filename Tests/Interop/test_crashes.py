# SPDX-License-Identifier: Apache-2.0
"""Ends that nobody announced, at every moment of a run: whatever is killed, and whenever, the next run ends right."""
import contextlib
import json
import random
import signal
import sqlite3
import subprocess
import threading
import time

import ldap3
import pytest

from comparison import assert_created_once, compare, groups_of, users_of
from environment import Connect, Lab, Tenant, wait_for

USERS, GROUPS = 200, 20
PHASES = ["import", "synchronise", "export", "confirm", "guard", "export", "confirm"]  # as a run goes through them
RANDOM_KILLS = 6
SEED = 20_240_229


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("lab"), "--users", USERS, "--groups", GROUPS)
    yield lab
    lab.down()


@pytest.fixture
def tenant(lab, tmp_path):
    tenant = Tenant(lab, tmp_path / "tenant")
    yield tenant
    tenant.stop()


@pytest.fixture
def connect(lab, tenant, tmp_path):
    return Connect(lab, tenant, tmp_path / "connect")


class Run:
    """A run under way, with the phases that it has told so far."""

    def __init__(self, connect, *arguments):
        self.process = connect.product.start(
            "connect", "sync", "--config", connect.configuration, "--log-level", "debug", "--log-format", "json",
            *arguments, stdout=subprocess.DEVNULL)
        self.lines, self.phases = [], []

    def until(self, phase):
        """Reads the log until the phase of that number begins; false when the run ended before."""
        while len(self.phases) <= phase:
            line = self.process.stderr.readline()
            if not line:
                return False
            self._take(line)
        return True

    def _take(self, line):
        self.lines.append(line)
        with contextlib.suppress(ValueError):
            record = json.loads(line)
            if record.get("message") == "phase begins":
                self.phases.append(record["phase"])

    def end(self, how=None):
        """Sends a signal, waits, and returns the exit code."""
        if how is not None:
            self.process.send_signal(how)
        for line in self.process.stderr:
            self._take(line)
        return self.process.wait(60)


def change(lab, number):
    """Something of everything, so that a delta has work in each phase."""
    admin = lab.administrator()
    people = [u["dn"] for u in users_of(lab, admin)]
    groups = [g["dn"] for g in groups_of(lab, admin)]
    for person in people[:40]:
        admin.modify(person, {"title": [(ldap3.MODIFY_REPLACE, [f"Keeper {number}"])]})
    member = people[50 + number % 50]
    with contextlib.suppress(ldap3.core.exceptions.LDAPEntryAlreadyExistsResult):
        admin.modify(groups[number % len(groups)], {"member": [(ldap3.MODIFY_ADD, [member])]})
    admin.modify_dn(people[100 + number], f"CN=Renamed {number}")
    admin.delete(people[-1])


def finish(lab, tenant, connect):
    connect.sync()
    compare(lab, tenant)
    assert_created_once(tenant)
    status = connect.status()
    assert status["pending"] == [] and status["quarantined"] == []
    assert status["runs"][0]["outcome"] == "succeeded" and status["runs"][1]["outcome"] == "interrupted"


def conclude(code, lab, tenant, connect):
    """What must hold after a kill, also where the run was quicker: its last phase lasts a millisecond."""
    if code == -signal.SIGKILL:
        finish(lab, tenant, connect)
    else:
        assert code == 0
        compare(lab, tenant)
        assert_created_once(tenant)


@pytest.mark.parametrize("phase", range(len(PHASES)), ids=[f"{n}-{name}" for n, name in enumerate(PHASES)])
def test_killed_when_a_phase_begins_on_the_first_run(lab, tenant, connect, phase):
    run = Run(connect, "--full")
    assert run.until(phase) and run.phases == PHASES[:phase + 1]
    conclude(run.end(signal.SIGKILL), lab, tenant, connect)


@pytest.mark.parametrize("kill", range(RANDOM_KILLS))
def test_killed_at_any_moment_of_the_first_run(lab, tenant, connect, kill):
    """A random moment after the import began; the export, which is the longest phase, gets most of them."""
    chance = random.Random(SEED + kill)
    run = Run(connect, "--full")
    assert run.until(5 if kill % 3 else 0)
    time.sleep(chance.uniform(0, 0.6))
    conclude(run.end(signal.SIGKILL), lab, tenant, connect)


def test_killed_in_every_phase_of_deltas(lab, tenant, connect):
    connect.sync("--full")
    killed = 0
    for number in range(len(PHASES) + 3):
        change(lab, number)
        run = Run(connect)
        chance = random.Random(SEED - number)
        if number < len(PHASES):
            assert run.until(number)
        else:
            assert run.until(0)
            time.sleep(chance.uniform(0, 0.4))
        code = run.end(signal.SIGKILL)
        killed += code == -signal.SIGKILL
        conclude(code, lab, tenant, connect)
    assert killed >= len(PHASES) - 1
    assert_created_once(tenant)


@pytest.mark.parametrize("phase", [0, 1, 5], ids=["import", "synchronise", "export"])
def test_a_stop_is_clean(lab, tenant, connect, phase):
    run = Run(connect, "--full")
    assert run.until(phase)
    code = run.end(signal.SIGTERM)
    text = "".join(run.lines)
    assert code == 1, text
    assert "stopping on SIGTERM; the next run goes on from here" in text
    assert '"message":"The run was stopped.","error":"interrupted","remedy":"' in text
    assert connect.status()["runs"][0]["outcome"] == "interrupted"
    connect.sync()
    compare(lab, tenant)
    assert_created_once(tenant)


def test_a_second_run_is_refused(lab, tenant, connect):
    run = Run(connect, "--full")
    assert run.until(0)
    run.process.send_signal(signal.SIGSTOP)
    done = connect.sync(check=False)
    assert done.returncode == 1
    assert "Another run is at work" in done.stderr and "remedy:" in done.stderr
    assert connect.status()["runs"][0]["outcome"] == "running", "a look at the status needs no lock"
    assert run.end(signal.SIGCONT) == 0
    compare(lab, tenant)
    assert_created_once(tenant)


def test_the_tenant_is_killed_in_mid_export(lab, tenant, connect):
    """At the first object that it has made. It starts again; the run under way or the next one ends right."""
    run = Run(connect, "--full")
    drained = threading.Thread(target=lambda: run.end())
    drained.start()
    database = sqlite3.connect(f"file:{tenant.directory / 'tenant.sqlite'}?mode=ro", uri=True)

    def writing():
        return database.execute("SELECT COUNT(*) FROM audit WHERE action = 'create' AND kind = 'User'").fetchone()[0]

    wait_for(writing, "the tenant makes a user")
    tenant.process.send_signal(signal.SIGKILL)
    tenant.process.wait()
    made = writing()
    database.close()
    assert made < USERS + GROUPS
    tenant.start()
    drained.join(120)
    assert run.process.returncode in (0, 1)
    connect.sync()
    compare(lab, tenant)
    assert_created_once(tenant)


def test_a_full_disk(lab, tenant, connect, tmp_path):
    """The run says what is full; when there is room again, the next one goes on."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k,mode=700", "tmpfs", disk], check=True)
    try:
        connect.set("connect.database", str(disk / "connect.sqlite"))
        done = connect.sync("--full", check=False)
        assert done.returncode == 1, done.stdout
        assert "full" in done.stderr and str(disk) in done.stderr and "remedy:" in done.stderr, done.stderr
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        connect.sync()
        compare(lab, tenant)
        assert_created_once(tenant)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
