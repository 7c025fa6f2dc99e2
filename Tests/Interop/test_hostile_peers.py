# SPDX-License-Identifier: Apache-2.0
"""Every prober against servers that are hostile or broken: never a crash, never a wait past the deadline, never `works`."""
import contextlib
import itertools
import os
import random

import pytest

import peers
import wan
from fault_site import FARM, FARM_ADDRESS, PROXY_ADDRESS, RESOLVER_ADDRESS, SPARE, Site, key

SEED = int(os.environ.get("BRIDGEHEAD_FAULT_SEED", "1"))
# How many times every answer of every real server is changed at random places; Scripts/verify asks for more.
MUTATIONS = int(os.environ.get("BRIDGEHEAD_FAULT_MUTATIONS", "2"))
# The sweep of Scripts/verify: every kind of hostility everywhere. Otherwise each service meets some kinds, by turns.
SWEEP = "BRIDGEHEAD_FAULT_MUTATIONS" in os.environ
DEADLINE = 3
# What a process may take to start and to end on a loaded machine, beyond the deadline of the check.
MARGIN = 4
# MiB: an answer without an end must not be collected.
MEMORY = 150
CONTROLLER_TCP = [88, 135, 389, 445, 636, 3268, 5985, 9389]
CONTROLLER_UDP = [88, 389]

pytestmark = pytest.mark.skipif(wan.unavailable() is not None, reason=str(wan.unavailable()))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield site


def services(site):
    """Every TCP service of the site but the dynamic range: (address, port)."""
    return [*((address, port) for address in site.controllers.values() for port in CONTROLLER_TCP),
            *((address, port) for address in (FARM_ADDRESS, PROXY_ADDRESS) for port in (80, 443, 5985)),
            (RESOLVER_ADDRESS, 53), (PROXY_ADDRESS, 49443), (site.tenant.address, 443), (site.lab.forest["crlAddress"], 80)]


@contextlib.contextmanager
def instead(tcp, udp, make_tcp, make_udp):
    """In the place of each service one of these; `make_…` is given an address, a port, and what it stands for."""
    numbers = itertools.count(20000)
    with contextlib.ExitStack() as stack:
        for protocol, services, make in (("tcp", tcp, make_tcp), ("udp", udp, make_udp)):
            for address, port in services:
                spare = next(numbers)
                stack.enter_context(make(SPARE, spare, (address, port)))
                stack.enter_context(wan.led(protocol, address, port, SPARE, spare))
        yield


def hostile_datagrams(kind):
    def make(address, port, real):
        noise = random.Random(f"{SEED}/{real}").randbytes(40)
        answers = {"garbage": lambda data: noise, "greeting": lambda data: noise, "echo": lambda data: data,
                   "endless": lambda data: data[:2] + bytes([data[2] | 0x80]) + b"A" * 60000}
        return peers.Datagrams(address, port, answers.get(kind, lambda data: None))
    return make


def udp_services(site):
    return [(RESOLVER_ADDRESS, 53),
            *((address, port) for address in site.controllers.values() for port in CONTROLLER_UDP)]


def checked(site, expected, works_allowed=False):
    """The findings of a check that must end in time, whole, and without a false word."""
    runs = site.checks(deadline=DEADLINE)
    findings = [finding for run in runs for finding in run.findings]
    assert {key(finding) for finding in findings} == expected
    assert max(run.seconds for run in runs) < DEADLINE + MARGIN
    assert max(run.peak for run in runs) < MEMORY
    if not works_allowed:
        for finding in findings:
            assert finding["verdict"] not in ("works", "works-with-remark"), finding
            assert "remedy" in finding or finding["verdict"] == "inconclusive", finding
    return findings


@pytest.fixture(scope="module")
def flows(site):
    findings = site.findings()
    assert len(findings) > 30
    return {key(finding) for finding in findings}


@pytest.mark.parametrize("turn", range(len(peers.HOSTILE) if SWEEP else 3))
def test_no_server_is_one(site, flows, turn):
    """At each service another kind; in as many turns as there are kinds, each service has met all."""
    def kind(real):
        order = random.Random(f"{SEED}/{real}").sample(peers.HOSTILE, len(peers.HOSTILE))
        return order[turn]

    def tcp(address, port, real):
        return peers.hostile(address, port, kind(real), SEED, instead_of=real[1])

    def udp(address, port, real):
        return hostile_datagrams(kind(real))(address, port, real)
    with instead(services(site), udp_services(site), tcp, udp):
        checked(site, flows)


@pytest.mark.parametrize("kind", ["garbage", "endless", "close when asked"] if SWEEP else ["endless"])
def test_hostile_inside_tls(site, flows, kind):
    """The certificates are right; what speaks behind them is not."""
    tls = {(address, port): name for name, address in site.controllers.items() for port in (636,)}
    tls |= {(FARM_ADDRESS, 443): FARM, (PROXY_ADDRESS, 443): FARM,
            (site.tenant.address, 443): site.tenant.name}

    @contextlib.contextmanager
    def make(address, port, real):
        chain, private, _ = site.issue(tls[real])
        with peers.hostile(address, port + 10000, kind, SEED, instead_of=389 if real[1] == 636 else 80), \
                peers.Forwarding(address, port, peers.tls(chain, private), (address, port + 10000)):
            yield
    with instead(tls, [], make, None):
        findings = checked(site, flows, works_allowed=True)
    rows = {"connect-ad/ldaps", "connect-cloud/https", "connect-federation/https", "users-proxy/https"}
    judged = [finding for finding in findings if finding["row"] in rows]
    assert len(judged) >= 5
    for finding in judged:
        assert finding["verdict"] not in ("works", "works-with-remark"), finding


@pytest.mark.parametrize("kind", ["garbage", "endless", "nothing", "reset when asked", "echo"] if SWEEP else ["echo"])
def test_hostile_behind_the_endpoint_mapper(site, flows, kind):
    def make(address, port, real):
        return peers.hostile(address, port, kind, SEED, instead_of=135)
    dynamic = [(address, port) for address in site.controllers.values() for port in range(49152, 49160)]
    with instead(dynamic, [], make, None):
        for finding in checked(site, flows, works_allowed=True):
            if finding["row"] == "connect-ad/rpc-dynamic":
                assert finding["verdict"] not in ("works", "works-with-remark"), finding


def test_half_an_answer(site, flows):
    """The first half of each real answer, then silence."""
    def tcp(address, port, real):
        return peers.Changed(address, port, real, peers.half)

    def udp(address, port, real):
        return peers.changed_datagrams(address, port, real, peers.half)
    with instead(services(site), udp_services(site), tcp, udp):
        checked(site, flows)


@pytest.mark.parametrize("number", range(MUTATIONS))
def test_changed_answers(site, flows, number):
    """Some bytes of each real answer changed: whatever is said of them, it is said in time and in form."""
    print(f"seed {SEED}")

    def tcp(address, port, real):
        return peers.Changed(address, port, real, peers.mutated(f"{SEED}/{number}/{real}"))

    def udp(address, port, real):
        return peers.changed_datagrams(address, port, real, peers.mutated(f"{SEED}/{number}/{real}/udp"))
    with instead(services(site), udp_services(site), tcp, udp):
        checked(site, flows, works_allowed=True)
