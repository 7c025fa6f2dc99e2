# SPDX-License-Identifier: Apache-2.0
"""Two domain controllers of one domain, of which one, the other, or both fail: a run ends right or says who is missing."""
import json
import shutil
import subprocess
import time

import ldap3
import pytest

from comparison import assert_created_once, compare, read, users_of
from environment import Connect, wait_for
from network import Relay, SilentServer, blocked, end_session, redirected

LAB = ["--users", 200, "--groups", 20, "--dcs", 2]
RELAY = "127.0.10.200"


@pytest.fixture
def connect(lab, new_connect):
    # The names must stay known when a controller dies, whichever it is.
    new_connect.set("dns.servers", [c["address"] for c in lab.forest["controllers"]])
    return new_connect


def leader(lab, host):
    """The first process of a controller's session."""
    status = lab.product.run("lab", "status", "--dir", lab.directory, "--json", check=False)
    return next(server["pid"] for server in json.loads(status.stdout)["servers"] if server["name"] == host)


@pytest.fixture
def controllers(lab):
    """Both alive at the start of each test, whatever the one before did."""
    lab.product.run("lab", "up", "--dir", lab.directory, *LAB)
    return lab.forest["controllers"]


def use(connect, *controllers):
    connect.set("connect.forests.0.domainControllers", [c["host"] for c in controllers])


def test_a_controller_that_dies_in_mid_import(lab, controllers, new_tenant, connect):
    """Killed with part of the answer under way: the other one gives the whole, nobody is missing, nobody comes twice."""
    first, second = controllers
    use(connect, first, second)
    killed = []
    with Relay(RELAY, 3890, (first["address"], 389), after=60_000,
               cut=lambda: killed.append(end_session(leader(lab, first["host"])))) as relay:
        with redirected(first["address"], 389, relay):
            report = connect.report("--full")
    assert killed and killed[0] > 5 and relay.passed >= 60_000
    assert [i["server"] for i in report["imports"]] == [second["host"]]
    assert report["errors"] == [] and report["quarantined"] == 0
    assert compare(lab, new_tenant, controller=1)[:2] == (200, 20)
    assert_created_once(new_tenant)


def test_the_other_controller_goes_on_from_a_foreign_watermark(lab, controllers, new_tenant, connect):
    """What was read from one controller is offered to the other: a delta or, where that refuses, everything anew; in
    either case the changes made meanwhile arrive."""
    first, second = controllers
    use(connect, first)
    assert connect.report("--full")["imports"][0]["server"] == first["host"]
    use(connect, second, first)
    admin = lab.administrator(1)
    person, gone = [u["dn"] for u in users_of(lab, admin)][5:7]
    admin.modify(person, {"title": [(ldap3.MODIFY_REPLACE, ["Ferrywoman"])]})
    admin.delete(gone)
    with blocked(f"ip daddr {first['address']} tcp dport 389", verdict="reject with tcp reset"):
        report = connect.report()
    [reading] = report["imports"]
    assert reading["server"] == second["host"]
    assert reading["mode"] == "delta" or reading["note"], reading
    assert report["exported"]["user"] == {**report["exported"]["user"], "created": 0, "deleted": 1}
    assert compare(lab, new_tenant, controller=1)[0] == 199
    assert "Ferrywoman" in [u.get("title") for u in new_tenant.list("Users")]
    assert_created_once(new_tenant)


def test_both_dead(lab, controllers, new_tenant, connect):
    for controller in controllers:
        end_session(leader(lab, controller["host"]))
    # Their names are still known: a controller is often named by another server.
    use(connect, *controllers)
    started = time.monotonic()
    done = connect.sync(check=False)
    assert done.returncode == 1
    assert all(c["host"] in done.stderr or c["address"] in done.stderr for c in controllers), done.stderr
    assert "remedy:" in done.stderr and time.monotonic() - started < 60
    assert new_tenant.list("Users") == []


def test_only_allowed_controllers_are_used(lab, controllers, new_tenant, connect):
    first, second = controllers
    use(connect, second)
    connect.set("dns.servers", [second["address"]])
    assert [i["server"] for i in connect.report("--full")["imports"]] == [second["host"]]
    assert {flow["address"] for flow in connect.status()["flows"] if flow["row"].startswith("connect-ad/")} \
        == {second["address"]}
    with blocked(f"ip daddr {second['address']} tcp dport 389", f"ip daddr {second['address']} udp dport 389"):
        done = connect.sync(check=False)
    assert done.returncode == 1 and second["host"] in done.stderr and first["host"] not in done.stderr
    assert "remedy:" in done.stderr


def test_a_controller_that_accepts_and_says_nothing(lab, controllers, new_tenant, tmp_path):
    """A deadline ends the wait, for LDAP and for LDAPS; with another controller at hand the run goes on there.

    The four runs wait at the same time."""
    first, second = controllers

    def start(name, transport, allowed, command="sync"):
        connect = Connect(lab, new_tenant, tmp_path / name)
        connect.set("dns.servers", [c["address"] for c in controllers])
        use(connect, *allowed)
        connect.set("connect.forests.0.transport", transport)
        return connect, connect.product.start("connect", command, "--config", connect.configuration)

    with SilentServer(RELAY, 3891) as ldap, redirected(first["address"], 389, ldap), \
            SilentServer(RELAY, 6361) as ldaps, redirected(first["address"], 636, ldaps):
        started = time.monotonic()
        alone = [start(f"alone-{name}", name, [first]) for name in ("ldap", "ldaps")]
        both = [start("both-ldap", "ldap", [first, second]), start("both-ldaps", "ldaps", [first, second], "preview")]
        for _, process in alone:
            _, errors = process.communicate(timeout=90)
            assert process.returncode == 1 and first["host"] in errors and "remedy:" in errors, errors
            assert time.monotonic() - started < 60
        for (connect, process), expected in zip(both, (0, 2)):
            _, errors = process.communicate(timeout=90)
            assert process.returncode == expected, errors
            assert [p["server"] for p in connect.status()["partitions"]] == [second["host"]]
        assert ldap.accepted > 0 and ldaps.accepted > 0
    assert compare(lab, new_tenant, controller=1)[1] == 20


def test_a_controller_that_was_rolled_back_while_the_other_was_read(lab, controllers, new_tenant, connect, tmp_path):
    """The one that was read dies, and the other one was copied back from yesterday: what the cookie knows of it is more than
    it has itself. Going on from there would pass over all that it makes until it has caught up."""
    first, second = controllers
    use(connect, first, second)
    original, copy = lab.directory / "dc" / second["host"], tmp_path / "yesterday"
    lab.down()
    subprocess.run(["cp", "-a", original, copy], check=True)
    lab.product.run("lab", "up", "--dir", lab.directory, *LAB)
    admin = lab.administrator(1)
    person, other = [u["dn"] for u in users_of(lab, admin)][8:10]
    for number in range(40):
        admin.modify(person, {"title": [(ldap3.MODIFY_REPLACE, [f"Lost {number}"])]})
    wait_for(lambda: read(lab.administrator(0), [person], "(title=Lost 39)", ["cn"]), "the other one knows", 120)
    connect.sync("--full")
    assert [i["server"] for i in connect.report()["imports"]] == [first["host"]]
    lab.down()
    shutil.rmtree(original)
    subprocess.run(["cp", "-a", copy, original], check=True)
    lab.product.run("lab", "up", "--dir", lab.directory, *LAB)
    lab.administrator(1).modify(other, {"title": [(ldap3.MODIFY_REPLACE, ["After the rollback"])]})
    with blocked(f"ip daddr {first['address']} tcp dport 389", verdict="reject with tcp reset"):
        report = connect.report()
    [reading] = report["imports"]
    assert reading["server"] == second["host"] and reading["mode"] == "full", reading
    assert "was restored" in reading["note"] and reading["deleted"] == 0
    assert "After the rollback" in [u.get("title") for u in new_tenant.list("Users")]
    compare(lab, new_tenant, controller=1)
    assert_created_once(new_tenant)
