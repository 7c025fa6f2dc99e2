# SPDX-License-Identifier: Apache-2.0
"""Certificates that must stop an export before the first byte of a request: revoked, expired, another name, an unknown
issuer, a revocation list that cannot be had. A TLS server counts what it was sent; openssl judges the same certificates."""
import json
import socket
import ssl
import subprocess
import threading

import pytest

from environment import Connect, Lab, Tenant


class CountingServer:
    """Ends TLS with a given certificate and counts the bytes of requests that arrive inside it."""

    def __init__(self, address, chain, key):
        self.received = 0
        self.handshakes = 0
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        self.context = context
        self.listener = socket.create_server((address, 443))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            raw.settimeout(20)
            try:
                with self.context.wrap_socket(raw, server_side=True) as connection:
                    self.handshakes += 1
                    self.received += len(connection.recv(65536))
            except OSError:
                pass

    def close(self):
        self.listener.close()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("lab"), "--users", 50, "--groups", 5)
    yield lab
    lab.down()


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
    # what is wrong: name, options, revoke, the error's name, words that it must say, what openssl says
    "revoked": (None, [], True, "revoked", False),
    "expired": (None, ["--expired"], False, "expired", False),
    "other name": ("other.corp.example", [], False, "other.corp.example", False),
    "unknown issuer": (None, ["--unknown-issuer"], False, "not among the trusted roots", False),
}


@pytest.mark.parametrize("case", CASES)
def test_an_untrusted_tenant_gets_no_byte(small, prepared, tmp_path, case):
    tenant, connect = prepared
    name, options, revoke, words, accepted = CASES[case]
    chain, key = issue(small, tmp_path, name or tenant.name, "--crl", small.forest["crlURL"], *options)
    if revoke:
        assert openssl_verdict(small, chain, tenant.name)
        small.product.run("lab", "ca", "revoke", "--dir", small.directory, chain)
    assert openssl_verdict(small, chain, tenant.name) == accepted
    # A list from before the revocation must not hide it.
    connect.set("trust.revocationCache", str(tmp_path / "crl"))
    server = CountingServer(tenant.address, chain, key)
    try:
        done = connect.sync("--full", check=False)
    finally:
        server.close()
    assert done.returncode == 1, done.stdout + done.stderr
    assert words in done.stderr and "remedy:" in done.stderr
    assert server.received == 0


def test_a_list_that_cannot_be_fetched(small, prepared, tmp_path):
    """Refused with `require`, accepted with a warning with `prefer`; the server sees requests only then."""
    tenant, connect = prepared
    chain, key = issue(small, tmp_path, tenant.name, "--crl", "http://127.0.99.99/lab.crl")
    for mode, passes in (("require", False), ("prefer", True)):
        connect.set("trust.revocation", mode)
        connect.set("trust.revocationCache", str(tmp_path / mode))
        server = CountingServer(tenant.address, chain, key)
        try:
            done = connect.sync("--full", check=False)
        finally:
            server.close()
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
