# SPDX-License-Identifier: Apache-2.0
"""The main job on a real forest: what python ldap3 reads from the domain controller is what the tenant holds."""
import ldap3
import pytest

from comparison import anchor, compare, first, groups_of, users_of


@pytest.fixture(scope="module")
def synchronised(connect):
    return connect.report("--full")


def test_a_full_run_carries_everything(lab, tenant, synchronised):
    users, groups, memberships = compare(lab, tenant)
    assert users == 1000 and groups == 100 and memberships > 1000
    assert synchronised["quarantined"] == 0 and synchronised["errors"] == []


def test_nothing_changed_means_nothing_written(connect, synchronised):
    report = connect.report()
    assert report["mode"] == "delta" and report["requests"] == 0 and report["exported"] == {}


def test_a_preview_writes_nothing(lab, tenant, connect, synchronised):
    admin = lab.administrator()
    dn = users_of(lab, admin)[3]["dn"]
    admin.modify(dn, {"title": [(ldap3.MODIFY_REPLACE, ["Bridge Keeper"])]})
    before = tenant.list("Users")
    done = connect.preview(check=False)
    assert done.returncode == 2, done.stderr
    assert "Bridge Keeper" in done.stdout
    assert tenant.list("Users") == before
    connect.sync()
    compare(lab, tenant)
    assert connect.preview().returncode == 0


def test_changes_arrive(lab, tenant, connect, synchronised):
    """Change, clear, rename, move, disable, membership, rename of a unit, delete: each as it is on the premises."""
    admin = lab.administrator()
    everyone = users_of(lab, admin)
    people = [u["dn"] for u in everyone]
    groups = [g["dn"] for g in groups_of(lab, admin)]
    admin.modify(people[10], {"title": [(ldap3.MODIFY_REPLACE, ["Ferryman ⛴"])]})
    admin.modify(people[11], {"title": [(ldap3.MODIFY_REPLACE, [])]})
    admin.modify(people[12], {"userAccountControl": [(ldap3.MODIFY_REPLACE, ["514"])]})
    admin.modify_dn(people[13], "CN=Renamed\\, Person")
    admin.modify(groups[-1], {"member": [(ldap3.MODIFY_ADD, [people[14]])]})
    report = connect.report()
    assert report["mode"] == "delta" and report["synchronised"] < 20
    compare(lab, tenant)

    unit = next(u["dn"].split(",", 1)[1].replace("\\,", "\0") for u in everyone[20:])
    unit = people[20].split(",OU=", 1)[1]
    unit = "OU=" + unit
    count = len(people)
    admin.modify_dn(unit, "OU=Renamed Unit")
    report = connect.report()
    assert compare(lab, tenant)[0] == count
    assert all(kind.get("deleted", 0) == 0 for kind in report["exported"].values()), "a renamed unit deleted somebody"

    gone = users_of(lab, admin)[30]
    admin.delete(gone["dn"])
    report = connect.report()
    assert report["exported"]["user"]["deleted"] == 1
    assert compare(lab, tenant)[0] == count - 1
    assert anchor(gone) not in {u["externalId"] for u in tenant.list("Users")}


def test_show_tells_every_space(lab, connect, synchronised):
    user = users_of(lab, lab.administrator())[40]
    shown = connect.show(user["dn"])
    text = str(shown)
    assert anchor(user) in text and first(user, "displayName") in text


def test_status_names_the_flows_that_were_used(connect, synchronised):
    flows = {(flow["row"], flow["transport"]) for flow in connect.status()["flows"]}
    assert {("connect-ad/dns", "udp"), ("connect-ad/kerberos", "udp"), ("connect-ad/ldap", "tcp"),
            ("connect-ad/ldap", "udp"), ("connect-cloud/http", "tcp"), ("connect-cloud/https", "tcp")} <= flows
    sealed = [flow for flow in connect.status()["flows"] if flow["row"] == "connect-ad/ldap" and flow["transport"] == "tcp"]
    assert sealed and all("seal" in flow["protection"].lower() for flow in sealed)
    assert not any(flow["row"] == "connect-ad/ldaps" for flow in connect.status()["flows"])


def test_nothing_secret_is_written(lab, tenant, connect, synchronised):
    secrets = [tenant.token.encode()]
    for account in ("serviceAccount", "administrator"):
        with open(lab.forest[account]["passwordFile"], "rb") as file:
            secrets.append(file.read().strip())
    done = connect.sync("--log-level", "trace")
    for file in [*connect.directory.rglob("*"), *tenant.directory.glob("tenant.*")]:
        if file.is_file():
            data = file.read_bytes()
            assert not any(secret in data for secret in secrets), file
            assert file.suffix not in (".sqlite", ".token") or file.stat().st_mode & 0o077 == 0, file
    assert not any(secret.decode() in done.stdout + done.stderr for secret in secrets)
