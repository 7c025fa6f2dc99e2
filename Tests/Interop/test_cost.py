# SPDX-License-Identifier: Apache-2.0
"""The cost of a delta is that of the change. It is counted, not timed: entries and bytes read from the domain controller,
requests and bytes sent to the tenant, rows written to the store, and rows visited there (by the steps of SQLite's virtual
machine, which each row takes that a statement looks at). One new member costs the same in a small group and in a large one.

BRIDGEHEAD_COST_USERS says how large the large one is.
"""
import contextlib
import json
import os
import sqlite3

import ldap3
import pytest

from comparison import assert_created_once, compare, groups_of, texts, users_of
from network import Relay, redirected

LARGE = int(os.environ.get("BRIDGEHEAD_COST_USERS", "3000"))
SMALL = 500
LAB = ["--users", LARGE, "--groups", 2]
# Seconds after which the first run is given up: a tenant of a debug build makes at least twenty objects a second.
PATIENCE = max(300, LARGE // 20)
# What every run notes about itself, whatever it finds.
OWN = {"watermark", "run", "flow_use"}
# Lengths of numbers, versions and signatures differ by this much, in bytes.
TOLERANCE = 256
# Looking at one row takes no fewer steps than this; a scan of the smallest table that grows with the directory takes as
# many for each of its rows.
STEPS_OF_A_ROW = 4


class Rows:
    """Counts the rows that others write to a database, by triggers of its own."""

    def __init__(self, path):
        self.path = path
        with self._open() as database:
            database.execute("CREATE TABLE counted (name TEXT, op TEXT, rows INTEGER, PRIMARY KEY (name, op))")
            tables = database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'counted' AND name NOT LIKE 'sqlite%'")
            for (table,) in tables.fetchall():
                for op in ("INSERT", "UPDATE", "DELETE"):
                    database.execute(f"INSERT INTO counted VALUES ('{table}', '{op}', 0)")
                    database.execute(
                        f"CREATE TRIGGER counted_{table}_{op} AFTER {op} ON \"{table}\" BEGIN UPDATE counted "
                        f"SET rows = rows + 1 WHERE name = '{table}' AND op = '{op}'; END")

    @contextlib.contextmanager
    def _open(self):
        with contextlib.closing(sqlite3.connect(self.path)) as database, database:
            yield database

    def take(self):
        """What was written since the last time, by table and operation."""
        with self._open() as database:
            counted = database.execute("SELECT name, op, rows FROM counted WHERE rows > 0").fetchall()
            database.execute("UPDATE counted SET rows = 0")
        return {(table, op): rows for table, op, rows in counted}


@pytest.fixture(scope="module")
def ground(lab, tenant, connect):
    """Everything synchronised, with a group of everybody and one of a few hundred."""
    admin = lab.administrator()
    people = [user["dn"] for user in users_of(lab, admin)]
    groups = groups_of(lab, admin)
    large = max(groups, key=lambda group: len(texts(group, "member")))["dn"]
    [small] = [group["dn"] for group in groups if group["dn"] != large]
    admin.modify(small, {"member": [(ldap3.MODIFY_REPLACE, people[:SMALL])]})
    unit = people[0].split(",OU=", 1)[1]
    newcomers = []
    for number in range(2):
        newcomers.append(f"CN=Newcomer {number},OU={unit}")
        admin.add(newcomers[-1], "user", {
            "sAMAccountName": f"newcomer{number}", "displayName": f"Newcomer {number}", "userAccountControl": 544,
            "userPrincipalName": f"newcomer{number}@{lab.forest['verifiedSuffixes'][0]}"})
    connect.sync("--full", timeout=PATIENCE)
    # Two quiet runs: what the first delta after a full run settles is not what a delta costs.
    for _ in range(2):
        connect.sync()
    return admin, Rows(connect.values["connect"]["database"]), large, small, newcomers


class Measured:
    """One delta, counted at every side."""

    def __init__(self, lab, tenant, connect, rows):
        before = len(self._audit(tenant))
        rows.take()
        controller = lab.forest["controllers"][0]["address"]
        with Relay("127.0.10.210", 3890, (controller, 389)) as ldap, redirected(controller, 389, ldap), \
                Relay("127.0.10.211", 4430, (tenant.address, 443)) as cloud, redirected(tenant.address, 443, cloud):
            done = connect.sync("--log-level", "debug", "--log-format", "json")
        report, self.steps, self.statements = json.loads(done.stdout), *self._work(done.stderr)
        self.rows = rows.take()
        self.read = sum(reading["read"] for reading in report["imports"])
        self.links = sum(reading["links"] for reading in report["imports"])
        self.requests, self.exported, self.report = report["requests"], report["exported"], report
        self.audited = len(self._audit(tenant)) - before
        self.bytes = {"from LDAP": ldap.passed, "to LDAP": ldap.sent, "to the tenant": cloud.sent,
                      "from the tenant": cloud.passed}

    @staticmethod
    def _work(log):
        """The steps of all statements, and those of each of the heaviest ones when it is used once."""
        records = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
        [total] = [int(record["steps"]) for record in records if record.get("message") == "work of the store"]
        return total, {record["sql"]: int(record["steps"]) // int(record["uses"]) for record in records
                       if record.get("message") == "statement"}

    @staticmethod
    def _audit(tenant):
        return tenant.product.json(
            "tenant", "audit", "--config", tenant.configuration, "--limit", 1_000_000, "--json")

    @property
    def counts(self):
        return self.read, self.links, self.requests, self.exported, self.audited, self.rows


def walks_through_nothing(*deltas):
    """No statement looks at every row of a table that grows with the directory."""
    for delta in deltas:
        assert 0 < max(delta.statements.values()) < STEPS_OF_A_ROW * LARGE, delta.statements


def same_work(few, many):
    """As many rows are visited, whatever the size of the group."""
    assert few.steps > 0 and abs(few.steps - many.steps) <= few.steps // 100, (
        few.steps, many.steps, {sql: (few.statements.get(sql), steps) for sql, steps in many.statements.items()
                                if few.statements.get(sql) != steps})


def test_an_empty_delta_reads_nothing_and_writes_its_watermark(lab, tenant, connect, ground):
    delta = Measured(lab, tenant, connect, ground[1])
    assert delta.read == 0 and delta.requests == 0 and delta.audited == 0
    assert {table for table, _ in delta.rows} <= OWN, delta.rows
    walks_through_nothing(delta)


def test_one_new_member_costs_the_same_in_a_small_and_in_a_large_group(capsys, lab, tenant, connect, ground):
    admin, rows, large, small, newcomers = ground
    measured = {}
    for group in (small, large):
        admin.modify(group, {"member": [(ldap3.MODIFY_ADD, [newcomers[0]])]})
        measured[group] = Measured(lab, tenant, connect, rows)
    few, many = measured[small], measured[large]
    with capsys.disabled():
        print(f"\nseen: one new member: {few.read} entry read, {few.requests} requests, "
              f"{sum(few.rows.values())} rows written; steps of the store in a group of {SMALL}: {few.steps}; of {LARGE}: "
              f"{many.steps}; bytes: {few.bytes}; {many.bytes}")
    assert few.exported["group"]["linksAdded"] == 1 and few.read == 1 and few.links == 1 and few.audited == 1
    assert few.counts == many.counts
    same_work(few, many)
    walks_through_nothing(few, many)
    for way, count in few.bytes.items():
        assert count > 0 and abs(count - many.bytes[way]) <= TOLERANCE, (way, count, many.bytes[way])


def test_one_member_less_costs_the_same(lab, tenant, connect, ground):
    admin, rows, large, small, newcomers = ground
    measured = []
    for group in (small, large):
        admin.modify(group, {"member": [(ldap3.MODIFY_DELETE, [newcomers[0]])]})
        measured.append(Measured(lab, tenant, connect, rows))
    assert measured[0].exported["group"]["linksRemoved"] == 1
    assert measured[0].counts == measured[1].counts
    same_work(*measured)
    walks_through_nothing(*measured)
    for way, count in measured[0].bytes.items():
        assert abs(count - measured[1].bytes[way]) <= TOLERANCE, (way, count, measured[1].bytes[way])


def test_one_user_less_walks_through_nothing(capsys, lab, tenant, connect, ground):
    admin, rows, _, _, newcomers = ground
    admin.delete(newcomers[1])
    delta = Measured(lab, tenant, connect, rows)
    assert delta.exported["user"]["deleted"] == 1 and delta.audited == 1
    walks_through_nothing(delta)
    with capsys.disabled():
        print(f"\nseen: one user less: {delta.requests} requests, {sum(delta.rows.values())} rows written; steps of the store: "
              f"{delta.steps}")


def test_what_was_counted_is_right(lab, tenant, connect, ground):
    compare(lab, tenant)
    assert_created_once(tenant)
