#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""compare.py BENCHMARK ROUNDS LAB.JSON: runs our readings and ldapsearch by turns on one domain controller.

Each reading is a process of its own. Wall time, processor time and peak memory are taken from outside, the same way for
all; what ImportBenchmark says of itself (entries, processor time without start and sign-in) stands beside it.
Runs inside `bridgehead lab exec`: names, Kerberos and certificates are the lab's.
"""
import json
import os
import statistics
import subprocess
import sys
import time


def measured(command, output):
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=output)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    if status != 0:
        sys.exit("compare: %s failed with status %d" % (" ".join(command[:3]), status))
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss / 1024}


class Ours:
    def __init__(self, name, benchmark, lab, *arguments):
        self.name, self.command, self.runs = name, [benchmark, lab, *arguments], []

    def run(self):
        with open("/tmp/import-benchmark.out", "w+") as output:
            figures = measured(self.command, output)
            output.seek(0)
            inner = json.loads(output.read())
        figures.update(entries=inner["entries"], links=inner["links"], cpuPerEntry=inner["cpuPerEntry"],
                       read=inner["wall"])
        self.runs.append(figures)


class LDAPSearch:
    def __init__(self, name, benchmark, lab, description):
        forest = description["forests"][0]
        request = subprocess.run(
            [benchmark, lab, "arguments"], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        account = forest["serviceAccount"]
        subprocess.run(["kinit", "-k", "-t", account["keytabFile"], account["principal"]], check=True)
        self.name, self.runs = name, []
        self.command = ["ldapsearch", "-LLL", "-Q", "-N", "-Y", "GSS-SPNEGO", "-o", "ldif-wrap=no", "-E",
                        "pr=1000/noprompt", "-H", "ldap://" + forest["controllers"][0]["host"], "-b",
                        forest["baseDN"], *request]

    def run(self):
        with open(os.devnull, "w") as output:
            self.runs.append(measured(self.command, output))

    def count(self):
        counter = subprocess.Popen(self.command, stdout=subprocess.PIPE)
        entries = sum(1 for line in counter.stdout if line.startswith(b"dn:"))
        if counter.wait() != 0:
            sys.exit("compare: ldapsearch failed")
        return entries


def median(reading, name):
    return statistics.median(run[name] for run in reading.runs)


def main():
    benchmark, rounds, lab = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    with open(lab) as file:
        description = json.load(file)
    theirs = LDAPSearch("ldapsearch, paged, sealed", benchmark, lab, description)
    # Also warms the server's caches, for all alike.
    entries = theirs.count()
    ours = [
        Ours("DirSync, sealed", benchmark, lab, "dirsync"),
        Ours("DirSync, LDAPS", benchmark, lab, "dirsync", "--ldaps"),
        Ours("paged, 1 connection, sealed", benchmark, lab, "paged", "--connections", "1"),
        Ours("paged, 2 connections, sealed", benchmark, lab, "paged", "--connections", "2"),
        Ours("product's import (DirSync, staging), sealed", benchmark, lab, "import"),
    ]
    for _ in range(rounds):
        theirs.run()
        for reading in ours:
            reading.run()
    decode = Ours("decode alone", benchmark, lab, "decode")
    decode.run()

    base = {"wall": median(theirs, "wall"), "cpu": median(theirs, "cpu")}
    result = {"users": description["options"]["users"], "groups": description["options"]["groups"], "rounds": rounds,
              "ldapsearch": dict(base, entries=entries, cpuPerEntry=base["cpu"] / entries * 1e6,
                                 peak=median(theirs, "peak")),
              "decodePerEntry": decode.runs[0]["cpuPerEntry"], "ours": {}}
    row = "%-45s %8s %8s %8s %8s %8s %8s %10s %8s\n"
    table = row % ("reading", "entries", "wall s", "read s", "faster", "CPU s", "CPU rel", "CPU µs/e", "peak MiB")
    table += row % (theirs.name, entries, "%.2f" % base["wall"], "", "1.00", "%.2f" % base["cpu"], "1.00",
                    "%.1f" % result["ldapsearch"]["cpuPerEntry"], "%.0f" % result["ldapsearch"]["peak"])
    for reading in ours:
        figures = {name: median(reading, name) for name in
                   ("wall", "read", "cpu", "cpuPerEntry", "peak", "entries", "links")}
        figures["faster"] = base["wall"] / figures["wall"]
        figures["cpuRatio"] = figures["cpu"] / base["cpu"]
        result["ours"][reading.name] = figures
        table += row % (reading.name, "%d" % figures["entries"], "%.2f" % figures["wall"],
                        "%.2f" % figures["read"], "%.2f" % figures["faster"],
                        "%.2f" % figures["cpu"], "%.2f" % figures["cpuRatio"], "%.1f" % figures["cpuPerEntry"],
                        "%.0f" % figures["peak"])
    table += row % (decode.name, "", "", "", "", "", "", "%.1f" % result["decodePerEntry"], "")
    sys.stderr.write(table)
    print(json.dumps(result))


main()
