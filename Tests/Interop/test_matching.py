# SPDX-License-Identifier: Apache-2.0
"""What the tenant holds before Connect's first run, and what it can restore, on the real tenant."""
import ldap3
import pytest

from comparison import account_of, anchor, assert_created_once, compare, first, groups_of, users_of

USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def create(tenant, name, **more):
    status, made = tenant.request("POST", "/Users", {"schemas": [USER], "userName": name, **more})
    assert status == 201, made
    return made["id"]


def verified(lab, users):
    return [u for u in users if (first(u, "userPrincipalName") or "@").split("@")[1] in lab.forest["verifiedSuffixes"]
            and first(u, "mail")]


def test_accounts_are_taken_over_by_name_or_address_but_never_a_privileged_one(small, small_tenant, small_connect):
    lab, tenant, connect = small, small_tenant, small_connect
    ann, bob, eve, *_ = verified(lab, users_of(lab, lab.administrator()))
    by_name = create(tenant, first(ann, "userPrincipalName").upper(), displayName="cloud")
    by_mail = create(
        tenant, "cloud.bob@" + tenant.initial_domain,
        emails=[{"value": first(bob, "mail").upper(), "type": "work", "primary": True}])
    admin = create(tenant, first(eve, "userPrincipalName"), roles=[{"value": "Global Administrator"}])
    report = connect.report("--full", check=False)
    assert report["quarantined"] == 1 and report["exported"]["user"]["adopted"] == 2
    held = {u["id"]: u for u in tenant.list("Users")}
    assert held[by_name]["externalId"] == anchor(ann) and held[by_name]["displayName"] == first(ann, "displayName")
    assert held[by_mail]["externalId"] == anchor(bob) and held[by_mail]["userName"] == first(bob, "userPrincipalName")
    assert "externalId" not in held[admin] and "displayName" not in held[admin]
    reasons = [(q["reason"], q["name"]) for q in connect.status()["quarantined"]]
    assert reasons == [("privilegedMatch", eve["dn"])]
    # The administrator gives the role up: the next look at the tenant ends it.
    status, _ = tenant.request("PATCH", f"/Users/{admin}", {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "remove", "path": "roles"}]})
    assert status == 200
    report = connect.report("--full")
    assert report["quarantined"] == 0
    compare(lab, tenant)
    assert connect.report()["requests"] == 0


def test_an_account_of_the_same_address_that_was_made_since_the_last_look_is_taken_over(small, small_tenant, small_connect):
    """Two accounts with one address are no conflict to the tenant: it has to be asked before the create."""
    lab, tenant, connect = small, small_tenant, small_connect
    connect.sync("--full")
    made = create(
        tenant, "cloud.late@" + tenant.initial_domain,
        emails=[{"value": "late@corp.example", "type": "work", "primary": True}])
    admin = lab.administrator()
    late = f"CN=Late,OU=People,{lab.forest['baseDN']}"
    admin.add(late, "user", {
        "sAMAccountName": "late", "displayName": "Late", "mail": "late@corp.example", "userAccountControl": 544,
        "userPrincipalName": f"late.comer@{lab.forest['verifiedSuffixes'][0]}"})
    try:
        report = connect.report()
        assert report["exported"]["user"]["adopted"] == 1 and report["exported"]["user"]["created"] == 0, report
        [account] = [u for u in tenant.list("Users") if u["id"] == made]
        assert account["displayName"] == "Late" and account["userName"].startswith("late.comer@")
        compare(lab, tenant)
    finally:
        admin.delete(late)


def places(user):
    """Its relative name, the unit that it stands in, and a container that is not synchronised."""
    name, rest = user["dn"].split(",OU=", 1)
    return name, "OU=" + rest, "CN=Users," + rest[rest.index("DC="):]


def test_a_deleted_account_is_restored_when_its_user_returns(small, small_tenant, small_connect):
    lab, tenant, connect = small, small_tenant, small_connect
    admin = lab.administrator()
    connect.sync("--full")
    # In no particular order, and one of them has everybody.
    group = min(groups_of(lab, admin), key=lambda g: len(g["raw_attributes"].get("member") or []))
    members = group["raw_attributes"].get("member") or []
    user = next(u for u in users_of(lab, admin) if u["dn"].encode() not in members)
    before = account_of(tenant, user)
    rdn, unit, outside = places(user)
    admin.modify(group["dn"], {"member": [(ldap3.MODIFY_ADD, [user["dn"]])]})
    connect.sync()
    admin.modify_dn(user["dn"], rdn, new_superior=outside)
    assert connect.report()["exported"]["user"]["deleted"] == 1
    assert before["id"] not in {u["id"] for u in tenant.list("Users")}
    admin.modify_dn(f"{rdn},{outside}", rdn, new_superior=unit)
    report = connect.report()
    assert report["exported"]["user"]["adopted"] == 1 and report["exported"]["user"]["created"] == 0
    compare(lab, tenant)
    assert before["id"] in {u["id"] for u in tenant.list("Users")}
    assert_created_once(tenant)


@pytest.mark.parametrize("isToldBefore", [True, False], ids=["told", "untold"])
@pytest.mark.parametrize("way", ["out of scope", "by the tenant's administrator"])
def test_who_is_restored_does_not_return_to_groups_that_he_left(small, small_tenant, small_connect, way, isToldBefore):
    """The tenant brings memberships back with an account; Active Directory has ended one of them meanwhile."""
    lab, tenant, connect = small, small_tenant, small_connect
    admin = lab.administrator()
    user = users_of(lab, admin)[0]
    groups = sorted(groups_of(lab, admin), key=lambda g: len(g["raw_attributes"].get("member") or []))[:2]
    for group in groups:
        if user["dn"].encode() not in (group["raw_attributes"].get("member") or []):
            admin.modify(group["dn"], {"member": [(ldap3.MODIFY_ADD, [user["dn"]])]})
    connect.sync("--full")
    account = account_of(tenant, user)
    rdn, unit, outside = places(user)
    if way == "out of scope":
        admin.modify_dn(user["dn"], rdn, new_superior=outside)
        assert connect.report()["exported"]["user"]["deleted"] == 1
        away = f"{rdn},{outside}"
    else:
        assert tenant.request("DELETE", f"/Users/{account['id']}")[0] == 204
        away = user["dn"]
    admin.modify(groups[0]["dn"], {"member": [(ldap3.MODIFY_DELETE, [away])]})
    if isToldBefore:
        connect.report(check=False)
    if away != user["dn"]:
        admin.modify_dn(away, rdn, new_superior=unit)
        report = connect.report()
    else:
        report = connect.report("--full")
    assert report["exported"]["user"]["adopted"] == 1 and report["exported"]["user"]["created"] == 0, (report["exported"], report["errors"], report["pending"])
    assert account_of(tenant, user)["id"] == account["id"]
    compare(lab, tenant)
    assert connect.report("--full")["requests"] == 0


PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def test_a_deleted_account_with_a_role_is_restored_by_an_administrator_only(small, small_tenant, small_connect):
    lab, tenant, connect = small, small_tenant, small_connect
    admin = lab.administrator()
    connect.sync("--full")
    user = users_of(lab, admin)[0]
    account = account_of(tenant, user)
    status, _ = tenant.request("PATCH", f"/Users/{account['id']}", {"schemas": [PATCH], "Operations": [
        {"op": "add", "path": "roles", "value": [{"value": "Global Administrator"}]}]})
    assert status == 200
    rdn, unit, outside = places(user)
    admin.modify_dn(user["dn"], rdn, new_superior=outside)
    assert connect.report()["exported"]["user"]["deleted"] == 1
    admin.modify_dn(f"{rdn},{outside}", rdn, new_superior=unit)
    report = connect.report(check=False)
    assert report["quarantined"] == 1, report
    assert [(q["reason"], q["name"]) for q in connect.status()["quarantined"]] == [("privilegedMatch", user["dn"])]
    assert anchor(user) not in {u.get("externalId") for u in tenant.list("Users")}
    # Nor after the next look at the tenant, which tells of it by itself.
    assert connect.report("--full", check=False)["quarantined"] == 1
    tenant.product.run("tenant", "users", "restore", account["id"], "--config", tenant.configuration)
    status, _ = tenant.request("PATCH", f"/Users/{account['id']}", {
        "schemas": [PATCH], "Operations": [{"op": "remove", "path": "roles"}]})
    assert status == 200
    assert connect.report("--full")["quarantined"] == 0
    assert account_of(tenant, user)["id"] == account["id"]
    compare(lab, tenant)


def test_a_member_that_somebody_deleted_in_the_tenant_comes_back_and_holds_up_no_removal(
        small, small_tenant, small_connect):
    lab, tenant, connect = small, small_tenant, small_connect
    admin = lab.administrator()
    connect.sync("--full")
    users = users_of(lab, admin)
    inside, outside = next(
        (inside, outside) for inside, outside in (
            (group, [user for user in users if user["dn"].encode() not in group["raw_attributes"].get("member", [])])
            for group in groups_of(lab, admin)) if outside and len(outside) < len(users))
    gone = outside[0]
    leaving = next(user for user in users if user["dn"].encode() in inside["raw_attributes"]["member"])
    before = account_of(tenant, gone)["id"]
    status, _ = tenant.request("DELETE", f"/Users/{before}", None)
    assert status == 204
    admin.modify(inside["dn"], {
        "member": [(ldap3.MODIFY_ADD, [gone["dn"]]), (ldap3.MODIFY_DELETE, [leaving["dn"]])]})
    try:
        report = connect.report()
        assert report["pending"] == 0 and report["quarantined"] == 0 and report["errors"] == [], report
        exported = report["exported"]
        assert exported["user"]["adopted"] == 1 and exported["user"]["created"] == 0, exported
        assert exported["group"]["linksAdded"] >= 1 and exported["group"]["linksRemoved"] >= 1, exported
        assert account_of(tenant, gone)["id"] == before
        compare(lab, tenant)
    finally:
        admin.modify(inside["dn"], {
            "member": [(ldap3.MODIFY_DELETE, [gone["dn"]]), (ldap3.MODIFY_ADD, [leaving["dn"]])]})


@pytest.mark.parametrize("count", [2, 3])
def test_who_exchange_their_names_have_them_in_one_pass(small, small_tenant, small_connect, count):
    lab, tenant, connect = small, small_tenant, small_connect
    admin = lab.administrator()
    connect.sync("--full")
    people = verified(lab, users_of(lab, admin))[:count]
    names = [first(person, "userPrincipalName") for person in people]

    def rename(person, name):
        admin.modify(person["dn"], {"userPrincipalName": [(ldap3.MODIFY_REPLACE, [name])]})

    # The directory gives no name away twice either.
    for number, person in enumerate(people):
        rename(person, f"on.the.way.{number}@{names[0].split('@')[1]}")
    for person, name in zip(people, names[1:] + names[:1]):
        rename(person, name)
    report = connect.report()
    assert report["pending"] == 0 and report["quarantined"] == 0 and report["errors"] == [], report
    assert [account_of(tenant, person)["userName"] for person in people] == names[1:] + names[:1]
    compare(lab, tenant)
    assert_created_once(tenant)
    assert connect.report()["requests"] == 0
