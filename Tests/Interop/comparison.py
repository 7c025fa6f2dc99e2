# SPDX-License-Identifier: Apache-2.0
"""Holds the tenant against the forest: what python ldap3 reads from a domain controller is what the tenant must hold."""
import base64
import json
import time

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PLAIN = {  # AD attribute → path in the SCIM user
    "displayName": ("displayName",), "givenName": ("name", "givenName"), "sn": ("name", "familyName"),
    "title": ("title",), "preferredLanguage": ("preferredLanguage",), "department": (ENTERPRISE, "department"),
    "employeeID": (ENTERPRISE, "employeeNumber"),
}
DISABLED = 0x2
NEVER = (0, 2**63 - 1)


def at(resource, path):
    for name in path:
        resource = (resource or {}).get(name)
    return resource


def first(entry, name):
    values = entry["raw_attributes"].get(name) or []
    return values[0].decode() if values else None


def anchor(entry):
    return base64.b64encode(entry["raw_attributes"]["objectGUID"][0]).decode()


def read(connection, bases, query, attributes):
    found = []
    for base in bases:
        found += [e for e in connection.extend.standard.paged_search(
            base, query, attributes=attributes, paged_size=500, generator=True) if e["type"] == "searchResEntry"]
    return found


def users_of(lab, connection):
    return read(connection, lab.forest["synchronisedUnits"], "(&(objectCategory=person)(objectClass=user))",
                ["objectGUID", "userPrincipalName", "userAccountControl", "accountExpires", "manager", "mail",
                 "proxyAddresses", "distinguishedName", *PLAIN])


def groups_of(lab, connection):
    return read(connection, lab.forest["synchronisedUnits"], "(objectClass=group)",
                ["objectGUID", "displayName", "cn", "member"])


def by_anchor(resources):
    table = {resource["externalId"]: resource for resource in resources}
    assert len(table) == len(resources), "an anchor was created twice"
    return table


def compare(lab, tenant, controller=0):
    """Every user, every group and every membership, attribute by attribute."""
    connection = lab.administrator(controller)
    users, groups = users_of(lab, connection), groups_of(lab, connection)
    held, held_groups = by_anchor(tenant.list("Users")), by_anchor(tenant.list("Groups"))
    assert set(held) == {anchor(user) for user in users}
    assert set(held_groups) == {anchor(group) for group in groups}
    now = int((time.time() + 11_644_473_600) * 10_000_000)
    guids = {e["dn"].lower(): anchor(e) for e in users + groups}
    for user in users:
        resource = held[anchor(user)]
        for name, path in PLAIN.items():
            assert at(resource, path) == first(user, name), (user["dn"], name)
        upn = first(user, "userPrincipalName")
        if upn and upn.split("@")[1] in lab.forest["verifiedSuffixes"]:
            assert resource["userName"].lower() == upn.lower()
        else:
            assert resource["userName"].endswith("@" + tenant.initial_domain)
        control, expires = int(first(user, "userAccountControl")), int(first(user, "accountExpires") or 0)
        expired = expires not in NEVER and expires < now
        assert resource["active"] == (not control & DISABLED and not expired), user["dn"]
        if first(user, "mail"):
            assert first(user, "mail").lower() in [e["value"].lower() for e in resource["emails"]]
        manager = first(user, "manager")
        expected = held[guids[manager.lower()]]["id"] if manager and manager.lower() in guids else None
        assert at(resource, (ENTERPRISE, "manager", "value")) == expected, user["dn"]
    memberships = 0
    names = {r["id"]: a for a, r in [*held.items(), *held_groups.items()]}
    for group in groups:
        resource = held_groups[anchor(group)]
        expected = {guids[m.decode().lower()] for m in group["raw_attributes"].get("member") or []
                    if m.decode().lower() in guids}
        assert {names[m["value"]] for m in resource.get("members", [])} == expected, group["dn"]
        memberships += len(expected)
    return len(users), len(groups), memberships


def assert_created_once(tenant):
    """The audit log has one create for each object that the tenant holds or held, and no object has two."""
    log = tenant.product.json(
        "tenant", "audit", "--config", tenant.configuration, "--limit", 1_000_000, "--json")
    created = {"User": [], "Group": []}
    for entry in log:
        if entry["action"] == "create" and entry["kind"] in created:
            external = json.loads(entry["after"]).get("externalId") if entry["after"].endswith("}") else None
            created[entry["kind"]].append((entry["target"], external))
    for kind, plural in (("User", "Users"), ("Group", "Groups")):
        anchors = [external for _, external in created[kind] if external]
        assert len(anchors) == len(set(anchors)), "an anchor was created twice"
        targets = [target for target, _ in created[kind]]
        actions = [entry["action"] for entry in log if entry["kind"] == kind]
        gone = actions.count("delete") - actions.count("restore")
        assert len(targets) == len(set(targets)) == len(tenant.list(plural)) + gone, kind
