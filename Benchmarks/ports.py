#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ports.py: how long `ports check` takes when everything is dropped, and when everything works far away; nmap on the same
ports in the same run.

Runs in namespaces of its own (Scripts/in-namespace) with BRIDGEHEAD_PRODUCT naming a release build. A table goes to
stderr, JSON to stdout. Seconds and MiB are those of the process, from outside; round trips are seconds divided by the
path's delay.
"""
import json
import pathlib
import statistics
import sys
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/Interop/support"))
import wan  # noqa: E402
from environment import PRODUCT  # noqa: E402
from fault_site import FARM, FEATURES, Site, key, measured  # noqa: E402

HOSTS = 100
# So many addresses nmap gets when everything is dropped: with all of them it takes many minutes.
FEW = 4
DEADLINE = 4  # Seconds: three SYNs of a connection, at 0, 1 and 3 s, and half a second.
DELAY = 0.05
ROUNDS = 5


def dropped_topology(directory):
    """100 domain controllers (13 flows each), federation servers (3), proxies (3) and cloud services (1)."""
    file = pathlib.Path(directory) / "dropped.yaml"
    file.write_text(yaml.safe_dump({
        "version": 1, "name": "dropped", "features": FEATURES,
        "connect": [{"name": "sync1", "addresses": [wan.SOURCE]}],
        "forests": [{"name": "corp.example", "domains": [{"name": "corp.example", "controllers": [
            {"name": f"dc{n}.corp.example", "addresses": [f"10.30.0.{n}"], "globalCatalog": True}
            for n in range(1, HOSTS + 1)]}]}],
        "cloud": [{"name": f"cloud{n}.example", "addresses": [f"10.30.3.{n}"], "protocols": ["https"]}
                  for n in range(1, HOSTS + 1)],
        "federation": {"name": FARM, "servers": [
            {"name": f"fs{n}.corp.example", "addresses": [f"10.30.1.{n}"]} for n in range(1, HOSTS + 1)]},
        "proxies": [{"name": f"wap{n}.corp.example", "addresses": [f"10.30.2.{n}"]} for n in range(1, HOSTS + 1)],
        "users": [{"name": "office", "addresses": [f"{wan.SOURCE}/32"]}]}))
    return file


def ports_of(findings):
    """The TCP and UDP ports that the check tried, and the addresses."""
    ports = {transport: sorted({f["target"]["port"] for f in findings if f["transport"] == transport})
             for transport in ("tcp", "udp")}
    addresses = sorted({f["target"]["address"] for f in findings})
    words = "T:" + ",".join(map(str, ports["tcp"])) + (",U:" + ",".join(map(str, ports["udp"])) if ports["udp"] else "")
    return words, addresses


def nmap(site, findings, few=None):
    """The same ports with nmap: half-open scan and its UDP probes, no names, no ping, in its fastest polite manner."""
    ports, addresses = ports_of(findings)
    addresses = addresses[:few]
    return measured(*site.path.prefix, "nmap", "-Pn", "-n", "-sS", "-sU", "-T4", "--max-retries", "2", "-p", ports,
                    *addresses, patience=60)


def everything_dropped(site, directory):
    site.path.reset()
    with site.path.spoiled({}):
        run = site.check(topology=dropped_topology(directory), deadline=DEADLINE)
        findings = run.findings
        report = site.path.report()
        other = nmap(site, findings, FEW)
    works = [f for f in findings if f["verdict"] in ("works", "works-with-remark")]
    assert not works, works[0]
    return {"flows": len(findings), "hosts": len({f["target"]["host"] for f in findings}), "deadline": DEADLINE,
            "seconds": run.seconds, "overDeadline": run.seconds - DEADLINE, "peak": run.peak,
            "packetsPerSecondToOneHost": report["busiest"], "nmapHosts": FEW, "nmapSeconds": other.seconds,
            "faster": other.seconds / run.seconds}


def everything_works(site):
    runs = []
    with site.path.spoiled(delay=DELAY):
        for _ in range(ROUNDS):
            runs.append(site.check())
        findings = runs[-1].findings
        other = nmap(site, findings)
    near = statistics.median(site.check().seconds for _ in range(ROUNDS))
    works = [f for f in findings if f["verdict"] in ("works", "works-with-remark")]
    assert len(works) == len(findings), [key(f) for f in findings if f not in works]
    trips = {}
    for finding in findings:
        ends = [phase["start"] + (phase["seconds"] or 0) for phase in finding["evidence"]]
        trips[" ".join(key(finding)[:2])] = max(
            trips.get(" ".join(key(finding)[:2]), 0), (max(ends) if ends else 0) / DELAY)
    seconds = statistics.median(run.seconds for run in runs)
    return {"flows": len(findings), "delay": DELAY, "seconds": seconds, "secondsWithoutDelay": near,
            "roundTrips": (seconds - near) / DELAY, "roundTripsOfFlows": trips,
            "peak": max(run.peak for run in runs), "nmapSeconds": other.seconds, "faster": other.seconds / seconds}


def main():
    if wan.unavailable():
        sys.exit(f"ports: {wan.unavailable()}")
    with tempfile.TemporaryDirectory() as directory, Site(directory) as site:
        dropped, works = everything_dropped(site, directory), everything_works(site)
    say = sys.stderr.write
    say("%-44s %8s %8s %8s %8s %8s\n" % ("", "flows", "s", "nmap s", "faster", "peak MiB"))
    for name, row in (("every packet dropped", dropped), (f"everything works, {DELAY * 1000:.0f} ms away", works)):
        say("%-44s %8d %8.2f %8.2f %8.1f %8.0f\n" % (
            name, row["flows"], row["seconds"], row["nmapSeconds"], row["faster"], row["peak"]))
    say(f"nmap had {FEW} of the addresses that drop everything, the check all of them\n")
    say(f"dropped: {dropped['overDeadline']:+.2f} s over the deadline of {DEADLINE} s (aim: below +0.5), "
        f"at most {dropped['packetsPerSecondToOneHost']} packets a second to one host\n")
    say(f"works: {works['roundTrips']:.1f} round trips for all flows together (aim: below 8); by flow:\n")
    for name, count in sorted(works["roundTripsOfFlows"].items(), key=lambda item: -item[1]):
        say(f"  {name:52} {count:5.1f}\n")
    print(json.dumps({"product": str(PRODUCT), "dropped": dropped, "works": works}))


main()
