# SPDX-License-Identifier: Apache-2.0
"""Ends that nobody announced, and what must hold after them; shared by the tests of crashes and of kill points."""
import collections
import contextlib
import json
import re
import signal
import sqlite3
import subprocess

import ldap3

from comparison import assert_created_once, compare, groups_of, users_of
from environment import PRODUCT

PHASES = ["import", "synchronise", "export", "confirm", "guard", "export", "confirm"]  # as a run goes through them

# What a run does to the world, by system call: SQLite writes by pwrite64 and makes durable by fdatasync, NIO sends by
# write and writev, resolver and Kerberos by sendto and sendmsg; the rest makes, truncates and renames files.
CALLS = ["fdatasync", "fsync", "pwrite64", "ftruncate", "unlink", "rename", "write", "writev", "sendto", "sendmsg"]


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


class Changes:
    """Something of everything, again and again, so that each delta has work in each phase and the forest stays as large."""

    def __init__(self, lab):
        self.admin = lab.administrator()
        self.people = [u["dn"] for u in users_of(lab, self.admin)]
        self.groups = [g["dn"] for g in groups_of(lab, self.admin)]
        self.renamed = self.people[-1]
        self.unit = self.people[0].split(",OU=", 1)[1]
        self.suffix = lab.forest["verifiedSuffixes"][0]
        self.number = 0

    def wanderer(self, number):
        return f"CN=Wanderer {number},OU={self.unit}"

    def make(self):
        self.number += 1
        for person in self.people[:5]:
            self.admin.modify(person, {"title": [(ldap3.MODIFY_REPLACE, [f"Keeper {self.number}"])]})
        name = f"wanderer{self.number}"
        self.admin.add(self.wanderer(self.number), "user", {
            "sAMAccountName": name, "userPrincipalName": f"{name}@{self.suffix}", "displayName": f"Wanderer {self.number}",
            "userAccountControl": 544})
        group = self.groups[self.number % len(self.groups)]
        self.admin.modify(group, {"member": [(ldap3.MODIFY_ADD, [self.wanderer(self.number)])]})
        name = f"CN=Renamed {self.number}"
        self.admin.modify_dn(self.renamed, name)
        self.renamed = f"{name},OU={self.renamed.split(',OU=', 1)[1]}"
        if self.number > 1:
            self.admin.delete(self.wanderer(self.number - 1))


def conclude(code, lab, tenant, connect):
    """What must hold after a kill; where the run was quicker than the kill, it must have ended well."""
    assert code in (0, -signal.SIGKILL), code
    if code:
        connect.sync()
    status = connect.status()
    assert status["runs"][0]["outcome"] == "succeeded"
    assert status["pending"] == [] and status["quarantined"] == []
    compare(lab, tenant)
    assert_created_once(tenant)


# Sampling kill points ---------------------------------------------------------------------------------------------------

def count_calls(connect, trace, *arguments, command=("sync",)):
    """Runs undisturbed under strace. By system call: how many there were, and how many of them the busiest thread made.

    strace counts in each thread, so that the n-th call of whichever thread gets there first is the one that is hit, and the
    second number is how far n goes."""
    done = _strace(connect, trace, *arguments, command=command)
    assert done.returncode == 0, done.stderr
    made = collections.Counter()
    for line in trace.read_text().splitlines():
        if found := re.match(r"(\d+) +(\w+)\(", line):
            made[found[2], found[1]] += 1
    by_thread = {call: [n for (name, _), n in made.items() if name == call] for call in CALLS}
    return {call: (sum(numbers), max(numbers)) for call, numbers in by_thread.items() if numbers}


def kill_at(connect, trace, call, number, *arguments, command=("sync",)):
    """Kills the run when it makes that call for that time; the exit code is 0 when it never did."""
    return _strace(connect, trace, *arguments, command=command, inject=f"{call}:signal=KILL:when={number}").returncode


def _strace(connect, trace, *arguments, command, inject=None):
    # Not with --seccomp-bpf: strace 6.1 injects nothing then.
    strace = ["strace", "-f", "-o", trace, "-e", f"trace={','.join(CALLS)}"]
    if inject:
        strace += ["-e", f"inject={inject}"]
    return subprocess.run(
        [*strace, PRODUCT, "connect", *command, "--config", connect.configuration, *arguments],
        capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)


def choose(counts, sample, part=(1, 1)):
    """Points spread evenly over each kind of call, at most `sample`; every one when that is None. A part is the n-th of so
    many runs that try them together, each in a forest of its own."""
    points = {call: list(range(1, most + 1)) for call, (_, most) in counts.items()}
    if sample is not None:
        each = max(1, sample // len(points))
        spare = max(0, sample - sum(min(each, len(p)) for p in points.values()))
        for call, numbers in points.items():
            size = min(len(numbers), each + (spare if call == "pwrite64" else 0))
            points[call] = sorted({numbers[(2 * i + 1) * len(numbers) // (2 * size)] for i in range(size)})
    number, parts = part
    return [(call, number) for call, numbers in points.items() for number in numbers][number - 1::parts]


def sweep(capsys, title, counts, points, attempt):
    """Tries each point; every failure is told, not only the first."""
    killed, failures = 0, []
    for call, number in points:
        try:
            killed += attempt(call, number) != 0
        except AssertionError as error:
            failures.append(f"{call} {number}: {error}")
    with capsys.disabled():
        print(f"\nseen: {title}: {sum(total for total, _ in counts.values())} kill points existed ("
              + ", ".join(f"{total} {call}" for call, (total, _) in counts.items())
              + f"); {len(points)} tried, {killed} killed the run, {len(failures)} failed")
    assert not failures, "\n".join(failures)
    # Threads share their work differently from run to run: the last numbers may not come up again.
    assert killed * 4 >= len(points) * 3


# What the store holds ---------------------------------------------------------------------------------------------------

CONTENT = {
    "entries": "SELECT source, anchor, kind, dn, attrs, dirty FROM entry WHERE deleted = 0",
    "references": """
        SELECT entry.source, entry.anchor, link.attr, link.target_guid, link.change FROM link
        JOIN entry ON entry.id = link.owner WHERE entry.deleted = 0""",
    "metaverse": "SELECT source_anchor, kind, nickname, attrs, gone FROM mv",
    "claims": "SELECT mv.source_anchor, target, attr, folded, held FROM claim JOIN mv ON mv.id = claim.mv",
    "forms": "SELECT mv.source_anchor, target, form.attrs FROM form JOIN mv ON mv.id = form.mv",
    "due": "SELECT entry.source, entry.anchor, at FROM due JOIN entry ON entry.id = due.entry",
    "join keys": "SELECT source, anchor, attr, folded FROM join_key JOIN entry ON entry.id = join_key.entry",
    "remote": "SELECT mv.source_anchor, target, baseline, adoption FROM remote JOIN mv ON mv.id = remote.mv",
    "remote references": """
        SELECT o.source_anchor, r.attr, m.source_anchor FROM remote_link r
        JOIN mv o ON o.id = r.owner JOIN mv m ON m.id = r.member""",
    "pending": "SELECT * FROM pending", "pending references": "SELECT * FROM pending_link",
    "quarantine": "SELECT reason, detail FROM quarantine",
    "strangers": "SELECT target, kind, source_anchor, user_name, address, privileged, deleted, attrs FROM stranger",
    "cleared": "SELECT mv.source_anchor, target, attr FROM cleared JOIN mv ON mv.id = cleared.mv",
    "anchors to write": "SELECT source, entry.anchor, w.anchor FROM anchor_write w JOIN entry ON entry.id = w.entry",
    "watermarks": """
        SELECT source, partition, dc, invocation, unswept, had_cookie, hidden, cookie IS NULL FROM watermark""",
    "departures": "SELECT source, anchor FROM departure", "returned": "SELECT anchor FROM returned",
    "unresolved": "SELECT source, guid FROM unresolved", "units": "SELECT source, dn, guid FROM scope",
}


def content(connect):
    """What matters of the store, without row numbers, times and tombstones."""
    path = connect.values["connect"]["database"]
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return {name: sorted(database.execute(query).fetchall(), key=repr) for name, query in CONTENT.items()}


def assert_same(found, expected):
    for name in CONTENT:
        missing = [row for row in expected[name] if row not in set(found[name])]
        extra = [row for row in found[name] if row not in set(expected[name])]
        assert not missing and not extra and len(found[name]) == len(expected[name]), (name, missing[:3], extra[:3])
