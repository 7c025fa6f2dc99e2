# SPDX-License-Identifier: Apache-2.0
"""A small forest whose people change their passwords at the tenant, and a tenant of the tests' own that cannot be trusted."""
import base64
import contextlib
import json
import pathlib
import secrets
import signal
import sqlite3
import struct
import time

import ldap3
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from environment import Connect, Lab, wait_for
from sign_in import SignInTenant


class WritebackSite:
    """Everything set up as docs/operations/passwords.md says."""

    def __init__(self, directory, *options, users=50):
        self.directory = pathlib.Path(directory)
        self.lab = Lab(self.directory / "lab", "--users", users, "--groups", max(5, users // 10), *options)
        self.forest = self.lab.forest
        self.tenant = SignInTenant(self.lab, self.directory / "tenant")
        self.connect = Connect(self.lab, self.tenant, self.directory / "connect")
        token = self.directory / "writeback.token"
        self.tenant.command("token", "create", "--name", "writeback", "--scope", "writeback", "--output", token)
        self.token = token.read_text().strip()
        for number, forest in enumerate(self.lab.forests):
            account, hashes_ = forest["writebackAccount"], forest["passwordAccount"]
            section = f"connect.forests.{number}."
            self.connect.set(section + "writebackCredentials",
                             {"principal": account["principal"], "keytab": account["keytabFile"]})
            self.connect.set(section + "writebackUnits", {"include": [f"OU=People,{forest['baseDN']}"]})
            self.connect.set(section + "passwordCredentials",
                             {"principal": hashes_["principal"], "keytab": hashes_["keytabFile"]})
        self.connect.set("connect.target.passwordToken", {"file": str(self.tenant.credentials_file)})
        self.connect.set("connect.target.writebackToken", {"file": str(token)})
        self.connect.set("connect.writeback", {"key": str(self.directory / "writeback.key"), "perUser": 50})
        self.key = json.loads(self.connect.command("writeback", "key", "--json").stdout)
        self.connect.report("--full", check=len(self.lab.forests) == 1)
        self.connect.product.run("connect", "passwords", "sync", "--config", self.connect.configuration)
        self.tenant.command("writeback", "enable", "--connector-key", self.key["key"], "--fingerprint",
                            self.key["fingerprint"])
        self.samba("domain", "passwordsettings", "set", "--min-pwd-age=0")
        self.password = pathlib.Path(self.forest["userPasswordFile"]).read_text().strip()
        self.service = self.log = None
        self.people = iter(self.people_of(self.forest))

    def people_of(self, forest):
        admin = self.lab.administrator(forest=forest)
        admin.search(f"OU=People,{forest['baseDN']}",
                     "(&(objectCategory=person)(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))",
                     attributes=["sAMAccountName", "objectGUID", "userPrincipalName"])
        anchors = {u["externalId"]: u["userName"] for u in self.tenant.list("Users")}
        for entry in sorted(admin.response, key=lambda e: e["dn"]):
            anchor = base64.b64encode(entry["raw_attributes"]["objectGUID"][0]).decode()
            if anchor in anchors:
                yield User(entry["dn"], entry["raw_attributes"]["sAMAccountName"][0].decode(), anchors[anchor], anchor)

    def next_user(self):
        return next(self.people)

    def samba(self, *arguments):
        controller = self.forest["controllers"][0]
        return self.lab.execute(
            "samba-tool", *arguments, "-H", f"ldap://{controller['address']}", "-U",
            "Administrator%" + pathlib.Path(self.forest["administrator"]["passwordFile"]).read_text().strip(),
            "--use-kerberos=off")

    def start(self):
        self.log = open(self.directory / "run.log", "a")
        self.service = self.connect.product.start(
            "connect", "run", "--config", self.connect.configuration, "--log-level", "debug", stdout=self.log,
            stderr=self.log)

    def stop(self, how=signal.SIGTERM):
        if self.service and self.service.poll() is None:
            self.service.send_signal(how)
            self.service.wait(30)
        if self.log:
            self.log.close()
        self.service = None

    def down(self):
        self.stop()
        self.tenant.stop()
        self.lab.down()

    def signs_in_to_the_forest(self, user, password):
        """What the KDC says, to MIT's kinit."""
        file = self.directory / "kinit.password"
        file.write_text(password + "\n")
        done = self.lab.execute("sh", "-c", 'kinit -c MEMORY:x "$0" < "$1"', f"{user.sam}@{self.forest['realm']}", file,
                                check=False)
        return done.returncode == 0 or "must be changed" in done.stdout + done.stderr or (
            "expired" in done.stdout + done.stderr)

    def attribute(self, user, name):
        admin = self.lab.administrator()
        admin.search(user.dn, "(objectClass=*)", ldap3.BASE, attributes=[name])
        return admin.response[0]["raw_attributes"][name]

    def set_in_forest(self, user, **values):
        self.lab.administrator().modify(
            user.dn, {name: [(ldap3.MODIFY_REPLACE, [value] if value else [])] for name, value in values.items()})

    def audit(self):
        return json.loads(self.connect.command("writeback", "audit", "--limit", "1000", "--json").stdout)

    def records(self):
        with contextlib.closing(sqlite3.connect(self.connect.directory / "connect.sqlite")) as database:
            return database.execute("SELECT nonce, state, status, reason FROM writeback_request ORDER BY at").fetchall()


class User:
    def __init__(self, dn, sam, name, anchor):
        self.dn, self.sam, self.name, self.anchor = dn, sam, name, anchor


# MARK: HPKE (RFC 9180), written here from the specification: the requests of a tenant that is not ours.

def _extract(salt, material):
    code = hmac.HMAC(salt or b"\0" * 32, hashes.SHA256())
    code.update(material)
    return code.finalize()


def _expand(key, info, length):
    out, block, counter = b"", b"", 1
    while len(out) < length:
        code = hmac.HMAC(key, hashes.SHA256())
        code.update(block + info + bytes([counter]))
        block = code.finalize()
        out += block
        counter += 1
    return out[:length]


def _labelled_extract(suite, salt, label, material):
    return _extract(salt, b"HPKE-v1" + suite + label + material)


def _labelled_expand(suite, key, label, info, length):
    return _expand(key, struct.pack(">H", length) + b"HPKE-v1" + suite + label + info, length)


def _schedule(shared, encapsulated, public, info):
    """The key and the nonce of the first message in base mode (5.1), for DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
    ChaCha20Poly1305 (7)."""
    kem, suite = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x03"
    secret = _labelled_expand(kem, _labelled_extract(kem, b"", b"eae_prk", shared), b"shared_secret",
                              encapsulated + public, 32)
    context = b"\0" + _labelled_extract(suite, b"", b"psk_id_hash", b"") + _labelled_extract(
        suite, b"", b"info_hash", info)
    secret = _labelled_extract(suite, secret, b"secret", b"")
    return (_labelled_expand(suite, secret, b"key", context, 32),
            _labelled_expand(suite, secret, b"base_nonce", context, 12))


def hpke_seal(public, info, associated, plain):
    ephemeral = x25519.X25519PrivateKey.generate()
    encapsulated = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(x25519.X25519PublicKey.from_public_bytes(public))
    key, nonce = _schedule(shared, encapsulated, public, info)
    return encapsulated, ChaCha20Poly1305(key).encrypt(nonce, plain, associated)


def hpke_open(private, info, associated, encapsulated, ciphertext):
    shared = private.exchange(x25519.X25519PublicKey.from_public_bytes(encapsulated))
    key, nonce = _schedule(shared, encapsulated, private.public_key().public_bytes_raw(), info)
    return ChaCha20Poly1305(key).decrypt(nonce, ciphertext, associated)


INFO = b"bridgehead password writeback 1"


def associated_data(tenant, nonce, operation, anchor, expires):
    return b"".join(struct.pack(">I", len(p)) + p for p in (
        tenant.encode(), nonce, operation.encode(), anchor.encode())) + struct.pack(">q", expires)


def forged(key, tenant, operation, anchor, *, old=b"", new=b"", nonce=None, expires=None, must_change=False):
    """A request as the tenant would make it, by whoever has its database."""
    nonce = nonce or secrets.token_bytes(16)
    expires = int((time.time() + 100) * 1000) if expires is None else expires
    header = associated_data(tenant, nonce, operation, anchor, expires)
    plain = bytes([bool(old) | bool(new) << 1 | must_change << 2])
    for password in (old, new):
        plain += struct.pack(">H", len(password)) + password
    plain += b"\0" * (2 * 770 + 1 - len(plain))
    encapsulated, ciphertext = hpke_seal(
        bytes.fromhex(key["key"]), INFO, header, plain)
    return {"id": nonce.hex(), "operation": operation, "anchor": anchor, "encapsulated": encapsulated,
            "ciphertext": ciphertext, "fingerprint": key["fingerprint"], "expires": expires}


def plant(tenant, row, now=None):
    """Puts a forged request into the tenant's database, where Connect fetches it."""
    now = now or int(time.time() * 1000)
    with contextlib.closing(sqlite3.connect(tenant.directory / "tenant.sqlite", timeout=30)) as database, database:
        database.execute("DELETE FROM writeback_request WHERE id = ?", (row["id"],))
        database.execute(
            """INSERT INTO writeback_request (id, resource, operation, anchor, encapsulated, ciphertext, fingerprint,
                 must_change, created, expires) VALUES (?, (SELECT MIN(seq) FROM resource), ?, ?, ?, ?, ?, 0, ?, ?)""",
            (row["id"], row["operation"], row["anchor"], row["encapsulated"], row["ciphertext"], row["fingerprint"], now,
             row.get("listed", row["expires"])))


def outcome(tenant, id):
    with contextlib.closing(sqlite3.connect(tenant.directory / "tenant.sqlite", timeout=30)) as database:
        found = database.execute("SELECT status, reason FROM writeback_request WHERE id = ?", (id,)).fetchone()
        return found if found and found[0] else None


def handled(site, row):
    plant(site.tenant, row)
    return wait_for(lambda: outcome(site.tenant, row["id"]), "the request is answered")
