# SPDX-License-Identifier: Apache-2.0
"""Credentials that do not work, each told by its cause and its remedy; and an account with fewer rights than it should have."""
import os
import shutil
import subprocess

import ldap3
import pytest

from comparison import assert_created_once, compare, users_of
from environment import PRODUCT


def credentials(connect, **values):
    connect.set("connect.forests.0.credentials", values)


def refused(connect, *words, code=1, **options):
    done = connect.sync(check=False, **options)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    for word in [*words, "error:", "remedy:"]:
        assert word in done.stderr, (word, done.stderr)
    assert done.stdout == ""
    return done


def secret(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return {"file": str(path)}


def test_a_wrong_password(small, small_connect, tmp_path):
    account = small.forest["plainAccount"]["principal"]
    credentials(small_connect, principal=account, password=secret(tmp_path / "password", "not-the-password"))
    done = refused(small_connect, "refused the password", account)
    assert "not-the-password" not in done.stderr


def test_an_unknown_principal(small, small_connect, tmp_path):
    account = "nobody@" + small.forest["realm"]
    credentials(small_connect, principal=account, password=secret(tmp_path / "password", "whatever"))
    refused(small_connect, "knows no account", account)


@pytest.mark.parametrize("change,undo,words", [
    ({"userAccountControl": "66050"}, {"userAccountControl": "66048"}, "disabled"),
    ({"accountExpires": "129000000000000000"}, {"accountExpires": "0"}, "expired"),
    ({"pwdLastSet": "0", "userAccountControl": "512"}, {"pwdLastSet": "-1", "userAccountControl": "66048"},
     "must be changed"),
], ids=["disabled", "expired", "password must be changed"])
def test_an_account_that_may_not_sign_in(small, small_connect, change, undo, words):
    account = small.forest["plainAccount"]
    admin = small.administrator()
    dn = f"CN=svc-plain,OU=Service Accounts,{small.forest['baseDN']}"
    admin.modify(dn, {name: [(ldap3.MODIFY_REPLACE, [value])] for name, value in change.items()})
    try:
        credentials(small_connect, principal=account["principal"], password={"file": account["passwordFile"]})
        refused(small_connect, words, account["principal"])
    finally:
        admin.modify(dn, {name: [(ldap3.MODIFY_REPLACE, [value])] for name, value in undo.items()})


def test_a_missing_keytab(small, small_connect, tmp_path):
    path = tmp_path / "none.keytab"
    credentials(small_connect, principal=small.forest["serviceAccount"]["principal"], keytab=str(path))
    refused(small_connect, str(path))


def test_a_keytab_of_somebody_else(small, small_connect):
    account, other = small.forest["serviceAccount"], small.forest["plainAccount"]
    credentials(small_connect, principal=account["principal"], keytab=other["keytabFile"])
    refused(small_connect, other["keytabFile"], "no key for " + account["principal"], other["principal"])


def test_a_keytab_that_everyone_can_read(small, small_connect, tmp_path):
    account = small.forest["serviceAccount"]
    path = tmp_path / "open.keytab"
    shutil.copy(account["keytabFile"], path)
    path.chmod(0o644)
    credentials(small_connect, principal=account["principal"], keytab=str(path))
    done = small_connect.sync(check=False)
    assert done.returncode != 0, "a keytab that everyone can read was used"
    assert str(path) in done.stderr and "everyone" in done.stderr and "chmod 600" in done.stderr


def test_a_token_that_everyone_can_read(small_tenant, small_connect, tmp_path):
    path = tmp_path / "open.token"
    secret(path, small_tenant.token, 0o644)
    small_connect.set("connect.target.token", {"file": str(path)})
    refused(small_connect, str(path), "everyone", "chmod 600", code=78)


def test_a_token_that_was_revoked(small, small_tenant, small_connect, tmp_path):
    """The tenant's answer is told, nothing is exported; with a new token the same run is made good."""
    tenant, connect = small_tenant, small_connect
    at = ("--config", tenant.configuration)
    [token] = tenant.product.json("tenant", "token", "list", *at, "--json")
    tenant.product.run("tenant", "token", "revoke", token["id"], *at)
    refused(connect, "401", "token")
    renewed = tmp_path / "renewed.token"
    tenant.product.run("tenant", "token", "create", *at, "--name", "renewed", "--scope", "scim.read", "--scope",
                       "scim.write", "--output", renewed)
    tenant.token_file = renewed
    assert tenant.list("Users") == []
    connect.set("connect.target.token", {"file": str(renewed)})
    connect.sync()
    compare(small, tenant)
    assert_created_once(tenant)


def with_wrong_clock(connect, offset):
    """The whole command under another clock, as on a machine whose clock is wrong."""
    return subprocess.run(
        ["faketime", "-f", offset, PRODUCT, "connect", "sync", "--config", connect.configuration, "--json"],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120,
        env={**os.environ, "FAKETIME_DONT_FAKE_MONOTONIC": "1"})


@pytest.mark.parametrize("offset,side", [("+10m", "ahead of"), ("-10m", "behind")])
def test_a_clock_ten_minutes_off_is_refused_with_its_size(small_connect, offset, side):
    done = with_wrong_clock(small_connect, offset)
    assert done.returncode == 1, (done.stdout, done.stderr)
    for word in ("10 min", side, "5 min", "remedy:"):
        assert word in done.stderr, done.stderr


@pytest.mark.parametrize("offset", ["+10m", "-10m"])
def test_a_clock_ten_minutes_off_passes_where_that_is_allowed(small, small_tenant, small_connect, offset):
    small_connect.set("connect.forests.0.credentials.clockSkew", "15m")
    if offset == "-10m":
        # For this clock, the lab's revocation list begins in the future.
        small_connect.set("trust.revocation", "off")
    done = with_wrong_clock(small_connect, offset)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert "clocks differ" in done.stderr and "10 min" in done.stderr, "a clock that is so wrong is worth a warning"
    compare(small, small_tenant)


def test_without_the_right_to_replicate(small, small_tenant, small_connect):
    """The lesser way of reading says what it loses, and carries what the account may read."""
    tenant, connect, account = small_tenant, small_connect, small.forest["plainAccount"]
    credentials(connect, principal=account["principal"], keytab=account["keytabFile"])
    [reading] = connect.report("--full")["imports"]
    assert "Replicating Directory Changes" in reading["note"] and "uSNChanged" in reading["note"]
    users, groups, _ = compare(small, tenant)
    admin = small.administrator()
    person, gone = [u["dn"] for u in users_of(small, admin)][7:9]
    admin.modify(person, {"title": [(ldap3.MODIFY_REPLACE, ["Lock Keeper"])]})
    report = connect.report()
    assert report["imports"][0]["mode"] == "delta" and report["exported"]["user"]["updated"] == 1
    compare(small, tenant)
    admin.delete(gone)
    connect.sync("--full")
    assert compare(small, tenant)[:2] == (users - 1, groups)
    assert_created_once(tenant)
