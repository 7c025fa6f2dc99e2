# SPDX-License-Identifier: Apache-2.0
"""Rules of one's own: tried on an object, refused with line and column, and carried to the tenant."""
import json
import time

import ldap3
import pytest

from comparison import NEVER, anchor, assert_created_once, first, users_of
from environment import wait_for

RULES = """\
extends: standard
rules:
  - name: Company
    precedence: 50
    from: user
    link: join
    flows:
      - { to: companyName, constant: Contoso }
      - { to: department, expression: 'Upper([department])' }
      - { to: mobile, clear: true }
"""

TIMED = """\
extends: standard
rules:
  - name: User
    precedence: 100
    from: user
    scope:
      - { attribute: isCriticalSystemObject, operator: NOTEQUAL, value: 'TRUE' }
      - { attribute: whenCreated, operator: GREATERTHAN, value: 2001-01-01, otherwise: it is too old }
      - { attribute: accountExpires, operator: GREATERTHAN, value: now-90d, otherwise: it expired long ago }
    flows:
      - to: userPrincipalName
        expression: >-
          IIF(IsVerifiedDomain([userPrincipalName]), [userPrincipalName], Nickname() & "@" & InitialDomain())
"""
DAYS = 90 * 86_400


@pytest.fixture
def rules(small_connect, tmp_path):
    file = tmp_path / "rules.yaml"
    file.write_text(RULES)
    return file


def test_rules_are_listed_and_shown_as_what_gives_them(bridgehead, small_connect, rules, tmp_path):
    of = ("--config", small_connect.configuration)
    listed = bridgehead.json("connect", "rules", "list", "--rules", rules, "--json")
    assert listed[0]["name"] == "Company" and [r["precedence"] for r in listed] == sorted(r["precedence"] for r in listed)
    assert "Company" not in bridgehead.run("connect", "rules", "list", *of).stdout
    again = tmp_path / "again.yaml"
    again.write_text(bridgehead.run("connect", "rules", "show", "--rules", rules).stdout)
    assert bridgehead.json("connect", "rules", "list", "--rules", again, "--json") == listed
    unknown = bridgehead.run("connect", "rules", "show", "Compny", "--rules", rules, check=False)
    assert unknown.returncode == 1 and "connect rules list" in unknown.stderr


def test_a_mistake_is_told_with_its_place(bridgehead, small_connect, rules):
    rules.write_text(RULES.replace("Upper(", "Uper("))
    small_connect.set("connect.rules", str(rules))
    for command in (["config", "validate"], ["connect", "sync"]):
        done = bridgehead.run(*command, "--config", small_connect.configuration, check=False)
        assert done.returncode == 78, done.stderr
        assert f"{rules}:9:40: There is no function Uper" in done.stderr and "Upper" in done.stderr
    faults = bridgehead.run("config", "validate", "--json", "--config", small_connect.configuration, check=False)
    assert [(f["line"], f["column"]) for f in json.loads(faults.stdout)] == [(9, 40)]


def test_rules_flow_and_are_explained(bridgehead, small, small_tenant, small_connect, rules):
    small_connect.sync("--full")
    person = next(p for p in users_of(small, small.administrator()) if p["raw_attributes"].get("department"))
    department = person["raw_attributes"]["department"][0].decode()
    before = {u["id"]: u for u in small_tenant.list("Users")}

    tried = bridgehead.json("connect", "rules", "test", "--object", person["dn"], "--rules", rules, "--json",
                            "--config", small_connect.configuration)[0]
    result = {value["name"]: value for value in tried["result"]}
    assert result["companyName"] == {"name": "companyName", "values": ["Contoso"], "rule": "Company"}
    assert result["department"]["values"] == [department.upper()] and "mobile" not in result
    entry = tried["entries"][0]
    assert "Company" in entry["applied"] and "User" in entry["applied"]
    outdone = [o for o in entry["offers"] if o["attribute"] == "department" and not o["wins"]]
    assert [(o["values"], o["rule"]) for o in outdone] == [([department], "User common")]
    text = bridgehead.run("connect", "rules", "test", "--object", person["dn"], "--rules", rules,
                          "--config", small_connect.configuration).stdout
    assert f"department: {department} of User common (120) is outdone" in text
    assert {u["id"]: u for u in small_tenant.list("Users")} == before, "trying changes nothing"

    small_connect.set("connect.rules", str(rules))
    preview = bridgehead.run("connect", "preview", "--config", small_connect.configuration, check=False)
    assert preview.returncode == 2 and department.upper() in preview.stdout
    small_connect.sync()
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    after = small_tenant.list("Users")
    assert all(user[enterprise]["organization"] == "Contoso" for user in after)
    assert not any(number.get("type") == "mobile" for user in after for number in user.get("phoneNumbers", []))
    assert small_connect.report()["requests"] == 0


def test_a_scope_that_names_a_time_needs_no_change_in_the_directory(small, small_tenant, small_connect, rules):
    rules.write_text(TIMED)
    small_connect.set("connect.rules", str(rules))
    admin = small.administrator()
    person, *others = users_of(small, admin)
    limit = (time.time() + 11_644_473_600 - DAYS) * 10_000_000
    stay = {anchor(user) for user in others
            if int(first(user, "accountExpires")) in NEVER or int(first(user, "accountExpires")) > limit}

    def expire(at):
        ticks = (int(at) + 11_644_473_600) * 10_000_000
        admin.modify(person["dn"], {"accountExpires": [(ldap3.MODIFY_REPLACE, [str(ticks)])]})

    def held():
        return {user["externalId"] for user in small_tenant.list("Users")}

    tomorrow = int(time.time()) + 86_400
    expire(tomorrow - DAYS)
    small_connect.sync("--full")
    assert held() == stay | {anchor(person)}
    [view] = small_connect.show(person["dn"])
    assert view["entries"][0]["dueAt"] == tomorrow
    # Soon, and by itself: no run after the one that reads the change reads an entry.
    expire(time.time() + 5 - DAYS)
    small_connect.sync()
    reports = []

    def gone():
        reports.append(small_connect.report())
        return anchor(person) not in held()

    wait_for(gone, "the user leaves the scope")
    assert held() == stay
    assert all(reading["read"] == 0 for report in reports for reading in report["imports"])
    [view] = small_connect.show(person["dn"])
    assert view["entries"][0]["excluded"] == "it expired long ago" and "dueAt" not in view["entries"][0]


PILOT = """\
extends: standard
rules:
  - name: User
    precedence: 100
    from: user
    scope:
      - {{ operator: ISMEMBEROF, value: '{}', otherwise: it is no pilot }}
    flows:
      - to: userPrincipalName
        expression: >-
          IIF(IsVerifiedDomain([userPrincipalName]), [userPrincipalName], Nickname() & "@" & InitialDomain())
"""


def test_a_pilot_group_is_the_same_whatever_it_is_called(small, small_tenant, small_connect, rules):
    """Members come and go one by one; renaming and moving the group or its unit wakes nobody and loses nobody."""
    admin, base = small.administrator(), small.forest["baseDN"]
    ann, bob, cem, dana, eve, fritz, *_ = users_of(small, admin)

    def member(how, person):
        admin.modify(group, {"member": [(how, [person["dn"]])]})

    def expect(*people):
        assert {user["externalId"] for user in small_tenant.list("Users")} == {anchor(person) for person in people}

    unit = f"OU=Pilots,{base}"
    name = group = f"CN=Pilot,{unit}"
    inner = f"CN=Inner,{unit}"
    admin.add(unit, "organizationalUnit")
    admin.add(inner, "group", {"sAMAccountName": "Inner", "member": cem["dn"]})
    admin.add(group, "group", {"sAMAccountName": "Pilot", "member": [ann["dn"], inner]})
    rules.write_text(PILOT.format(name))
    small_connect.set("connect.rules", str(rules))
    small_connect.sync("--full")
    expect(ann)  # who is in a group within the group is not in it
    member(ldap3.MODIFY_ADD, bob)
    small_connect.sync()
    expect(ann, bob)

    def stays(*people, comes, goes):
        """After a change of names: nobody is touched by it, and those who are touched later are still members."""
        assert "user" not in small_connect.report()["exported"]
        for person in people:
            admin.modify(person["dn"], {"title": [(ldap3.MODIFY_REPLACE, [f"pilot in {group}"])]})
        report = small_connect.report()
        assert report["exported"]["user"]["updated"] == len(people) and report["exported"]["user"]["deleted"] == 0
        member(ldap3.MODIFY_ADD, comes)
        member(ldap3.MODIFY_DELETE, goes)
        small_connect.sync()
        expect(*[person for person in people if person is not goes], comes)

    admin.modify_dn(group, "CN=First wave")
    group = f"CN=First wave,{unit}"
    stays(ann, bob, comes=cem, goes=ann)
    # Another group takes the name, and is not meant.
    admin.add(name, "group", {"sAMAccountName": "Pilot2", "member": fritz["dn"]})
    small_connect.sync()
    expect(bob, cem)
    admin.modify_dn(unit, "OU=Waves")
    unit = f"OU=Waves,{base}"
    group = f"CN=First wave,{unit}"
    stays(bob, cem, comes=dana, goes=bob)
    admin.modify_dn(unit, "OU=Waves", new_superior=f"OU=Groups,{base}")
    unit = f"OU=Waves,OU=Groups,{base}"
    group = f"CN=First wave,{unit}"
    stays(cem, dana, comes=eve, goes=cem)
    admin.modify_dn(group, "CN=First wave", new_superior=f"OU=Access,OU=Groups,{base}")
    group = f"CN=First wave,OU=Access,OU=Groups,{base}"
    stays(dana, eve, comes=ann, goes=dana)
    small_connect.sync("--full")
    expect(ann, eve)

    # A name that no group has is a mistake, not an empty group.
    rules.write_text(PILOT.format(name.replace("Pilot", "Pliot")))
    done = small_connect.sync(check=False)
    assert done.returncode == 1 and "name groups that the directory does not have: CN=Pliot" in done.stderr
    rules.write_text(PILOT.format(group))
    small_connect.sync()
    expect(ann, eve)

    # Nor is one that is deleted; made again under its name it goes on.
    admin.delete(group)
    done = small_connect.sync(check=False)
    assert done.returncode == 3 and group in done.stderr, done.stderr
    expect(ann, eve)
    admin.add(group, "group", {"sAMAccountName": "Pilot3", "member": [eve["dn"], fritz["dn"], ann["dn"]]})
    report = small_connect.report()
    assert report["exported"]["user"]["created"] == 1 and report["exported"]["user"]["deleted"] == 0
    expect(ann, eve, fritz)
    assert_created_once(small_tenant)
