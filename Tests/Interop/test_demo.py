# SPDX-License-Identifier: Apache-2.0
"""The demo: it uses every row that a synchronisation needs, and cannot do without one of them."""
from network import blocked

ROWS = {"connect-ad/dns", "connect-ad/kerberos", "connect-ad/ldap", "connect-ad/ldaps", "connect-cloud/http", "connect-cloud/https"}
SMALL = ("demo", "--json", "--users", 50, "--groups", 5)


def test_the_demo_uses_every_row(bridgehead):
    report = bridgehead.json(*SMALL)
    assert ROWS <= set(report["flows"])
    assert [step["name"] for step in report["steps"]] == [
        "a forest", "a tenant", "first run", "a change", "a renamed unit", "a deletion", "the same over TLS"]
    assert report["counts"]["user"] == 50 and report["counts"]["group"] == 5


def test_the_demo_fails_without_a_row(bridgehead):
    with blocked("tcp dport 443", verdict="reject with tcp reset"):
        done = bridgehead.run(*SMALL, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert "tenant.corp.example" in done.stderr and "remedy:" in done.stderr
