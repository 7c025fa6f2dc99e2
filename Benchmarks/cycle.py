#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cycle.py USERS:GROUPS ...: whole passes of Connect from Samba forests into a served tenant, as a person would run them.

Runs in namespaces of its own (Scripts/in-namespace) with BRIDGEHEAD_PRODUCT naming a release build. A table goes to
stderr, JSON to stdout, and between sizes how the work grows: the exponent of objects, 1 where a pass costs the same for each.
Times are wall times from outside unless a phase is named; peaks are those of the process.
"""
import contextlib
import json
import math
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

import ldap3

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/Interop/support"))
from comparison import anchor, users_of  # noqa: E402
from environment import Connect, Lab, PRODUCT, Tenant, wait_for  # noqa: E402

DELTAS, CHANGES, FOLLOWED = 5, 100, 200


def measured(connect, *arguments):
    """One pass as a process: its report, wall seconds and peak MiB."""
    with tempfile.TemporaryFile("w+") as output:
        started = time.monotonic()
        process = os.posix_spawn(
            str(PRODUCT), [str(PRODUCT), "connect", "sync", "--config", str(connect.configuration), "--json", *arguments],
            os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, output.fileno(), 1)])
        ended, peak = 0, 0.0
        while not ended:
            # What wait4 tells as a peak counts this process in, which the child was before it became Connect.
            peak = max(peak, resident(process))
            time.sleep(0.004)
            ended, status = os.waitpid(process, os.WNOHANG)
        wall = time.monotonic() - started
        if os.waitstatus_to_exitcode(status) not in (0, 4):
            sys.exit("cycle: connect sync failed")
        output.seek(0)
        return json.load(output), wall, peak


def resident(process):
    """The most that a process has had in memory so far, in MiB; 0 while it is none of the product."""
    with contextlib.suppress(OSError):
        if os.readlink(f"/proc/{process}/exe") == os.path.realpath(PRODUCT):
            for line in pathlib.Path(f"/proc/{process}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / 1024
    return 0.0


# The least that anybody does before a domain controller answers: a ticket, a sealed session, one entry.
PEER = """
for _ in $(seq 10); do
  begun=$(date +%s%N)
  kinit -k -t "$1" "$2"
  ldapsearch -LLL -Q -N -Y GSS-SPNEGO -H "ldap://$3" -b "" -s base highestCommittedUSN >/dev/null
  echo $((($(date +%s%N) - begun) / 1000))
done
"""


def signing_in(lab):
    """Seconds that kinit and one ldapsearch take, the median of ten."""
    account, controller = lab.forest["serviceAccount"], lab.forest["controllers"][0]["host"]
    done = lab.execute("bash", "-ec", PEER, "peer", account["keytabFile"], account["principal"], controller)
    return statistics.median(int(line) for line in done.stdout.split()) / 1e6


def phase(report, *names):
    return sum(p["elapsed"] for p in report["phases"] if p["phase"] in names)


def change(connection, people, count, text):
    for person in people[:count]:
        connection.modify(person["dn"], {"title": [(ldap3.MODIFY_REPLACE, [text])]})


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def followed(lab, tenant, connect, administrator, people):
    """Seconds from a change's commit on the domain controller to its being read in the tenant."""
    ids = {user["externalId"]: user["id"] for user in tenant.list("Users", "&attributes=externalId")}
    process = connect.product.start(
        "connect", "run", "--follow", "--config", connect.configuration, stdout=None, stderr=None)
    try:
        delays = []
        for number in range(FOLLOWED + 1):
            person = people[number % len(people)]
            title = f"followed {number}"
            administrator.modify(person["dn"], {"title": [(ldap3.MODIFY_REPLACE, [title])]})
            committed = time.monotonic()
            path = f"/Users/{ids[anchor(person)]}?attributes=title"
            wait_for(lambda: tenant.request("GET", path)[1].get("title") == title, title)
            # The first change waits for the service to start.
            if number:
                delays.append(time.monotonic() - committed)
        return delays
    finally:
        process.terminate()
        process.wait(30)


def tell(what, value):
    sys.stderr.write(f"  {what:26}{value}\n")


def passes(users, groups):
    """What is measured is told as soon as it is known."""
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="bench"))
    lab = Lab(scratch / "lab", "--users", users, "--groups", groups)
    sys.stderr.write(f"{users} users, {groups} groups\n")
    result = {"users": users, "groups": groups}
    try:
        tenant = Tenant(lab, scratch / "tenant")
        connect = Connect(lab, tenant, scratch / "connect")
        report, wall, peak = measured(connect, "--full")
        objects = sum(counts["created"] for counts in report["exported"].values())
        links = sum(counts["linksAdded"] for counts in report["exported"].values())
        work = phase(report, "synchronise", "export", "confirm")
        full = result["full"] = {
            "objects": objects, "links": links, "wall": wall, "importSeconds": phase(report, "import"),
            "synchroniseSeconds": phase(report, "synchronise"), "exportSeconds": phase(report, "export"),
            "workSeconds": work, "objectsPerSecond": objects / work, "peak": peak}
        tell("full pass", f"{wall:8.2f} s  ({objects} objects, {links} links)")
        tell("  import", f"{full['importSeconds']:8.2f} s")
        tell("  synchronise", f"{full['synchroniseSeconds']:8.2f} s")
        tell("  export", f"{full['exportSeconds']:8.2f} s")
        tell("  synchronise and export", f"{full['objectsPerSecond']:8.0f} objects/s")
        tell("  peak", f"{peak:8.0f} MiB")
        empty = [measured(connect) for _ in range(2 * DELTAS)]
        assert all(not report["exported"] for report, _, _ in empty)
        result["emptyDelta"] = {"wall": statistics.median(wall for _, wall, _ in empty),
                                "peak": max(peak for _, _, peak in empty)}
        tell("empty delta", f"{result['emptyDelta']['wall']:8.3f} s")
        result["signingIn"] = {"wall": signing_in(lab)}
        tell("kinit and ldapsearch", f"{result['signingIn']['wall']:8.3f} s")
        administrator = lab.administrator()
        people = users_of(lab, administrator)
        deltas = []
        for number in range(DELTAS):
            change(administrator, people, CHANGES, f"changed {number}")
            report, wall, _ = measured(connect)
            assert report["exported"]["user"]["updated"] == CHANGES, report
            deltas.append(wall)
        result["deltaOf100"] = {"wall": statistics.median(deltas)}
        tell(f"delta of {CHANGES} changes", f"{result['deltaOf100']['wall']:8.3f} s")
        delays = followed(lab, tenant, connect, administrator, people)
        result["follow"] = {"median": statistics.median(delays), "p95": percentile(delays, 0.95), "max": max(delays)}
        tell("commit to tenant (follow)", f"{result['follow']['p95']:8.3f} s (p95 of {len(delays)}), "
             f"median {result['follow']['median']:.3f}, longest {result['follow']['max']:.3f}")
        tenant.stop()
    finally:
        lab.down()
        shutil.rmtree(scratch, ignore_errors=True)
    return result


def growth(smaller, larger):
    """Of synchronise and export: their time grows as the number of objects to this power."""
    small, large = smaller["full"], larger["full"]
    return math.log(large["workSeconds"] / small["workSeconds"]) / math.log(large["objects"] / small["objects"])


def main():
    results = []
    for size in sys.argv[1:]:
        results.append(passes(*map(int, size.split(":"))))
        if len(results) > 1:
            results[-1]["growth"] = growth(*results[-2:])
            tell("growth", f"{results[-1]['growth']:8.2f}")
    print(json.dumps(results))


main()
