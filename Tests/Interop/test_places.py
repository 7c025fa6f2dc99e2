# SPDX-License-Identifier: Apache-2.0
"""Where objects stand, on a real domain controller: below every class that may hold them, in units that are renamed, and in
domains that leave the configuration."""
import ldap3

from comparison import anchor, compare, users_of


def of(tenant, dn_of, admin):
    """The tenant's user for an entry, or None."""
    admin.search(dn_of, "(objectClass=*)", ldap3.BASE, attributes=["objectGUID"])
    guid = anchor(admin.response[0])
    return next((u for u in tenant.list("Users") if u["externalId"] == guid), None)


def a_user(admin, lab, name, parent):
    dn = f"CN={name},{parent}"
    assert admin.add(dn, "user", {
        "sAMAccountName": name, "displayName": name, "userPrincipalName": f"{name}@{lab.forest['name']}"}), admin.result
    return dn


def test_users_below_organisations_and_countries(small, small_tenant, small_connect):
    """A unit of the configuration may stand below any class of container, and be one."""
    admin = small.administrator()
    root = "DC=" + small.forest["name"].replace(".", ",DC=")
    organisation, unit = f"O=Company,{root}", f"OU=Staff,O=Company,{root}"
    country = f"C=DE,{organisation}"
    for dn, kind in [(organisation, "organization"), (unit, "organizationalUnit"), (country, "country")]:
        assert admin.add(dn, kind), (dn, admin.result)
    inner = f"OU=Pier,{country}"
    assert admin.add(inner, "organizationalUnit"), admin.result
    here, there = a_user(admin, small, "organised", unit), a_user(admin, small, "located", inner)
    included = small_connect.values["connect"]["forests"][0]["organizationalUnits"]["include"]
    small_connect.set("connect.forests.0.organizationalUnits.include", [*included, organisation])
    report = small_connect.report("--full")
    assert report.get("placeless") is None
    assert all(of(small_tenant, dn, admin) for dn in (here, there))
    # And by a delta.
    late = a_user(admin, small, "late", inner)
    small_connect.report()
    assert of(small_tenant, late, admin)
    assert small_connect.report()["requests"] == 0


def test_rules_that_look_at_names_follow_a_renamed_unit(small, small_tenant, small_connect, tmp_path):
    admin = small.administrator()
    parent = small.forest["synchronisedUnits"][0]
    unit = f"OU=Before,{parent}"
    assert admin.add(unit, "organizationalUnit"), admin.result
    a_user(admin, small, "named", unit)
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "extends: standard\nrules:\n  - name: Place\n    precedence: 90\n    from: user\n    link: join\n"
        "    flows: [{ to: jobTitle, expression: 'DNComponent([distinguishedName], 2)' }]\n")
    small_connect.set("connect.rules", str(rules))
    small_connect.report()
    assert of(small_tenant, f"CN=named,{unit}", admin)["title"] == "Before"
    assert admin.modify_dn(unit, "OU=After"), admin.result
    small_connect.report()
    assert of(small_tenant, f"CN=named,OU=After,{parent}", admin)["title"] == "After"


def test_replaced_names_are_told(small, small_tenant, small_connect):
    admin = small.administrator()
    user = users_of(small, admin)[0]
    small_connect.report("--full", check=False)
    admin.modify(user["dn"], {"userPrincipalName": [(ldap3.MODIFY_REPLACE, ["sailor@elsewhere.example"])]})
    foretold = small_connect.preview(check=False).stdout
    assert "has not verified elsewhere.example" in foretold
    before = small_connect.status()["replacedNames"]["count"]
    report = small_connect.report(check=False)
    assert report["replacedNames"] == before + 1
    status = small_connect.status()["replacedNames"]
    assert status["count"] == before + 1
    [told] = [view["replacedNames"] for view in small_connect.show(user["dn"])]
    assert [name["wanted"] for name in told] == ["sailor@elsewhere.example"]
    assert of(small_tenant, user["dn"], admin)["userName"] == told[0]["name"]
    compare(small, small_tenant)
