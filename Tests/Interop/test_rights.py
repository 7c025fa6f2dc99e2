# SPDX-License-Identifier: Apache-2.0
"""A right that is taken away in mid-life, of the whole domain or of one unit: what is hidden is not gone."""
import contextlib
import json

import ldap3
import pytest

from comparison import account_of, users_of
from rights import deletions, denied, retitle, settled
from tombstones import reanimate

LAB = ["--users", 60, "--groups", 6]
# DS-Replication-Get-Changes (MS-ADTS 5.1.3.2.1).
GET_CHANGES = "OD;;CR;1131f6aa-9c07-11d1-f79f-00c04fc2dcd2;"
# To read properties, to list the content, to list an object: on the object and all below it.
READ = "D;CI;RPLCLO;;"
# To read whether an account is disabled or expired, which is the property set User Account Restrictions (MS-ADTS
# 3.1.1.2.3.3), and to read one attribute, employeeID (MS-ADA1).
ACCOUNT = "OD;CI;RP;4c164200-20c0-11d0-a768-00aa006e0529;"
EMPLOYEE = "OD;CI;RP;bf967962-0de6-11d0-a285-00aa003049e2;"
# Exit codes of `connect sync`.
FINE, PARTIAL = 0, 4


def test_a_right_that_is_taken_away(lab, new_tenant, new_connect):
    """Replicating Directory Changes is refused from one run to the next: the run goes on as it can, and says so."""
    new_connect.sync("--full")
    with denied(lab, lab.forest["baseDN"], GET_CHANGES):
        retitle(lab, "Without the right")
        assert "lacks Replicating Directory Changes" in new_connect.report()["imports"][0]["note"]
        settled(lab, new_tenant)
        assert new_connect.report()["imports"][0]["mode"] == "delta"
    # Given back, it is used at once: what was not seen meanwhile is made up for.
    retitle(lab, "With the right")
    reading = new_connect.report()["imports"][0]
    assert reading["mode"] == "full" and "was given to the account" in reading["note"], reading
    settled(lab, new_tenant)
    retitle(lab, "And by changes")
    reading = new_connect.report()["imports"][0]
    assert reading["mode"] == "delta" and reading["read"] == 1 and "note" not in reading, reading
    settled(lab, new_tenant)
    assert deletions(new_tenant) == []


def unit_of(lab, name):
    return f"OU={name},OU=People,{lab.forest['baseDN']}"


def people_in(lab, unit):
    return [user for user in users_of(lab, lab.administrator()) if user["dn"].endswith("," + unit)]


def ends(done, code, *words):
    assert done.returncode == code, done.stderr
    assert all(word in done.stdout for word in words), done.stdout


@pytest.mark.parametrize("right", [GET_CHANGES, None], ids=["by search", "by DirSync"])
def test_a_unit_that_may_no_longer_be_read(lab, new_tenant, new_connect, right):
    """What vanishes because a right is gone is a fault, not data: nobody is deleted, and nothing is cleared."""
    new_connect.sync("--full")
    unit = unit_of(lab, "Germany")
    with denied(lab, lab.forest["baseDN"], right) if right else contextlib.nullcontext():
        new_connect.sync()
        with denied(lab, unit, READ):
            # Changes tell nothing of a right; who reads everything meets values that are hidden.
            ends(new_connect.sync(check=False), FINE)
            for _ in range(2):
                ends(new_connect.sync("--full", check=False), PARTIAL, "is not shown", unit)
                assert deletions(new_tenant) == []
                settled(lab, new_tenant)
        # Given back, it ends by itself.
        assert new_connect.report("--full")["requests"] == 0
        settled(lab, new_tenant)


def test_values_of_one_unit_that_may_no_longer_be_read(lab, new_tenant, new_connect):
    """A change brings an entry without some of its values: they stay, and what may be read arrives, cleared or not."""
    new_connect.sync("--full")
    admin, unit = lab.administrator(), unit_of(lab, "Germany")
    people = people_in(lab, unit)
    person = next(user for user in people if user["attributes"].get("employeeID"))
    locked = next(user for user in people if user["dn"] != person["dn"])
    admin.modify(locked["dn"], {"userAccountControl": [(ldap3.MODIFY_REPLACE, [514])]})
    other = next(user for user in users_of(lab, admin)
                 if user["attributes"].get("employeeID") and not user["dn"].endswith("," + unit))
    newcomer = f"CN=Newcomer,OU={person['dn'].split(',OU=', 1)[1]}"
    with denied(lab, lab.forest["baseDN"], GET_CHANGES):
        new_connect.sync()
        with denied(lab, unit, ACCOUNT), denied(lab, unit, EMPLOYEE):
            for user, more in ((person, {"department": [(ldap3.MODIFY_REPLACE, [])]}), (locked, {})):
                admin.modify(user["dn"], {"displayName": [(ldap3.MODIFY_REPLACE, ["Renamed"])], **more})
            admin.modify(other["dn"], {"employeeID": [(ldap3.MODIFY_REPLACE, [])]})
            done = new_connect.sync(check=False)
            ends(done, PARTIAL, "employeeid", "useraccountcontrol of 2 objects", unit)
            [reading] = json.loads(done.stdout)["imports"]
            assert reading["mode"] == "delta" and reading["hidden"]["objects"] == 2
            assert "department" not in reading["hidden"]["attributes"]
            # Said once by the run, and by the status until it is over.
            ends(new_connect.sync(check=False), FINE)
            assert unit in new_connect.status()["partitions"][0]["hidden"]
            # What the administrator reads is what the tenant holds: nothing was cleared, and nobody may sign in again.
            settled(lab, new_tenant)
            # Everybody of the unit lacks them now; one line says so.
            report = json.loads(new_connect.sync("--full", check=False).stdout)
            assert report["imports"][0]["hidden"]["objects"] == len(people) and len(report["errors"]) == 1
            settled(lab, new_tenant)
            # Nobody is taken for enabled because the account may not read whether they are.
            admin.add(newcomer, "user", {"sAMAccountName": "newcomer", "displayName": "Newcomer", "userAccountControl": 546,
                                         "userPrincipalName": f"newcomer@{lab.forest['verifiedSuffixes'][0]}"})
            ends(new_connect.sync(check=False), PARTIAL, "1 new users are left out")
            assert "newcomer" not in str(new_tenant.list("Users"))
        # Given back, a full run makes up for it; and what is cleared in truth is cleared.
        ends(new_connect.sync("--full", check=False), FINE)
        assert "hidden" not in new_connect.status()["partitions"][0]
        settled(lab, new_tenant)
        admin.modify(person["dn"], {"employeeID": [(ldap3.MODIFY_REPLACE, [])]})
        ends(new_connect.sync(check=False), FINE)
        settled(lab, new_tenant)
    assert deletions(new_tenant) == []


def test_a_unit_that_is_no_longer_listed(lab, new_tenant, new_connect):
    """For an account that never could read by changes, a unit that it may not list looks like one that is empty."""
    admin = lab.administrator()
    unit = "OU=" + people_in(lab, unit_of(lab, "Germany"))[0]["dn"].split(",OU=", 1)[1]
    with denied(lab, lab.forest["baseDN"], GET_CHANGES):
        new_connect.sync("--full")
        hidden = len(people_in(lab, unit))
        gone = next(user for user in users_of(lab, admin) if not user["dn"].endswith("," + unit))
        with denied(lab, unit, "D;;LC;;"):
            admin.delete(gone["dn"])
            done = new_connect.sync("--full", check=False)
            ends(done, PARTIAL, f"{hidden} objects themselves,", f"below {unit},")
            assert len(deletions(new_tenant)) == 1
            settled(lab, new_tenant)
        assert new_connect.report("--full")["requests"] == 0
        settled(lab, new_tenant)


def test_what_changes_where_the_account_may_not_read(lab, new_tenant, new_connect):
    """Samba's DirSync leaves it out and moves on; a full reading makes up for it when the right is back."""
    new_connect.sync("--full")
    unit = unit_of(lab, "Germany")
    person, other = people_in(lab, unit)[:2]
    account = account_of(new_tenant, person)
    admin = lab.administrator()
    admin.delete(person["dn"])
    new_connect.sync()
    with denied(lab, unit, READ):
        reanimate(admin, lab.forest["baseDN"], person["raw_attributes"]["objectGUID"][0], person["dn"])
        admin.modify(person["dn"], {"userAccountControl": [(ldap3.MODIFY_REPLACE, [544])]})
        admin.modify(other["dn"], {"title": [(ldap3.MODIFY_REPLACE, ["Unseen"])]})
        ends(new_connect.sync(check=False), FINE)
        assert account_of(new_tenant, person) is None
    ends(new_connect.sync("--full", check=False), FINE)
    assert account_of(new_tenant, person)["id"] == account["id"]
    assert account_of(new_tenant, other)["title"] == "Unseen"
    settled(lab, new_tenant)
