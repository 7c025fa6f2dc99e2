# SPDX-License-Identifier: Apache-2.0
"""Two forests in one metaverse, and two tenants side by side, on real domain controllers."""
import contextlib
import json
import subprocess
import types

import ldap3
import pytest

from comparison import anchor, assert_created_once, compare, first, read
from environment import Connect, Lab, Tenant, wait_for


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("lab"), "--users", 40, "--groups", 4, "--forest", "corp.example",
              "--forest", "resources.example")
    yield lab
    lab.down()


def users_in(lab, forest):
    return read(lab.administrator(forest=forest), forest["synchronisedUnits"],
                "(&(objectCategory=person)(objectClass=user))",
                ["objectGUID", "objectSid", "userPrincipalName", "displayName", "mail", "distinguishedName"])


def named_in(lab, forest):
    """Those with a name in their forest's own domain: without one, the name under the tenant's initial domain is that of
    the person of the same number in the other forest, and the second of the two is quarantined."""
    domains = tuple("@" + domain for domain in forest["verifiedSuffixes"])
    return [user for user in users_in(lab, forest) if (first(user, "userPrincipalName") or "").endswith(domains)]


def test_two_forests_and_two_tenants(lab, tmp_path):
    here, there = lab.forests
    one, two = (Tenant(lab, tmp_path / f"tenant{number}", forest) for number, forest in enumerate(lab.forests))
    connect = Connect(lab, one, tmp_path / "connect")
    target = connect.values["connect"].pop("target")
    connect.set("connect.targets", [
        {**target, "name": "one"}, {**target, "name": "two", "url": two.url, "token": {"file": str(two.token_file)}}])
    connect.set("connect.joinUsersBy", ["employeeNumber", "mail"])
    # One person with an account in each forest, known by a number.
    ann, twin = named_in(lab, here)[0], named_in(lab, there)[1]
    admin, other = lab.administrator(), lab.administrator(forest=there)
    admin.modify(ann["dn"], {"employeeNumber": [(ldap3.MODIFY_REPLACE, ["4711"])]})
    other.modify(twin["dn"], {"employeeNumber": [(ldap3.MODIFY_REPLACE, ["4711"])]})
    # A member from the first forest in a group of the second one, by a foreign security principal.
    guest = named_in(lab, here)[5]
    sid = ldap3.protocol.formatters.formatters.format_sid(guest["raw_attributes"]["objectSid"][0])
    group = read(other, there["synchronisedUnits"], "(objectClass=group)", ["objectGUID", "member"])[0]
    held = group["raw_attributes"].get("member") or []
    # The domain controller makes a foreign security principal of it.
    other.modify(group["dn"], {"member": [
        (ldap3.MODIFY_ADD, [f"<SID={sid}>"] + [twin["dn"]] * (twin["dn"].encode() not in held))]})
    root = group["dn"][group["dn"].index("DC="):]
    [principal] = [p["dn"] for p in read(
        other, ["CN=ForeignSecurityPrincipals," + root], f"(objectSid={sid})", ["objectSid"])]

    report = connect.report("--full", check=False)
    assert report["errors"] == [], report
    # Both populations are made alike: some nicknames under the initial domain exist in both forests.
    assert {q["reason"] for q in connect.status()["quarantined"]} <= {"duplicateUserName", "duplicateAddress"}
    held = {u["externalId"]: u for u in one.list("Users")}
    assert anchor(ann) in held and anchor(twin) not in held, "one object of two entries"
    assert held[anchor(ann)]["displayName"] == first(ann, "displayName")
    groups = {g["externalId"]: g for g in one.list("Groups")}
    members = {m["value"] for m in groups[anchor(group)]["members"]}
    assert {held[anchor(guest)]["id"], held[anchor(ann)]["id"]} <= members
    assert {u["externalId"] for u in two.list("Users")} == set(held)
    assert {g["externalId"] for g in two.list("Groups")} == set(groups)
    assert connect.report(check=False)["requests"] == 0

    # The first forest's account goes: the second one carries the object on, while the other tenant is down.
    two.stop()
    admin.delete(ann["dn"])
    other.modify(group["dn"], {"member": [(ldap3.MODIFY_DELETE, [principal])]})
    done = connect.sync(check=False)
    assert done.returncode == 1 and done.stderr
    status, now = one.request("GET", f"/Users/{held[anchor(ann)]['id']}")
    assert status == 200 and now["displayName"] == first(twin, "displayName") and now["externalId"] == anchor(ann)
    members = {m["value"] for m in one.request("GET", f"/Groups/{groups[anchor(group)]['id']}")[1]["members"]}
    assert held[anchor(guest)]["id"] not in members and held[anchor(ann)]["id"] in members
    two.start()
    connect.report(check=False)
    assert {u["externalId"]: u["displayName"] for u in two.list("Users")} \
        == {u["externalId"]: u["displayName"] for u in one.list("Users")}
    for tenant in (one, two):
        tenant.stop()


def test_tenants_with_domains_of_their_own(lab, tmp_path):
    """One forest, and two tenants that have verified different domains: each gets the names that its domains allow."""
    here = lab.forests[0]
    view = types.SimpleNamespace(forests=[here], administrator=lab.administrator)
    one = Tenant(lab, tmp_path / "one", here, verified=here["verifiedSuffixes"])
    two = Tenant(lab, tmp_path / "two", lab.forests[1], verified=["branch.example"], initial_domain="branch.tenant.example")
    connect = Connect(lab, one, tmp_path / "connect")
    connect.values["connect"]["forests"] = connect.values["connect"]["forests"][:1]
    target = {**connect.values["connect"].pop("target"), "verifiedDomains": one.verified}
    second = {"name": "two", "url": two.url, "token": {"file": str(two.token_file)}, "verifiedDomains": two.verified,
              "initialDomain": two.initial_domain}
    connect.set("connect.targets", [{**target, "name": "one"}, second])
    admin, people = lab.administrator(), users_in(lab, here)
    moved = named_in(lab, here)[:3]
    for person in moved:
        name = first(person, "userPrincipalName").split("@")[0]
        admin.modify(person["dn"], {"userPrincipalName": [(ldap3.MODIFY_REPLACE, [f"{name}@branch.example"])]})

    def names(tenant):
        return {user["externalId"]: user["userName"] for user in tenant.list("Users")}

    foretold = json.loads(connect.preview("--json", check=False).stdout)["differences"]
    connect.sync("--full")
    for tenant in (one, two):
        compare(view, tenant)
        assert_created_once(tenant)
    assert {(d["target"], d["name"]) for d in foretold if d["kind"] == "user"} \
        == {("one", name) for name in names(one).values()} | {("two", name) for name in names(two).values()}
    before = names(two)
    assert len(before) == len(people) and {before[anchor(person)].split("@")[1] for person in moved} == {"branch.example"}
    assert sum(name.endswith("@branch.tenant.example") for name in before.values()) == len(people) - len(moved)
    assert not any(name.endswith("@branch.example") for name in names(one).values())
    assert connect.report()["requests"] == 0
    told = connect.command("show", names(two)[anchor(moved[0])]).stdout
    assert "Instead at two" in told and names(one)[anchor(moved[0])] in told

    # The second one verifies the forest's own domain: its names change, and nothing at the first.
    for domain in here["verifiedSuffixes"]:
        two.product.run("tenant", "domains", "add", domain, "--config", two.configuration)
    two.verified = two.verified + here["verifiedSuffixes"]
    connect.set("connect.targets.1.verifiedDomains", two.verified)
    held, logged = names(one), len(one.product.json("tenant", "audit", "--config", one.configuration, "--json"))
    assert connect.report()["exported"]["user"]["updated"] > 0
    assert names(one) == held
    assert len(one.product.json("tenant", "audit", "--config", one.configuration, "--json")) == logged
    for tenant in (one, two):
        compare(view, tenant)
        tenant.stop()


@contextlib.contextmanager
def black_hole(forest):
    """What is sent to a forest's domain controllers vanishes: nobody answers, and nobody refuses."""
    rules = "".join(f"ip daddr {c['address']} drop\n" for c in forest["controllers"])
    subprocess.run(["nft", "-f", "-"], text=True, check=True, input=(
        "table inet blackhole {\nchain output {\ntype filter hook output priority 0; policy accept;\n" + rules + "}\n}\n"))
    try:
        yield
    finally:
        subprocess.run(["nft", "delete", "table", "inet", "blackhole"], check=True)


def test_a_forest_behind_a_black_hole_holds_up_nobody(lab, tmp_path):
    here, there = lab.forests
    tenant = Tenant(lab, tmp_path / "tenant", here)
    connect = Connect(lab, tenant, tmp_path / "connect")
    log = open(tmp_path / "run.log", "w+")
    process = connect.product.start(
        "connect", "run", "--config", connect.configuration, "--follow", stdout=log, stderr=log)

    def history():
        return json.loads(connect.command("history", "--json").stdout)

    def title(entry):
        return next((u.get("title") for u in tenant.list("Users") if u["externalId"] == anchor(entry)), None)

    def give(forest, entry, name):
        lab.administrator(forest=forest).modify(entry["dn"], {"title": [(ldap3.MODIFY_REPLACE, [name])]})

    wait_for(lambda: [run for run in history() if run["outcome"] == "succeeded"], "the first pass", 120)
    # With names of their own: without one, the same nickname in both forests is held back from one of them.
    person, other = (
        named_in(lab, forest)[0] for forest in (here, there))
    give(there, other, "Before")
    wait_for(lambda: title(other) == "Before", "a change in the other forest", 60)
    with black_hole(there):
        for number in range(3):
            give(here, person, f"Keeper {number}")
            wait_for(lambda: title(person) == f"Keeper {number}", f"change {number}", 120)
            if number == 0:
                told = next(run["report"] for run in history() if run["report"]["requests"] > 0)
                # Not after the silent one had failed: while it was still being waited for, elsewhere.
                assert told["leftBehind"] == [there["name"]], told
                assert told["errors"] == [f"{there['name']}: It has not answered yet."]
        assert history()[0]["outcome"] == "partial"
        assert title(other) == "Before"
    give(there, other, "After")
    wait_for(lambda: title(other) == "After", "the other forest again", 400)
    wait_for(lambda: history()[0]["report"].get("leftBehind") is None, "nobody is left behind", 60)
    assert process.poll() is None
    process.terminate()
    assert process.wait(60) == 0, open(log.name).read()
    tenant.stop()
