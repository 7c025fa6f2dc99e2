#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""writeback.py [COUNT]: how long a person waits for password writeback, from the click to the page that says it is done.

Runs in namespaces of its own (Scripts/in-namespace); BRIDGEHEAD_PRODUCT names the product. A table goes to stderr, JSON to
stdout. On one Samba domain controller, with everything on the same cores:

- changes, one person after the other: SamrUnicodeChangePasswordUser4 over SMB
- resets by a link, one person after the other
- changes of several people at a time
"""
import concurrent.futures
import json
import pathlib
import shutil
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/Interop/support"))
from environment import resolving  # noqa: E402
from sign_in import Person  # noqa: E402
from writeback_site import WritebackSite  # noqa: E402

# Seconds for 95 of 100 people.
AIM = 2
AT_A_TIME = 8


def change(site, user, old, new):
    person = Person(site.tenant)
    page = person.open(site.tenant.issuer + "/password")
    started = time.monotonic()
    answer = person.send(page, username=user.name, password=old, new_password=new, repeated_password=new)
    took = time.monotonic() - started
    assert answer.status_code == 200 and "was changed" in answer.text, answer.text
    return took


def reset(site, user, new):
    link = site.tenant.command("users", "reset-password", user.name, "--link").stdout.strip()
    person = Person(site.tenant)
    page = person.open(link)
    started = time.monotonic()
    answer = person.send(page, new_password=new, repeated_password=new)
    took = time.monotonic() - started
    assert answer.status_code == 200 and "was changed" in answer.text, answer.text
    return took


def usable(site):
    """Names of accounts that neither expire nor have to change their password: some of the population do."""
    admin = site.lab.administrator()
    admin.search(f"OU=People,{site.forest['baseDN']}",
                 "(&(objectClass=user)(|(accountExpires=0)(accountExpires=9223372036854775807))(!(pwdLastSet=0)))",
                 attributes=["sAMAccountName"])
    return {entry["raw_attributes"]["sAMAccountName"][0].decode() for entry in admin.response
            if entry["type"] == "searchResEntry"}


def figures(times):
    times = sorted(times)
    return {"count": len(times), "p50": times[len(times) // 2], "p95": times[min(len(times) - 1, len(times) * 95 // 100)],
            "longest": times[-1]}


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="bench"))
    site = WritebackSite(scratch, users=4 * count)
    try:
        site.connect.set("connect.writeback.perHour", 100_000)
        site.start()
        with resolving(site.tenant.names):
            names = usable(site)
            people = [user for user in site.people if user.sam in names]
            assert len(people) > 3 * count, len(people)
            # The first one finds no connection and no ticket.
            change(site, people[-1], site.password, "First-Of-All-1")
            result = {"changes": figures([change(site, user, site.password, "Coming-Password-2") for user in people[:count]]),
                      "resets": figures([reset(site, user, "Coming-Password-3") for user in people[count:2 * count]])}
            with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
                started = time.monotonic()
                times = list(pool.map(lambda user: change(site, user, site.password, "Coming-Password-4"),
                                      people[2 * count:3 * count]))
                result["together"] = {**figures(times), "perSecond": count / (time.monotonic() - started)}
    finally:
        site.down()
        shutil.rmtree(scratch, ignore_errors=True)
    for name, words in (("changes", "changes, one at a time"), ("resets", "resets, one at a time"),
                        ("together", f"changes, {AT_A_TIME} at a time")):
        found = result[name]
        rate = f", {found['perSecond']:.1f} a second" if "perSecond" in found else ""
        sys.stderr.write(f"  {words:24} {found['count']:4}: p50 {found['p50'] * 1000:6.0f} ms, p95 {found['p95'] * 1000:6.0f} ms "
                         f"(aim {AIM * 1000} ms), longest {found['longest'] * 1000:6.0f} ms{rate}\n")
    print(json.dumps(result))


main()
