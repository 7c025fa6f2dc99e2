# SPDX-License-Identifier: Apache-2.0
"""Many requests of password writeback at a time, in two forests: one of them hangs, and the other does not notice."""
import contextlib
import sqlite3
import time

import pytest

from environment import wait_for
from network import blocked
from writeback_site import WritebackSite, forged, outcome, plant

TENANT = "corp.tenant.example"
REQUESTS = 8


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = WritebackSite(tmp_path_factory.mktemp("load"), "--forest", "corp.example", "--forest", "resources.example")
    site.start()
    yield site
    site.down()


def answers(site, rows):
    """When each was answered, and how."""
    with contextlib.closing(sqlite3.connect(site.tenant.directory / "tenant.sqlite", timeout=30)) as database:
        found = {row[0]: row[1:] for row in database.execute(
            "SELECT id, answered, status, reason FROM writeback_request WHERE status IS NOT NULL")}
    return {row["id"]: found[row["id"]] for row in rows if row["id"] in found}


def requests_for(site, people, password):
    return [forged(site.key, TENANT, "reset", user.anchor, new=password.encode()) for user in people]


def versions(site, forest, people):
    admin = site.lab.administrator(forest=forest)
    found = {}
    for user in people:
        admin.search(user.dn, "(objectClass=*)", "BASE", attributes=["msDS-KeyVersionNumber"])
        found[user.sam] = int(admin.response[0]["raw_attributes"]["msDS-KeyVersionNumber"][0])
    return found


def test_a_controller_that_hangs_holds_up_only_its_own_domain(site):
    here, there = site.lab.forests
    ours = list(site.people_of(here))[:REQUESTS]
    theirs = list(site.people_of(there))[:REQUESTS]
    assert len(ours) == len(theirs) == REQUESTS
    before, theirs_before = versions(site, here, ours), versions(site, there, theirs)
    hanging, healthy = requests_for(site, theirs, "Hanging-Password-1"), requests_for(site, ours, "Healthy-Password-1")
    silent = f"ip daddr {there['controllers'][0]['address']} tcp dport {{ 389, 445 }}"
    # It answers pings and takes connections, and then says nothing more.
    with blocked(f"{silent} tcp flags & (syn | ack) == ack"):
        for row in hanging + healthy:
            plant(site.tenant, row)
        wait_for(lambda: len(answers(site, healthy)) == REQUESTS, "those of the healthy forest are answered", 60)
        # They came first, and hang.
        early = answers(site, hanging)
        assert len(early) < REQUESTS, "the other forest hangs"
        last = max(at for at, _, _ in answers(site, healthy).values())
        assert all(at > last or status == "failed" for at, status, _ in early.values())
        assert {row[1:] for row in answers(site, healthy).values()} == {("done", "historyNotEnforced")}
        wait_for(lambda: len(answers(site, hanging)) == REQUESTS, "the others are told", 110)
        # None of them can have been done, and each is told so, by Connect's deadline or by the request's own.
        assert {row[1:] for row in answers(site, hanging).values()} <= {
            ("failed", "unreachable"), ("forbidden", "expired")}
    assert {sam: n - before[sam] for sam, n in versions(site, here, ours).items()} == {u.sam: 1 for u in ours}
    assert versions(site, there, theirs) == theirs_before
    # And then it goes on.
    row = requests_for(site, theirs[:1], "Healed-Password-1")[0]
    plant(site.tenant, row)
    assert wait_for(lambda: outcome(site.tenant, row["id"]), "it is answered", 60)[0] == "done"


def test_many_at_once_for_one_account_are_done_in_order(site):
    [user] = list(site.people_of(site.forest))[REQUESTS:REQUESTS + 1]
    before = versions(site, site.forest, [user])[user.sam]
    words = [f"Password-Number-{n}" for n in range(6)]
    start = int(time.time() * 1000)
    rows = [forged(site.key, TENANT, "reset", user.anchor, new=word.encode()) for word in words]
    for number, row in enumerate(rows):
        plant(site.tenant, row, start + number)
    wait_for(lambda: len(answers(site, rows)) == len(rows), "all are answered", 60)
    assert {row[1] for row in answers(site, rows).values()} == {"done"}
    events = [e for e in reversed(site.audit()) if e["anchor"] == user.anchor]
    assert [e["event"] for e in events] == ["intent", "done"] * len(rows), "one after the other"
    assert [e["request"] for e in events[::2]] == [row["id"] for row in rows], "in the order in which they came"
    assert versions(site, site.forest, [user])[user.sam] == before + len(rows)
    assert site.signs_in_to_the_forest(user, words[-1])


def test_a_flood_is_dammed_exactly(site):
    """Forty requests at once for users of both forests: so many as the limits allow are carried out, each once."""
    site.stop()
    used = len(site.records())
    people = [(forest, user) for forest in site.lab.forests for user in list(site.people_of(forest))[-10:]]
    site.connect.set("connect.writeback.perHour", used + 36)
    site.connect.set("connect.writeback.perUser", 2)
    before = {u.sam + f["name"]: versions(site, f, [u])[u.sam] for f, u in people}
    rows = [forged(site.key, TENANT, "reset", user.anchor, new=f"Flooding-Password-{n}".encode())
            for n in range(2) for _, user in people]
    for row in rows:
        plant(site.tenant, row)
    try:
        def all_answered():
            site.connect.command("writeback", "once")
            return len(answers(site, rows)) == len(rows)

        wait_for(all_answered, "every request is answered", 120)
        results = [row[1:] for row in answers(site, rows).values()]
        assert results.count(("done", "historyNotEnforced")) == 36
        assert results.count(("forbidden", "tooOften")) == len(rows) - 36
        assert len(site.records()) == used + 36
        changed = [versions(site, f, [u])[u.sam] - before[u.sam + f["name"]] for f, u in people]
        assert sum(changed) == 36 and max(changed) <= 2
    finally:
        site.connect.set("connect.writeback", {**site.connect.values["connect"]["writeback"], "perUser": 50,
                                               "perHour": 5000})
        site.start()
