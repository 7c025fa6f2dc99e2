# SPDX-License-Identifier: Apache-2.0
"""Revocation lists from the directory: certificates whose distribution point is `ldap:///`, as Active Directory
Certificate Services issues them. The list is a real object of the forest, put there by its administrator."""
import json
import pathlib
import urllib.parse

import ldap3
import pytest

from environment import Connect, Tenant
from network import CountingServer, redirected

SERVICES = "CN=Public Key Services,CN=Services,CN=Configuration"
CONDITION = "?certificateRevocationList?base?objectClass=cRLDistributionPoint"


class Publisher:
    """The certificate authority's object in the directory."""

    def __init__(self, lab):
        self.lab = lab
        self.admin = lab.administrator()
        self.root = "DC=" + lab.forest["name"].replace(".", ",DC=")
        self.container = f"CN=CDP,{SERVICES},{self.root}"
        self.dn = f"CN=Bridgehead Lab,{self.container}"
        self.url = f"ldap:///{urllib.parse.quote(self.dn, safe=',=')}{CONDITION}"

    def _has(self, dn):
        try:
            return self.admin.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["cn"])
        except ldap3.core.exceptions.LDAPNoSuchObjectResult:
            return False

    def publish(self):
        """What `certutil -dspublish` does."""
        revocations = pathlib.Path(self.lab.description["crlFile"]).read_bytes()
        if self._has(self.dn):
            self.admin.modify(self.dn, {"certificateRevocationList": [(ldap3.MODIFY_REPLACE, [revocations])]})
            return
        if not self._has(self.container):
            self.admin.add(self.container, "container")
        self.admin.add(self.dn, "cRLDistributionPoint", {"certificateRevocationList": revocations})

    def withdraw(self):
        self.admin.delete(self.dn)


@pytest.fixture(scope="module")
def publisher(small):
    publisher = Publisher(small)
    publisher.publish()
    return publisher


@pytest.fixture(scope="module")
def tenant(small, tmp_path_factory):
    tenant = Tenant(small, tmp_path_factory.mktemp("tenant"))
    yield tenant
    tenant.stop()


@pytest.fixture
def connect(small, tenant, tmp_path):
    """With an empty cache and a database of its own: every run must fetch the list."""
    connect = Connect(small, tenant, tmp_path / "connect")
    assert connect.values["trust"]["revocation"] == "require"
    return connect


def present(tenant, directory, *locations):
    """Lets the tenant show a new certificate with these distribution points."""
    base = directory / "tenant-certificate"
    options = [word for location in locations for word in ("--crl", location)]
    tenant.lab.product.run(
        "lab", "ca", "issue", "--dir", tenant.lab.directory, "--name", tenant.name, "--out", base, *options)
    tenant.stop()
    values = json.loads(tenant.configuration.read_text())
    values["tenant"].update(certificate=f"{base}.pem", key=f"{base}.key")
    tenant.configuration.write_text(json.dumps(values))
    tenant.start()
    return f"{base}.pem"


def refused(connect, *words):
    done = connect.sync(check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "remedy:" in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


@pytest.mark.parametrize("transport", ["ldap", "ldaps"])
def test_a_list_in_the_directory_is_enough(tenant, publisher, connect, tmp_path, transport):
    present(tenant, tmp_path, publisher.url)
    connect.set("connect.forests.0.transport", transport)
    report = connect.report("--full")
    assert report["errors"] == []
    assert len(tenant.list("Users")) == 50
    # The list came over 389, sealed, whatever the forest itself is read over. (Pings are UDP and not protected.)
    flows = connect.status()["flows"]
    assert any(flow["row"] == "connect-ad/ldap" and flow["transport"] == "tcp" for flow in flows), flows
    assert any(flow["row"] == "connect-ad/ldaps" for flow in flows) == (transport == "ldaps")
    assert list((connect.directory / "crl").glob("*.crl"))


def test_a_controller_by_its_name(small, tenant, publisher, connect, tmp_path):
    host = small.forest["controllers"][0]["host"]
    present(tenant, tmp_path, publisher.url.replace("ldap:///", f"ldap://{host.upper()}:389/"))
    assert connect.report()["errors"] == []


def test_the_option_binary(tenant, publisher, connect, tmp_path):
    location = publisher.url.replace("certificateRevocationList", "certificateRevocationList;binary")
    present(tenant, tmp_path, location)
    assert connect.report()["errors"] == []


@pytest.mark.parametrize("change, words", [
    # A certificate must not be able to send the service account's sign-in anywhere else,
    (lambda url: url.replace("ldap:///", "ldap://127.0.99.99/"), "127.0.99.99 is none of the domain controllers"),
    (lambda url: url.replace("ldap:///", "ldap://dc1.corp.example:3890/"), "none of the domain controllers"),
    # nor read anything but lists,
    (lambda url: url.replace("certificateRevocationList", "unicodePwd"), "one attribute that holds revocation lists"),
    (lambda url: url.replace("?base?", "?sub?"), "one attribute that holds revocation lists"),
    # nor be ambiguous.
    (lambda url: url.replace("DC=corp", "DC=elsewhere"), "in none of the configured forests"),
    (lambda url: url.replace("CN=CDP", "CN=%zz"), "percent-encoding"),
])
def test_locations_that_are_not_followed(tenant, publisher, connect, tmp_path, change, words):
    location = change(publisher.url)
    present(tenant, tmp_path, location)
    refused(connect, location, words)


def test_the_directory_stands_in_for_a_dead_web_server(tenant, publisher, connect, tmp_path):
    present(tenant, tmp_path, "http://127.0.99.99/lab.crl", publisher.url)
    assert connect.report()["errors"] == []


def test_a_revocation_in_the_directory(small, tenant, publisher, connect, tmp_path):
    chain = present(tenant, tmp_path, publisher.url)
    connect.sync()
    small.product.run("lab", "ca", "revoke", "--dir", small.directory, chain)
    # Still the old list there: what counts is what the directory holds.
    connect.set("trust.revocationCache", str(tmp_path / "old"))
    connect.sync()
    publisher.publish()
    connect.set("trust.revocationCache", str(tmp_path / "new"))
    refused(connect, "revoked")


def test_a_domain_controller_whose_own_list_is_in_the_directory(small, tenant, publisher, connect, tmp_path):
    """No circle: the list that LDAPS needs is read over sealed 389 (RFC 5280 8)."""
    present(tenant, tmp_path, publisher.url)
    controller = small.forest["controllers"][0]
    base = tmp_path / "controller"
    small.product.run("lab", "ca", "issue", "--dir", small.directory, "--name", controller["host"],
                      "--crl", publisher.url, "--out", base)
    connect.set("connect.forests.0.transport", "ldaps")
    with CountingServer("127.0.10.201", 6360, f"{base}.pem", f"{base}.key") as server:
        with redirected(controller["address"], 636, server):
            done = connect.sync(check=False)
    # The certificate passes: requests arrive inside TLS. That no domain controller stands behind it ends the run.
    assert server.received > 0, done.stderr
    assert done.returncode == 1 and "CRL" not in done.stderr


def test_an_object_that_is_gone(tenant, publisher, connect, tmp_path):
    present(tenant, tmp_path, publisher.url)
    publisher.withdraw()
    try:
        refused(connect, publisher.url, "no such object")
    finally:
        publisher.publish()
    connect.set("trust.revocationCache", str(tmp_path / "again"))
    connect.sync()
