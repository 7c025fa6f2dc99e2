# SPDX-License-Identifier: Apache-2.0
"""What a check tries beside one address of each host: every address of a name, samples of wildcards and networks; and what a
check cannot see, connections that are killed while nobody uses them."""
import json
import signal
import subprocess

import dns.message
import dns.rrset
import pytest

import peers
import wan
from environment import wait_for
from fault_site import PRODUCT, RESOLVER_ADDRESS, SPARE, Site, key, measured
from faults import Catalogue

WORKS = {"works", "works-with-remark"}

pytestmark = pytest.mark.skipif(wan.unavailable() is not None, reason=str(wan.unavailable()))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield site


def test_every_address_of_a_name_is_tried(site):
    """A controller's name has two addresses in the DNS, and nobody is at one of them."""
    host, real = sorted(site.controllers.items())[0]
    dead = "10.20.3.9"

    def two(data):
        message = dns.message.from_wire(data)
        question = message.question[0]
        if question.name.to_text().lower() == host + "." and question.rdtype == 1:
            message.answer = [dns.rrset.from_text(question.name, 60, "IN", "A", dead, real)]
        return message.to_wire()
    with peers.changed_datagrams(SPARE, 19053, (RESOLVER_ADDRESS, 53), two), \
            wan.led("udp", RESOLVER_ADDRESS, 53, SPARE, 19053), site.path.spoiled({"server": dead}):
        run = site.check("--to", host, topology=site.topology(Catalogue.nameless(host)))
    usual = {(f["row"], f["transport"]) for f in site.check("--to", host).findings}
    for address, works in ((real, True), (dead, False)):
        found = {(f["row"], f["transport"]): f for f in run.findings if f["target"]["address"] == address}
        assert found.keys() == usual
        for finding in found.values():
            assert (finding["verdict"] in WORKS) == works, finding
            # Of a port that nobody names, silence decides nothing.
            assert works or finding["diagnosis"] == "no-answer" or finding["row"] == "connect-ad/rpc-dynamic", finding
            assert works or f"Of the 2 addresses of the name, {dead} fails; {real} works." in finding["summary"]


def test_of_wildcards_and_networks_a_sample_is_tried(site):
    name, address = site.tenant.name, site.tenant.address
    wildcard, network = "*." + name.split(".", 1)[1], address.rsplit(".", 1)[0] + ".0/24"

    def found(**service):
        def change(topology):
            topology["cloud"] = [{"name": "services", "protocols": ["https"], **service}]
        run = site.check("--row", "connect-cloud/https", topology=site.topology(change))
        [finding] = run.findings
        return finding, run.status
    for service, whole in (({"dnsNames": [wildcard], "samples": [name]}, wildcard),
                           ({"name": name, "addresses": [network]}, network)):
        finding, status = found(**service)
        assert (finding["target"]["host"], finding["target"]["address"], status) == (name, address, 0), finding
        assert finding["verdict"] in WORKS and f"it is a sample of {whole}" in finding["summary"], finding
    for service in ({"dnsNames": [wildcard]}, {"name": name, "addresses": ["198.51.100.0/24"]}):
        finding, status = found(**service)
        assert (finding["verdict"], finding["diagnosis"], status) == ("inconclusive", "not-probed", 3), finding
        assert finding["remedy"] is not None


def test_of_a_network_without_names_addresses_are_drawn(site):
    """Where the topology says no more than 'the farm is somewhere in here', a check tries what chance draws, and says so."""
    network = "10.20.4.0/29"
    six = [f"10.20.4.{number}" for number in range(1, 7)]
    role, other, behind = six[2], six[4], six[5]

    def change(topology):
        topology["federation"]["servers"] = [{"name": "farm-hosts", "addresses": [network]}]

    def check(*arguments):
        return site.check(
            "--row", "connect-federation/http", "--to", "farm-hosts", *arguments, topology=site.topology(change))

    def verdicts(run):
        return {f["target"].get("address"): (f["verdict"], f["diagnosis"]) for f in run.findings}
    unasked = check()
    assert verdicts(unasked) == {None: ("inconclusive", "not-probed")} and unasked.status == 3
    # One host of the role, one of another, a firewall that says what it does, and nobody elsewhere.
    rules = [{"server": behind, "icmp": [3, 13]},
             *({"server": address} for address in six if address not in (role, other, behind))]
    with wan.addresses(role, other), peers.Web(role, 80, peers.federation()), site.path.spoiled(*rules):
        run = check("--sample", 16)
    found = {f["target"]["address"]: f for f in run.findings}
    assert verdicts(run) == {
        **dict.fromkeys(six, ("inconclusive", "no-answer")), role: ("works", "none"),
        other: ("inconclusive", "rejected-by-reset"), behind: ("blocked", "rejected-by-icmp")}
    assert f"a sample of {network}, the rest was not tried" in found[role]["summary"]
    assert "whether it should answer is not known" in found[six[0]]["summary"] and run.status == 1
    assert any("drawn by chance: 6 of 6 addresses" in str(o) for o in found[role]["observations"])
    with wan.addresses(*six):
        draws = [frozenset(verdicts(check("--sample", 2, "--sample-seed", seed))) for seed in (1, 1, 2, 3, 4)]
    assert all(len(draw) == 2 and draw <= set(six) for draw in draws)
    assert draws[0] == draws[1] and len(set(draws)) > 1, "the seed decides"
    for arguments in (["--sample", 0], ["--sample", 17], ["--sample-seed", 4]):
        assert check(*arguments).status == 64, arguments


def test_a_connection_that_is_killed_while_idle_is_found(site, tmp_path):
    """A firewall forgets what was quiet for three seconds: checks see nothing of it, the watch does."""
    host, address = sorted(site.controllers.items())[0]
    log = (tmp_path / "log").open("w+")
    process = subprocess.Popen(
        [str(part) for part in [
            *site.path.prefix, PRODUCT, "ports", "watch", "-f", site.topology(), "--database", tmp_path / "watch.sqlite",
            "--listen", "127.0.0.1:9463", "--every", "2s", "--deadline", "5", "--root", site.lab.authority, "--idle-from",
            "1s", "--idle-to", "8s"]], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        def flow(kind):
            answer = measured(*site.path.prefix, "curl", "--silent", "http://127.0.0.1:9463/api/v1/flows").output
            flows = json.loads(answer)["flows"] if answer else []
            found = [f["state"]["finding"] for f in flows if f["kind"] == kind]
            return next((f for f in found if key(f) == ("connect-ad/ldap", "tcp", host)), None)
        with site.path.spoiled({"protocol": "tcp", "server": address, "ports": [389, 389], "idle": 3}):
            wait_for(lambda: (flow("idle") or {}).get("verdict") == "works", "short pauses are survived")
            wait_for(lambda: flow("idle")["diagnosis"] == "killed-while-idle", "the long one is not")
            assert {"idleKilled": {"seconds": 4}} in flow("idle")["observations"]
            assert flow("check")["verdict"] in WORKS, "a check sees nothing of it"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, (log.seek(0), log.read())[1]
        log.close()
