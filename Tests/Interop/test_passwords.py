# SPDX-License-Identifier: Apache-2.0
"""Password hash synchronisation on a real forest: what reaches the tenant, what it takes, and where no secret may be."""
import contextlib
import http.client
import json
import os
import pathlib
import resource
import signal
import socket
import ssl
import subprocess

import ldap3
import pytest

from environment import Connect, Lab, Tenant, wait_for
from passwords import anchor, nt_hash, status, sync

NEW = "Bridge-Keeper-2026!"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A small forest, synchronised, before its first password."""
    directory = tmp_path_factory.mktemp("passwords")
    lab = Lab(directory / "lab", "--users", 50, "--groups", 5)
    tenant = Tenant(lab, directory / "tenant")
    token = directory / "passwords.token"
    tenant.product.run("tenant", "token", "create", "--config", tenant.configuration, "--name", "passwords",
                       "--scope", "credentials", "--output", token)
    connect = Connect(lab, tenant, directory / "connect")
    connect.token = token.read_text().strip()
    account = lab.forest["passwordAccount"]
    connect.set("connect.forests.0.passwordCredentials",
                {"principal": account["principal"], "keytab": account["keytabFile"]})
    connect.set("connect.target.passwordToken", {"file": str(token)})
    connect.report("--full")
    yield connect
    tenant.stop()
    lab.down()


def people(connect):
    """Distinguished name and objectGUID of each synchronised user, from the domain controller."""
    admin = connect.lab.administrator()
    unit = connect.lab.forest["synchronisedUnits"][0]
    admin.search(unit, "(&(objectCategory=person)(objectClass=user))", attributes=["objectGUID", "pwdLastSet"])
    return admin, [entry for entry in admin.response if entry["type"] == "searchResEntry"]


def credentials(connect, changes):
    """The tenant's endpoint, as somebody else with the token would use it."""
    tenant = connect.tenant
    context = ssl.create_default_context(cafile=tenant.lab.authority)
    raw = socket.create_connection((tenant.address, tenant.port), timeout=30)
    connection = http.client.HTTPSConnection(tenant.name, context=context, timeout=30)
    connection.sock = context.wrap_socket(raw, server_hostname=tenant.name)
    with contextlib.closing(connection):
        connection.request("PATCH", "/tenant/credentials", body=json.dumps({"credentials": changes}), headers={
            "Authorization": f"Bearer {connect.token}", "Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def test_every_synchronised_user_gets_theirs(site):
    users = site.tenant.list("Users")
    report = sync(site)
    assert report["sent"] == len(users) > 40, report
    assert report["refused"] == report["due"] == 0 and report["errors"] == []
    counts = {(c["target"], c["state"]): c["users"] for c in status(site)["counts"]}
    assert counts == {("cloud", "sent"): len(users)}


def test_nothing_changed_means_nothing_sent(site):
    report = sync(site)
    assert report["sent"] == report["unchanged"] == report["due"] == 0
    assert site.product.run("connect", "passwords", "errors", "--config", site.configuration).returncode == 0


def test_the_flows_are_told_with_their_protection(site):
    flows = {f["row"]: f for f in site.status()["flows"]}
    assert flows["connect-ad/rpc-endpoint-mapper"]["port"] == 135
    assert flows["connect-ad/rpc-dynamic"]["port"] >= 49152
    assert "sign and seal, aes256" in flows["connect-ad/rpc-dynamic"]["protection"]


def test_a_new_password_is_sent_and_an_older_one_refused(site):
    admin, entries = people(site)
    user = entries[0]
    admin.modify(user["dn"], {"unicodePwd": [(ldap3.MODIFY_REPLACE, [f'"{NEW}"'.encode("utf-16-le")])]})
    assert sync(site)["sent"] == 1
    external = next(u["externalId"] for u in site.tenant.list("Users") if u["externalId"] == anchor(user))
    value = "v1;PPH1_MD4," + "00" * 10 + ",1000," + "00" * 32 + ";"
    code, answer = credentials(site, [{
        "externalId": external, "value": value, "version": 1, "originated": "2001-01-01T00:00:00Z",
        "invocationId": "6f9fa0c5-1d5c-4b0e-8f5d-1d2f3a4b5c6d", "mustChange": False}])
    assert code == 200 and answer["results"][0]["status"] == "refused", answer
    assert answer["results"][0]["reason"] == "older"


def test_a_password_that_must_be_changed_is_sent_again(site):
    admin, entries = people(site)
    admin.modify(entries[1]["dn"], {"pwdLastSet": [(ldap3.MODIFY_REPLACE, ["0"])]})
    report = sync(site)
    assert report["sent"] == 1 and report["read"] >= 1


def test_a_user_who_enters_the_scope_gets_theirs(site):
    admin, entries = people(site)
    unit = site.lab.forest["synchronisedUnits"][0]
    dn = f"CN=Late Comer,{unit}"
    admin.add(dn, ["user"], {
        "sAMAccountName": "late.comer", "userPrincipalName": f"late.comer@{site.lab.forest['name']}",
        "displayName": "Late Comer"})
    admin.modify(dn, {"unicodePwd": [(ldap3.MODIFY_REPLACE, [f'"{NEW}"'.encode("utf-16-le")])]})
    admin.modify(dn, {"userAccountControl": [(ldap3.MODIFY_REPLACE, ["512"])]})
    # Read before the user is in the tenant: passed over, and fetched once it is.
    assert sync(site)["sent"] == 0
    site.report()
    assert sync(site)["sent"] == 1


def test_a_tenant_that_is_down_gets_them_later(site):
    admin, entries = people(site)
    admin.modify(entries[2]["dn"], {"unicodePwd": [(ldap3.MODIFY_REPLACE, [f'"{NEW}2"'.encode("utf-16-le")])]})
    site.tenant.stop()
    done = site.product.run("connect", "passwords", "sync", "--config", site.configuration, "--json", check=False)
    assert done.returncode == 4 and json.loads(done.stdout)["due"] == 1, (done.stdout, done.stderr)
    held = site.product.run("connect", "passwords", "errors", "--config", site.configuration, "--json", check=False)
    assert held.returncode == 4 and len(json.loads(held.stdout)) == 1
    site.tenant.start()
    # The time of the next try is made now: nobody waits two minutes for a test.
    import sqlite3
    with contextlib.closing(sqlite3.connect(site.directory / "connect.sqlite")) as database, database:
        assert database.execute("UPDATE credential SET next_try = 0 WHERE state = 'due'").rowcount == 1
    assert sync(site)["sent"] == 1


def test_a_missing_right_is_named_with_its_remedy(site):
    account = site.lab.forest["serviceAccount"]
    saved = site.values["connect"]["forests"][0]["passwordCredentials"]
    site.set("connect.forests.0.passwordCredentials",
             {"principal": account["principal"], "keytab": account["keytabFile"]})
    try:
        done = site.product.run("connect", "passwords", "sync", "--config", site.configuration, check=False)
        assert done.returncode == 1
        assert "8453" in done.stderr and "Replicating Directory Changes All" in done.stderr, done.stderr
    finally:
        site.set("connect.forests.0.passwordCredentials", saved)


def test_the_service_follows_changes(site):
    log = open(site.directory / "run.log", "w")
    service = site.product.start(
        "connect", "run", "--follow", "--config", site.configuration, "--log-level", "debug", stdout=log, stderr=log)
    try:
        wait_for(lambda: "password hashes every" in (site.directory / "run.log").read_text(), "the service begins")
        admin, entries = people(site)
        usn = status(site)["domains"][0]["usn"]
        admin.modify(entries[3]["dn"], {"unicodePwd": [(ldap3.MODIFY_REPLACE, [f'"{NEW}3"'.encode("utf-16-le")])]})
        wait_for(lambda: status(site)["domains"][0]["usn"] > usn, "the change is read")
    finally:
        service.send_signal(signal.SIGTERM)
        assert service.wait(30) == 0
        log.close()


def makes_a_core(process):
    """Kills a process in the way that makes a core, and says whether the kernel made one."""
    os.kill(process.pid, signal.SIGSEGV)
    state = wait_for(lambda: [state for pid, state in [os.waitpid(process.pid, os.WNOHANG)] if pid], "the process ends")[0]
    process.returncode = -signal.SIGSEGV  # it has been waited for
    assert os.WIFSIGNALED(state) and os.WTERMSIG(state) == signal.SIGSEGV
    return os.WCOREDUMP(state)


def test_the_service_makes_no_core(site, tmp_path):
    """With every limit lifted, where another process makes one."""
    def unlimited():
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    other = subprocess.Popen(["sleep", "60"], cwd=tmp_path, preexec_fn=unlimited)
    if not makes_a_core(other):
        pytest.skip("this machine makes no cores at all (kernel.core_pattern)")
    with open(site.directory / "core.log", "w") as log:
        service = site.product.start(
            "connect", "run", "--follow", "--config", site.configuration, stdout=log, stderr=log, cwd=tmp_path,
            preexec_fn=unlimited)
        wait_for(lambda: "password hashes every" in (site.directory / "core.log").read_text(), "the service begins")
        assert not makes_a_core(service)


def test_no_secret_is_written_anywhere(site):
    """Hashes, in any form, and derived values: not in the database, not in a log."""
    users = pathlib.Path(site.lab.forest["userPasswordFile"]).read_text().strip()
    secrets = [b"PPH1_MD4"]
    for password in (users, NEW, NEW + "2", NEW + "3"):
        digest = nt_hash(password)
        secrets += [digest, digest.hex().encode(), digest.hex().upper().encode(), password.encode(),
                    password.encode("utf-16-le")]
    files = [p for p in site.directory.rglob("*") if p.is_file() and p.name != "connect.yaml"]
    assert any(p.name == "connect.sqlite" for p in files) and any(p.name == "run.log" for p in files)
    for path in files:
        content = path.read_bytes()
        for secret in secrets:
            assert secret not in content, f"a secret of {len(secret)} bytes is in {path.name}"
