# SPDX-License-Identifier: Apache-2.0
"""Every system call by which a pass over the passwords changes the world is a place where it can end. Whatever the place,
the next pass makes up for it: no password is lost, none is written twice, none is replaced by an older one.

BRIDGEHEAD_KILL_POINTS says how many places are tried, or `all`.
"""
import os

from crashes import choose, count_calls, kill_at, sweep
from passwords import PasswordSite, anchor, held, set_password, sync

WANTED = os.environ.get("BRIDGEHEAD_KILL_POINTS", "10")
SAMPLE = None if WANTED == "all" else int(WANTED)
COMMAND = ("passwords", "sync")
# Passwords that change before each pass.
CHANGED = 3


def test_a_pass(capsys, tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("kills")
    site = PasswordSite(tmp_path, "--users", 40, "--groups", 4)
    try:
        connect, admin = site.connect(), site.lab.administrator()
        sync(connect)
        people = site.people(admin)
        versions = {anchor(person): version[0] for person, version in
                    ((person, site.versions()[anchor(person)]) for person in people)}
        turn = 0

        def change():
            nonlocal turn
            for number in range(CHANGED):
                person = people[(turn * CHANGED + number) % len(people)]
                set_password(admin, person["dn"], f"Turn-{turn}-Number-{number}!")
                versions[anchor(person)] += 1
            turn += 1

        def attempt(call, number):
            change()
            code = kill_at(connect, tmp_path / "trace", call, number, command=COMMAND)
            report = sync(connect)
            assert report["errors"] == [] and report["due"] == report["refused"] == 0, report
            # Every password is at the tenant in the version that the domain has, and Connect knows it.
            assert {key: row[:2] for key, row in site.versions().items()} == {key: (v, 1) for key, v in versions.items()}
            known = held(connect)
            assert {anchor(p): known[p["dn"]] for p in people} == {key: ("sent", v) for key, v in versions.items()}
            written = site.written()
            assert len(written) == len(set(written)), "a password was written twice"
            return code

        change()
        counts = count_calls(connect, tmp_path / "trace", command=COMMAND)
        assert counts["pwrite64"][0] > 5 and counts["write"][0] > 5
        sweep(capsys, "pass over passwords", counts, choose(counts, SAMPLE), attempt)
    finally:
        site.close()
