# SPDX-License-Identifier: Apache-2.0
"""Certificates that must stop an export before the first byte of a request: revoked, expired, another name, an unknown
issuer, a revocation list that cannot be had. A TLS server counts what it was sent; openssl judges the same certificates."""
import subprocess

import pytest

from environment import Connect, Tenant
from network import CountingServer, redirected


@pytest.fixture(scope="module")
def prepared(small, tmp_path_factory):
    """A tenant that was synchronised once and is stopped: its address is free for other servers."""
    tenant = Tenant(small, tmp_path_factory.mktemp("tenant"))
    connect = Connect(small, tenant, tmp_path_factory.mktemp("connect"))
    connect.sync()
    tenant.stop()
    return tenant, connect


def issue(lab, directory, name, *options):
    base = directory / name.replace("*", "any")
    lab.product.run("lab", "ca", "issue", "--dir", lab.directory, "--name", name, "--out", base, *options)
    return f"{base}.pem", f"{base}.key"


def openssl_verdict(lab, chain, name, crl=True):
    """openssl verify with the same root, name and revocation list: True where it accepts."""
    command = ["openssl", "verify", "-CAfile", lab.authority, "-verify_hostname", name, "-purpose", "sslserver"]
    if crl:
        pem = lab.directory / "crl.pem"
        subprocess.run(["openssl", "crl", "-inform", "DER", "-in", lab.description["crlFile"], "-out", pem], check=True)
        command += ["-crl_check", "-CRLfile", str(pem)]
    return subprocess.run([*command, chain], capture_output=True).returncode == 0


CASES = {
    # what is wrong: another name, options of the issue, whether it is revoked, words that the error must say
    "revoked": (None, [], True, "revoked"),
    "expired": (None, ["--expired"], False, "expired"),
    "other name": ("other.corp.example", [], False, "other.corp.example"),
    "unknown issuer": (None, ["--unknown-issuer"], False, "not among the trusted roots"),
}


def make(lab, directory, server, case):
    """The case's certificate for a server; openssl refuses it, too."""
    name, options, revoke, words = CASES[case]
    chain, key = issue(lab, directory, name or server, "--crl", lab.forest["crlURL"], *options)
    if revoke:
        assert openssl_verdict(lab, chain, server)
        lab.product.run("lab", "ca", "revoke", "--dir", lab.directory, chain)
    assert not openssl_verdict(lab, chain, server)
    return chain, key, words


@pytest.mark.parametrize("case", CASES)
def test_an_untrusted_tenant_gets_no_byte(small, prepared, tmp_path, case):
    tenant, connect = prepared
    chain, key, words = make(small, tmp_path, tenant.name, case)
    # A list from before the revocation must not hide it.
    connect.set("trust.revocationCache", str(tmp_path / "crl"))
    with CountingServer(tenant.address, 443, chain, key) as server:
        done = connect.sync("--full", check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert words in done.stderr and "remedy:" in done.stderr
    assert server.accepted > 0 and server.received == 0


@pytest.mark.parametrize("case", CASES)
def test_an_untrusted_domain_controller_gets_no_byte(small, prepared, tmp_path, case):
    """LDAPS: neither a bind nor anything else goes to a server that is not the domain controller."""
    tenant, _ = prepared
    connect = Connect(small, tenant, tmp_path / "connect")
    connect.set("connect.forests.0.transport", "ldaps")
    controller = small.forest["controllers"][0]
    chain, key, words = make(small, tmp_path, controller["host"], case)
    with CountingServer("127.0.10.200", 6360, chain, key) as server:
        with redirected(controller["address"], 636, server):
            done = connect.sync(check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert words in done.stderr and controller["host"] in done.stderr and "remedy:" in done.stderr
    assert server.accepted > 0 and server.received == 0
    assert not any(flow["row"] == "connect-ad/ldaps" for flow in connect.status()["flows"])


def test_a_list_that_cannot_be_fetched(small, prepared, tmp_path):
    """Refused with `require`, accepted with a warning with `prefer`; the server sees requests only then."""
    tenant, connect = prepared
    chain, key = issue(small, tmp_path, tenant.name, "--crl", "http://127.0.99.99/lab.crl")
    for mode, passes in (("require", False), ("prefer", True)):
        connect.set("trust.revocation", mode)
        connect.set("trust.revocationCache", str(tmp_path / mode))
        with CountingServer(tenant.address, 443, chain, key) as server:
            done = connect.sync("--full", check=False)
        assert (server.received > 0) == passes, done.stderr
        if not passes:
            assert done.returncode == 1
            assert "http://127.0.99.99/lab.crl" in done.stderr and "remedy:" in done.stderr
    connect.set("trust.revocation", "require")


def test_nothing_was_lost_by_the_refusals(small, prepared):
    """With the right certificate again, the run goes on and the tenant is as it should be."""
    tenant, connect = prepared
    tenant.start()
    report = connect.report()
    assert report["errors"] == []
    assert len(tenant.list("Users")) == 50
    tenant.stop()
