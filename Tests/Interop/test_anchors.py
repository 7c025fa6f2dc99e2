# SPDX-License-Identifier: Apache-2.0
"""Source anchors that Connect writes back to the directory, on a real domain controller."""

import ldap3

from comparison import anchor, compare, first, read, users_of


def anchors_of(lab):
    return {e["raw_attributes"]["objectGUID"][0]: (e["raw_attributes"].get("mS-DS-ConsistencyGuid") or [None])[0]
            for e in read(lab.administrator(), lab.forest["synchronisedUnits"],
                          "(&(objectCategory=person)(objectClass=user))", ["objectGUID", "mS-DS-ConsistencyGuid"])}


def test_anchors_are_written_back_and_outlive_their_user(small, small_tenant, small_connect):
    lab, tenant, connect = small, small_tenant, small_connect
    connect.set("connect.forests.0.writeSourceAnchors", True)
    # The service account lacks the right: users wait for it, groups do not.
    report = connect.report("--full", check=False)
    assert "user" not in report["exported"] and report["exported"]["group"]["created"] > 0
    assert {q["reason"] for q in connect.status()["quarantined"]} == {"anchorNotWritten"}
    assert set(anchors_of(lab).values()) == {None}

    connect.set("connect.forests.0.credentials", {
        "principal": "Administrator@" + lab.forest["name"].upper(),
        "password": {"file": lab.forest["administrator"]["passwordFile"]}})
    preview = connect.preview(check=False)
    assert preview.returncode == 2 and "ConsistencyGuid in " + lab.forest["name"] in preview.stdout
    assert set(anchors_of(lab).values()) == {None}
    report = connect.report()
    assert report["quarantined"] == 0
    written = anchors_of(lab)
    assert len(written) == report["exported"]["user"]["created"]
    assert all(value == guid for guid, value in written.items())
    compare(lab, tenant)
    assert connect.report()["requests"] == 0

    # Written by a pass that was killed before it could note that: nobody waits for ever.
    admin = lab.administrator()
    admin.add("CN=Twice," + lab.forest["synchronisedUnits"][0], "user", {
        "sAMAccountName": "twice", "displayName": "Twice", "userPrincipalName": "twice@" + lab.forest["name"]})
    connect.set("connect.mode", "staging")
    connect.report()
    [guid] = [guid for guid, value in anchors_of(lab).items() if value is None]
    [entry] = read(admin, lab.forest["synchronisedUnits"], "(sAMAccountName=twice)", ["objectGUID"])
    admin.modify(entry["dn"], {"mS-DS-ConsistencyGuid": [(ldap3.MODIFY_REPLACE, [guid])]})
    connect.set("connect.mode", "active")
    report = connect.report()
    assert report["quarantined"] == 0 and report["exported"]["user"]["created"] == 1
    compare(lab, tenant)

    # Made again elsewhere with the anchor that it had: the same object in the cloud.
    admin = lab.administrator()
    user = users_of(lab, admin)[0]
    before = next(u["id"] for u in tenant.list("Users") if u["externalId"] == anchor(user))
    admin.delete(user["dn"])
    admin.add("CN=Once More," + lab.forest["synchronisedUnits"][0], "user", {
        "sAMAccountName": "once.more", "displayName": "Once More", "userPrincipalName": first(user, "userPrincipalName")
        or "once.more@" + lab.forest["name"], "mS-DS-ConsistencyGuid": user["raw_attributes"]["objectGUID"][0]})
    report = connect.report()
    assert report["exported"]["user"].get("deleted", 0) == 0 and report["exported"]["user"].get("created", 0) == 0
    status, now = tenant.request("GET", f"/Users/{before}")
    assert status == 200 and now["displayName"] == "Once More"
