# SPDX-License-Identifier: Apache-2.0
"""The demo: it uses every row that a synchronisation with passwords needs, and cannot do without one of them."""
import concurrent.futures
import subprocess

import pytest

from environment import PRODUCT, ROOT

ROWS = {
    "connect-ad/dns", "connect-ad/kerberos", "connect-ad/rpc-endpoint-mapper", "connect-ad/ldap", "connect-ad/smb",
    "connect-ad/ldaps", "connect-ad/rpc-dynamic", "connect-ad/global-catalog", "connect-cloud/http", "connect-cloud/https"}
# How soon a changed password signs in is for a person to see; on a busy machine it may take longer.
SMALL = ("demo", "--json", "--users", 50, "--groups", 5, "--within", "60s")


def test_the_demo_uses_every_row(bridgehead):
    report = bridgehead.json(*SMALL)
    assert set(report["flows"]) == ROWS
    steps = {step["name"]: " ".join(step["detail"]) for step in report["steps"]}
    assert list(steps) == [
        "a forest", "a tenant", "first run", "what the accounts may do", "the password of the forest", "a changed password",
        "a password changed in the tenant", "a ticket instead of a password", "a change", "a renamed unit", "a deletion", "the same over TLS"]
    assert "signs in to the tenant" in steps["the password of the forest"] and "not with another" in steps[
        "the password of the forest"]
    assert "the old one is refused" in steps["a changed password"]
    writeback = steps["a password changed in the tenant"]
    assert "/corp.tenant.example/password" in writeback
    assert "gives a ticket for the new password and refuses the old one" in writeback
    ticket = steps["a ticket instead of a password"]
    assert "HTTP/autologon.tenant.corp.example" in ticket and "amr wia" in ticket
    # One person all the way: the password of the forest, two new ones, and then a ticket.
    [person] = {word for name in list(steps)[4:8] for word in steps[name].split() if word.endswith("@corp.example")}
    assert all(person in steps[name] for name in list(steps)[4:8])
    assert report["counts"]["user"] == 50 and report["counts"]["group"] == 5
    uses = {(use["row"], use["transport"]): use for use in report["flowUses"]}
    assert {t for r, t in uses if r == "connect-ad/ldap"} == {"tcp", "udp"}
    for row, port, protection in (
            ("connect-ad/ldap", 389, "sign and seal"), ("connect-ad/global-catalog", 3268, "sign and seal"),
            ("connect-ad/rpc-endpoint-mapper", 135, "none"), ("connect-ad/rpc-dynamic", None, "sign and seal"),
            ("connect-ad/smb", 445, "SMB 3.1.1"), ("connect-ad/ldaps", 636, "TLS 1.3"), ("connect-cloud/https", 443, "TLS 1.3")):
        assert protection in uses[row, "tcp"]["protection"], uses[row, "tcp"]
        assert uses[row, "tcp"]["port"] == port or (port is None and uses[row, "tcp"]["port"] >= 49152)


CLOSED = [(443, "tenant.corp.example"), (135, "dc1.corp.example")]


@pytest.fixture(scope="module", autouse=True)
def without():
    """The demo without a row, each in a network of its own, beside the one that has all: what takes long is trying again."""
    def run(port):
        rule = (f"table inet closed {{ chain input {{ type filter hook input priority 0; "
                f"tcp dport {port} reject with tcp reset; }}; }}")
        return subprocess.run(
            [ROOT / "Scripts/in-namespace", "sh", "-c", 'nft "$0" && exec "$@"', rule, PRODUCT, *map(str, SMALL)],
            capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)
    with concurrent.futures.ThreadPoolExecutor(len(CLOSED)) as pool:
        yield {port: pool.submit(run, port) for port, _ in CLOSED}


@pytest.mark.parametrize("port,name", CLOSED)
def test_the_demo_fails_without_a_row(without, port, name):
    done = without[port].result()
    assert done.returncode == 1 and done.stdout == "", done.stderr
    assert name in done.stderr and "remedy:" in done.stderr
