#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""passwords.py BENCHMARK USERS [ROUNDS]: password hash synchronisation against its peers and limits, in one run.

Runs in namespaces of its own (Scripts/in-namespace); BENCHMARK is ImportBenchmark, BRIDGEHEAD_PRODUCT names the product of
the same build. A table goes to stderr, JSON to stdout.

- reading: every hash of the domain, decrypted, by our path and by impacket in secretsdump's way, on one domain controller
- derivation: as many values by our path, and by OpenSSL's PBKDF2 through Python's hashlib, one process a core
- the whole pass: read, derived, sent, stored at the tenant
- signing in: people at the tenant's page, against the derivations that the same cores could make
"""
import concurrent.futures
import hashlib
import json
import multiprocessing
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import time
import urllib.parse

import requests

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/Interop/support"))
from environment import resolving  # noqa: E402
from passwords import PasswordSite, sync  # noqa: E402
from replication_peers import impacket_hashes  # noqa: E402
from sign_in import Person  # noqa: E402

CORES = len(os.sched_getaffinity(0))
SIGN_INS, CLIENTS = 200, 4
# The aims.
FASTER, SHARE = 50, 0.9
WEB = "https://wiki.corp.example/callback"


def ours(site, benchmark, mode, *arguments):
    """One measurement of ours: a process of its own, inside the lab's names; wall time without start and sign-in."""
    done = site.lab.execute(benchmark, site.lab.directory / "lab.json", mode, *map(str, arguments), timeout=1800)
    return json.loads(done.stdout)


def derivations(count):
    secret, salt = b"8846F7EAEE8FB117AD06BDD830B7586C".decode().encode("utf-16-le"), bytes(10)
    for _ in range(count):
        hashlib.pbkdf2_hmac("sha256", secret, salt, 1000)


def limit(count):
    """Seconds for so many derivations on all cores."""
    with multiprocessing.Pool(CORES) as pool:
        pool.map(derivations, [1] * CORES)
        started = time.monotonic()
        pool.map(derivations, [count // CORES + (number < count % CORES) for number in range(CORES)], chunksize=1)
        return time.monotonic() - started


def cpu_of(process):
    """Seconds of processor time that a running process has used."""
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class From(requests.adapters.HTTPAdapter):
    """Connections from one address."""

    def __init__(self, address):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *arguments, **options):
        super().init_poolmanager(*arguments, source_address=(self.address, 0), **options)


def people_signing_in(tenant, application, name, password, client, count):
    """One client's people, one after the other: each has an address and a connection of their own, as the tenant limits what
    comes from one address. Page, form, code."""
    query = urllib.parse.urlencode({
        "client_id": application, "redirect_uri": WEB, "response_type": "code", "scope": "openid", "state": "s"})
    url = f"{tenant.issuer}/oauth2/v2.0/authorize?{query}"
    times = []
    with resolving({tenant.name: tenant.address}):
        for number in range(count):
            person = Person(tenant)
            person.http.mount("https://", From(f"127.20.{client}.{number % 250 + 1}"))
            page = person.open(url)
            started = time.monotonic()
            answer = person.sign_in(page, name, password)
            assert answer.status_code == 303 and "code=" in answer.headers["Location"], answer.status_code
            times.append(time.monotonic() - started)
            person.http.close()
    return times


class Address:
    """What a client has to know of the tenant; it travels to other processes."""

    def __init__(self, tenant):
        self.name, self.address, self.lab = tenant.name, tenant.address, Authority(tenant.lab.authority)
        self.issuer = f"https://{tenant.name}/{tenant.initial_domain}"


class Authority:
    def __init__(self, authority):
        self.authority = authority


def signing_in(site, rate):
    """People at the tenant's page; `rate` is what the cores derive in a second."""
    tenant = site.tenant
    made = tenant.product.json("tenant", "apps", "create", "--name", "Wiki", "--redirect-uri", WEB, "--config",
                               tenant.configuration, "--json")
    password = pathlib.Path(site.forest["userPasswordFile"]).read_text().strip()
    names = [user["userName"] for user in tenant.list("Users", "&attributes=userName,active") if user.get("active")][:CLIENTS]
    before, started = cpu_of(tenant.process), time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(CLIENTS) as pool:
        jobs = [pool.submit(people_signing_in, Address(tenant), made["clientId"], name, password, number, SIGN_INS // CLIENTS)
                for number, name in enumerate(names)]
        times = [t for job in jobs for t in job.result()]
    wall, cpu = time.monotonic() - started, cpu_of(tenant.process) - before
    # What the tenant alone could do, were the clients on other machines; one derivation is in each sign-in.
    alone = len(times) / cpu * CORES
    return {"count": len(times), "perSecond": len(times) / wall, "median": statistics.median(times),
            "tenantCPU": cpu / len(times), "perSecondAlone": alone, "derivationsPerSecond": rate, "share": alone / rate}


def main():
    benchmark, users = sys.argv[1], int(sys.argv[2])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="bench"))
    site = PasswordSite(scratch, "--users", users, "--groups", max(1, users // 10))
    try:
        readings = [ours(site, benchmark, "hashes") for _ in range(rounds)]
        started = time.monotonic()
        theirs = len(impacket_hashes(site.forest, site.forest["passwordAccount"]))
        impacket = time.monotonic() - started
        read = statistics.median(r["wall"] for r in readings)
        assert readings[0]["entries"] >= users and theirs >= users
        # By the hash, as the two list slightly different accounts.
        faster = (impacket / theirs) / (read / readings[0]["entries"])

        derived, limits = [], []
        for _ in range(rounds):
            derived.append(ours(site, benchmark, "derive", "--count", users)["wall"])
            limits.append(limit(users))
        derive, best = statistics.median(derived), statistics.median(limits)

        connect = site.connect()
        started = time.monotonic()
        report = sync(connect)
        whole = time.monotonic() - started
        assert report["sent"] >= users * 0.8 and report["errors"] == []
        signed = signing_in(site, users / best)
        result = {
            "users": users, "cores": CORES,
            "reading": {"ours": read, "hashes": readings[0]["entries"], "peak": max(r["peak"] for r in readings),
                        "impacket": impacket, "impacketHashes": theirs, "faster": faster},
            "derivation": {"ours": derive, "limit": best, "share": best / derive},
            "pass": {"wall": whole, "sent": report["sent"]}, "signIn": signed}
    finally:
        site.close()
        shutil.rmtree(scratch, ignore_errors=True)
    sys.stderr.write(
        f"{users} users, {CORES} cores\n"
        f"  reading, ours       {read:9.3f} s  ({readings[0]['entries']} hashes, peak {result['reading']['peak']:.0f} MiB)\n"
        f"  reading, impacket   {impacket:9.3f} s  ({theirs} hashes): ours {faster:.0f} times as fast (aim {FASTER})\n"
        f"  derivation, ours    {derive:9.3f} s  ({users / derive:.0f}/s)\n"
        f"  derivation, limit   {best:9.3f} s  ({users / best:.0f}/s): {best / derive:.2f} of it (aim {SHARE})\n"
        f"  whole pass          {whole:9.3f} s  ({report['sent']} sent)\n"
        f"  signing in          {signed['perSecond']:9.0f} /s with {CLIENTS} clients on the same cores, "
        f"median {signed['median'] * 1000:.1f} ms\n"
        f"                      {signed['perSecondAlone']:9.0f} /s by the tenant's processor time alone: "
        f"{signed['share']:.2f} of the derivations that the cores could make\n")
    print(json.dumps(result))


main()
