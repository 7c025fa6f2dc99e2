# SPDX-License-Identifier: Apache-2.0
"""People with an account in one forest and a mailbox in another, joined by the account's security identifier or by mail."""
import types

import ldap3
import pytest

from comparison import ENTERPRISE, anchor, assert_created_once, at, read, third_party
from environment import Connect, Tenant, resolving

LAB = ["--forest", "accounts.test", "--forest", "mail.test", "--users", 5, "--groups", 1, "--extended-schema"]
DISABLED, ENABLED = 546, 544


def replace(*values):
    return [(ldap3.MODIFY_REPLACE, list(values))]


class Forest:
    def __init__(self, lab, number):
        self.description = lab.forests[number]
        self.admin = lab.administrator(0, self.description)
        self.base, self.name = self.description["baseDN"], self.description["name"]

    def add(self, kind, name, unit, **attributes):
        dn = f"CN={name},OU={unit},{self.base}"
        self.admin.add(dn, kind, {"sAMAccountName": name.replace(" ", ""), **attributes})
        return dn

    def user(self, name, control=ENABLED, **attributes):
        return self.add("user", name, "People", displayName=name, userAccountControl=control,
                        userPrincipalName=f"{name.replace(' ', '.').lower()}@{self.name}", **attributes)

    def entry(self, dn):
        return read(self.admin, [dn], "(objectClass=*)", ["objectGUID", "objectSid"])[0]

    def key(self, dn):
        return anchor(self.entry(dn))

    def sid(self, dn):
        return self.entry(dn)["raw_attributes"]["objectSid"][0]

    def set(self, dn, **changes):
        self.admin.modify(dn, {name: replace(*values) for name, values in changes.items()})


@pytest.fixture
def site(lab, tmp_path):
    tenant = Tenant(lab, tmp_path / "tenant")
    connect = Connect(lab, tenant, tmp_path / "connect")

    def held(kind="Users"):
        with resolving(tenant.names):
            return {r["externalId"]: r for r in third_party(tenant)[kind]}

    yield types.SimpleNamespace(
        lab=lab, tenant=tenant, connect=connect, accounts=Forest(lab, 0), mail=Forest(lab, 1), held=held)
    tenant.stop()


def made_here(site, *joined):
    """Every user and group of both forests has an object, but those that joined one, and nobody else has."""
    users, groups = site.held(), site.held("Groups")
    expected, expected_groups = set(), set()
    for forest in (site.accounts, site.mail):
        units = forest.description["synchronisedUnits"]
        expected |= {anchor(e) for e in read(
            forest.admin, units, "(&(objectCategory=person)(objectClass=user))", ["objectGUID"])}
        expected_groups |= {anchor(e) for e in read(forest.admin, units, "(objectClass=group)", ["objectGUID"])}
    assert set(users) == expected - set(joined) and set(groups) == expected_groups
    assert_created_once(site.tenant)
    return users, groups


def test_a_mailbox_joins_the_account_whose_security_identifier_it_names(site):
    accounts, mail = site.accounts, site.mail
    site.connect.set("connect.joinUsersBy", ["objectSid"])
    site.connect.set("connect.guard", {"deletions": 500, "deletionPercent": 100})
    ann = accounts.user("Ann Account", title="Keeper", employeeID="A1")
    box = mail.user("Ann Mailbox", DISABLED, mail="ann@mail.test", proxyAddresses=["SMTP:ann@mail.test", "smtp:a@mail.test"],
                    department="Post", employeeID="M1", msExchMasterAccountSid=accounts.sid(ann))
    # A mailbox whose account is not there yet waits for it; one of its own, whose master account is itself, is a person.
    waiting = mail.user("Late Mailbox", DISABLED, mail="late@mail.test",
                        msExchMasterAccountSid=accounts.sid(ann)[:-4] + b"\xfe\xff\x00\x00")
    shared = mail.user("Shared Mailbox", DISABLED, mail="shared@mail.test", msExchMasterAccountSid=bytes.fromhex(
        "01010000000000050a000000"))
    group = mail.add("group", "Readers", "Groups", member=[box, shared])
    site.connect.sync("--full")
    users, groups = made_here(site, mail.key(box), mail.key(waiting))
    held = users[accounts.key(ann)]
    assert held["active"] is True and held["displayName"] == "Ann Account" and held["userName"] == "ann.account@accounts.test"
    assert at(held, (ENTERPRISE, "employeeNumber")) == "A1", "of both, the first forest's counts"
    assert at(held, (ENTERPRISE, "department")) == "Post" and held["title"] == "Keeper"
    assert {e["value"] for e in held["emails"]} == {"ann@mail.test", "a@mail.test"}
    assert users[mail.key(shared)]["active"] is False
    assert {m["value"] for m in groups[mail.key(group)]["members"]} == {held["id"], users[mail.key(shared)]["id"]}

    # Both sides change, and the mailbox names another account.
    accounts.set(ann, title=["Warden"])
    mail.set(box, department=["Letters"])
    site.connect.sync()
    held = site.held()[accounts.key(ann)]
    assert held["title"] == "Warden" and at(held, (ENTERPRISE, "department")) == "Letters"
    bob = accounts.user("Bob Account")
    mail.set(waiting, msExchMasterAccountSid=[accounts.sid(bob)])
    site.connect.sync()
    users, _ = made_here(site, mail.key(box), mail.key(waiting))
    assert {e["value"] for e in users[accounts.key(bob)]["emails"]} == {"late@mail.test"}

    # The mailbox goes: the account stays, without what it gave. The account goes: nobody is left.
    mail.admin.delete(box)
    site.connect.sync()
    users, groups = made_here(site, mail.key(waiting))
    held = users[accounts.key(ann)]
    assert not held.get("emails") and at(held, (ENTERPRISE, "department")) is None and held["title"] == "Warden"
    assert {m["value"] for m in groups[mail.key(group)]["members"]} == {users[mail.key(shared)]["id"]}
    accounts.admin.delete(bob)
    site.connect.sync()
    made_here(site, mail.key(waiting))
    assert site.connect.report()["requests"] == 0
    for forest, dn in ((accounts, ann), (mail, waiting), (mail, shared), (mail, group)):
        forest.admin.delete(dn)


def test_people_join_by_mail(site):
    accounts, mail = site.accounts, site.mail
    site.connect.set("connect.joinUsersBy", ["mail"])
    site.connect.set("connect.guard", {"deletions": 500, "deletionPercent": 100})
    ann = accounts.user("Ann Here", mail="ann@both.test", title="Keeper")
    twin = mail.user("Ann There", mail="ANN@both.test", department="Post")
    group = mail.add("group", "Writers", "Groups", member=[twin])
    # Two that could be meant: neither is, and the third waits with both names.
    for number in (1, 2):
        accounts.user(f"Double {number}", mail="double@both.test")
    double = mail.user("Double 3", mail="double@both.test")
    done = site.connect.sync("--full", check=False)
    assert done.returncode == 4
    held = site.connect.status()["quarantined"]
    [ambiguous] = [q for q in held if q["reason"] == "ambiguousJoin"]
    assert ambiguous["name"] == double and all(f"Double {number}" in ambiguous["detail"] for number in (1, 2))
    users, groups = made_here(site, mail.key(twin), mail.key(double))
    person = users[accounts.key(ann)]
    assert person["title"] == "Keeper" and at(person, (ENTERPRISE, "department")) == "Post"
    assert [m["value"] for m in groups[mail.key(group)]["members"]] == [person["id"]]
    # Who was joined stays so, whatever becomes of the address; with one Double gone the third has an object to join.
    mail.set(twin, mail=["other@both.test"], department=["Letters"])
    accounts.admin.delete(f"CN=Double 1,OU=People,{accounts.base}")
    site.connect.sync()
    users, _ = made_here(site, mail.key(twin), mail.key(double))
    assert at(users[accounts.key(ann)], (ENTERPRISE, "department")) == "Letters"
    assert site.connect.status()["quarantined"] == []
    # The account leaves the scope: the other entry carries the person on, as the same one.
    accounts.admin.modify_dn(ann, "CN=Ann Here", new_superior=f"OU=External,{accounts.base}")
    site.connect.sync()
    users = site.held()
    assert users[anchor(accounts.entry(f"CN=Ann Here,OU=External,{accounts.base}"))]["id"] == person["id"]
    assert mail.key(twin) not in users
    assert_created_once(site.tenant)
