# SPDX-License-Identifier: Apache-2.0
"""What the tests of password hash synchronisation share: a forest, a tenant and Connect between them, allowed to read hashes."""
import base64
import contextlib
import hashlib
import json
import pathlib
import re
import socket
import sqlite3
import ssl
import subprocess
import threading

import ldap3

from environment import Connect, Lab, Tenant
from network import Server

DERIVED = re.compile(r"v1;PPH1_MD4,([0-9a-f]{20}),1000,([0-9a-f]{64});")


def nt_hash(password):
    """MD4 of UTF-16LE, by OpenSSL: Python's own hashlib may lack it."""
    done = subprocess.run(
        ["openssl", "dgst", "-md4", "-provider", "legacy", "-provider", "default", "-binary"],
        input=password.encode("utf-16-le"), capture_output=True, check=True)
    return done.stdout


def derives(value, digest):
    """Whether a value that was sent comes from this NT hash, by Python's own PBKDF2."""
    salt, expected = DERIVED.fullmatch(value).groups()
    secret = digest.hex().upper().encode("utf-16-le")
    return hashlib.pbkdf2_hmac("sha256", secret, bytes.fromhex(salt), 1000).hex() == expected


class PasswordSite:
    """The whole, synchronised once, before its first password."""

    def __init__(self, directory, *options, tenant_port=443):
        self.directory = pathlib.Path(directory)
        self.lab = Lab(self.directory / "lab", *options)
        self.tenant = Tenant(self.lab, self.directory / "tenant", port=tenant_port)
        self.token_file = self.directory / "passwords.token"
        self.tenant.product.run(
            "tenant", "token", "create", "--config", self.tenant.configuration, "--name", "passwords",
            "--scope", "credentials", "--output", self.token_file)
        self.forest, self.product = self.lab.forest, self.lab.product

    def connect(self, name="connect", full=True):
        """A new Connect; the names stay known when a controller dies."""
        connect = Connect(self.lab, self.tenant, self.directory / name)
        connect.token = self.token_file.read_text().strip()
        connect.set("dns.servers", [c["address"] for c in self.forest["controllers"]], write=False)
        self.use_account(connect, self.forest["passwordAccount"])
        connect.set("connect.target.passwordToken", {"file": str(self.token_file)})
        if full:
            connect.report("--full")
        return connect

    @staticmethod
    def use_account(connect, account):
        connect.set("connect.forests.0.passwordCredentials",
                    {"principal": account["principal"], "keytab": account["keytabFile"]}
                    if "keytabFile" in account else
                    {"principal": account["principal"], "password": {"file": account["passwordFile"]}})

    def close(self):
        self.tenant.stop()
        self.lab.down()

    def people(self, admin, *attributes):
        """The synchronised users, from a domain controller."""
        admin.search(self.forest["synchronisedUnits"][0], "(&(objectCategory=person)(objectClass=user))",
                     attributes=["objectGUID", "objectSid", "userPrincipalName", *attributes])
        return sorted((entry for entry in admin.response if entry["type"] == "searchResEntry"),
                      key=lambda entry: entry["dn"])

    def versions(self):
        """By externalId, the version of each password that the tenant keeps, and whether it is there."""
        with contextlib.closing(sqlite3.connect(f"file:{self.tenant.directory / 'tenant.sqlite'}?mode=ro", uri=True)) as db:
            return {row[0]: row[1:] for row in db.execute(
                "SELECT r.external_id, c.version, c.sealed IS NOT NULL, c.expires, c.must_change "
                "FROM credential c JOIN resource r ON r.seq = c.resource WHERE r.deleted IS NULL")}

    def written(self):
        """What the tenant's audit log says of passwords: (user, version), each time one was stored."""
        with contextlib.closing(sqlite3.connect(f"file:{self.tenant.directory / 'tenant.sqlite'}?mode=ro", uri=True)) as db:
            entries = [(target, json.loads(after)) for target, after in db.execute(
                "SELECT target, after FROM audit WHERE action = 'patch' AND after LIKE '%credential%' ORDER BY seq")]
        return [(target, after["version"]) for target, after in entries if after["credential"] == "password"]


def sync(connect, *arguments, check=True):
    """One pass over the passwords: its report."""
    done = connect.product.run(
        "connect", "passwords", "sync", "--config", connect.configuration, "--json", *arguments, check=check)
    return json.loads(done.stdout)


def attempt(connect, **options):
    """One pass, however it ends."""
    return connect.product.run(
        "connect", "passwords", "sync", "--config", connect.configuration, check=False, **options)


def status(connect):
    return connect.product.json("connect", "passwords", "status", "--config", connect.configuration, "--json")


def held(connect):
    """Connect's own account of each password: state and version by distinguished name."""
    path = connect.values["connect"]["database"]
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return {dn: (state, version) for dn, state, version in database.execute(
            "SELECT entry.dn, state, version FROM credential JOIN entry ON entry.id = credential.entry")}


def change(connect, statement, *arguments):
    """Changes Connect's own database: time that nobody wants to wait for."""
    with contextlib.closing(sqlite3.connect(connect.values["connect"]["database"])) as database, database:
        return database.execute(statement, arguments).rowcount


def set_password(admin, dn, password):
    admin.modify(dn, {"unicodePwd": [(ldap3.MODIFY_REPLACE, [f'"{password}"'.encode("utf-16-le")])]})


def anchor(entry):
    return base64.b64encode(entry["raw_attributes"]["objectGUID"][0]).decode()


def relative_identifier(entry):
    return int.from_bytes(entry["raw_attributes"]["objectSid"][0][-4:], "little")


class Recorder(Server):
    """Stands before the tenant with its certificate, passes everything on over TLS, and remembers what was sent to
    `/tenant/credentials`."""

    def __init__(self, address, port, target, chain, key, authority, name):
        self.target, self.name, self.sent = target, name, []
        self.inward = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.inward.load_cert_chain(chain, key)
        self.outward = ssl.create_default_context(cafile=authority)
        super().__init__(address, port)

    def serve(self, raw):
        raw.settimeout(60)
        with self.inward.wrap_socket(raw, server_side=True) as inside, \
                socket.create_connection(self.target, timeout=60) as plain, \
                self.outward.wrap_socket(plain, server_hostname=self.name) as onward:
            back = threading.Thread(target=self._pump, args=(onward, inside), daemon=True)
            back.start()
            reader = inside.makefile("rb")
            while line := reader.readline(65536):
                head, length = [line], 0
                while (line := reader.readline(65536)) not in (b"\r\n", b""):
                    head.append(line)
                    name, _, value = line.partition(b":")
                    assert name.lower() != b"transfer-encoding", "bodies come with their length"
                    if name.lower() == b"content-length":
                        length = int(value)
                body = reader.read(length)
                if head[0].split(b" ")[1] == b"/tenant/credentials":
                    self.sent += json.loads(body)["credentials"]
                onward.sendall(b"".join(head) + b"\r\n" + body)
            with contextlib.suppress(OSError):
                onward.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)
