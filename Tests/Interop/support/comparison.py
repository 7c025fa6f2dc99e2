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
ON_PREMISES_USER = "urn:bridgehead:params:scim:schemas:extension:1.0:OnPremisesUser"
ON_PREMISES_GROUP = "urn:bridgehead:params:scim:schemas:extension:1.0:OnPremisesGroup"
OTHER = {f"extensionAttribute{number}": f"extensionAttribute{number}" for number in range(1, 16)}
PLAIN = {  # AD attribute → path in the SCIM user
    "givenName": ("name", "givenName"), "sn": ("name", "familyName"), "title": ("title",),
    "preferredLanguage": ("preferredLanguage",), "department": (ENTERPRISE, "department"),
    "company": (ENTERPRISE, "organization"), "employeeID": (ENTERPRISE, "employeeNumber"),
    **{name: (ON_PREMISES_USER, place) for name, place in {
        "sAMAccountName": "samAccountName", "initials": "initials", "description": "description",
        "physicalDeliveryOfficeName": "office", "wWWHomePage": "webPage", **OTHER}.items()},
}
EXCHANGE = {"mailNickname": "mailNickname", "targetAddress": "targetAddress"}  # told of users that have an alias
PHONES = {"telephoneNumber": "work", "mobile": "mobile", "homePhone": "home", "facsimileTelephoneNumber": "fax"}
ADDRESS = {"streetAddress": "streetAddress", "l": "locality", "st": "region", "postalCode": "postalCode", "c": "country"}
CONTACT = {  # AD attribute → path in the SCIM contact
    "givenName": ("name", "givenName"), "sn": ("name", "familyName"), "initials": ("name", "initials"),
    "description": ("description",), "title": ("title",), "department": ("department",), "company": ("organization",),
    "physicalDeliveryOfficeName": ("office",), "wWWHomePage": ("webPage",),
    **{name: (place,) for name, place in {**EXCHANGE, **OTHER}.items()},
}
GROUP = {name: (ON_PREMISES_GROUP, place) for name, place in {
    "sAMAccountName": "samAccountName", "description": "description", "mailNickname": "mailNickname", **OTHER}.items()}
DEVICE = {name: (name,) for name in ("description", "operatingSystem", "operatingSystemVersion")}
HIDDEN = "msExchHideFromAddressLists"
ADDRESSES = ["mail", "proxyAddresses", HIDDEN]
DISABLED = 0x2
NEVER = (0, 2**63 - 1)
KINDS = {"Users": "User", "Groups": "Group", "Contacts": "Contact", "Devices": "Device"}


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


def account_of(tenant, user):
    """What the tenant holds of a user; None when nothing."""
    return next((account for account in tenant.list("Users") if account.get("externalId") == anchor(user)), None)


def users_of(lab, connection, forest=None):
    return read(connection, (forest or lab.forest)["synchronisedUnits"], "(&(objectCategory=person)(objectClass=user))",
                ["objectGUID", "objectSid", "userPrincipalName", "userAccountControl", "accountExpires", "manager",
                 "distinguishedName", "displayName", "cn", "otherTelephone", *ADDRESSES, *PLAIN, *EXCHANGE, *PHONES, *ADDRESS])


def groups_of(lab, connection, forest=None):
    """Those that the standard rules take: for security, or with a mail address."""
    found = read(connection, (forest or lab.forest)["synchronisedUnits"], "(objectClass=group)",
                 ["objectGUID", "objectSid", "displayName", "cn", "member", "managedBy", "groupType", *ADDRESSES, *GROUP])
    return [e for e in found if int(first(e, "groupType")) < 0 or has_address(e)]


def contacts_of(lab, connection, forest=None):
    """Those that the standard rules take: with a mail address."""
    found = read(connection, (forest or lab.forest)["synchronisedUnits"], "(objectClass=contact)",
                 ["objectGUID", "displayName", "cn", "otherTelephone", "manager", *ADDRESSES, *CONTACT, *PHONES, *ADDRESS])
    return [e for e in found if has_address(e)]


def has_address(entry):
    return "@" in (first(entry, "mail") or "") or any(
        p.startswith("SMTP:") and "@" in p for p in texts(entry, "proxyAddresses"))


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
    """What the tenant holds, read by scim2-client, which holds every answer against the schemas that the tenant publishes."""
    with httpx2.Client(
        base_url=tenant.url, verify=ssl.create_default_context(cafile=tenant.lab.authority), timeout=30,
        headers={"Authorization": f"Bearer {tenant.token}"},
    ) as http:
        # Models are made of the schemas once for a tenant, which takes longer than reading it.
        client = SyncSCIMClient(http, provider=tenant.published)
        if tenant.published is None:
            client.discover()
            tenant.published = client.provider

        def every(kind):
            model, found = client.get_resource_model(kind), []
            while True:
                page = client.query(
                    model, query_parameters=SearchRequest[model](start_index=len(found) + 1, count=200))
                found += page.resources or []
                if len(found) >= page.total_results:
                    return [r.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE) for r in found]

        return {plural: every(kind) for plural, kind in KINDS.items()}


def compare(lab, tenant, controller=0, resources=None, without=(), anchors=None):
    """Every user, group and contact of every forest: what the tenant holds of it is exactly what the forest says.

    `without` holds what is kept back: anchors of objects, addresses, and pairs of an objectGUID and an address that this one
    goes without; `anchors` tells those that are not the objectGUID.
    """
    def key(entry):
        return (anchors or {}).get(anchor(entry), anchor(entry))

    entries = {"Users": [], "Groups": [], "Contacts": []}
    for forest in lab.forests:
        connection = lab.administrator(controller, forest)
        for plural, read_all in (("Users", users_of), ("Groups", groups_of), ("Contacts", contacts_of)):
            entries[plural] += [e for e in read_all(lab, connection, forest) if key(e) not in without]
    held = {plural: by_anchor((resources or {}).get(plural) or tenant.list(plural)) for plural in entries}
    for plural in entries:
        assert set(held[plural]) == {key(entry) for entry in entries[plural]}, plural
    targets = Targets(entries, held, key)
    for plural, expected_of in (("Users", _user), ("Groups", _group), ("Contacts", _contact)):
        for entry in entries[plural]:
            expected = {"externalId": key(entry), **expected_of(entry, targets, tenant, without)}
            _equal(held[plural][key(entry)], expected, entry["dn"])
    memberships = sum(len(group.get("members") or []) for group in held["Groups"].values())
    return len(entries["Users"]), len(entries["Groups"]), memberships


class Targets:
    """What references lead to: by the distinguished names of the forests, the resources of the tenant."""

    def __init__(self, entries, held, key):
        every = [(e, plural) for plural, found in entries.items() for e in found]
        self.names = {e["dn"].lower(): (held[plural][key(e)], KINDS[plural]) for e, plural in every}
        # A foreign security principal stands for an object of another forest.
        self.foreign = {sid(e).lower(): self.names[e["dn"].lower()] for e, plural in every if plural != "Contacts"}

    def of(self, entry, attribute):
        """Each once; nothing refers to itself."""
        found = {}
        for name in texts(entry, attribute):
            prefix = name.split(",")[0].lower().removeprefix("cn=")
            is_foreign = "cn=foreignsecurityprincipals" in name.lower()
            resource, kind = (self.foreign.get(prefix) if is_foreign else self.names.get(name.lower())) or (None, None)
            if resource and resource is not self.names[entry["dn"].lower()][0]:
                found[resource["id"]] = {"value": resource["id"], "$ref": resource["meta"]["location"], "type": kind}
        return list(found.values())

    def one(self, entry, attribute):
        return {name: value for reference in self.of(entry, attribute) for name, value in reference.items() if name != "type"}


def _equal(resource, expected, name):
    """The whole of it: nothing is missing, nothing more is there, nothing is there twice."""
    told = {part: value for part, value in resource.items() if part not in ("id", "meta", "schemas", "groups")}
    told, expected = _plain(told), _plain(expected)
    assert told == expected, (name, {part: (told.get(part), expected.get(part)) for part in {*told, *expected}
                                     if told.get(part) != expected.get(part)})


def _plain(value):
    """Without what is empty; the order of several values does not count."""
    if isinstance(value, dict):
        plain = {part: _plain(inner) for part, inner in value.items()}
        return {part: inner for part, inner in plain.items() if inner not in (None, [], {})}
    if isinstance(value, list):
        return sorted((_plain(inner) for inner in value), key=lambda inner: json.dumps(inner, sort_keys=True, default=str))
    return value


def _put(resource, path, value):
    for part in path[:-1]:
        resource = resource.setdefault(part, {})
    resource[path[-1]] = value


def _named(entry, places):
    resource = {"displayName": first(entry, "displayName") or first(entry, "cn")}
    for attribute, path in places.items():
        _put(resource, path, first(entry, attribute))
    return resource


def _domain(entry):
    return ".".join(part[3:] for part in entry["dn"].split(",") if part.upper().startswith("DC="))


def addresses_of(entry):
    """Primary first: marked by capitals, else mail; the others as they are written, each once whatever its case."""
    proxies, mail = texts(entry, "proxyAddresses"), first(entry, "mail")
    primary = next((p[5:] for p in proxies if p.startswith("SMTP:")), mail)
    others = [p[5:] for p in proxies if p[:5].lower() == "smtp:"] + [mail]
    found = {}
    for address in [primary, *sorted(a for a in others if a)]:
        if address and "@" in address:
            found.setdefault(address.lower(), address)
    return primary, list(found.values())


def _mail(entry, without):
    primary, addresses = addresses_of(entry)
    shown = first(entry, "mail") or primary

    def is_told(address):
        return address.lower() not in without and (anchor(entry), address.lower()) not in without

    emails = [{"value": a, "type": "work", "primary": True} if a == primary else {"value": a, "type": "other"}
              for a in addresses if is_told(a)]
    hidden = first(entry, HIDDEN)
    return emails, {"mail": shown if shown and is_told(shown) else None,
                    "hiddenFromAddressLists": None if hidden is None else hidden == "TRUE"}


def _person(entry, places, without):
    """What users and contacts have alike."""
    resource = _named(entry, places)
    resource["phoneNumbers"] = [
        {"type": kind, "value": first(entry, attribute)} for attribute, kind in PHONES.items() if first(entry, attribute)
    ] + [{"type": "other", "value": number} for number in texts(entry, "otherTelephone")]
    address = {part: first(entry, attribute) for attribute, part in ADDRESS.items() if first(entry, attribute)}
    resource["addresses"] = [{**address, "type": "work"}] if address else []
    resource["emails"], mail = _mail(entry, without)
    return resource, mail


def nickname(user):
    """The prefix of the first present, of characters that a sign-in name may have."""
    proxies = texts(user, "proxyAddresses")
    primary = [p[5:] for p in proxies if p.startswith("SMTP:")]
    secondary = sorted(p[5:] for p in proxies if p.startswith("smtp:"))
    names = [first(user, "mailNickname"), *(
        (a or "").split("@")[0] for a in [*primary[:1], first(user, "mail"), first(user, "userPrincipalName"), *secondary]),
        first(user, "sAMAccountName")]
    kept = ("".join(c for c in name or "" if c.isascii() and (c.isalnum() or c in "'.-_!#^~")) for name in names)
    return next(name for name in kept if name)


def _user(user, targets, tenant, without):
    resource, mail = _person(user, PLAIN, without)
    upn = first(user, "userPrincipalName")
    is_verified = upn and upn.split("@")[1].lower() in {suffix.lower() for suffix in tenant.verified}
    resource["userName"] = upn if is_verified else f"{nickname(user)}@{tenant.initial_domain}"
    control, expires = int(first(user, "userAccountControl")), int(first(user, "accountExpires") or 0)
    expired = expires not in NEVER and expires < (time.time() + 11_644_473_600) * 10_000_000
    resource["active"] = not control & DISABLED and not expired
    _put(resource, (ENTERPRISE, "manager"), targets.one(user, "manager"))
    if not first(user, "mailNickname"):
        mail["hiddenFromAddressLists"] = None
    for name, value in {
        **mail, "securityIdentifier": sid(user), "domainName": _domain(user), "distinguishedName": user["dn"],
        **{place: first(user, attribute) for attribute, place in EXCHANGE.items() if first(user, "mailNickname")},
    }.items():
        _put(resource, (ON_PREMISES_USER, name), value)
    return resource


def _group(group, targets, tenant, without):
    resource = _named(group, GROUP)
    emails, mail = _mail(group, without)
    for name, value in {
        **mail, "emails": emails, "mailEnabled": bool(emails), "securityEnabled": int(first(group, "groupType")) < 0,
        "securityIdentifier": sid(group), "domainName": _domain(group), "managedBy": targets.one(group, "managedBy"),
    }.items():
        _put(resource, (ON_PREMISES_GROUP, name), value)
    return {**resource, "members": targets.of(group, "member")}


def _contact(contact, targets, tenant, without):
    resource, mail = _person(contact, CONTACT, without)
    return {**resource, **mail, "manager": targets.one(contact, "manager")}


def compare_devices(lab, tenant, bases, controller=0, resources=None):
    """Every computer below these, attribute by attribute; how many there are."""
    devices = devices_of(lab, lab.administrator(controller), bases)
    held = by_anchor(tenant.list("Devices") if resources is None else resources["Devices"])
    assert set(held) == {anchor(device) for device in devices}
    for device in devices:
        _equal(held[anchor(device)], {
            **_named(device, DEVICE), "externalId": anchor(device), "trustType": "ServerAd", "securityIdentifier": sid(device),
            "deviceId": str(uuid.UUID(bytes_le=device["raw_attributes"]["objectGUID"][0])),
            "active": not int(first(device, "userAccountControl")) & DISABLED,
            "x509Certificates": [{"value": base64.b64encode(certificate).decode()}
                                 for certificate in device["raw_attributes"]["userCertificate"]]}, device["dn"])
    return len(devices)


def assert_created_once(tenant, resources=None):
    """The audit log has one create for each object that the tenant holds (what was read already, or what it lists) or held,
    and no object has two."""
    log = tenant.product.json(
        "tenant", "audit", "--config", tenant.configuration, "--limit", 1_000_000, "--json")
    for plural, kind in KINDS.items():
        created = [entry for entry in log if entry["action"] == "create" and entry["kind"] == kind]
        anchors = [json.loads(e["after"]).get("externalId") for e in created if e["after"].endswith("}")]
        anchors = [external for external in anchors if external]
        assert len(anchors) == len(set(anchors)), "an anchor was created twice"
        targets = [entry["target"] for entry in created]
        actions = [entry["action"] for entry in log if entry["kind"] == kind]
        gone = actions.count("delete") - actions.count("restore")
        assert len(targets) == len(set(targets)) == len(tenant.list(plural) if resources is None else resources[plural]) + gone, kind
