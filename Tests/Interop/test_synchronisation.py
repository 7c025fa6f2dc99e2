# SPDX-License-Identifier: Apache-2.0
"""The main job on a real forest: what python ldap3 reads from the domain controller is what the tenant holds."""
import base64

import ldap3
import pytest

CORE = "urn:ietf:params:scim:schemas:core:2.0"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PLAIN = {  # AD attribute → path in the SCIM user
    "displayName": ("displayName",), "givenName": ("name", "givenName"), "sn": ("name", "familyName"),
    "title": ("title",), "preferredLanguage": ("preferredLanguage",), "department": (ENTERPRISE, "department"),
    "employeeID": (ENTERPRISE, "employeeNumber"),
}
DISABLED = 0x2


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


@pytest.fixture(scope="module")
def synchronised(connect):
    return connect.report("--full")


def by_anchor(resources):
    table = {resource["externalId"]: resource for resource in resources}
    assert len(table) == len(resources), "an anchor was created twice"
    return table


def compare(lab, tenant):
    """Every user, every group and every membership, attribute by attribute."""
    connection = lab.administrator()
    users, groups = users_of(lab, connection), groups_of(lab, connection)
    held, held_groups = by_anchor(tenant.list("Users")), by_anchor(tenant.list("Groups"))
    assert set(held) == {anchor(user) for user in users}
    assert set(held_groups) == {anchor(group) for group in groups}
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
        expired = expires not in (0, 2**63 - 1) and expires < 134_000_000_000_000_000
        assert resource["active"] == (not control & DISABLED and not expired), user["dn"]
        if first(user, "mail"):
            assert first(user, "mail").lower() in [e["value"].lower() for e in resource["emails"]]
        manager = first(user, "manager")
        expected = held[guids[manager.lower()]]["id"] if manager and manager.lower() in guids else None
        assert at(resource, (ENTERPRISE, "manager", "value")) == expected, user["dn"]
    memberships = 0
    for group in groups:
        resource = held_groups[anchor(group)]
        expected = {guids[m.decode().lower()] for m in group["raw_attributes"].get("member") or []
                    if m.decode().lower() in guids}
        names = {r["id"]: a for a, r in [*held.items(), *held_groups.items()]}
        assert {names[m["value"]] for m in resource.get("members", [])} == expected, group["dn"]
        memberships += len(expected)
    return len(users), len(groups), memberships


def test_a_full_run_carries_everything(lab, tenant, synchronised):
    users, groups, memberships = compare(lab, tenant)
    assert users == 1000 and groups == 100 and memberships > 1000
    assert synchronised["quarantined"] == 0 and synchronised["errors"] == []


def test_nothing_changed_means_nothing_written(connect, synchronised):
    report = connect.report()
    assert report["mode"] == "delta" and report["requests"] == 0 and report["exported"] == {}


def test_a_preview_writes_nothing(lab, tenant, connect, synchronised):
    admin = lab.administrator()
    dn = users_of(lab, admin)[3]["dn"]
    admin.modify(dn, {"title": [(ldap3.MODIFY_REPLACE, ["Bridge Keeper"])]})
    before = tenant.list("Users")
    done = connect.sync("--preview", check=False)
    assert done.returncode == 2, done.stderr
    assert "Bridge Keeper" in done.stdout
    assert tenant.list("Users") == before
    connect.sync()
    compare(lab, tenant)
    assert connect.sync("--preview").returncode == 0


def test_changes_arrive(lab, tenant, connect, synchronised):
    """Change, clear, rename, move, disable, membership, rename of a unit, delete: each as it is on the premises."""
    admin = lab.administrator()
    everyone = users_of(lab, admin)
    people = [u["dn"] for u in everyone]
    groups = [g["dn"] for g in groups_of(lab, admin)]
    admin.modify(people[10], {"title": [(ldap3.MODIFY_REPLACE, ["Ferryman ⛴"])]})
    admin.modify(people[11], {"title": [(ldap3.MODIFY_REPLACE, [])]})
    admin.modify(people[12], {"userAccountControl": [(ldap3.MODIFY_REPLACE, ["514"])]})
    admin.modify_dn(people[13], "CN=Renamed\\, Person")
    admin.modify(groups[-1], {"member": [(ldap3.MODIFY_ADD, [people[14]])]})
    report = connect.report()
    assert report["mode"] == "delta" and report["synchronised"] < 20
    compare(lab, tenant)

    unit = next(u["dn"].split(",", 1)[1].replace("\\,", "\0") for u in everyone[20:])
    unit = people[20].split(",OU=", 1)[1]
    unit = "OU=" + unit
    count = len(people)
    admin.modify_dn(unit, "OU=Renamed Unit")
    report = connect.report()
    assert compare(lab, tenant)[0] == count
    assert all(kind.get("deleted", 0) == 0 for kind in report["exported"].values()), "a renamed unit deleted somebody"

    gone = users_of(lab, admin)[30]
    admin.delete(gone["dn"])
    report = connect.report()
    assert report["exported"]["user"]["deleted"] == 1
    assert compare(lab, tenant)[0] == count - 1
    assert anchor(gone) not in {u["externalId"] for u in tenant.list("Users")}


def test_show_tells_every_space(lab, connect, synchronised):
    user = users_of(lab, lab.administrator())[40]
    shown = connect.show(user["dn"])
    text = str(shown)
    assert anchor(user) in text and first(user, "displayName") in text


def test_status_names_the_flows_that_were_used(connect, synchronised):
    flows = {(flow["row"], flow["transport"]) for flow in connect.status()["flows"]}
    assert {("connect-ad/dns", "udp"), ("connect-ad/kerberos", "udp"), ("connect-ad/ldap", "tcp"),
            ("connect-ad/ldap", "udp"), ("connect-cloud/http", "tcp"), ("connect-cloud/https", "tcp")} <= flows
    sealed = [flow for flow in connect.status()["flows"] if flow["row"] == "connect-ad/ldap" and flow["transport"] == "tcp"]
    assert sealed and all("seal" in flow["protection"].lower() for flow in sealed)
    assert not any(flow["row"] == "connect-ad/ldaps" for flow in connect.status()["flows"])


def test_nothing_secret_is_written(lab, tenant, connect, synchronised):
    secrets = [tenant.token.encode()]
    for account in ("serviceAccount", "administrator"):
        with open(lab.forest[account]["passwordFile"], "rb") as file:
            secrets.append(file.read().strip())
    done = connect.sync("--log-level", "trace")
    for file in [*connect.directory.rglob("*"), *tenant.directory.glob("tenant.*")]:
        if file.is_file():
            data = file.read_bytes()
            assert not any(secret in data for secret in secrets), file
            assert file.suffix not in (".sqlite", ".token") or file.stat().st_mode & 0o077 == 0, file
    assert not any(secret.decode() in done.stdout + done.stderr for secret in secrets)
