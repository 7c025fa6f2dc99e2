# SPDX-License-Identifier: Apache-2.0
"""Every function and every operator of rules on a real directory: what a third-party client finds in the tenant is what
Python computes from the directory."""
import inspect
import itertools
import json
import time
import types

import ldap3
import pytest

from comparison import ENTERPRISE, anchor, assert_created_once, at, compare, first, read, third_party
from environment import resolving
from rule_language import FUNCTIONS, OPERATORS, OTHERS, SCOPES

LAB = ["--users", 50, "--groups", 5]
# Attributes of users that take any text, with their places in a SCIM user.
PLACES = {
    "department": (ENTERPRISE, "department"), "companyName": (ENTERPRISE, "organization"),
    "employeeId": (ENTERPRISE, "employeeNumber"), "jobTitle": ("title",), "givenName": ("name", "givenName"),
    "surname": ("name", "familyName"), "city": ("locality",), "state": ("region",), "streetAddress": ("streetAddress",),
    "postalCode": ("postalCode",),
}
POSTAL = ("city", "state", "streetAddress", "postalCode")
READ = ["objectGUID", "objectSid", "accountExpires", "comment", "department", "displayName", "employeeNumber", "givenName",
        "info", "mail", "otherTelephone", "pager", "proxyAddresses", "sAMAccountName", "sn", "userAccountControl",
        "userPrincipalName", "whenCreated"]


def replace(*values):
    return [(ldap3.MODIFY_REPLACE, list(values))]


@pytest.fixture(scope="module")
def site(lab, tenant, connect, tmp_path_factory):
    """The forest, in which every user has something for each expression to work on, and a group."""
    admin, base = lab.administrator(), lab.forest["baseDN"]

    def people():
        return read(admin, lab.forest["synchronisedUnits"], "(&(objectCategory=person)(objectClass=user))", READ)

    members, year = [], 365 * 86_400
    for number, person in enumerate(people()):
        number %= 6
        admin.modify(person["dn"], {
            "employeeNumber": replace(str(number)), "pager": replace("TRUE" if number % 2 else "FALSE"),
            "info": replace(f"Über alles,beta,alpha{number},BETA"), "comment": replace(f"  both sides {number}  "),
            "otherTelephone": replace(*[f"{number}-{i}" for i in range(number)])})
        if number > 3:
            moment = time.time() + (number - 4 or -1) * year + 11_644_473_600
            admin.modify(person["dn"], {"accountExpires": replace(str(int(moment) * 10_000_000))})
        if number in (2, 4):
            members.append(person["dn"])
    group = f"CN=Operators,OU=Access,OU=Groups,{base}"
    admin.add(group, "group", {"sAMAccountName": "Operators", "member": members})
    rules = tmp_path_factory.mktemp("rules") / "rules.yaml"

    def flow(text):
        """Brings rules to the tenant."""
        rules.write_text("extends: standard\nrules:\n" + text)
        connect.set("connect.rules", str(rules))
        connect.sync()

    connect.sync("--full")
    return types.SimpleNamespace(
        lab=lab, tenant=tenant, connect=connect, admin=admin, base=base, people=people, group=group, flow=flow)


def chunks(table):
    """As many cases as there are attributes, each with one of them."""
    names = iter(table)
    while chunk := list(itertools.islice(names, len(PLACES))):
        yield dict(zip(chunk, PLACES))


def held(site):
    """What a third-party client finds, by the source anchors."""
    with resolving(site.tenant.names):
        users = third_party(site.tenant)["Users"]
    return {user["externalId"]: user for user in users}


def value(user, attribute):
    return at((user.get("addresses") or [{}])[0] if attribute in POSTAL else user, PLACES[attribute])


def rule(name, flows, scope=""):
    return (f"  - name: {name}\n    precedence: 10\n    from: user\n    link: join\n"
            + (f"    scope: [{{ {scope} }}]\n" if scope else "") + "    flows:\n"
            + "".join(f"      - {json.dumps(flow, ensure_ascii=False)}\n" for flow in flows))


def expect(case, entry, site):
    return case(entry, site) if len(inspect.signature(case).parameters) > 1 else case(entry)


def carry(site, table):
    """Lets each expression flow into an attribute of every user, and compares."""
    wrong, differing = [], set()
    for chunk in chunks(table):
        # Where the expression has no value the attribute is empty: the standard rules are not asked.
        clearing = [{"to": attribute, "clear": True} for attribute in chunk.values()]
        site.flow(
            rule("Case", [{"to": attribute, "expression": table[name][0]} for name, attribute in chunk.items()])
            + rule("Nothing", clearing).replace("precedence: 10", "precedence: 11"))
        users, people = held(site), site.people()
        assert len(users) == len(people) >= 50
        for name, attribute in chunk.items():
            expected = {anchor(person): expect(table[name][1], person, site) for person in people}
            found = {key: value(users[key], attribute) for key in expected}
            wrong += [(name, table[name][0], expected[key], found[key]) for key in expected if expected[key] != found[key]][:3]
            if any(expected.values()):
                differing.add(name)
    assert wrong == []
    assert differing == set(table), "an expression without any value shows nothing"


def test_every_function_and_operator_has_a_case(bridgehead):
    language = bridgehead.json("connect", "rules", "functions", "--json")
    names = {name for function in language["functions"] for name in [function["name"], *function["aliases"]]}
    assert names == set(FUNCTIONS), "each function and alias is seen on a directory"
    assert all(f"{name}(" in case for name, (case, _) in FUNCTIONS.items())
    assert set(language["operators"]) == set(OPERATORS)
    assert all(f" {sign} " in case for sign, (case, _) in OPERATORS.items())
    assert set(language["scopeOperators"]) == set(SCOPES)
    assert all(f"operator: {name}" in case for name, (case, _) in SCOPES.items())


def test_functions(site):
    carry(site, FUNCTIONS)


def test_operators_and_literals(site):
    carry(site, OPERATORS | OTHERS)


def test_operators_of_scopes(site):
    people = site.people()
    for chunk in chunks(SCOPES):
        text = rule("Nothing", [{"to": attribute, "clear": True} for attribute in chunk.values()])
        text = text.replace("precedence: 10", "precedence: 11")
        for name, attribute in chunk.items():
            text += rule(name, [{"to": attribute, "constant": "in"}], SCOPES[name][0].replace("{group}", site.group))
        site.flow(text)
        users = held(site)
        for name, attribute in chunk.items():
            expected = {anchor(person): "in" if SCOPES[name][1](person) else None for person in people}
            assert {key: value(users[key], attribute) for key in expected} == expected, name
            assert set(expected.values()) == {"in", None}, f"{name} has members on one side only"


def test_an_error_of_a_rule_is_that_objects_and_in_its_words(site):
    person, other, *_ = site.people()
    site.admin.modify(person["dn"], {"pager": replace("stop")})
    case = {"to": "department", "expression": 'IIF([pager] = "stop", Error("pager of " & [sAMAccountName]), [sn])'}
    before = value(held(site)[anchor(person)], "department")
    try:
        with pytest.raises(AssertionError, match="exit 4"):
            site.flow(rule("Case", [case]))
        [waiting] = site.connect.status()["quarantined"]
        assert waiting["reason"] == "ruleFailed" and waiting["name"] == person["dn"]
        assert f"pager of {first(person, 'sAMAccountName')}" in site.connect.command("errors", check=False).stdout
        users = held(site)
        assert value(users[anchor(other)], "department") == first(other, "sn"), "everybody else goes on"
        assert value(users[anchor(person)], "department") == before, "it stays as it is"
    finally:
        site.admin.modify(person["dn"], {"pager": replace("TRUE")})
    site.connect.sync()
    assert value(held(site)[anchor(person)], "department") == first(person, "sn")
    assert site.connect.status()["quarantined"] == []


def test_a_flow_that_is_ignored_leaves_what_there_is(site):
    person = next(p for p in site.people() if first(p, "pager") == "TRUE")
    # The standard rules have no value for it.
    site.admin.modify(person["dn"], {"department": replace()})
    site.flow(rule("Case", [{"to": "department", "expression": 'IIF([pager] = "TRUE", "kept", IgnoreThisFlow)'}]))
    assert value(held(site)[anchor(person)], "department") == "kept"
    site.admin.modify(person["dn"], {"pager": replace("FALSE")})
    site.connect.sync()
    assert value(held(site)[anchor(person)], "department") == "kept"


def test_with_the_standard_rules_again_everything_is_as_it_was(site, names):
    site.connect.set("connect.rules", None)
    site.connect.sync()
    assert compare(site.lab, site.tenant, resources=third_party(site.tenant))[0] >= 50
    assert_created_once(site.tenant)
