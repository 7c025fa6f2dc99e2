# SPDX-License-Identifier: Apache-2.0
"""The service and what its administrators use: follow, a clean stop at any moment, staging, approvals, history, errors."""
import json
import signal
import time

import ldap3
import pytest

from comparison import account_of, anchor, compare, users_of
from environment import wait_for


@pytest.fixture
def service(small_connect, tmp_path):
    """Starts `connect run` with arguments; every one that is left is stopped at the end."""
    running = []

    def start(*arguments):
        log = open(tmp_path / f"run-{len(running)}.log", "w+")
        process = small_connect.product.start(
            "connect", "run", "--config", small_connect.configuration, *arguments, stdout=log, stderr=log)
        process.log = lambda: open(log.name).read()
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.terminate()
            process.wait(30)


def stopped(process):
    """Ends a service by SIGTERM; it must end cleanly."""
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0, process.log()
    assert "stopped; the next run goes on from here" in process.log()


def history(connect, *arguments):
    return json.loads(connect.command("history", "--json", *arguments).stdout)


def ended(connect, count=1):
    """So many runs have ended."""
    runs = history(connect)
    return len([run for run in runs if run["outcome"] == "succeeded"]) >= count and runs


def a_user(lab, index=0):
    return users_of(lab, lab.administrator())[index]


def test_follow_brings_a_change_within_two_seconds(small, small_tenant, small_connect, service):
    process = service("--follow")
    wait_for(lambda: ended(small_connect), "the first pass ended", 60)
    admin = small.administrator()
    user = a_user(small)
    resource = account_of(small_tenant, user)["id"]
    delays = []
    for number in range(8):
        title = f"Ferryman {number}"
        admin.modify(user["dn"], {"title": [(ldap3.MODIFY_REPLACE, [title])]})
        committed = time.monotonic()
        wait_for(lambda: small_tenant.request("GET", f"/Users/{resource}")[1].get("title") == title, title, 30)
        delays.append(time.monotonic() - committed)
    # The first poll after a change sees it: half of them are well within the promise whatever else the machine does.
    assert sorted(delays)[len(delays) // 2] < 2, delays
    assert process.poll() is None
    # Each change made one row; the polls between them made none.
    runs = history(small_connect)
    assert len(runs) <= 1 + 8 + 1 and sum(run["report"].get("quietBefore", 0) for run in runs) > 0
    stopped(process)
    compare(small, small_tenant)


def test_a_second_run_is_refused_and_told_who_is_at_work(small_connect, service):
    process = service("--interval", "1h")
    wait_for(lambda: ended(small_connect), "the first pass ended", 60)
    for command in ("run", "sync"):
        done = small_connect.command(command, check=False)
        assert done.returncode == 1
        assert f"process {process.pid}, bridgehead connect run, since " in done.stderr and "remedy:" in done.stderr
    # Commands that only look are not.
    assert small_connect.status()["runs"] and small_connect.command("errors").returncode == 0
    stopped(process)
    small_connect.sync()


@pytest.mark.parametrize("phase", ["import", "synchronise", "export"])
def test_a_stop_in_mid_pass_loses_nothing(small, small_tenant, small_connect, service, phase):
    process = service("--follow", "--log-level", "debug")
    wait_for(lambda: f'phase={phase}' in process.log() or f'"phase":"{phase}"' in process.log(), phase, 60)
    stopped(process)
    small_connect.sync()
    compare(small, small_tenant)
    outcomes = {run["outcome"] for run in history(small_connect)}
    assert outcomes <= {"interrupted", "succeeded"}


def test_a_failing_pass_does_not_end_the_service(small, small_tenant, small_connect, service):
    small_connect.sync()
    small_tenant.stop()
    process = service("--follow")
    failed = wait_for(lambda: history(small_connect, "--failed"), "a pass failed", 60)
    assert failed[0]["outcome"] == "failed" and failed[0]["report"]["errors"]
    assert process.poll() is None
    small_tenant.start()
    small.administrator().modify(a_user(small)["dn"], {"title": [(ldap3.MODIFY_REPLACE, ["Survivor"])]})
    wait_for(lambda: (account_of(small_tenant, a_user(small)) or {}).get("title") == "Survivor", "the service goes on", 90)
    stopped(process)


def test_staging_exports_nothing_until_it_is_switched_off(small, small_tenant, small_connect):
    small_connect.set("connect.mode", "staging")
    report = small_connect.report(check=False)
    assert report["isStaging"] and report["pending"] > 0 and report["exported"] == {}
    assert small_tenant.list("Users") == []
    assert small_connect.status()["isStaging"]
    shown = small_connect.preview(check=False)
    assert shown.returncode == 2 and "Staging mode" in shown.stdout
    small_connect.set("connect.mode", "active")
    small_connect.sync()
    assert not small_connect.status()["isStaging"]
    compare(small, small_tenant)
    # The option is the same for one run.
    admin = small.administrator()
    user = a_user(small)
    admin.modify(user["dn"], {"title": [(ldap3.MODIFY_REPLACE, ["Staged"])]})
    small_connect.sync("--staging")
    assert account_of(small_tenant, user).get("title") != "Staged"
    small_connect.sync()
    assert account_of(small_tenant, user)["title"] == "Staged"


def test_a_running_service_waits_for_the_approval(small, small_tenant, small_connect, service):
    small_connect.sync()
    process = service("--follow")
    wait_for(lambda: ended(small_connect, 2), "the first pass ended", 60)
    admin = small.administrator()
    gone = [user for user in users_of(small, admin)][:8]
    # The service meets all deletions at once: it stands still meanwhile.
    process.send_signal(signal.SIGSTOP)
    for user in gone:
        admin.delete(user["dn"])
    process.send_signal(signal.SIGCONT)
    standing = wait_for(
        lambda: [s for s in json.loads(small_connect.command("approve", "--json", check=False).stdout)
                 if len(s["deletions"]) == len(gone)], "all deletions stand before the guard", 60)[0]
    anchors = {user["externalId"] for user in small_tenant.list("Users")}
    assert {deletion["sourceAnchor"] for deletion in standing["deletions"]} == {anchor(u) for u in gone}
    assert {anchor(u) for u in gone} <= anchors
    small_connect.command("approve", standing["finding"]["fingerprint"])
    wait_for(lambda: not {anchor(u) for u in gone} & {u["externalId"] for u in small_tenant.list("Users")},
             "the approved deletions went through", 60)
    assert "connect approve" in process.log()
    stopped(process)
    compare(small, small_tenant)


def test_history_tells_counts_durations_and_errors(small, small_connect):
    small_connect.sync()
    small_connect.sync()
    runs = history(small_connect)
    assert [run["outcome"] for run in runs] == ["succeeded", "succeeded"]
    first = runs[-1]
    assert first["report"]["exported"]["user"]["created"] == len(users_of(small, small.administrator()))
    assert {phase["phase"] for phase in first["report"]["phases"]} == {"import", "synchronise", "guard", "export", "confirm"}
    assert history(small_connect, "--last", 1) == runs[:1]
    assert history(small_connect, "--failed") == []
    assert json.loads(small_connect.command("history", first["id"], "--json").stdout) == first
    text = small_connect.command("history", first["id"]).stdout
    assert "users: " in text and "took import" in text
    assert small_connect.command("history", 4711, check=False).returncode == 1


def test_errors_name_both_objects_and_the_remedy(small, small_tenant, small_connect):
    admin = small.administrator()
    holder, second = users_of(small, admin)[:2]
    address = [f"smtp:two.people@{small.forest['name']}"]
    admin.modify(holder["dn"], {"proxyAddresses": [(ldap3.MODIFY_ADD, address)]})
    small_connect.sync()
    assert small_connect.command("errors").stdout == "Nothing is held.\n"
    admin.modify(second["dn"], {"proxyAddresses": [(ldap3.MODIFY_ADD, address)]})
    try:
        assert small_connect.sync(check=False).returncode == 4
        done = small_connect.command("errors", "--json", check=False)
        assert done.returncode == 4
        [held] = json.loads(done.stdout)
        assert held["reason"] == "duplicateAddress" and held["distinguishedName"] == second["dn"]
        assert held["other"]["distinguishedName"] == holder["dn"] and held["remedy"] and held["since"] > 0
        text = small_connect.command("errors", check=False).stdout
        assert second["dn"] in text and holder["dn"] in text and "remedy: " in text
        assert "1 tried" in small_connect.command("errors", "--retry", second["dn"]).stdout
        assert small_connect.command("errors", "--retry", "nobody", check=False).returncode == 1
    finally:
        admin.modify(second["dn"], {"proxyAddresses": [(ldap3.MODIFY_DELETE, address)]})
    small_connect.sync()
    assert small_connect.command("errors").returncode == 0


def test_show_tells_every_space_as_lists(small, small_connect):
    small_connect.sync()
    user = a_user(small)
    [shown] = small_connect.show(user["dn"])
    assert [entry["name"] for entry in shown["entries"]] == [user["dn"]]
    assert [remote["target"] for remote in shown["remotes"]] == ["cloud"]
    assert shown["metaverse"]["sourceAnchor"] == anchor(user) and shown["pending"] == []


def publish(lab, name, text):
    """A TXT record in the zone of the forest; each word of the text is a string of it."""
    controller = lab.forest["controllers"][0]
    lab.samba_tool(controller, "dns", "add", controller["address"], lab.forest["name"], name, "TXT", text)


def test_a_domain_is_verified_by_its_record(small, small_tenant, tmp_path):
    """The forest's own DNS server has the record; nobody vouches."""
    domain = "people." + small.forest["name"]
    configuration = tmp_path / "domains.yaml"
    configuration.write_text(json.dumps({
        **json.loads(small_tenant.configuration.read_text()), "dns": {"servers": small.forest["dnsServers"]}}))

    def domains(*arguments, **options):
        return small_tenant.product.run("tenant", "domains", *arguments, "--config", configuration, **options)

    def held():
        return {entry["name"]: entry for entry in json.loads(domains("list", "--json").stdout)}

    def user(status):
        answer = small_tenant.request("POST", "/Users", {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": f"ada@{domain}"})
        assert answer[0] == status, answer

    added = domains("add", domain, "--unverified").stdout
    proof = held()[domain]["proof"]
    assert proof in added and not held()[domain]["verified"]
    user(400)
    refused = domains("verify", domain, check=False)
    assert refused.returncode != 0 and "NXDOMAIN" in refused.stderr
    publish(small, "people", "v=spf1 -all")
    refused = domains("verify", domain, check=False)
    assert refused.returncode != 0 and proof in refused.stderr and not held()[domain]["verified"]
    # Long records come as several strings.
    publish(small, "people", f"{proof[:20]} {proof[20:]}")
    assert small.forest["dnsServers"][0] in domains("verify", domain).stdout
    assert held()[domain]["verified"] and "proof" not in held()[domain]
    user(201)
