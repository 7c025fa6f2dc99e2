# SPDX-License-Identifier: Apache-2.0
"""Others read the same password hashes, and derive the same values from them: impacket's secretsdump and Samba's own
replication client beside Connect, on one domain controller."""
import hashlib

import pytest

from passwords import Recorder, PasswordSite, anchor, derives, nt_hash, relative_identifier, set_password, sync
from replication_peers import impacket_hashes, samba_digests

# The last ones are beyond ASCII, and beyond the first 65,536 characters.
PASSWORDS = [f"Bridge-{number}-Keeper!" for number in range(12)] + ["Grüße-über-1-Brücke", "Ключ-1-мост", "橋-Bridge-1-😀"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A recorder stands where the tenant is looked for; the tenant is behind it."""
    site = PasswordSite(tmp_path_factory.mktemp("peers"), "--users", 60, "--groups", 5, tenant_port=8443)
    server = site.forest["tenant"]
    site.recorder = Recorder(
        server["address"], 443, (server["address"], 8443), server["certificateChainFile"], server["privateKeyFile"],
        site.lab.authority, server["name"])
    yield site
    site.recorder.close()
    site.close()


@pytest.fixture(scope="module")
def users(site):
    """Synchronised users, the first of them with passwords of their own, and what Connect sent of each."""
    connect = site.connect()
    admin = site.lab.administrator()
    people = site.people(admin)
    for person, password in zip(people, PASSWORDS):
        set_password(admin, person["dn"], password)
    assert sync(connect)["sent"] == len(people) > 40
    sent = {entry["externalId"]: entry["value"] for entry in site.recorder.sent}
    assert len(sent) == len(site.recorder.sent) == len(people)
    return [(relative_identifier(person), sent[anchor(person)]) for person in people]


@pytest.fixture(scope="module")
def hashes(site, users):
    return impacket_hashes(site.forest, site.forest["passwordAccount"])


def test_impacket_reads_what_was_set(users, hashes):
    for (identifier, _), password in zip(users, PASSWORDS):
        assert hashes[identifier] == nt_hash(password), "another hash than the password's"


def test_connect_sends_what_impacket_reads(users, hashes):
    differ = [identifier for identifier, value in users if not derives(value, hashes[identifier])]
    assert differ == []
    assert len({hashes[identifier] for identifier, _ in users}) > len(PASSWORDS)
    # A salt of its own for each.
    assert len({value.split(",")[1] for _, value in users}) == len(users)


def test_another_hash_does_not_derive(users, hashes):
    (first, value), (second, _) = users[:2]
    assert derives(value, hashes[first]) and not derives(value, hashes[second])


def test_samba_reads_the_same(site, users, hashes):
    digests = samba_digests(site.forest, site.forest["passwordAccount"])
    theirs = {identifier: hashlib.sha256(digest).hexdigest() for identifier, digest in hashes.items()}
    shared = digests.keys() & theirs.keys()
    assert {identifier for identifier, _ in users} <= shared
    assert [identifier for identifier in shared if digests[identifier] != theirs[identifier]] == []
    # Samba also tells of trust accounts and of those that SAMR does not list; nobody is missing there.
    assert theirs.keys() <= digests.keys()
