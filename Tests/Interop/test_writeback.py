# SPDX-License-Identifier: Apache-2.0
"""Password writeback on a real forest: changed at the tenant, in force in Active Directory; and a tenant that wants more than
it may."""
import base64
import concurrent.futures
import contextlib
import re
import signal
import sqlite3
import time

import ldap3
import pytest

from environment import resolving, wait_for
from sign_in import Form, Person
from writeback_site import WritebackSite, forged, handled, outcome, plant

NEW = "Bridge-Keeper-2026!"
TENANT = "corp.tenant.example"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = WritebackSite(tmp_path_factory.mktemp("writeback"))
    site.start()
    yield site
    site.down()


@pytest.fixture(autouse=True)
def names(site):
    with resolving(site.tenant.names):
        yield


def change(site, user, old, new, again=None, person=None):
    person = person or Person(site.tenant)
    page = person.open(site.tenant.issuer + "/password")
    assert page.status_code == 200, page.text
    return person.send(page, username=user.name, password=old, new_password=new,
                       repeated_password=new if again is None else again)


def sign_in(site, user, password):
    person = Person(site.tenant)
    page = person.open(site.tenant.issuer + "/device")
    return person.sign_in(page, user.name, password)


def is_signed_in(answer):
    return answer.status_code == 200 and "Connect a device" in answer.text


def test_a_change_holds_in_the_forest_and_at_the_tenant(site):
    user = site.next_user()
    assert is_signed_in(sign_in(site, user, site.password))
    answer = change(site, user, site.password, NEW)
    assert answer.status_code == 200 and "Your password was changed" in answer.text, answer.text
    assert site.signs_in_to_the_forest(user, NEW) and not site.signs_in_to_the_forest(user, site.password)
    assert is_signed_in(sign_in(site, user, NEW)) and not is_signed_in(sign_in(site, user, site.password))
    [event, intent] = [e for e in site.audit() if e["anchor"] == user.anchor]
    assert (intent["event"], event["event"]) == ("intent", "done") and event["distinguishedName"] == user.dn
    # The hash that synchronisation sends later is the same password: nobody is signed out.
    person = Person(site.tenant)
    person.sign_in(person.open(site.tenant.issuer + "/device"), user.name, NEW)
    version = site.attribute(user, "msDS-KeyVersionNumber")[0]

    def read():
        with contextlib.closing(sqlite3.connect(site.tenant.directory / "tenant.sqlite")) as database:
            return database.execute(
                "SELECT c.version FROM credential c JOIN resource r ON r.seq = c.resource WHERE r.external_id = ?",
                (user.anchor,)).fetchone()[0] == int(version)
    site.stop()
    site.connect.product.run("connect", "passwords", "sync", "--config", site.connect.configuration)
    assert read()
    site.start()
    assert "Connect a device" in person.open(site.tenant.issuer + "/device").text
    assert is_signed_in(sign_in(site, user, NEW))


@pytest.mark.parametrize("new,words", [
    ("Ab1!", "at least 7 characters"), ("alllowercase", "too simple"), (None, "used this password before"),
], ids=["too short", "not complex", "in history"])
def test_the_directory_s_refusals_in_words(site, new, words):
    user = site.next_user()
    if new is None:
        assert "was changed" in change(site, user, site.password, NEW).text
        answer = change(site, user, NEW, site.password)
    else:
        answer = change(site, user, site.password, new)
    assert answer.status_code == 403 and words in answer.text, answer.text
    held = NEW if new is None else site.password
    assert site.signs_in_to_the_forest(user, held) and is_signed_in(sign_in(site, user, held))


def test_a_password_that_is_too_young(site):
    user = site.next_user()
    assert "was changed" in change(site, user, site.password, NEW).text
    site.samba("domain", "passwordsettings", "set", "--min-pwd-age=1")
    try:
        answer = change(site, user, NEW, NEW + "2")
        assert answer.status_code == 403 and "only a short while ago" in answer.text, answer.text
        assert re.search(r"again in \d+ hours", answer.text)
    finally:
        site.samba("domain", "passwordsettings", "set", "--min-pwd-age=0")


def test_what_the_page_says_itself(site):
    user = site.next_user()
    before = len(site.audit())
    assert "not the same" in change(site, user, site.password, NEW, NEW + "x").text
    assert "present one" in change(site, user, site.password, site.password).text
    assert "Check the user name" in change(site, user, "not-the-password", NEW).text
    person = Person(site.tenant)
    page = person.open(site.tenant.issuer + "/password")
    foreign = person.send(page, headers={"Origin": "https://evil.example"}, username=user.name, password=site.password,
                          new_password=NEW, repeated_password=NEW)
    assert foreign.status_code == 403 and "another site" in foreign.text
    stale = Person(site.tenant)
    stale.open(site.tenant.issuer + "/password")
    answer = stale.send(page, username=user.name, password=site.password, new_password=NEW, repeated_password=NEW)
    assert answer.status_code == 403 and "open for too long" in answer.text
    assert len(site.audit()) == before and is_signed_in(sign_in(site, user, site.password))


def test_a_reset_then_a_forced_change_at_sign_in(site):
    user = site.next_user()
    output = site.directory / "reset.password"
    done = site.tenant.command("users", "reset-password", user.name, "--output", output)
    assert "did not compare the password with earlier ones" in done.stderr, "Samba enforces no history on a reset"
    temporary = output.read_text().strip()
    assert site.attribute(user, "pwdLastSet") == [b"0"]
    person = Person(site.tenant)
    page = person.sign_in(person.open(site.tenant.issuer + "/device"), user.name, temporary)
    assert page.status_code == 403 and "has to be changed" in page.text, page.text
    assert Form(page.text).fields["username"] == user.name
    answer = person.send(page, password=temporary, new_password=NEW, repeated_password=NEW)
    assert is_signed_in(answer), answer.text
    assert site.signs_in_to_the_forest(user, NEW) and site.attribute(user, "pwdLastSet") != [b"0"]


def test_a_link_holds_for_one_new_password(site):
    user = site.next_user()
    link = site.tenant.command("users", "reset-password", user.name, "--link").stdout.strip()
    person = Person(site.tenant)
    page = person.open(link)
    assert page.status_code == 200 and user.name in page.text
    weak = person.send(page, new_password="Ab1!", repeated_password="Ab1!")
    assert weak.status_code == 403 and "too short" in weak.text, "a refusal does not spend the link"
    assert "was changed" in person.send(weak, new_password=NEW, repeated_password=NEW).text
    assert site.signs_in_to_the_forest(user, NEW)
    assert person.open(link).status_code == 403
    assert person.open(link[:-4] + "AAAA").status_code == 403


def test_the_end_of_a_lockout(site):
    user = site.next_user()
    site.samba("domain", "passwordsettings", "set", "--account-lockout-threshold=2")
    try:
        for _ in range(3):
            site.signs_in_to_the_forest(user, "not-the-password")
        assert site.attribute(user, "lockoutTime") not in ([], [b"0"])
        site.tenant.command("users", "unlock", user.name)
        assert site.signs_in_to_the_forest(user, site.password)
        assert "was not locked" in site.tenant.command("users", "unlock", user.name).stderr
    finally:
        site.samba("domain", "passwordsettings", "set", "--account-lockout-threshold=0")


def test_a_member_of_protected_users_changes_by_kerberos(site):
    user = site.next_user()
    site.samba("group", "addmembers", "Protected Users", user.sam)
    answer = change(site, user, site.password, NEW)
    assert answer.status_code == 200 and "was changed" in answer.text, (answer.text, site.audit()[:3])
    assert site.signs_in_to_the_forest(user, NEW)
    weak = change(site, user, NEW, "Ab1!")
    assert weak.status_code == 403 and "at least 7 characters" in weak.text, weak.text


# A tenant that is not to be trusted.

def refused(site, row, reason, event="forbidden"):
    assert handled(site, row) == ("forbidden", reason)
    assert site.audit()[0]["event"] == event and site.audit()[0]["request"] == row["id"], site.audit()[0]


def test_the_administrators_are_out_of_reach(site):
    admin = site.lab.administrator()
    user = site.next_user()
    administrator = f"CN=Administrator,CN=Users,{site.forest['baseDN']}"
    admin.search(administrator, "(objectClass=*)", ldap3.BASE, attributes=["objectGUID"])
    anchor = base64.b64encode(admin.response[0]["raw_attributes"]["objectGUID"][0]).decode()
    refused(site, forged(site.key, TENANT, "reset", anchor, new=NEW.encode()), "notSynchronised")
    # A synchronised user who becomes an administrator after the last synchronisation, also by way of another group.
    group = f"CN=Helpers,CN=Users,{site.forest['baseDN']}"
    admin.add(group, ["group"], {"sAMAccountName": "Helpers"})
    admin.modify(group, {"member": [(ldap3.MODIFY_ADD, [user.dn])]})
    admin.modify(f"CN=Domain Admins,CN=Users,{site.forest['baseDN']}", {"member": [(ldap3.MODIFY_ADD, [group])]})
    refused(site, forged(site.key, TENANT, "reset", user.anchor, new=NEW.encode()), "protectedAccount")
    admin.modify(f"CN=Domain Admins,CN=Users,{site.forest['baseDN']}", {"member": [(ldap3.MODIFY_DELETE, [group])]})
    site.set_in_forest(user, adminCount="1")
    refused(site, forged(site.key, TENANT, "reset", user.anchor, new=NEW.encode()), "protectedAccount")
    site.set_in_forest(user, adminCount=None)
    assert site.signs_in_to_the_forest(user, site.password)
    # Nothing was wrong with the request as such.
    assert handled(site, forged(site.key, TENANT, "reset", user.anchor, new=NEW.encode())) == ("done", "historyNotEnforced")
    assert site.signs_in_to_the_forest(user, NEW)


def test_nothing_is_done_twice(site):
    user = site.next_user()
    row = forged(site.key, TENANT, "reset", user.anchor, new=b"First-Password-1")
    assert handled(site, row)[0] == "done"
    version = site.attribute(user, "msDS-KeyVersionNumber")
    assert handled(site, row)[0] == "done", "it is told how it ended"
    assert site.attribute(user, "msDS-KeyVersionNumber") == version and site.audit()[0]["event"] == "repeated"
    other = forged(site.key, TENANT, "reset", user.anchor, new=b"Second-Password-2", nonce=bytes.fromhex(row["id"]),
                   expires=row["expires"] + 1000)
    refused(site, other, "replayed", "repeated")
    assert site.attribute(user, "msDS-KeyVersionNumber") == version


def test_old_distant_foreign_and_changed_requests(site):
    user = site.next_user()
    now, listed = int(time.time() * 1000), int(time.time() * 1000) + 100_000
    make = lambda **o: {**forged(site.key, o.pop("tenant", TENANT), "reset", user.anchor, new=NEW.encode(), **o)}
    before = site.attribute(user, "msDS-KeyVersionNumber")
    far = make(expires=now + 3_600_000)
    refused(site, far, "expired")
    refused(site, make(tenant="other.example"), "undecipherable")
    refused(site, {**make(), "expires": listed}, "undecipherable")
    refused(site, {**make(), "operation": "unlock"}, "undecipherable")
    from cryptography.hazmat.primitives.asymmetric import x25519
    stranger = x25519.X25519PrivateKey.generate().public_key().public_bytes_raw()
    refused(site, forged({"key": stranger.hex(), "fingerprint": site.key["fingerprint"]}, TENANT, "reset", user.anchor,
                         new=NEW.encode()), "undecipherable")
    refused(site, {**make(), "fingerprint": "0000-1111"}, "undecipherable")
    assert site.attribute(user, "msDS-KeyVersionNumber") == before


def test_the_token_does_nothing_else(site):
    headers = {"Authorization": f"Bearer {site.token}", "Content-Type": "application/json"}
    assert site.tenant.request("GET", "/Users", headers=headers)[0] == 403
    assert site.tenant.request("POST", "/tenant/writeback/next", {"wait": 0})[0] == 403, "nor do others do this"


def test_a_flood_is_dammed(site):
    user, other = site.next_user(), site.next_user()
    site.stop()
    used = len(site.records())
    site.connect.set("connect.writeback.perHour", used + 4)
    site.connect.set("connect.writeback.perUser", 2)
    rows = [forged(site.key, TENANT, "reset", user.anchor, new=f"Flooding-Password-{i}".encode()) for i in range(12)]
    for row in rows:
        plant(site.tenant, row)
    try:
        def all_answered():
            # A poll of the stopped service may have taken the first one with it: it comes again.
            site.connect.command("writeback", "once")
            return all(outcome(site.tenant, row["id"]) for row in rows)

        wait_for(all_answered, "every request is answered")
        results = [outcome(site.tenant, row["id"]) for row in rows]
        assert results.count(("done", "historyNotEnforced")) == 2 and results.count(("forbidden", "tooOften")) == 10
        assert len(site.records()) == used + 4
        assert site.attribute(other, "msDS-KeyVersionNumber") == [b"1"]
    finally:
        site.connect.set("connect.writeback", {**site.connect.values["connect"]["writeback"], "perUser": 50,
                                               "perHour": 5000})
        site.start()


@pytest.mark.parametrize("attempt", range(3))
def test_a_kill_in_mid_writeback_is_never_lost_nor_repeated(site, attempt):
    user = site.next_user()
    site.stop()
    row = forged(site.key, TENANT, "change", user.anchor, old=site.password.encode(), new=NEW.encode())
    plant(site.tenant, row)
    before = int(site.attribute(user, "msDS-KeyVersionNumber")[0])
    site.start()
    with contextlib.closing(sqlite3.connect(site.connect.directory / "connect.sqlite", timeout=30)) as database:
        end = time.monotonic() + 60
        while not database.execute("SELECT 1 FROM writeback_request WHERE nonce = ? AND state <> 'admitted'",
                                   (row["id"],)).fetchone():
            assert time.monotonic() < end, "no intent was written"
            time.sleep(0.0005)
    time.sleep(0.01 * attempt)
    site.stop(signal.SIGKILL)
    site.start()

    def final():
        found = outcome(site.tenant, row["id"])
        return found if found and found[0] != "unknown" else None
    status, reason = wait_for(final, "the outcome is told")
    after = int(site.attribute(user, "msDS-KeyVersionNumber")[0])
    assert (status, reason, after - before) in (("done", None, 1), ("failed", "interrupted", 0))
    held = NEW if status == "done" else site.password
    assert site.signs_in_to_the_forest(user, held)


def test_a_request_made_while_nobody_asks_waits_for_connect(site):
    """The poll of a Connect that was killed takes nothing with it."""
    user = site.next_user()
    site.stop(signal.SIGKILL)
    before = int(site.attribute(user, "msDS-KeyVersionNumber")[0])
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(change, site, user, site.password, NEW)
        [(id,)] = wait_for(lambda: waiting(site, "status IS NULL"), "the request waits")
        # The dead poll would have looked ten times a second.
        time.sleep(1)
        assert waiting(site, "status IS NULL AND delivered IS NULL") == [(id,)], "it is still to be fetched"
        site.start()
        page = answer.result(60)
    assert page.status_code == 200 and "was changed" in page.text, page.text
    assert int(site.attribute(user, "msDS-KeyVersionNumber")[0]) == before + 1
    assert [e["event"] for e in site.audit() if e["request"] == id] == ["done", "intent"]
    assert site.signs_in_to_the_forest(user, NEW)


def test_a_request_that_was_lost_on_its_way_comes_again(site):
    """As an answer of the tenant leaves it that never arrived: handed out, and in nobody's hands."""
    user = site.next_user()
    site.stop()
    row = forged(site.key, TENANT, "change", user.anchor, old=site.password.encode(), new=NEW.encode())
    plant(site.tenant, row)
    with contextlib.closing(sqlite3.connect(site.tenant.directory / "tenant.sqlite", timeout=30)) as database, database:
        database.execute("UPDATE writeback_request SET delivered = ? WHERE id = ?", (int(time.time() * 1000), row["id"]))
    site.start()
    assert wait_for(lambda: outcome(site.tenant, row["id"]), "it is answered") == ("done", None)
    [(delivered, answered)] = waiting(site, "id = ?", row["id"], columns="delivered, answered")
    assert answered - delivered < 10_000, "it did not wait for a time to pass"
    assert [e["event"] for e in site.audit() if e["request"] == row["id"]] == ["done", "intent"]


def waiting(site, condition, *values, columns="id"):
    with contextlib.closing(sqlite3.connect(site.tenant.directory / "tenant.sqlite", timeout=30)) as database:
        return database.execute(f"SELECT {columns} FROM writeback_request WHERE {condition}", values).fetchall()


def test_an_intent_without_a_stroke_is_told_as_not_done(site):
    """As a kill between the intent and its first byte leaves it."""
    user, done = site.next_user(), site.next_user()
    site.stop()
    rows = []
    for person in (user, done):
        row = forged(site.key, TENANT, "change", person.anchor, old=site.password.encode(), new=NEW.encode())
        plant(site.tenant, row)
        rows.append(row)
        with contextlib.closing(sqlite3.connect(site.connect.directory / "connect.sqlite")) as database, database:
            database.execute(
                """INSERT INTO writeback_request (nonce, digest, at, operation, anchor, state, source, domain, server, guid, dn,
                     before_version) VALUES (?, x'00', ?, 'change', ?, 'intent', ?, ?, ?, ?, ?, ?)""",
                (row["id"], time.time(), person.anchor, site.forest["name"], site.forest["name"],
                 site.forest["controllers"][0]["host"], base64.b64decode(person.anchor), person.dn,
                 int(site.attribute(person, "msDS-KeyVersionNumber")[0])))
    site.samba("user", "setpassword", done.sam, f"--newpassword={NEW}")
    site.start()
    final = lambda row: (lambda found: found if found and found[0] != "unknown" else None)(outcome(site.tenant, row["id"]))
    assert wait_for(lambda: final(rows[0]), "the first is told") == ("failed", "interrupted")
    assert wait_for(lambda: final(rows[1]), "the second is told")[0] == "done"
    assert site.signs_in_to_the_forest(user, site.password), "nothing is sent again"


def test_the_audit_log_cannot_be_changed(site):
    with contextlib.closing(sqlite3.connect(site.connect.directory / "connect.sqlite")) as database:
        for statement in ("DELETE FROM writeback_audit", "UPDATE writeback_audit SET event = 'done'"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(statement)


def test_without_connect_nothing_is_changed_and_the_person_is_told(site):
    site.tenant.command("writeback", "disable")
    try:
        person = Person(site.tenant)
        answer = person.open(site.tenant.issuer + "/password")
        assert answer.status_code == 403 and "cannot be changed" in answer.text
    finally:
        site.tenant.command("writeback", "enable", "--connector-key", site.key["key"], "--fingerprint",
                            site.key["fingerprint"])
    wrong = site.tenant.command("writeback", "enable", "--connector-key", site.key["key"], "--fingerprint",
                                "0000-0000", check=False)
    assert wrong.returncode != 0 and site.key["fingerprint"] in wrong.stderr


def test_no_password_is_written_anywhere(site):
    site.stop()
    wanted = [p.encode() for p in (NEW, "First-Password-1", "Flooding-Password-1")]
    wanted += [p.decode().encode("utf-16-le") for p in wanted]
    files = [p for folder in (site.connect.directory, site.tenant.directory) for p in folder.rglob("*") if p.is_file()]
    files.append(site.directory / "run.log")
    assert any(p.name == "connect.sqlite" for p in files) and any(p.name == "tenant.sqlite" for p in files)
    for path in files:
        content = path.read_bytes()
        for secret in wanted:
            assert secret not in content, f"a password is in {path.name}"
    site.start()
