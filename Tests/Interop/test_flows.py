# SPDX-License-Identifier: Apache-2.0
"""The rows of the reference that a synchronisation needs, each proved by taking it away: a firewall that lets everything
through but one row stops the run with an error that names what did not answer, and the row is not shown as used."""
import time

import pytest

from comparison import compare
from network import blocked

# row, transport: what the firewall drops, and what the error must name
ROWS = {
    "connect-ad/dns": ("th dport 53", ["127.0.10.1", "DNS"]),
    "connect-ad/kerberos": ("th dport 88", ["127.0.10.1", "88"]),
    "connect-ad/ldap tcp": ("tcp dport 389", ["dc1.corp.example", "389"]),
    "connect-ad/ldap udp": ("udp dport 389", ["dc1.corp.example", "389"]),
    "connect-cloud/http": ("tcp dport 80", ["http://crl.corp.example/lab.crl"]),
    "connect-cloud/https": ("tcp dport 443", ["tenant.corp.example", "443"]),
}


def used(connect):
    """The rows that the status lists, and each with its transport."""
    flows = connect.status()["flows"]
    return {flow["row"] for flow in flows} | {f"{flow['row']} {flow['transport']}" for flow in flows}


@pytest.mark.parametrize("row", ROWS)
def test_a_blocked_row_stops_the_run(small, small_tenant, small_connect, row):
    match, words = ROWS[row]
    # Both protocols where the row has both.
    matches = [f"udp {match[3:]}", f"tcp {match[3:]}"] if match.startswith("th ") else [match]
    started = time.monotonic()
    with blocked(*matches):
        done = small_connect.sync(check=False)
    assert done.returncode == 1, done.stdout
    for word in [*words, "error:", "remedy:"]:
        assert word in done.stderr, (word, done.stderr)
    assert time.monotonic() - started < 90
    assert row not in used(small_connect)
    assert small_tenant.list("Users") == []
    # And with the firewall gone it is used.
    small_connect.sync()
    assert row in used(small_connect)
    compare(small, small_tenant)


def test_ldaps_instead_of_ldap(small, small_tenant, small_connect):
    """With transport ldaps, 636 carries the import, and nothing needs 389 by TCP."""
    small_connect.set("connect.forests.0.transport", "ldaps")
    with blocked("tcp dport 389"):
        small_connect.sync()
    compare(small, small_tenant)
    assert "connect-ad/ldaps" in used(small_connect) and "connect-ad/ldap tcp" not in used(small_connect)
    [flow] = [flow for flow in small_connect.status()["flows"] if flow["row"] == "connect-ad/ldaps"]
    assert flow["port"] == 636 and "TLS 1." in flow["protection"]


def test_a_blocked_ldaps(small_tenant, small_connect):
    small_connect.set("connect.forests.0.transport", "ldaps")
    with blocked("tcp dport 636"):
        done = small_connect.sync(check=False)
    assert done.returncode == 1 and "dc1.corp.example" in done.stderr and "636" in done.stderr, done.stderr
    assert "remedy:" in done.stderr and "connect-ad/ldaps" not in used(small_connect)
