# SPDX-License-Identifier: Apache-2.0
"""Holds the tenant against the forests: what python ldap3 reads from domain controllers is what the tenant must hold."""
import base64
import json
import ssl
import struct
import time
import uuid

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import Context, SearchRequest

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PLAIN = {  # AD attribute → path in the SCIM user
    "givenName": ("name", "givenName"), "sn": ("name", "familyName"), "title": ("title",),
    "preferredLanguage": ("preferredLanguage",), "department": (ENTERPRISE, "department"),
    "company": (ENTERPRISE, "organization"), "employeeID": (ENTERPRISE, "employeeNumber"),
}
PHONES = {"telephoneNumber": "work", "mobile": "mobile"}
ADDRESS = {"streetAddress": "streetAddress", "l": "locality", "st": "region", "postalCode": "postalCode", "c": "country"}
CONTACT = {  # AD attribute → path in the SCIM contact
    "givenName": ("name", "givenName"), "sn": ("name", "familyName"), "initials": ("name", "initials"),
    "description": ("description",), "title": ("title",), "department": ("department",), "company": ("organization",),
    "physicalDeliveryOfficeName": ("office",), "wWWHomePage": ("webPage",),
}
CONTACT_PHONES = {**PHONES, "homePhone": "home", "facsimileTelephoneNumber": "fax"}
DEVICE = {"description": "description", "operatingSystem": "operatingSystem",
          "operatingSystemVersion": "operatingSystemVersion"}
DISABLED = 0x2
NEVER = (0, 2**63 - 1)


def at(resource, path):
    for name in path:
        resource = (resource or {}).get(name)
    return resource


def first(entry, name):
    values = entry["raw_attributes"].get(name) or []
    return values[0].decode() if values else None


def texts(entry, name):
    return [value.decode() for value in entry["raw_attributes"].get(name) or []]


def anchor(entry):
    return base64.b64encode(entry["raw_attributes"]["objectGUID"][0]).decode()


def sid(entry):
    """The security identifier's text form (MS-DTYP 2.4.2.1)."""
    raw = entry["raw_attributes"]["objectSid"][0]
    parts = struct.unpack(f"<{raw[1]}I", raw[8:])
    return f"S-{raw[0]}-{int.from_bytes(raw[2:8], 'big')}" + "".join(f"-{part}" for part in parts)


def read(connection, bases, query, attributes):
    found = []
    for base in bases:
        found += [e for e in connection.extend.standard.paged_search(
            base, query, attributes=attributes, paged_size=500, generator=True) if e["type"] == "searchResEntry"]
    return found


def users_of(lab, connection, forest=None):
    return read(connection, (forest or lab.forest)["synchronisedUnits"], "(&(objectCategory=person)(objectClass=user))",
                ["objectGUID", "objectSid", "userPrincipalName", "userAccountControl", "accountExpires", "manager", "mail",
                 "proxyAddresses", "distinguishedName", "displayName", "cn", *PLAIN, *PHONES, *ADDRESS])


def groups_of(lab, connection, forest=None):
    return read(connection, (forest or lab.forest)["synchronisedUnits"], "(objectClass=group)",
                ["objectGUID", "objectSid", "displayName", "cn", "member"])


def contacts_of(lab, connection, forest=None):
    """Those that the standard rules take: with a mail address."""
    found = read(connection, (forest or lab.forest)["synchronisedUnits"], "(objectClass=contact)",
                 ["objectGUID", "displayName", "cn", "mail", "proxyAddresses", "otherTelephone", "manager", *CONTACT,
                  *CONTACT_PHONES, *ADDRESS])
    return [e for e in found if "@" in (first(e, "mail") or "")
            or any(p.startswith("SMTP:") and "@" in p for p in texts(e, "proxyAddresses"))]


def devices_of(lab, connection, bases):
    """Those that the standard rules take: with a certificate."""
    found = read(connection, bases, "(objectClass=computer)",
                 ["objectGUID", "objectSid", "displayName", "cn", "userAccountControl", "userCertificate", *DEVICE])
    return [e for e in found if e["raw_attributes"].get("userCertificate")]


def by_anchor(resources):
    table = {resource["externalId"]: resource for resource in resources}
    assert len(table) == len(resources), "an anchor was created twice"
    return table


def third_party(tenant):
    """Reads the tenant by scim2-client, which holds every answer against the schemas that the tenant publishes."""
    with httpx2.Client(
        base_url=tenant.url, verify=ssl.create_default_context(cafile=tenant.lab.authority), timeout=30,
        headers={"Authorization": f"Bearer {tenant.token}"},
    ) as http:
        client = SyncSCIMClient(http)
        client.discover()

        def every(kind):
            model, found = client.get_resource_model(kind), []
            while True:
                page = client.query(
                    model, query_parameters=SearchRequest[model](start_index=len(found) + 1, count=200))
                found += page.resources or []
                if len(found) >= page.total_results:
                    return [r.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE) for r in found]

        return every("User"), every("Group"), every("Contact")


def compare(lab, tenant, controller=0, resources=None, without=(), anchors=None):
    """Every user, every group and every membership of every forest, attribute by attribute.

    `without` holds what is kept back: anchors of objects, addresses, and pairs of an objectGUID and an address that this one
    goes without; `anchors` tells those that are not the objectGUID.
    """
    users, groups, contacts = [], [], []
    for forest in lab.forests:
        connection = lab.administrator(controller, forest)
        users += users_of(lab, connection, forest)
        groups += groups_of(lab, connection, forest)
        contacts += contacts_of(lab, connection, forest)
    found = resources or [tenant.list(kind) for kind in ("Users", "Groups", "Contacts")]
    held, held_groups, held_contacts = map(by_anchor, found)

    def key(entry):
        return (anchors or {}).get(anchor(entry), anchor(entry))

    users = [user for user in users if key(user) not in without]
    contacts = [contact for contact in contacts if key(contact) not in without]
    assert set(held) == {key(user) for user in users}
    assert set(held_groups) == {key(group) for group in groups}
    assert set(held_contacts) == {key(contact) for contact in contacts}
    names = {e["dn"].lower(): key(e) for e in users + groups + contacts}
    # A foreign security principal stands for an object of another forest.
    foreign = {sid(e).lower(): key(e) for e in users + groups}

    def target(name):
        name = name.lower()
        prefix = name.split(",")[0].removeprefix("cn=")
        return foreign.get(prefix) if "cn=foreignsecurityprincipals" in name else names.get(name)

    for user in users:
        resource = held[key(user)]
        _compare_user(user, resource, set(tenant.verified), tenant.initial_domain, without)
        manager = first(user, "manager")
        expected = held[target(manager)]["id"] if manager and target(manager) else None
        assert at(resource, (ENTERPRISE, "manager", "value")) == expected, user["dn"]
    for contact in contacts:
        resource = held_contacts[key(contact)]
        _compare_contact(contact, resource, without)
        manager = target(first(contact, "manager") or "")
        expected = (held.get(manager) or held_contacts.get(manager) or {}).get("id")
        assert at(resource, ("manager", "value")) == expected, contact["dn"]
    memberships = 0
    anchor_of = {r["id"]: a for a, r in [*held.items(), *held_groups.items(), *held_contacts.items()]}
    for group in groups:
        resource = held_groups[key(group)]
        assert resource["displayName"] == (first(group, "displayName") or first(group, "cn")), group["dn"]
        expected = {target(name) for name in texts(group, "member")} - {None, key(group)}
        assert {anchor_of[m["value"]] for m in resource.get("members") or []} == expected, group["dn"]
        memberships += len(expected)
    return len(users), len(groups), memberships


def _compare_user(user, resource, suffixes, initial_domain, without):
    name = user["dn"]
    for attribute, path in PLAIN.items():
        assert at(resource, path) == first(user, attribute), (name, attribute)
    assert resource["displayName"] == (first(user, "displayName") or first(user, "cn")), name
    upn = first(user, "userPrincipalName")
    if upn and upn.split("@")[1].lower() in suffixes:
        assert resource["userName"].lower() == upn.lower(), name
    else:
        assert resource["userName"].endswith("@" + initial_domain), name
    control, expires = int(first(user, "userAccountControl")), int(first(user, "accountExpires") or 0)
    expired = expires not in NEVER and expires < (time.time() + 11_644_473_600) * 10_000_000
    assert resource["active"] == (not control & DISABLED and not expired), name
    phones = {kind: first(user, attribute) for attribute, kind in PHONES.items() if first(user, attribute)}
    assert {p["type"]: p["value"] for p in resource.get("phoneNumbers") or []} == phones, name
    _compare_addresses(user, resource, without)


def _compare_addresses(entry, resource, without):
    """Postal and mail addresses, which users and contacts have alike."""
    name = entry["dn"]
    address = {part: first(entry, attribute) for attribute, part in ADDRESS.items() if first(entry, attribute)}
    [told] = resource.get("addresses") or [{}]
    assert {part: told[part] for part in ADDRESS.values() if told.get(part)} == address, name
    proxies = texts(entry, "proxyAddresses")
    primary = next((p[5:] for p in proxies if p.startswith("SMTP:")), first(entry, "mail"))
    addresses = {p[5:].lower() for p in proxies if p.lower().startswith("smtp:")}
    addresses |= {a.lower() for a in (primary, first(entry, "mail")) if a}
    emails = {e["value"].lower(): bool(e.get("primary")) for e in resource.get("emails") or []}
    assert emails == {
        a: a == primary.lower() for a in addresses if a not in without and (anchor(entry), a) not in without}, name


def _compare_contact(contact, resource, without):
    name = contact["dn"]
    for attribute, path in CONTACT.items():
        assert at(resource, path) == first(contact, attribute), (name, attribute)
    assert resource["displayName"] == (first(contact, "displayName") or first(contact, "cn")), name
    phones = {(kind, first(contact, attribute)) for attribute, kind in CONTACT_PHONES.items() if first(contact, attribute)}
    phones |= {("other", number) for number in texts(contact, "otherTelephone")}
    assert {(p["type"], p["value"]) for p in resource.get("phoneNumbers") or []} == phones, name
    _compare_addresses(contact, resource, without)


def compare_devices(lab, tenant, bases, controller=0):
    """Every computer below these, attribute by attribute; how many there are."""
    devices = devices_of(lab, lab.administrator(controller), bases)
    held = by_anchor(tenant.list("Devices"))
    assert set(held) == {anchor(device) for device in devices}
    for device in devices:
        name, resource = device["dn"], held[anchor(device)]
        assert resource["displayName"] == (first(device, "displayName") or first(device, "cn")), name
        assert {part: resource.get(part) for part in DEVICE.values()} == {
            part: first(device, attribute) for attribute, part in DEVICE.items()}, name
        assert resource["deviceId"] == str(uuid.UUID(bytes_le=device["raw_attributes"]["objectGUID"][0])), name
        assert resource["securityIdentifier"] == sid(device) and resource["trustType"] == "ServerAd", name
        assert resource["active"] == (not int(first(device, "userAccountControl")) & DISABLED), name
        assert {base64.b64decode(c["value"]) for c in resource["x509Certificates"]} == set(
            device["raw_attributes"]["userCertificate"]), name
    return len(devices)


def assert_created_once(tenant):
    """The audit log has one create for each object that the tenant holds or held, and no object has two."""
    log = tenant.product.json(
        "tenant", "audit", "--config", tenant.configuration, "--limit", 1_000_000, "--json")
    created = {"User": [], "Group": [], "Contact": []}
    for entry in log:
        if entry["action"] == "create" and entry["kind"] in created:
            external = json.loads(entry["after"]).get("externalId") if entry["after"].endswith("}") else None
            created[entry["kind"]].append((entry["target"], external))
    for kind, plural in (("User", "Users"), ("Group", "Groups"), ("Contact", "Contacts")):
        anchors = [external for _, external in created[kind] if external]
        assert len(anchors) == len(set(anchors)), "an anchor was created twice"
        targets = [target for target, _ in created[kind]]
        actions = [entry["action"] for entry in log if entry["kind"] == kind]
        gone = actions.count("delete") - actions.count("restore")
        assert len(targets) == len(set(targets)) == len(tenant.list(plural)) + gone, kind
