# SPDX-License-Identifier: Apache-2.0
"""The tenant's half of password writeback without a forest: a second implementation of Connect's half fetches the requests,
opens them, and answers as a test says."""
import contextlib
import hashlib
import html
import json
import pathlib
import re
import sqlite3
import threading

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import x25519

from environment import resolving, wait_for
from sign_in import Form, Person, SignInTenant, Site
from writeback_site import INFO, associated_data, hpke_open

OLD, NEW = "Present-Password-1", "Coming-Password-2"


class Connector(threading.Thread):
    """Long-polls with a token of the scope `writeback`."""

    def __init__(self, tenant):
        super().__init__(daemon=True)
        self.tenant, self.key = tenant, x25519.X25519PrivateKey.generate()
        public = self.key.public_key().public_bytes_raw()
        digits = hashlib.sha256(public).hexdigest()[:32]
        self.public = public.hex()
        self.fingerprint = "-".join(digits[i:i + 4] for i in range(0, 32, 4))
        token = tenant.directory / "writeback.token"
        tenant.command("token", "create", "--name", "writeback", "--scope", "writeback", "--output", token)
        self.headers = {"Authorization": f"Bearer {token.read_text().strip()}", "Content-Type": "application/json"}
        self.seen, self.answer, self.ended = [], {"status": "done", "version": 7}, threading.Event()

    def run(self):
        while not self.ended.is_set():
            status, message = self.tenant.request("POST", "/tenant/writeback/next", {"wait": 1}, self.headers)
            if status == 200:
                self.seen.append((message, self.open(message)))
                self.tell(message, self.answer)

    def tell(self, message, outcome):
        self.tenant.request("POST", f"/tenant/writeback/requests/{message['id']}", outcome, self.headers)

    def open(self, message, **changes):
        header = associated_data(*(
            {"tenant": message["tenant"], "nonce": bytes.fromhex(message["id"]), "operation": message["operation"],
             "anchor": message["anchor"], "expires": message["expires"], **changes}[name]
            for name in ("tenant", "nonce", "operation", "anchor", "expires")))
        plain = hpke_open(self.key, INFO, header, bytes.fromhex(message["key"]), bytes.fromhex(message["ciphertext"]))
        flags, passwords, at = plain[0], [], 1
        for _ in range(2):
            size = int.from_bytes(plain[at:at + 2], "big")
            passwords.append(plain[at + 2:at + 2 + size].decode())
            at += 2 + size
        assert len(plain) == 1541 and not any(plain[at:])
        return {"old": passwords[0], "new": passwords[1], "mustChange": bool(flags & 4)}


@pytest.fixture(scope="module")
def tenant(tmp_path_factory):
    tenant = SignInTenant(Site(tmp_path_factory.mktemp("site")), tmp_path_factory.mktemp("tenant"))
    yield tenant
    tenant.stop()


@pytest.fixture(scope="module")
def connector(tenant):
    connector = Connector(tenant)
    tenant.command("writeback", "enable", "--connector-key", connector.public, "--fingerprint", connector.fingerprint)
    connector.start()
    yield connector
    connector.ended.set()
    connector.join(30)


@pytest.fixture(autouse=True)
def names(tenant):
    with resolving(tenant.names):
        yield


@pytest.fixture
def answering(connector):
    """The next outcomes."""
    def answer(**outcome):
        connector.answer = outcome
        return connector.seen
    connector.seen.clear()
    answer(status="done", version=7)
    return answer


def change(tenant, name, old, new, again=None):
    person = Person(tenant)
    page = person.open(tenant.issuer + "/password")
    assert page.status_code == 200, page.text
    return person.send(page, username=f"{name}@corp.example", password=old, new_password=new,
                       repeated_password=new if again is None else again)


def signs_in(tenant, name, password):
    person = Person(tenant)
    answer = person.sign_in(person.open(tenant.issuer + "/device"), f"{name}@corp.example", password)
    return answer.status_code == 200 and "Connect a device" in answer.text


def test_the_sign_in_page_leads_to_the_change(tenant, answering, connector):
    person = Person(tenant)
    link = '<a href="/{}/password">Change your password</a>'.format(tenant.initial_domain)
    page = person.open(tenant.issuer + "/device")
    assert link in page.text
    # Also after a failure, which is when somebody looks for it.
    assert link in person.sign_in(page, "nobody@corp.example", "wrong").text
    assert Form(person.open(tenant.issuer + "/password").text).title.startswith("Change your password")
    tenant.command("writeback", "disable")
    try:
        page = person.open(tenant.issuer + "/device")
        assert page.status_code == 200 and "/password" not in page.text, "it would lead nowhere"
    finally:
        tenant.command("writeback", "enable", "--connector-key", connector.public, "--fingerprint", connector.fingerprint)


def test_a_change_reaches_connect_and_then_holds(tenant, answering, connector):
    tenant.add_user("anna", OLD)
    seen = answering(status="done", version=7)
    answer = change(tenant, "anna", OLD, NEW)
    assert answer.status_code == 200 and "Your password was changed" in answer.text, answer.text
    [(message, opened)] = seen
    assert opened == {"old": OLD, "new": NEW, "mustChange": False}
    assert message["operation"] == "change" and message["anchor"] == "anchor-anna"
    assert message["tenant"] == tenant.initial_domain and message["fingerprint"] == connector.fingerprint
    assert signs_in(tenant, "anna", NEW) and not signs_in(tenant, "anna", OLD)
    for name, value in (("tenant", "other.example"), ("operation", "reset"), ("anchor", "anchor-boss"),
                        ("nonce", b"\0" * 16), ("expires", message["expires"] + 1)):
        with pytest.raises(InvalidTag):
            connector.open(message, **{name: value})


def test_the_same_password_by_synchronisation_signs_nobody_out(tenant, answering):
    tenant.add_user("berta", OLD)
    answering(status="done", version=1000)
    assert "was changed" in change(tenant, "berta", OLD, NEW).text
    person = Person(tenant)
    person.sign_in(person.open(tenant.issuer + "/device"), "berta@corp.example", NEW)
    kept, tenant.version = tenant.version, 997
    assert tenant.set_password("berta", OLD) == "refused", "the one before writeback"
    tenant.version = 999
    assert tenant.set_password("berta", NEW) == "stored"
    assert "Connect a device" in person.open(tenant.issuer + "/device").text
    assert tenant.set_password("berta", "Another-Password-3") == "stored"
    assert "Sign in" in person.open(tenant.issuer + "/device").text
    tenant.version = kept


@pytest.mark.parametrize("outcome,words", [
    ({"status": "refused", "reason": "tooShort", "number": 12}, "at least 12 characters"),
    ({"status": "refused", "reason": "inHistory"}, "used this password before"),
    ({"status": "refused", "reason": "tooYoung", "number": 5}, "again in 5 hours"),
    ({"status": "refused", "reason": "wrongPassword"}, "present password is wrong"),
    ({"status": "forbidden", "reason": "protectedAccount"}, "Ask your help desk"),
    ({"status": "failed", "reason": "unreachable"}, "nothing was changed"),
    ({"status": "failed", "reason": "<script>"}, "nothing was changed"),
], ids=lambda v: v.get("reason", "") if isinstance(v, dict) else "")
def test_what_is_refused_is_told_and_changes_nothing(tenant, answering, outcome, words):
    name = f"user{abs(hash(str(outcome))) % 10**8}"
    tenant.add_user(name, OLD)
    answering(**outcome)
    answer = change(tenant, name, OLD, NEW)
    assert answer.status_code == 403 and words in answer.text and 'role="alert"' in answer.text, answer.text
    assert "<script>" not in answer.text
    assert signs_in(tenant, name, OLD) and not signs_in(tenant, name, NEW)


def test_what_the_page_says_before_anybody_is_asked(tenant, answering):
    tenant.add_user("carl", OLD)
    seen = answering(status="done")
    assert "not the same" in change(tenant, "carl", OLD, NEW, NEW + "x").text
    assert "present one" in change(tenant, "carl", OLD, OLD).text
    assert "Check the user name" in change(tenant, "carl", "not-the-password", NEW).text
    assert "Check the user name" in change(tenant, "nobody", OLD, NEW).text
    person, other = Person(tenant), Person(tenant)
    page = person.open(tenant.issuer + "/password")
    other.open(tenant.issuer + "/password")
    values = {"username": "carl@corp.example", "password": OLD, "new_password": NEW, "repeated_password": NEW}
    foreign = person.send(page, headers={"Origin": "https://evil.example"}, **values)
    assert foreign.status_code == 403 and "another site" in foreign.text
    assert "open for too long" in other.send(page, **values).text
    assert seen == [] and signs_in(tenant, "carl", OLD)


def test_a_forced_change_goes_on_to_where_the_person_wanted(tenant, answering):
    tenant.add_user("dora", OLD, mustChange=True)
    person = Person(tenant)
    page = person.sign_in(person.open(tenant.issuer + "/device"), "dora@corp.example", OLD)
    assert page.status_code == 403 and "has to be changed" in page.text
    answer = person.send(page, password=OLD, new_password=NEW, repeated_password=NEW)
    assert answer.status_code == 200 and "Connect a device" in answer.text, answer.text


@pytest.mark.parametrize("outcome,words", [
    ({"status": "done", "version": 9}, "Your password was changed"),
    ({"status": "failed", "reason": "interrupted"}, "was not changed"),
], ids=["done", "failed"])
def test_an_answer_that_is_late_is_told_when_it_is_known(tenant, answering, connector, outcome, words):
    name, origin = f"late-{outcome['status']}", f"https://{tenant.name}"
    tenant.add_user(name, OLD)
    seen = answering(status="unknown")
    person = Person(tenant)
    page = person.send(person.open(tenant.issuer + "/password"), username=f"{name}@corp.example", password=OLD,
                       new_password=NEW, repeated_password=NEW)
    assert page.status_code == 202 and "not known yet" in page.text and "<script" not in page.text, page.text
    [address] = re.findall(r'http-equiv="refresh" content="5; url=([^"]+)"', page.text)
    address = html.unescape(address)
    assert html.escape(address) in page.text.split("<a href=", 1)[1], "who does not wait follows a link"
    again = person.open(origin + address)
    assert again.status_code == 202 and "not known yet" in again.text
    stranger = Person(tenant).open(origin + address)
    assert stranger.status_code == 403 and "was changed" not in stranger.text
    forged = person.open(origin + address.replace("request=", "request=0"))
    assert forged.status_code == 403
    connector.tell(seen[-1][0], outcome)
    told = person.open(origin + address)
    assert told.status_code == 200 and words in told.text and "refresh" not in told.text, told.text
    assert signs_in(tenant, name, NEW if outcome["status"] == "done" else OLD)


def test_an_administrator_s_reset_link_and_unlock(tenant, answering):
    tenant.add_user("emil", OLD)
    seen = answering(status="done", reason="historyNotEnforced")
    output = tenant.directory / "emil.password"
    done = tenant.command("users", "reset-password", "emil@corp.example", "--output", output)
    assert "did not compare" in done.stderr and output.stat().st_mode & 0o777 == 0o600
    assert seen[-1][1] == {"old": "", "new": output.read_text().strip(), "mustChange": True}
    answering(status="done", reason="wasNotLocked")
    assert "was not locked" in tenant.command("users", "unlock", "emil@corp.example").stderr
    assert seen[-1][0]["operation"] == "unlock" and seen[-1][1]["new"] == ""
    link = tenant.command("users", "reset-password", "emil@corp.example", "--link").stdout.strip()
    person = Person(tenant)
    page = person.open(link)
    assert page.status_code == 200 and "emil@corp.example" in page.text
    answering(status="refused", reason="tooShort", number=8)
    page = person.send(page, new_password="x", repeated_password="x")
    assert page.status_code == 403 and "8 characters" in page.text
    answering(status="done")
    assert "was changed" in person.send(page, new_password=NEW, repeated_password=NEW).text
    assert signs_in(tenant, "emil", NEW) and person.open(link).status_code == 403
    answering(status="failed", reason="missingRight")
    failed = tenant.command("users", "unlock", "emil@corp.example", check=False)
    assert failed.returncode == 1 and "nothing was changed" in failed.stderr and "audit" in failed.stderr


def test_the_status_tells_who_is_pinned(tenant, connector):
    report = json.loads(tenant.command("writeback", "status", "--json").stdout)
    assert report["fingerprint"] == connector.fingerprint and report["waiting"] == 0
    assert report["outcomes"]["done"] > 0 and report["connectorAsked"]
    wrong = tenant.command("writeback", "enable", "--connector-key", connector.public, "--fingerprint", "0000-0000",
                           check=False)
    assert wrong.returncode != 0 and connector.fingerprint in wrong.stderr


def test_the_tenant_keeps_no_password(tenant, connector):
    wait_for(lambda: json.loads(tenant.command("writeback", "status", "--json").stdout)["waiting"] == 0, "nothing waits")
    secrets = [p.encode(e) for p in (OLD, NEW) for e in ("utf-8", "utf-16-le")]
    files = [p for p in pathlib.Path(tenant.directory).glob("tenant.*") if p.is_file()]
    assert any(p.name == "tenant.sqlite" for p in files) and any(p.name == "tenant.log" for p in files)
    for path in files:
        content = path.read_bytes()
        assert not [s for s in secrets if s in content], path.name
    with contextlib.closing(sqlite3.connect(tenant.directory / "tenant.sqlite")) as database:
        kept = database.execute(
            "SELECT COUNT(*), COUNT(ciphertext), COUNT(encapsulated), COUNT(verifier) FROM writeback_request").fetchone()
    assert kept[0] >= 10 and kept[1:] == (0, 0, 0), kept
