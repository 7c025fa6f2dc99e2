# SPDX-License-Identifier: Apache-2.0
"""The Global Catalog earns its row: it resolves the references that point outside the imported naming contexts, and a
firewall that closes its port leaves exactly those unresolved, and nothing else.

What lies outside here is in the Configuration naming context of a real Samba forest: the domain's own import never sees
it, and the catalog holds it. Somebody else has brought one of these objects to the tenant, under its source anchor.
"""
import json
import time
import uuid

import ldap3
import pytest

from comparison import anchor, compare, read, sid, users_of
from environment import wait_for
from network import blocked

LAB = ["--users", 40, "--groups", 4]
ROW = "connect-ad/global-catalog"


def outside(admin, base, name, kind="user", **attributes):
    """Makes an object that no import of the domain reads."""
    dn = f"CN={name},CN=Services,CN=Configuration,{base}"
    admin.add(dn, kind, attributes)
    [entry] = read(admin, [dn], "(objectClass=*)", ["objectGUID", "objectSid"])
    return entry


@pytest.fixture(scope="module")
def forest(lab):
    """A group and a user that refer to three objects outside; by name."""
    admin, base = lab.administrator(), lab.forest["baseDN"]
    entries = {
        "guest": outside(admin, base, "Guest One", sAMAccountName="guest1", displayName="Guest One", mail="g1@corp.example",
                         userPrincipalName="guest1@corp.example"),
        "stranger": outside(admin, base, "Stranger", sAMAccountName="stranger", userPrincipalName="s@corp.example"),
        "partner": outside(admin, base, "Partner", "contact", displayName="Partner"),
    }
    group = read(admin, lab.forest["synchronisedUnits"], "(objectClass=group)", ["objectGUID", "cn"])[0]
    admin.modify(group["dn"], {"member": [(ldap3.MODIFY_ADD, [entry["dn"] for entry in entries.values()])]})
    person = users_of(lab, admin)[0]
    admin.modify(person["dn"], {"manager": [(ldap3.MODIFY_REPLACE, [entries["guest"]["dn"]])]})
    return {"admin": admin, "group": group, "person": person, **entries}


def guid(entry):
    return str(uuid.UUID(bytes_le=entry["raw_attributes"]["objectGUID"][0]))


def bring(tenant, entry, name):
    """What another synchronisation server would have written."""
    status, made = tenant.request("POST", "/Users", {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "externalId": anchor(entry),
        "displayName": name, "active": True})
    assert status == 201, made
    return made


def held(tenant, entry, kind):
    """What the tenant holds for an entry; empty when nothing."""
    return next((r for r in tenant.list(kind) if r["externalId"] == anchor(entry)), {})


def members(tenant, forest):
    return {m["value"] for m in held(tenant, forest["group"], "Groups").get("members") or []}


def references(connect, entry):
    [view] = connect.show(guid(entry))
    return {reference["guid"].lower(): reference for reference in view["entries"][0]["outside"]}


def uses(connect):
    return [flow for flow in connect.status()["flows"] if flow["row"] == ROW]


def test_a_closed_catalog_leaves_exactly_the_outside_unresolved(lab, forest, new_tenant, new_connect):
    made = bring(new_tenant, forest["guest"], "guest1@corp.example")
    with blocked("tcp dport { 3268, 3269 }"):
        done = new_connect.sync(check=False)
    report = json.loads(done.stdout)
    assert done.returncode == 4 and len(report["errors"]) == 1 and "3268" in report["errors"][0], report
    assert uses(new_connect) == []
    # Everything else is there: each attribute, each reference between imported objects.
    without = [u for u in new_tenant.list("Users") if u["id"] != made["id"]]
    compare(lab, new_tenant, resources={"Users": without})
    assert report["pending"] == 0 and report["quarantined"] == 0
    wanted = {guid(forest[name]) for name in ("guest", "stranger", "partner")}
    unresolved = references(new_connect, forest["group"])
    assert set(unresolved) == wanted
    for reference in unresolved.values():
        assert "kind" not in reference and "3268" in reference["reason"] and reference["nextTry"] > time.time()
    [status] = new_connect.status()["references"]
    assert (status["resolved"], status["unresolved"]) == (0, 3) and "3268" in status["detail"]

    # It is asked again by itself; a full run does not wait for the time.
    report = new_connect.report("--full")
    assert report["references"] == [{"source": lab.forest["name"], "resolved": 3, "unknown": 0, "waiting": 0}]
    told = references(new_connect, forest["group"])
    assert set(told) == wanted
    guest, stranger, partner = (told[guid(forest[name])] for name in ("guest", "stranger", "partner"))
    assert len(guest.pop("exportedTo")) == 1
    assert guest == {
        "attribute": "member", "guid": guest["guid"], "kind": "user", "name": forest["guest"]["dn"],
        "sid": sid(forest["guest"]), "sourceAnchor": anchor(forest["guest"]), "userPrincipalName": "guest1@corp.example",
        "mail": "g1@corp.example"}
    assert stranger["kind"] == "user" and stranger["exportedTo"] == [] and "holds no object" in stranger["reason"]
    assert partner["kind"] == "contact" and partner["exportedTo"] == [] and "holds no object" in partner["reason"]
    assert made["id"] in members(new_tenant, forest)
    person = held(new_tenant, forest["person"], "Users")
    enterprise = person["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]
    assert enterprise["manager"]["value"] == made["id"]
    # It stays what the other one wrote.
    now = new_tenant.request("GET", f"/Users/{made['id']}")[1]
    assert {name: now[name] for name in ("userName", "displayName", "externalId")} \
        == {name: made[name] for name in ("userName", "displayName", "externalId")}
    [flow] = uses(new_connect)
    assert flow["port"] == 3268 and "sign and seal" in flow["protection"]

    # Resolved once: nothing is asked again, and nothing told twice.
    count = flow["count"]
    report = new_connect.report()
    assert report["requests"] == 0 and "references" not in report and uses(new_connect)[0]["count"] == count
    text = new_connect.command("show", guid(forest["group"])).stdout
    assert "Guest One" in text and "exported to" in text and "holds no object" in text

    # A member that leaves is taken back although nobody here imports it.
    forest["admin"].modify(forest["group"]["dn"], {"member": [(ldap3.MODIFY_DELETE, [forest["guest"]["dn"]])]})
    new_connect.sync()
    assert made["id"] not in members(new_tenant, forest)
    assert new_tenant.request("GET", f"/Users/{made['id']}")[0] == 200, "it is not ours to delete"
    forest["admin"].modify(forest["group"]["dn"], {"member": [(ldap3.MODIFY_ADD, [forest["guest"]["dn"]])]})
    new_connect.sync()
    assert made["id"] in members(new_tenant, forest)


def test_a_preview_asks_it_too_and_leaves_no_trace(lab, forest, new_tenant, new_connect):
    newcomer = outside(forest["admin"], lab.forest["baseDN"], "Newcomer", sAMAccountName="newcomer", displayName="Newcomer",
                       userPrincipalName="newcomer@corp.example")
    made = bring(new_tenant, newcomer, "newcomer@corp.example")
    new_connect.sync("--full")
    before, count = new_connect.status()["references"], uses(new_connect)[0]["count"]
    forest["admin"].modify(forest["group"]["dn"], {"member": [(ldap3.MODIFY_ADD, [newcomer["dn"]])]})
    for _ in range(2):
        done = new_connect.preview("--json", check=False)
        assert done.returncode == 2, done.stderr
        told = json.loads(done.stdout)
        [difference] = told["differences"]
        assert difference["links"] == [{"name": "members", "added": ["newcomer@corp.example"], "removed": []}]
        assert told["summary"]["linksAdded"] == 1 and told["errors"] == []
    assert uses(new_connect)[0]["count"] == count + 2 and new_connect.status()["references"] == before
    assert made["id"] not in members(new_tenant, forest)
    with blocked("tcp dport { 3268, 3269 }"):
        told = json.loads(new_connect.preview("--json", check=False).stdout)
    assert told["differences"] == [] and len(told["errors"]) == 1 and "3268" in told["errors"][0], told
    # A closed catalog put nothing off: the run after it asks at once, and does what was foretold.
    new_connect.sync()
    assert made["id"] in members(new_tenant, forest) and uses(new_connect)[0]["count"] == count + 3
    forest["admin"].modify(forest["group"]["dn"], {"member": [(ldap3.MODIFY_DELETE, [newcomer["dn"]])]})


def test_over_tls_where_the_forest_is_read_over_tls(lab, forest, new_tenant, new_connect):
    made = bring(new_tenant, forest["guest"], "guest1@corp.example")
    new_connect.set("connect.forests.0.transport", "ldaps")
    with blocked("tcp dport 3268"):
        new_connect.sync()
    assert made["id"] in members(new_tenant, forest)
    [flow] = uses(new_connect)
    assert flow["port"] == 3269 and "TLS 1." in flow["protection"]


def test_a_catalog_that_nobody_wants_is_not_asked(lab, forest, new_tenant, new_connect):
    new_connect.set("connect.forests.0.globalCatalog", False)
    with blocked("tcp dport { 3268, 3269 }"):
        report = new_connect.report()
    assert report["errors"] == [] and new_connect.status()["references"] == [] and uses(new_connect) == []


def test_a_service_asks_again_when_the_catalog_is_back(lab, forest, new_tenant, new_connect):
    """By `connect errors --retry-all`, as for everything that waits for its time."""
    made = bring(new_tenant, forest["guest"], "guest1@corp.example")
    log = open(new_connect.directory / "run.log", "w")
    with blocked("tcp dport 3268", verdict="reject"):
        service = new_connect.product.start(
            "connect", "run", "--follow", "--config", new_connect.configuration, stdout=log, stderr=log)
        try:
            wait_for(lambda: any(s["unresolved"] == 3 and "detail" in s for s in new_connect.status()["references"]),
                     "the catalog does not answer")
        except BaseException:
            service.kill()
            raise
    try:
        new_connect.command("errors", "--retry-all")
        wait_for(lambda: made["id"] in members(new_tenant, forest), "the guest is a member")
    finally:
        service.terminate()
        service.wait(30)
        log.close()
