# SPDX-License-Identifier: Apache-2.0
"""The fault matrix: real faults between a source host and a site in which every row works. The finding must name the right
cause, and no other flow may be blamed.

Faults, their hosts and ports, what goes together and the path's delay come from a seed, which is printed.
BRIDGEHEAD_FAULT_SEED chooses another one; BRIDGEHEAD_FAULT_ROUNDS asks for more: so many times every fault alone, and as
many rounds of faults in pairs (Scripts/verify).
"""
import collections
import contextlib
import itertools
import json
import os
import random
import re
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
from faults_of_sign_in import SignInCatalogue

SEED = int(os.environ.get("BRIDGEHEAD_FAULT_SEED", "1"))
ROUNDS = int(os.environ.get("BRIDGEHEAD_FAULT_ROUNDS", "0"))
# Faults at a time in the sample: all of them in as few checks as waiting for silence allows.
TOGETHER = 6
# Round trips of the path, in seconds.
DELAYS = [0, 0.005, 0.02, 0.06]
WORKS = {"works", "works-with-remark"}

pytestmark = pytest.mark.skipif(wan.unavailable() is not None, reason=str(wan.unavailable()))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture(scope="module")
def baseline(site):
    return site.findings()


class Matrix:
    """What was injected and what was said."""

    def __init__(self):
        self.lines, self.counts = [], collections.Counter()

    def add(self, outcome, fault, flow, said):
        self.counts[outcome] += 1
        self.lines.append(f"{outcome:12} {fault:52.52} {' '.join(flow):58.58} {said}")

    def show(self):
        for line in sorted(self.lines):
            print(line)
        faults = len({line[13:65] for line in self.lines})
        print(f"faults {faults}, flows judged {sum(self.counts.values())}: right {self.counts['right']}, "
              f"wrong {self.counts['wrong']}, inconclusive {self.counts['inconclusive']}")


def said(finding):
    return finding["verdict"], finding["diagnosis"]


def judge(matrix, faults, findings, before):
    """Each flow that a fault is the cause of, and each that it is not."""
    found = {key(finding): finding for finding in findings}
    usual = {key(finding): finding for finding in before}
    assert found.keys() == usual.keys(), "the check left flows out"
    touched = {}
    for fault in faults:
        for flow in fault.blamed:
            verdict, diagnosis = said(found[flow])
            if diagnosis in fault.diagnoses:
                outcome = "right"
            elif verdict == "inconclusive":
                outcome = "inconclusive"
            else:
                outcome = "wrong"
            matrix.add(outcome, fault.name, flow, f"{verdict}, {diagnosis}")
        touched.update(fault.along)
        touched.update({flow: None for flow in fault.blamed})
    for flow, finding in found.items():
        if said(finding) == said(usual[flow]):
            continue
        allowed = touched.get(flow, set())
        if allowed is None or finding["diagnosis"] in allowed or finding["verdict"] in allowed:
            continue
        matrix.add("wrong", "none of " + "; ".join(fault.name for fault in faults), flow, ", ".join(said(finding)))


def inject(site, faults, chance, before, matrix, check=Site.findings):
    with contextlib.ExitStack() as stack:
        for fault in faults:
            stack.enter_context(fault.make())
        rules = list(itertools.chain.from_iterable(fault.rules for fault in faults))
        stack.enter_context(site.path.spoiled(*rules, delay=chance.choice(DELAYS)))
        topology = site.topology(*(fault.change for fault in faults))
        arguments = list(itertools.chain.from_iterable(fault.arguments for fault in faults))
        judge(matrix, faults, check(site, *arguments, topology=topology), before)


def apart(faults, size):
    """Groups of so many faults that do not touch each other's flows."""
    waiting = list(faults)
    while waiting:
        group = []
        for fault in list(waiting):
            if len(group) < size and not any(fault.touched & other.touched for other in group):
                group.append(fault)
                waiting.remove(fault)
        yield group


def faults_of(site, chance, baseline, catalogue=Catalogue):
    """The catalogue, in an order of the seed."""
    faults = catalogue(site, chance, baseline).faults
    chance.shuffle(faults)
    return faults


def test_every_row_works_before_any_fault(baseline):
    assert len({finding["row"] for finding in baseline}) == 18
    for finding in baseline:
        assert finding["verdict"] in WORKS, finding


def test_each_fault_is_named_and_nothing_else_is_blamed(site, baseline):
    print(f"seed {SEED}")
    chance, matrix = random.Random(SEED), Matrix()
    faults = faults_of(site, chance, baseline)
    for group in apart(faults, TOGETHER):
        inject(site, group, chance, baseline, matrix)
    matrix.show()
    assert matrix.counts["wrong"] == 0
    assert matrix.counts["inconclusive"] < matrix.counts["right"] / 10
    assert len(faults) >= 65
    assert all(len(fault.diagnoses) == 1 for fault in faults), "one cause, one diagnosis"


# What other tests bring about: a password that is wrong, a quiet connection, a check without time, a wildcard.
ELSEWHERE = {"authentication-refused", "killed-while-idle", "unknown", "not-probed"}


def test_every_diagnosis_has_a_fault(site, baseline):
    page = site.product.run("ports", "list", "--reference").stdout.split("## Diagnoses")[1].split("## Verdicts")[0]
    known = set(re.findall(r"^\| `([a-z0-9-]+)` \|", page, re.M))
    faults = [fault for catalogue in (Catalogue, SignInCatalogue)
              for fault in faults_of(site, random.Random(SEED), baseline, catalogue)]
    named = set().union(*(fault.diagnoses for fault in faults), *(
        reason for fault in faults for reason in fault.along.values()))
    assert known - named == ELSEWHERE


def signed_in(site, *arguments, **options):
    """What Connect finds with credentials."""
    return site.check(*site.sign_in, *arguments, **options).findings


def test_each_fault_of_the_sign_in_is_named(site):
    chance, matrix = random.Random(SEED), Matrix()
    before = signed_in(site)
    faults = faults_of(site, chance, before, SignInCatalogue)
    for group in apart(faults, TOGETHER):
        inject(site, group, chance, before, matrix, signed_in)
    matrix.show()
    assert matrix.counts["wrong"] == matrix.counts["inconclusive"] == 0
    assert matrix.counts["right"] == sum(len(fault.blamed) for fault in faults)


def test_every_address_of_a_name_is_tried(site, baseline):
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
    usual = {(f["row"], f["transport"]) for f in baseline if f["target"]["host"] == host}
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


@pytest.mark.skipif(not ROUNDS, reason="BRIDGEHEAD_FAULT_ROUNDS is not set: Scripts/verify has it")
@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("size", [1, 2], ids=["alone", "pairs"])
def test_faults_alone_and_in_pairs(site, baseline, size, number):
    seed = SEED + number
    print(f"seed {seed}")
    chance, matrix = random.Random(f"{seed}/{size}"), Matrix()
    faults = faults_of(site, chance, baseline)
    for group in apart(faults, size):
        inject(site, group, chance, baseline, matrix)
    matrix.show()
    assert matrix.counts["wrong"] == 0
