# SPDX-License-Identifier: Apache-2.0
"""The life of people and groups in two forests with two domain controllers each, carried into one tenant.

After each step Connect runs once; then a third-party client holds every attribute and every member against what AD says,
and the audit log shows one create for each anchor.
"""
import base64
import contextlib
import time
import uuid

import ldap3
import pytest

from comparison import ON_PREMISES_GROUP, anchor, assert_created_once, compare, read, sid, third_party, users_of
from environment import wait_for
from tombstones import reanimate

LAB = ["--forest", "a.test", "--forest", "b.test", "--dcs", 2, "--users", 20, "--groups", 3, "--extended-schema"]
UNIVERSAL, LOCAL, DISTRIBUTION = -2147483640, -2147483644, 8
ATTRIBUTES = {f"extensionAttribute{number}": f"value {number}" for number in range(1, 16)}
EVERYTHING = {  # what a user's rules read, besides names and state
    "displayName": "Ferry, Anna", "givenName": "Anna", "sn": "Ferry", "title": "Keeper", "department": "Bridges",
    "company": "Ferry SE", "telephoneNumber": "+49 1", "mobile": "+49 2", "streetAddress": "Kai 1", "l": "Köln",
    "st": "NW", "postalCode": "50667", "c": "DE", "employeeID": "E1", "preferredLanguage": "de-DE",
    "initials": "F", "description": "Partner", "physicalDeliveryOfficeName": "Kai 7", "wWWHomePage": "https://ferry.example",
    "homePhone": "+49 3", "facsimileTelephoneNumber": "+49 4", "otherTelephone": ["+49 5", "+49 6"],
    "mailNickname": "anna", "targetAddress": "SMTP:anna@ferry.example", "msExchHideFromAddressLists": "TRUE", **ATTRIBUTES,
}
CHANGED = {**{name: value + "x" for name, value in EVERYTHING.items() if isinstance(value, str)},
           "c": "FR", "otherTelephone": ["+49 7"], "msExchHideFromAddressLists": "FALSE"}


def replace(value=()):
    return [(ldap3.MODIFY_REPLACE, [value] if isinstance(value, (str, int, bytes)) else list(value))]


class Forest:
    """One of the two, changed on its first domain controller, which is the one that Connect reads."""

    def __init__(self, lab, number):
        self.lab, self.description = lab, lab.forests[number]
        self.admin = lab.administrator(0, self.description)
        self.base, self.name = self.description["baseDN"], self.description["name"]
        self.people = f"OU=People,{self.base}"
        self.made, self.mine = 0, []

    def _add(self, dn, kind, attributes, admin=None):
        (admin or self.admin).add(dn, kind, attributes)
        found = read(admin or self.admin, [dn], "(objectClass=*)", ["objectGUID"])[0]
        self.mine.append(str(uuid.UUID(bytes_le=found["raw_attributes"]["objectGUID"][0])))

    def remove_mine(self):
        """What was made here, wherever it is now."""
        for guid in reversed(self.mine):
            with contextlib.suppress(ldap3.core.exceptions.LDAPNoSuchObjectResult):
                self.admin.delete(f"<GUID={guid}>")
        self.mine.clear()

    def unit(self, name, parent):
        self._add(f"OU={name},{parent}", "organizationalUnit", {})
        return f"OU={name},{parent}"

    def user(self, name, unit=None, admin=None, kind="user", **attributes):
        self.made += 1
        dn = f"CN={name},{unit or self.people}"
        self._add(dn, kind, {
            "sAMAccountName": f"made{self.made:04}", "userPrincipalName": f"{name.lower().replace(' ', '.')}@{self.name}",
            "userAccountControl": 544, "displayName": name, **attributes}, admin)
        return dn

    def contact(self, name, **attributes):
        dn = f"CN={name},OU=Contacts,{self.base}"
        self._add(dn, "contact", {"displayName": name, **attributes})
        return dn

    def group(self, name, members=(), kind=UNIVERSAL, **attributes):
        dn = f"CN={name},OU=Access,OU=Groups,{self.base}"
        self._add(dn, "group", {"sAMAccountName": name.replace(" ", ""), "groupType": kind, **attributes})
        self.join(dn, *members)
        return dn

    def join(self, group, *members):
        for member in members:
            self.admin.modify(group, {"member": [(ldap3.MODIFY_ADD, [member])]})

    def set(self, dn, **changes):
        self.admin.modify(dn, {name: replace(value) for name, value in changes.items()})

    def move(self, dn, unit, name=None):
        old = dn.split(",", 1)[0]
        self.admin.modify_dn(dn, name or old, new_superior=unit)
        return f"{name or old},{unit}"

    def restore(self, key, dn):
        """Brings back what was deleted, from the tombstones."""
        reanimate(self.admin, self.base, base64.b64decode(key), dn)

    def entry(self, dn, *attributes):
        return read(self.admin, [dn], "(objectClass=*)", ["objectGUID", "objectSid", *attributes])[0]

    def key(self, dn):
        return anchor(self.entry(dn))


class Site:
    """Both forests, the tenant and Connect."""

    def __init__(self, lab, tenant, connect):
        self.lab, self.tenant, self.connect = lab, tenant, connect
        self.a, self.b = Forest(lab, 0), Forest(lab, 1)
        self.anchors = {}

    def synchronise(self, *arguments, held=0, without=()):
        """One run, after which tenant and forests agree; `held` objects are in quarantine."""
        done = self.connect.sync(*arguments, check=False)
        assert done.returncode == (4 if held else 0), done.stdout + done.stderr
        return self.agree(held, without)["runs"][0]["report"]

    def agree(self, held=0, without=()):
        status = self.connect.status()
        assert len(status["quarantined"]) == held, status["quarantined"]
        assert held or status["pending"] == [], status["pending"]
        resources = third_party(self.tenant)
        compare(self.lab, self.tenant, resources=resources, without=without, anchors=self.anchors)
        assert_created_once(self.tenant, resources)
        return status

    def held(self, key, kind="Users"):
        """What the tenant holds for an anchor; None when nothing."""
        return next((r for r in self.tenant.list(kind) if r["externalId"] == key), None)


@pytest.fixture(scope="module")
def whole(lab, tenant, connect):
    for number, forest in enumerate(lab.forests):
        connect.set(f"connect.forests.{number}.domainControllers", [c["host"] for c in forest["controllers"]])
    # Small forests: a test deletes more than a tenth of a kind.
    connect.set("connect.guard", {"deletions": 500, "deletionPercent": 100})
    site = Site(lab, tenant, connect)
    connect.sync("--full")
    return site


@pytest.fixture
def site(whole, names):
    """What a test makes is gone after it, so that the next one starts from forests and tenant in agreement."""
    yield whole
    for forest in (whole.a, whole.b):
        forest.remove_mine()
    whole.anchors.clear()
    whole.connect.sync(check=False)


@pytest.fixture(params=["a", "b"])
def forest(request, site):
    return getattr(site, request.param)


def test_both_forests_arrive(site):
    site.agree()
    assert compare(site.lab, site.tenant)[:2] == (40, 6)


def test_create_change_and_clear(site, forest):
    person = forest.user(f"Anna {forest.name}", **EVERYTHING, mail=f"anna@{forest.name}",
                         proxyAddresses=[f"SMTP:anna@{forest.name}", f"smtp:a.ferry@{forest.name}"])
    boss = users_of(site.lab, forest.admin, forest.description)[0]["dn"]
    forest.set(person, manager=boss)
    report = site.synchronise()
    assert report["exported"]["user"]["created"] == 1
    forest.set(person, **CHANGED,
               proxyAddresses=[f"SMTP:ann@{forest.name}"], userPrincipalName=f"ann@{forest.name}")
    report = site.synchronise()
    assert report["exported"]["user"]["created"] == 0
    forest.set(person, manager=())
    site.synchronise()
    forest.set(person, **{name: () for name in [*EVERYTHING, "mail", "proxyAddresses"] if name != "displayName"})
    site.synchronise()
    assert site.connect.report()["requests"] == 0


CONTACT_EVERYTHING = {name: value for name, value in EVERYTHING.items() if name not in ("employeeID", "preferredLanguage")}


def test_the_life_of_a_contact(site, forest):
    """Created with everything, member and manager of others, changed, cleared, moved out of scope and back, deleted."""
    boss = users_of(site.lab, forest.admin, forest.description)[0]["dn"]
    person = forest.contact(f"Anna Partner {forest.name}", **CONTACT_EVERYTHING, manager=boss,
                            mail=f"anna@partner-{forest.name}",
                            proxyAddresses=[f"SMTP:anna@partner-{forest.name}", f"smtp:a.ferry@partner-{forest.name}"])
    deputy = forest.contact(f"Deputy {forest.name}", mail=f"deputy@partner-{forest.name}", manager=person)
    group = forest.group(f"Partners {forest.name}", [person, deputy, boss])
    report = site.synchronise()
    assert report["exported"]["contact"]["created"] == 2
    held = {r["externalId"]: r for r in site.tenant.list("Contacts")}
    account = held[forest.key(person)]["id"]
    assert held[forest.key(deputy)]["manager"]["value"] == account
    assert [m["type"] for m in site.held(forest.key(group), "Groups")["members"]].count("Contact") == 2
    forest.set(person, **{name: value for name, value in CHANGED.items() if name in CONTACT_EVERYTHING},
               proxyAddresses=[f"SMTP:ann@partner-{forest.name}"])
    report = site.synchronise()
    assert report["exported"]["contact"]["created"] == 0 and report["exported"]["contact"]["updated"] == 1
    forest.set(person, **{name: () for name in [*CONTACT_EVERYTHING, "proxyAddresses", "manager"] if name != "displayName"})
    site.synchronise()
    assert site.connect.report()["requests"] == 0
    # Without an address it is no contact that anybody could write to; with one it is the same again.
    forest.set(person, mail=())
    assert site.synchronise()["exported"]["contact"]["deleted"] == 1
    forest.set(person, mail=f"anna@partner-{forest.name}")
    report = site.synchronise()
    assert report["exported"]["contact"]["created"] == 0 and site.held(forest.key(person), "Contacts")["id"] == account
    person = forest.move(person, f"OU=External,{forest.base}", name=f"CN=Gone {forest.name}")
    assert site.synchronise()["exported"]["contact"]["deleted"] == 1
    person = forest.move(person, f"OU=Contacts,{forest.base}")
    site.synchronise()
    assert site.held(forest.key(person), "Contacts")["id"] == account
    forest.admin.delete(person)
    report = site.synchronise()
    assert report["exported"]["contact"]["deleted"] == 1 and len(site.held(forest.key(group), "Groups")["members"]) == 2


def test_a_distribution_group(site, forest):
    """A distribution group is nothing to the cloud before it has an address; it becomes one for security, and back."""
    boss, deputy = (user["dn"] for user in users_of(site.lab, forest.admin, forest.description)[:2])
    everything = {"displayName": "Crew", "description": "All on board", "mailNickname": "crew", **ATTRIBUTES}
    group = forest.group(f"Crew {forest.name}", [boss], DISTRIBUTION, **everything, managedBy=boss)
    assert "group" not in site.synchronise()["exported"]
    forest.set(group, proxyAddresses=[f"SMTP:crew@{forest.name}", f"smtp:ship@{forest.name}"],
               msExchHideFromAddressLists="TRUE")
    assert site.synchronise()["exported"]["group"]["created"] == 1
    held = site.held(forest.key(group), "Groups")[ON_PREMISES_GROUP]
    assert held["securityEnabled"] is False and held["mailEnabled"] is True and len(held["emails"]) == 2
    assert held["managedBy"]["value"] == site.held(forest.key(boss))["id"]
    forest.set(group, **{name: value + "x" for name, value in everything.items()}, managedBy=deputy, mail=f"ship@{forest.name}",
               msExchHideFromAddressLists="FALSE", groupType=UNIVERSAL)
    assert site.synchronise()["exported"]["group"]["updated"] == 1
    forest.set(group, managedBy=group)
    site.synchronise()
    forest.set(group, **{name: () for name in [
        *everything, "mail", "proxyAddresses", "managedBy", "msExchHideFromAddressLists"]})
    site.synchronise()
    assert site.connect.report()["requests"] == 0
    account = site.held(forest.key(group), "Groups")["id"]
    forest.set(group, groupType=DISTRIBUTION)
    assert site.synchronise()["exported"]["group"]["deleted"] == 1
    forest.set(group, mail=f"crew@{forest.name}", managedBy=deputy)
    site.synchronise()
    assert site.held(forest.key(group), "Groups")["id"] == account


def test_who_looks_after_a_group_enters_the_scope_and_leaves_it(site, forest):
    owner = forest.user(f"Owner {forest.name}", unit=f"OU=External,{forest.base}")
    forest.group(f"Owned {forest.name}", managedBy=owner)
    site.synchronise()
    owner = forest.move(owner, forest.people)
    site.synchronise()
    forest.admin.delete(owner)
    site.synchronise()


def test_a_contact_and_a_user_do_not_share_an_address(site):
    address = "shared.partner@a.test"
    contact = site.a.contact("Address holder", mail=address)
    site.synchronise()
    person = site.b.user("Address wanter", mail=address)
    site.synchronise(held=1, without={(site.b.key(person), address)})
    [held] = site.connect.status()["quarantined"]
    assert held["reason"] == "duplicateAddress" and held["name"] == person
    site.a.admin.delete(contact)
    site.synchronise()
    assert [e["value"] for e in site.held(site.b.key(person))["emails"]] == [address]


def test_the_common_name_stands_in_for_a_display_name(site):
    person = site.a.user("Nameless One")
    site.a.set(person, displayName=())
    site.synchronise()
    site.a.move(person, site.a.people, name="CN=Nameless Two")
    site.synchronise()


def test_rename_and_move(site, forest):
    """By its objectGUID it stays the same person wherever it goes, until it leaves the scope; back in, it is restored."""
    person = forest.user(f"Traveller {forest.name}", title="Walker")
    group = forest.group(f"Travellers {forest.name}", [person])
    site.synchronise()
    account = site.held(forest.key(person))["id"]
    person = forest.move(person, forest.people, name=f"CN=Wayfarer {forest.name}")
    site.synchronise()
    person = forest.move(person, f"OU=Sales,OU=Germany,{forest.people}")
    site.synchronise()
    assert site.held(forest.key(person))["id"] == account
    person = forest.move(person, f"OU=External,{forest.base}")
    report = site.synchronise()
    assert report["exported"]["user"]["deleted"] == 1 and site.held(forest.key(person)) is None
    person = forest.move(person, forest.people)
    report = site.synchronise()
    assert report["exported"]["user"]["created"] == 0 and site.held(forest.key(person))["id"] == account
    assert [m["value"] for m in site.held(forest.key(group), "Groups")["members"]] == [account]


def test_a_unit_that_moves_takes_its_people_along(site):
    forest = site.a
    unit = forest.unit("Raft", forest.people)
    forest.user("Rafter", unit=unit)
    site.synchronise()
    unit = forest.move(unit, f"OU=Germany,{forest.people}", name="OU=Barge")
    report = site.synchronise()
    assert all(kind.get("deleted", 0) == 0 for kind in report["exported"].values())
    forest.move(unit, f"OU=External,{forest.base}")
    assert site.synchronise()["exported"]["user"]["deleted"] == 1


def test_disable_and_enable(site):
    forest = site.b
    person = forest.user(f"Guard {forest.name}")
    site.synchronise()
    forest.set(person, userAccountControl=546)
    site.synchronise()
    assert site.held(forest.key(person))["active"] is False
    forest.set(person, userAccountControl=544)
    site.synchronise()
    assert site.held(forest.key(person))["active"] is True


def test_an_account_expires_without_a_change_in_the_directory(site):
    person = site.a.user("Mayfly")
    end = int(time.time()) + 6
    site.a.set(person, accountExpires=str((end + 11_644_473_600) * 10_000_000))
    site.connect.sync()
    if time.time() < end:
        assert site.held(site.a.key(person))["active"] is True
    wait_for(lambda: time.time() > end + 1, "the account expires")
    report = site.synchronise()
    assert site.held(site.a.key(person))["active"] is False
    assert all(reading["read"] == 0 for reading in report["imports"]), "nothing had changed in the directory"


def test_delete_restore_and_make_again(site, forest):
    name = f"Phoenix {forest.name}"
    person = forest.user(name, title="Bird")
    group = forest.group(f"Birds {forest.name}", [person])
    site.synchronise()
    key = forest.key(person)
    account = site.held(key)["id"]
    forest.admin.delete(person)
    site.synchronise()
    assert site.held(key) is None and not site.held(forest.key(group), "Groups").get("members")
    # Another person of the same name: another account.
    again = forest.user(name, title="Other bird")
    site.synchronise()
    assert site.held(forest.key(again))["id"] != account
    forest.admin.delete(again)
    site.synchronise()
    # The first one returns from the tombstones, as the person it was.
    forest.restore(key, person)
    forest.set(person, userAccountControl=544)
    site.synchronise()
    assert site.held(key)["id"] == account
    forest.join(group, person)
    site.synchronise()


@pytest.mark.parametrize("isSeen", [True, False], ids=["seen", "unseen"])
def test_who_refers_to_somebody_who_came_back(site, forest, isSeen):
    """Deleted and restored, with a run between both or without one: manager and members are what AD says then, without
    anybody joining them again by hand. Whether the forest brings references back is its own affair."""
    name = f"Lazarus {isSeen} {forest.name}"
    person, report = forest.user(name), forest.user(f"Report of {name}")
    forest.set(report, manager=person)
    group = forest.group(f"Circle of {name}", [person, report])
    forest.set(group, managedBy=person)
    site.synchronise()
    key = forest.key(person)
    account = site.held(key)["id"]
    assert len(site.held(forest.key(group), "Groups")["members"]) == 2
    forest.admin.delete(person)
    if isSeen:
        site.synchronise()
    forest.restore(key, person)
    forest.set(person, userAccountControl=544)
    site.synchronise()
    assert site.held(key)["id"] == account
    told = forest.entry(group, "member")["attributes"]["member"]
    assert len(site.held(forest.key(group), "Groups").get("members", [])) == len(told)
    # Nothing that a full reading would still find.
    assert site.synchronise("--full")["requests"] == 0


def test_the_life_of_a_group(site, forest):
    """Created with members, renamed, cleared, moved, out of scope and back, deleted, made again under its name, restored."""
    people = [forest.user(f"{name} {forest.name}") for name in ("Alto", "Tenor", "Bass")]
    name = f"Choir {forest.name}"
    group = forest.group(name, people)
    # Its name in Active Directory is not the one that people see, which is set apart.
    forest.set(group, displayName=f"The choir of {forest.name}", description="Sings")
    report = site.synchronise()
    assert report["exported"]["group"]["created"] == 1
    key = forest.key(group)
    account = site.held(key, "Groups")["id"]

    def same(members):
        resource = site.held(key, "Groups")
        return resource["id"] == account and len(resource.get("members") or []) == members

    forest.set(group, displayName=f"The great choir of {forest.name}")
    site.synchronise()
    group = forest.move(group, f"OU=Access,OU=Groups,{forest.base}", name=f"CN=Great {name}")
    site.synchronise()
    forest.set(group, displayName=())
    site.synchronise()
    assert site.held(key, "Groups")["displayName"] == f"Great {name}" and same(3)
    forest.set(group, member=())
    site.synchronise()
    assert same(0)
    forest.join(group, *people)
    group = forest.move(group, f"OU=Distribution,OU=Groups,{forest.base}")
    site.synchronise()
    assert same(3)
    forest.set(group, groupType=LOCAL)
    site.synchronise()
    assert same(3)
    group = forest.move(group, f"OU=External,{forest.base}")
    assert site.synchronise()["exported"]["group"]["deleted"] == 1
    assert site.held(key, "Groups") is None
    group = forest.move(group, f"OU=Access,OU=Groups,{forest.base}")
    site.synchronise()
    assert same(3)
    forest.admin.delete(group)
    site.synchronise()
    assert site.held(key, "Groups") is None
    again = forest.group(f"Great {name}", people[:1])
    site.synchronise()
    other = forest.key(again)
    assert other != key and site.held(other, "Groups")["id"] != account
    forest.admin.delete(again)
    site.synchronise()
    forest.restore(key, group)
    forest.join(group, *people)
    site.synchronise()
    assert same(3)


def test_a_group_that_returns_without_its_members(site):
    """A tombstone has lost them."""
    forest = site.a
    group = forest.group("Emptied", [forest.user("Former Member")])
    site.synchronise()
    key = forest.key(group)
    forest.admin.delete(group)
    site.synchronise()
    forest.restore(key, group)
    site.synchronise()


def test_a_member_that_goes_while_its_group_is_out_of_scope(site):
    forest = site.a
    people = [forest.user(f"Leaver {number}") for number in (1, 2)]
    group = forest.group("Leavers", people)
    site.synchronise()
    group = forest.move(group, f"OU=External,{forest.base}")
    site.synchronise()
    forest.admin.modify(group, {"member": [(ldap3.MODIFY_DELETE, [people[0]])]})
    forest.move(group, f"OU=Access,OU=Groups,{forest.base}")
    site.synchronise()


def test_a_person_of_class_inetorgperson(site, forest):
    """Like every user: it comes, changes, is a member and a manager, is disabled, and goes."""
    person = forest.user(f"Inet {forest.name}", kind="inetOrgPerson", **EVERYTHING | {"displayName": f"Inet {forest.name}"},
                         mail=f"inet@{forest.name}")
    assert "inetOrgPerson" in [c.decode() for c in forest.entry(person, "objectClass")["raw_attributes"]["objectClass"]]
    group = forest.group(f"Orgs {forest.name}", [person])
    forest.set(forest.user(f"Report {forest.name}"), manager=person)
    report = site.synchronise()
    assert report["exported"]["user"]["created"] == 2
    account = site.held(forest.key(person))["id"]
    assert [m["value"] for m in site.held(forest.key(group), "Groups")["members"]] == [account]
    forest.set(person, title="Bearer", userAccountControl=546)
    site.synchronise()
    assert site.held(forest.key(person))["active"] is False
    forest.set(person, userAccountControl=544, mail=())
    site.synchronise()
    assert site.held(forest.key(person))["id"] == account
    forest.admin.delete(person)
    assert site.synchronise()["exported"]["user"]["deleted"] == 1


def test_nested_groups_and_circles(site):
    forest = site.b
    person = forest.user(f"Nested {forest.name}")
    inner = forest.group(f"Inner {forest.name}", [person])
    middle = forest.group(f"Middle {forest.name}", [inner, person])
    outer = forest.group(f"Outer {forest.name}", [middle])
    forest.join(inner, outer)
    site.synchronise()
    forest.admin.modify(middle, {"member": [(ldap3.MODIFY_DELETE, [inner])]})
    site.synchronise()
    forest.admin.delete(outer)
    site.synchronise()


def test_a_group_in_itself(site):
    """Samba lets a group be its own member; the tenant is not told so."""
    group = site.a.group("Ouroboros")
    site.a.join(group, group)
    site.synchronise()
    assert not site.held(site.a.key(group), "Groups").get("members")


def test_members_in_another_forest(site):
    """A foreign security principal stands for a user of the other forest, also when that one comes later or leaves."""
    guest = site.b.user("Visitor")
    name = f"<SID={sid(site.b.entry(guest))}>"
    group = site.a.group("Local Guests", [name], kind=LOCAL)
    site.synchronise()
    account = site.held(site.b.key(guest))["id"]
    assert [m["value"] for m in site.held(site.a.key(group), "Groups")["members"]] == [account]
    guest = site.b.move(guest, f"OU=External,{site.b.base}")
    site.synchronise()
    guest = site.b.move(guest, site.b.people)
    site.synchronise()
    assert [m["value"] for m in site.held(site.a.key(group), "Groups")["members"]] == [account]
    site.a.admin.modify(group, {"member": [(ldap3.MODIFY_DELETE, [name])]})
    site.synchronise()


def test_a_member_and_a_manager_enter_the_scope(site, forest):
    outsider = forest.user(f"Outsider {forest.name}", unit=f"OU=External,{forest.base}")
    person = forest.user(f"Insider {forest.name}")
    forest.set(person, manager=outsider)
    group = forest.group(f"Threshold {forest.name}", [outsider, person])
    site.synchronise()
    assert len(site.held(forest.key(group), "Groups")["members"]) == 1
    forest.move(outsider, forest.people)
    site.synchronise()
    assert len(site.held(forest.key(group), "Groups")["members"]) == 2


@pytest.mark.parametrize("spelling", [str.lower, str.upper], ids=["equal", "by-case"])
def test_the_second_of_two_equal_names_waits(site, spelling):
    number = site.a.made
    name = f"twin{number}@a.test"
    older = site.a.user(f"Twin A {number}", userPrincipalName=name)
    site.synchronise()
    newer = site.b.user(f"Twin B {number}", userPrincipalName=spelling(name), title="Second")
    bystander = site.b.user(f"Bystander {number}")
    site.synchronise(held=1, without={site.b.key(newer)})
    [held] = site.connect.status()["quarantined"]
    assert held["reason"] == "duplicateUserName" and held["name"] == newer
    assert site.held(site.b.key(bystander)), "everyone else goes on"
    site.a.set(older, userPrincipalName=f"elder{number}@a.test")
    site.synchronise()
    assert site.held(site.b.key(newer))["userName"].lower() == name


@pytest.mark.parametrize("spelling", [str.lower, str.upper], ids=["equal", "by-case"])
def test_the_second_of_two_equal_addresses_waits(site, spelling):
    number = site.a.made
    address = f"shared{number}@a.test"
    older = site.a.user(f"Holder {number}", proxyAddresses=[f"SMTP:{address}"])
    site.synchronise()
    newer = site.b.user(
        f"Wanter {number}", proxyAddresses=[f"SMTP:wanter{number}@b.test", f"smtp:{spelling(address)}"])
    site.synchronise(held=1, without={(site.b.key(newer), address)})
    [held] = site.connect.status()["quarantined"]
    assert held["reason"] == "duplicateAddress" and held["name"] == newer
    emails = {e["value"].lower() for e in site.held(site.b.key(newer))["emails"]}
    assert emails == {f"wanter{number}@b.test"}, "the object goes on without the address"
    site.a.set(older, proxyAddresses=())
    site.synchronise()


def test_an_anchor_of_its_own_is_kept(site):
    """mS-DS-ConsistencyGuid is the anchor where it is set before the first export; a later change is this object's error."""
    own = uuid.uuid4().bytes
    person = site.a.user("Anchored", **{"mS-DS-ConsistencyGuid": own})
    site.anchors[site.a.key(person)] = base64.b64encode(own).decode()
    site.synchronise()
    account = site.held(base64.b64encode(own).decode())["id"]
    site.a.set(person, **{"mS-DS-ConsistencyGuid": uuid.uuid4().bytes}, title="Changed")
    site.synchronise(held=1)
    [held] = site.connect.status()["quarantined"]
    assert held["reason"] == "anchorChanged" and held["name"] == person
    assert site.held(base64.b64encode(own).decode())["id"] == account, "no new object, and none deleted"
    site.a.set(person, **{"mS-DS-ConsistencyGuid": own})
    site.synchronise()


def test_a_duplicate_anchor_is_an_error_of_the_second(site):
    own = uuid.uuid4().bytes
    older = site.a.user("Original", **{"mS-DS-ConsistencyGuid": own})
    site.anchors[site.a.key(older)] = base64.b64encode(own).decode()
    site.synchronise()
    newer = site.a.user("Copy", **{"mS-DS-ConsistencyGuid": own})
    site.anchors[site.a.key(newer)] = "held back"
    site.synchronise(held=1, without={"held back"})
    [held] = site.connect.status()["quarantined"]
    assert held["reason"] == "duplicateAnchor" and held["name"] == newer
    del site.anchors[site.a.key(newer)]
    site.a.set(newer, **{"mS-DS-ConsistencyGuid": ()})
    site.synchronise()


def test_the_second_controllers_changes_arrive(site):
    """Made on one domain controller, read from the other once that one knows them."""
    other = site.lab.administrator(1, site.b.description)
    person = site.b.user("Messenger", admin=other)
    wait_for(lambda: read(site.b.admin, [site.b.people], "(cn=Messenger)", ["cn"]), "the change is replicated")
    site.synchronise()
    assert site.held(site.b.key(person))


def test_a_full_run_finds_nothing_left_to_do(site):
    report = site.synchronise("--full")
    assert report["exported"] == {} and report["errors"] == []
