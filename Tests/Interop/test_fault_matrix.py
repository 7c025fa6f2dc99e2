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
import os
import random
import re

import pytest

import wan
from fault_site import Site, key
from faults import Catalogue
from faults_of_sign_in import SignInCatalogue

SEED = int(os.environ.get("BRIDGEHEAD_FAULT_SEED", "1"))
ROUNDS = int(os.environ.get("BRIDGEHEAD_FAULT_ROUNDS", "0"))
# Faults at a time in the sample.
TOGETHER = 12
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
    # Those together for which silence is waited: one wait for many of them.
    faults = sorted(faults_of(site, chance, baseline), key=lambda fault: not fault.takes_long)
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
