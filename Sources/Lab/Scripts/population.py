# SPDX-License-Identifier: Apache-2.0
"""The people and things of a lab forest: a pure function of its parameters, without Samba, clock or machine.

Run by itself it prints the population as one JSON object a line, or with --summary the counts and a digest.
"""
import argparse
import hashlib
import json
import random
from collections import namedtuple

import photo

# One object: where it lives (relative to the base, top-down order is guaranteed), its attributes as lists of str or bytes,
# and its references by relative name, which the loader turns into links.
Entry = namedtuple("Entry", "kind rdn attributes links")

GIVEN = ("Anna Ben Chloé Dmitri Eva Fritz Grace Hugo Inês Jörg Karin Liam Mia Nils Olga Paul Quentin Rosa Søren Tara Uwe Vera "
         "Wim Xenia Yusuf Zoë Łukasz Åsa Noël Beatriz Þóra Đorđe 美咲 Αλέξης Ольга").split()
FAMILY = ("Müller Smith García Jensen Novák Kowalski Rossi Dubois Öztürk Andersson Tanaka Ivanov O'Brien Schmidt Weber Meyer "
          "Nguyễn Becker Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder Neumann Schwarz Groß Łoś 佐藤 Παππάς Иванова "
          "van-der-Berg").split()
DEPARTMENTS = ("Sales", "Finance", "Engineering", "Support", "Legal", "Human Resources", "Marketing", "Logistics", "Research",
               "Production")
TITLES = ("Engineer", "Senior Engineer", "Analyst", "Assistant", "Consultant", "Clerk", "Technician", "Architect")
# Organisational unit, city, state, ISO 3166 letters, name and number, postal code, telephone prefix, language.
PLACES = (
    ("Germany", "München", "BY", "DE", "Germany", "276", "80331", "+49 89", "de-DE"),
    ("France", "Paris", "IDF", "FR", "France", "250", "75001", "+33 1", "fr-FR"),
    ("Austria", "Wien", "W", "AT", "Austria", "40", "1010", "+43 1", "de-AT"),
    ("Poland", "Łódź", "LD", "PL", "Poland", "616", "90-001", "+48 42", "pl-PL"),
    ("United States", "New York", "NY", "US", "United States", "840", "10001", "+1 212", "en-US"),
)
LATIN = str.maketrans({
    "é": "e", "ö": "oe", "ø": "oe", "ë": "e", "Ł": "L", "ł": "l", "Å": "A", "ü": "ue", "í": "i", "á": "a", "Ö": "Oe", "ä": "ae",
    "ê": "e", "ß": "ss", "ś": "s", "'": "", "-": "", " ": "", "Þ": "Th", "ó": "o", "Đ": "D", "đ": "d", "ễ": "e", "ç": "c"})
NORMAL, DISABLED, NO_EXPIRY = 0x200, 0x2, 0x10000
WORKSTATION = 0x1000
# FILETIME of the days on which accounts have expired or will expire: fixed, so that a population never changes with the clock.
EXPIRED = [str(d) for d in (132539328000000000, 133170048000000000)]  # 2021-01-01, 2023-01-01
EXPIRES = [str(d) for d in (157469184000000000, 158731488000000000)]  # 2100-01-01, 2104-01-01
NEVER = "9223372036854775807"
GLOBAL_SECURITY, UNIVERSAL_SECURITY, LOCAL_SECURITY, GLOBAL_DISTRIBUTION = "-2147483646", "-2147483640", "-2147483644", "2"
# Members of everyone's group: for those of one of 200,000 Samba 4.17 did not find an answer in nine minutes.
LARGEST_GROUP = 50_000
EVERYONE = "CN=All Employees,OU=Access,OU=Groups"
# The units that a synchronisation is meant to read, and the ones that it is not.
IN_SCOPE = ("OU=People", "OU=Groups", "OU=Contacts")
OUT_OF_SCOPE = ("OU=External", "OU=Workstations", "OU=Service Accounts")


def escape(value):
    """A value inside a distinguished name (RFC 4514 2.4)."""
    return "".join("\\" + c if c in ',+"\\<>;=' else c for c in value)


def latin(name, number):
    """The mail name's part: letters of US-ASCII; names in other scripts give a stand-in."""
    text = "".join(c for c in name.translate(LATIN) if c.isascii() and c.isalpha()).lower()
    return text or "name%d" % (number % 97)


class Population:
    """All objects of one forest, in an order in which each parent and each link target that must exist comes first."""

    def __init__(self, users, groups, domain, unverified_suffix, seed, extended=False):
        self.user_count, self.group_count = users, groups
        self.domain, self.unverified = domain, unverified_suffix
        self.seed, self.extended = seed, extended
        self.people = []
        self.counts = {}

    def entries(self):
        yield from self.units()
        yield from self.inhabitants()

    def units(self):
        return self._counted(self._units)

    def inhabitants(self):
        return self._counted(self._users, self._external, self._contacts, self._computers, self._groups)

    def _counted(self, *makers):
        for make in makers:
            for entry in make():
                self._count(entry.kind)
                yield entry

    def _count(self, what, number=1):
        self.counts[what] = self.counts.get(what, 0) + number

    def _random(self, purpose):
        # Strings seed Python's generator through SHA-512: equal on every machine and for every hash seed.
        return random.Random("%d/%s" % (self.seed, purpose))

    def _unit(self, rdn, description):
        return Entry("organizationalUnit", rdn, {"objectClass": ["organizationalUnit"], "description": [description]}, {})

    def _units(self):
        yield self._unit("OU=People", "Employees, by country and department")
        for place in PLACES:
            yield self._unit("OU=%s,OU=People" % place[0], "Employees in %s" % place[4])
            for department in DEPARTMENTS:
                yield self._unit("OU=%s,OU=%s,OU=People" % (department, place[0]), department)
        yield self._unit("OU=Groups", "Groups, by purpose")
        for name in ("Access", "Departments", "Distribution"):
            yield self._unit("OU=%s,OU=Groups" % name, name)
        yield self._unit("OU=Contacts", "Partners' addresses")
        yield self._unit("OU=External", "People who stay on the premises: not synchronised")
        yield self._unit("OU=Workstations", "Computers: not synchronised")
        yield self._unit("OU=Service Accounts", "Accounts of programs: not synchronised")

    def _users(self):
        r = self._random("users")
        for i in range(self.user_count):
            given, family = r.choice(GIVEN), r.choice(FAMILY)
            place, department = r.choice(PLACES), r.choice(DEPARTMENTS)
            kind = r.random()
            local = "%s.%s%d" % (latin(given, i), latin(family, i), i)
            sam = "u%06d" % i
            rdn = "CN=%s (%d),OU=%s,OU=%s,OU=People" % (escape("%s, %s" % (family, given)), i, department, place[0])
            a = {
                "objectClass": ["user"], "sAMAccountName": [sam], "givenName": [given], "sn": [family],
                "displayName": ["%s, %s (%s)" % (family, given, department)], "initials": [given[0] + family[0]],
                "title": ["Manager" if self._manages(i) else r.choice(TITLES)], "department": [department],
                "company": ["Example SE"], "employeeID": ["E%07d" % i],
                "employeeType": ["external" if i % 11 == 5 else "internal"],
                "description": ["Cost centre %04d" % r.randrange(10000)],
                "telephoneNumber": ["%s %07d" % (place[7], i)], "mobile": ["%s 9%06d" % (place[7], i)],
                "physicalDeliveryOfficeName": ["B%d-%03d" % (r.randrange(9), i % 1000)],
                "streetAddress": ["Beispielstraße %d" % r.randrange(1, 300)],
                "l": [place[1]], "st": [place[2]], "c": [place[3]], "co": [place[4]], "countryCode": [place[5]],
                "postalCode": [place[6]], "preferredLanguage": [place[8]], "userAccountControl": [str(NORMAL)],
            }
            self._addresses(a, i, sam, local, r)
            self._account(a, i, kind, r)
            links = {"manager": [self.people[self._manager(i)]]} if i >= 1 else {}
            self.people.append(rdn)
            yield Entry("user", rdn, a, links)

    def _manager(self, i):
        # A tree in which everyone but the first has a manager with at most eight direct reports.
        return (i - 1) // 8

    def _manages(self, i):
        return 8 * i + 1 < self.user_count

    def _addresses(self, a, i, sam, local, r):
        """Names in the cloud: most have a verified one, a few another suffix, none, or no mail."""
        if i % 40 == 39:
            self._count("usersWithoutUserPrincipalName")
        else:
            unverified = i % 25 == 24
            self._count("usersWithUnverifiedSuffix", unverified)
            a["userPrincipalName"] = ["%s@%s" % (local, self.unverified if unverified else self.domain)]
        if i % 30 == 29:
            self._count("usersWithoutMail")
            return
        a["mail"] = ["%s@%s" % (local, self.domain)]
        a["proxyAddresses"] = ["SMTP:%s@%s" % (local, self.domain), "smtp:%s@%s" % (sam, self.domain)]
        if r.random() < 0.3:
            a["proxyAddresses"].append("SIP:%s@%s" % (local, self.domain))
        if self.extended:
            a["mailNickname"] = [local]
            if i % 20 == 13:
                a["msExchHideFromAddressLists"] = ["TRUE"]
            a["extensionAttribute1"] = ["Tier %d" % (i % 3)]
            a["extensionAttribute%d" % (2 + i % 14)] = ["value %d" % i]

    def _account(self, a, i, kind, r):
        """Most accounts are live; some are disabled, expired, or will expire."""
        if kind < 0.03:
            a["userAccountControl"] = [str(NORMAL | DISABLED)]
            self._count("disabledUsers")
        elif kind < 0.05:
            a["accountExpires"] = [r.choice(EXPIRED)]
            self._count("expiredUsers")
        elif kind < 0.08:
            a["accountExpires"] = [r.choice(EXPIRES)]
            self._count("usersThatWillExpire")
        elif kind < 0.12:
            a["accountExpires"] = [NEVER]
        if i % 4 == 1:
            a["thumbnailPhoto"] = [photo.jpeg(r.getrandbits(32))]
            self._count("usersWithPhoto")

    def _external(self):
        r = self._random("external")
        for i in range(max(2, self.user_count // 50)):
            given, family = r.choice(GIVEN), r.choice(FAMILY)
            self._count("usersOutOfScope")
            yield Entry("externalUser", "CN=%s (x%d),OU=External" % (escape("%s, %s" % (family, given)), i), {
                "objectClass": ["user"], "sAMAccountName": ["x%06d" % i], "givenName": [given], "sn": [family],
                "displayName": ["%s %s" % (given, family)], "userPrincipalName": ["x%06d@%s" % (i, self.domain)],
                "userAccountControl": [str(NORMAL)]}, {})

    def _contacts(self):
        r = self._random("contacts")
        for i in range(max(2, self.user_count // 25)):
            given, family = r.choice(GIVEN), r.choice(FAMILY)
            # Partners of its own: two forests in one cloud directory must not share addresses.
            partner = "partner%d-%s.example" % (i % 7, self.domain.split(".")[0])
            mail = "%s.%s%d@%s" % (latin(given, i), latin(family, i), i, partner)
            extended = {"targetAddress": ["SMTP:" + mail], "mailNickname": ["c%05d" % i]} if self.extended else {}
            yield Entry("contact", "CN=%s (c%d),OU=Contacts" % (escape("%s, %s" % (family, given)), i), {
                "objectClass": ["contact"], "givenName": [given], "sn": [family], "displayName": ["%s, %s" % (family, given)],
                "company": ["Partner %d" % (i % 7)], "mail": [mail], "proxyAddresses": ["SMTP:" + mail], **extended}, {})

    def _computers(self):
        for i in range(max(2, self.user_count // 20)):
            name = "PC%06d" % i
            yield Entry("computer", "CN=%s,OU=Workstations" % name, {
                "objectClass": ["computer"], "sAMAccountName": [name + "$"], "userAccountControl": [str(WORKSTATION)],
                "dNSHostName": ["%s.%s" % (name.lower(), self.domain)], "operatingSystem": ["Windows 11 Enterprise"],
                "operatingSystemVersion": ["10.0 (22631)"]}, {})

    def _group(self, name, unit, sam, group_type, description, members, mail=None):
        a = {"objectClass": ["group"], "sAMAccountName": [sam], "displayName": [name], "description": [description],
             "groupType": [group_type]}
        if mail:
            a["mail"] = [mail]
            a["proxyAddresses"] = ["SMTP:" + mail]
            if self.extended:
                a["mailNickname"] = [sam]
        self._count("memberships", len(members))
        self._count("emptyGroups", not members)
        owner = {"managedBy": [self.people[hash_of(sam) % len(self.people)]]} if self.people else {}
        links = dict(owner, member=members) if members else owner
        return Entry("group", "CN=%s,OU=%s,OU=Groups" % (escape(name), unit), a, links)

    def _groups(self):
        """Everyone's group (as many as it may have), one for each department, then access and distribution groups; every seventh holds other groups."""
        if self.group_count < 1:
            return
        r = self._random("groups")
        yield self._group("All Employees", "Access", "all-employees", UNIVERSAL_SECURITY, "Everybody who works here",
                          self.people[:LARGEST_GROUP], "all@" + self.domain)
        made = []
        for department in DEPARTMENTS[:self.group_count - 1]:
            members = [p for p in self.people if ",OU=%s,OU=" % department in p]
            sam = "dep-" + department.lower().replace(" ", "-")
            entry = self._group(department, "Departments", sam, GLOBAL_SECURITY, "Department %s" % department, members,
                                "%s@%s" % (sam, self.domain))
            made.append(entry.rdn)
            yield entry
        for j in range(1 + len(made), self.group_count):
            size = min(self.user_count, int(r.expovariate(1 / 12.0)), 2000)
            members = [] if j % 17 == 0 else [self.people[k] for k in sorted(r.sample(range(self.user_count), size))]
            distribution, nesting = j % 5 == 0, j % 7 == 0 and j % 5 != 0
            if nesting and made:
                nested = sorted(r.sample(made, min(len(made), 1 + j % 3)))
                members += nested
                self._count("nestedGroups", len(nested))
            if distribution:
                entry = self._group("Liste Größe %04d" % j, "Distribution", "list-%05d" % j, GLOBAL_DISTRIBUTION,
                                    "Distribution list %d" % j, members, "list%05d@%s" % (j, self.domain))
            else:
                # Only a domain local group may hold groups of every scope.
                kind = LOCAL_SECURITY if nesting else (GLOBAL_SECURITY, UNIVERSAL_SECURITY, LOCAL_SECURITY)[j % 3]
                entry = self._group("Access %05d" % j, "Access", "acl-%05d" % j, kind, "Access to share %d" % j, members)
            made.append(entry.rdn)
            yield entry


def hash_of(text):
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def plain(entry):
    """An entry as JSON: bytes become hexadecimal text."""
    attributes = {
        name: [value.hex() if isinstance(value, bytes) else value for value in values]
        for name, values in entry.attributes.items()}
    return json.dumps({"kind": entry.kind, "rdn": entry.rdn, "attributes": attributes, "links": entry.links},
                      ensure_ascii=False, sort_keys=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--groups", type=int, default=100)
    parser.add_argument("--domain", default="corp.example")
    parser.add_argument("--unverified-suffix", default="corp.internal")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--extended", action="store_true")
    parser.add_argument("--summary", action="store_true")
    o = parser.parse_args()
    population = Population(o.users, o.groups, o.domain, o.unverified_suffix, o.seed, o.extended)
    digest = hashlib.sha256()
    for entry in population.entries():
        line = plain(entry)
        digest.update(line.encode())
        if not o.summary:
            print(line)
    if o.summary:
        print(json.dumps({"digest": digest.hexdigest(), "counts": population.counts}, sort_keys=True))


if __name__ == "__main__":
    main()
