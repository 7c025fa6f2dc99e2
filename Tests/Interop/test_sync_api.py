# SPDX-License-Identifier: Apache-2.0
"""Connect synchronises a forest into a tenant by the Sync API; another tenant, fed by SCIM, is what it must equal."""
import json
import re
import socketserver
import ssl
import threading

import ldap3
import pytest

from comparison import anchor, compare, users_of
from environment import Connect, Lab, Tenant, resolving
from sign_in import Person
from sync_client import encode, register

NEW = "Bridge-Keeper-2026!"
SCIM_PORT = 8443
HOSTILE_PORT = 9443


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A small forest and two tenants: `sync` is fed by the Sync API, `scim` by SCIM."""
    directory = tmp_path_factory.mktemp("sync")
    lab = Lab(directory / "lab", "--users", 50, "--groups", 5, "--extended-schema")
    sync, scim = Tenant(lab, directory / "tenant"), Tenant(lab, directory / "scim", port=SCIM_PORT)
    client, certificate_file, key_file = register(sync, directory, "connect", "--passwords")
    connect = Connect(lab, sync, directory / "connect")
    target = connect.values["connect"].pop("target")
    account = lab.forest["passwordAccount"]
    connect.values["connect"]["forests"][0]["passwordCredentials"] = {
        "principal": account["principal"], "keytab": account["keytabFile"]}
    domains = {name: target[name] for name in ("verifiedDomains", "initialDomain")}
    connect.values["connect"]["targets"] = [
        {"name": "sync", "kind": "sync-api", "url": f"https://{sync.name}/provisioningservice.svc", "passwords": True,
         "signIn": {"authority": f"https://{sync.name}/{sync.initial_domain}", "clientID": client,
                    "certificate": str(certificate_file), "key": str(key_file)}, **domains},
        {"name": "scim", "url": f"https://{scim.name}:{SCIM_PORT}/scim/v2", "token": {"file": str(scim.token_file)},
         **domains}]
    connect.write()
    connect.sync_tenant, connect.scim_tenant = sync, scim
    connect.report("--full")
    yield connect
    sync.stop()
    scim.stop()
    lab.down()


def held(tenant):
    """Everything in a tenant, by kind and source anchor, with references by source anchor and without what differs by nature."""
    kinds = ("Users", "Groups", "Contacts", "Devices")
    resources = {kind: tenant.list(kind) for kind in kinds}
    anchors = {r["id"]: r["externalId"] for kind in kinds for r in resources[kind]}

    def plain(value):
        if isinstance(value, dict):
            return {name: anchors.get(inner, inner) if name == "value" and isinstance(inner, str) else plain(inner)
                    for name, inner in value.items() if name not in ("$ref", "meta", "id")}
        if isinstance(value, list):
            return sorted((plain(inner) for inner in value), key=lambda v: json.dumps(v, sort_keys=True))
        return value

    return {kind: {r["externalId"]: plain(r) for r in resources[kind]} for kind in kinds}


def equal(site):
    by_sync, by_scim = held(site.sync_tenant), held(site.scim_tenant)
    for kind in by_scim:
        assert by_sync[kind].keys() == by_scim[kind].keys(), kind
        for source, resource in by_scim[kind].items():
            assert by_sync[kind][source] == resource
    return by_sync


def test_the_result_equals_what_scim_gives(site):
    found = equal(site)
    assert len(found["Users"]) > 40 and len(found["Groups"]) >= 5 and sum(
        len(g.get("members", [])) for g in found["Groups"].values()) > 20
    assert sum("manager" in json.dumps(u) for u in found["Users"].values()) > 5
    compare(site.lab, site.sync_tenant)


def test_a_second_run_sends_nothing(site):
    report = site.report()
    assert report["requests"] == 0 and report["pending"] == 0, report


def test_changes_arrive_alike(site):
    admin = site.lab.administrator()
    users = users_of(site.lab, admin)
    one, two, three = users[0], users[1], users[2]
    group = next(e["dn"] for e in _search(admin, site, "(objectClass=group)"))
    before = set(_values(admin, group, "member"))
    admin.modify(one["dn"], {"displayName": [(ldap3.MODIFY_REPLACE, ["Änderung & <Co>"])],
                             "department": [(ldap3.MODIFY_REPLACE, [])],
                             "userAccountControl": [(ldap3.MODIFY_REPLACE, ["514"])]})
    admin.modify(two["dn"], {"manager": [(ldap3.MODIFY_REPLACE, [three["dn"]])]})
    change = ldap3.MODIFY_DELETE if one["dn"] in before else ldap3.MODIFY_ADD
    admin.modify(group, {"member": [(change, [one["dn"]])]})
    report = site.report()
    assert report["requests"] > 0
    equal(site)
    compare(site.lab, site.sync_tenant)


def test_what_is_deleted_and_comes_back(site):
    admin = site.lab.administrator()
    unit = site.lab.forest["synchronisedUnits"][0]
    dn = f"CN=Passing Guest,{unit}"
    admin.add(dn, "user", {"sAMAccountName": "passing", "displayName": "Passing Guest", "userAccountControl": 544,
                           "userPrincipalName": f"passing@{site.lab.forest['verifiedSuffixes'][0]}"})
    site.report()
    made = [u for u in site.sync_tenant.list("Users") if u.get("displayName") == "Passing Guest"]
    assert len(made) == 1
    away = f"OU=Elsewhere,{site.lab.forest['baseDN']}"
    admin.add(away, "organizationalUnit")
    admin.modify_dn(dn, "CN=Passing Guest", new_superior=away)
    site.report("--full")
    assert made[0]["id"] not in {u["id"] for u in site.sync_tenant.list("Users")}
    equal(site)
    admin.modify_dn(f"CN=Passing Guest,{away}", "CN=Passing Guest", new_superior=unit)
    site.report("--full")
    back = [u for u in site.sync_tenant.list("Users") if u.get("displayName") == "Passing Guest"]
    assert [u["id"] for u in back] == [made[0]["id"]], "restored, not made anew"
    equal(site)
    admin.delete(dn)
    site.report()
    equal(site)


def test_what_somebody_changed_there_is_put_back(site):
    user = site.sync_tenant.list("Users")[0]
    group = next(g for g in site.sync_tenant.list("Groups") if g.get("members"))
    patch = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}
    assert site.sync_tenant.request("PATCH", f"/Users/{user['id']}", {
        **patch, "Operations": [{"op": "replace", "path": "title", "value": "Impostor"}]})[0] == 200
    assert site.sync_tenant.request("PATCH", f"/Groups/{group['id']}", {
        **patch, "Operations": [{"op": "remove", "path": "members"}]})[0] == 204
    site.report("--full")
    equal(site)
    assert site.report()["requests"] == 0


def test_passwords_arrive(site):
    done = site.product.run("connect", "passwords", "sync", "--config", site.configuration, "--json")
    report, users = json.loads(done.stdout), site.sync_tenant.list("Users")
    assert report["sent"] == len(users) and report["refused"] == report["due"] == 0, report
    admin = site.lab.administrator()
    active = {u["externalId"]: u["userName"] for u in users if u["active"]}
    user = next(u for u in users_of(site.lab, admin) if anchor(u) in active)
    site.person = active[anchor(user)]
    admin.modify(user["dn"], {"unicodePwd": [(ldap3.MODIFY_REPLACE, [f'"{NEW}"'.encode("utf-16-le")])]})
    assert json.loads(site.product.run(
        "connect", "passwords", "sync", "--config", site.configuration, "--json").stdout)["sent"] == 1
    secret = (site.directory / "connect.sqlite").read_bytes()
    assert b"PPH1_MD4" not in secret and NEW.encode() not in secret


def test_the_service_heard_of_the_export(site):
    done = site.sync_tenant.product.run("tenant", "audit", "--config", site.sync_tenant.configuration, "--json")
    who = {entry["who"] for entry in json.loads(done.stdout)}
    assert any(w.startswith("application:") for w in who)
    log = (site.sync_tenant.directory / "tenant.log").read_text()
    assert "#FinalizeExport" in log and "#ProvisionAzureADSyncObjects2" in log and "#ProvisionCredentials" in log


def test_a_person_signs_connect_in(site, tmp_path):
    """On another device, once; every run afterwards renews what that left behind."""
    tenant, token = site.sync_tenant, tmp_path / "refresh"
    tenant.issuer = f"https://{tenant.name}/{tenant.initial_domain}"
    client = tenant.product.json(
        "tenant", "apps", "create", "--config", tenant.configuration, "--json", "--name", "Person", "--public",
        "--grant", "device_code", "--grant", "refresh_token")["clientId"]
    tenant.product.run("tenant", "sync", "allow", "--config", tenant.configuration, client, "--user", site.person)
    target = site.values["connect"]["targets"][0]
    saved = target["signIn"]
    target["signIn"] = {"authority": tenant.issuer, "clientID": client, "refreshToken": str(token)}
    site.write()
    try:
        done = site.sync(check=False)
        assert done.returncode != 0 and "connect sign-in" in done.stderr + done.stdout, (done.stderr, done.stdout)
        process = site.product.start("connect", "sign-in", "--config", site.configuration)
        address, code = re.search(r"open (\S+) and enter the code (\S+)", process.stderr.readline()).groups()
        with resolving(tenant.names):
            person = Person(tenant)
            page = person.sign_in(person.open(address), site.person, NEW)
            page = person.send(page, user_code=code)
            person.send(page, choice=("decision", "allow"))
        assert process.wait(60) == 0, process.stderr.read()
        assert token.stat().st_mode & 0o777 == 0o600
        kept = {token.read_text()}
        for _ in range(2):
            site.report()
            kept.add(token.read_text())
        assert len(kept) == 3, "each use replaces it"
        who = json.loads(tenant.product.run("tenant", "audit", "--config", tenant.configuration, "--json").stdout)
        assert not any(next(iter(kept)).strip() in json.dumps(entry) for entry in who)
        # Without the person's permission the application is nobody.
        tenant.product.run("tenant", "sync", "deny", "--config", tenant.configuration, client, "--user", site.person)
        done = site.sync(check=False)
        assert done.returncode != 0 and "AccessDenied" in done.stderr + done.stdout
    finally:
        target["signIn"] = saved
        site.write()


class HostileService:
    """Answers every operation as the test says, over TLS with the tenant's own certificate."""

    def __init__(self, forest, answer):
        self.seen = []
        owner, server = self, forest["tenant"]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server["certificateChainFile"], server["privateKeyFile"])

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                length = 0
                while line := self.rfile.readline().strip():
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                owner.seen.append(self.rfile.read(length))
                self.wfile.write(answer)

        class Listener(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

            def get_request(self):
                connection, address = super().get_request()
                return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

            def handle_error(self, *_):
                pass

        self.listener = Listener((server["address"], HOSTILE_PORT), Handler)
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    def stop(self):
        self.listener.shutdown()
        self.listener.server_close()


def response(status, body, kind="application/soap+msbin1", *headers):
    lines = [f"HTTP/1.1 {status} x", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def fault(detail):
    return encode(f"""<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault>
      <s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text>go</s:Text></s:Reason><s:Detail>{detail}</s:Detail>
      </s:Fault></s:Body></s:Envelope>""")


REDIRECT = "<BindingRedirectionFault><Url>https://{}/provisioningservice.svc</Url></BindingRedirectionFault>"


@pytest.mark.parametrize("answer,words", [
    (response(500, fault(REDIRECT.format("attacker.example"))), "not of the same cloud"),
    (response(500, fault(REDIRECT.format("adminwebservice.microsoftonline.com"))), "not of the same cloud"),
    (response(200, b"\x56\x02\x0b\x01"), "malformed binary document"),
    (response(200, bytes([0x40, 1, 0x61]) * 5_000), "cannot be read"),
    (response(200, b"<html>", "text/html"), "no binary SOAP envelope"),
    (response(403, b"<html>", "text/html"), "403"),
    (response(429, b"", "text/plain", "Retry-After: 100000"), "left alone"),
    (response(500, fault("<AdminWebServiceFault><ErrorCode>X</ErrorCode><ErrorDescription>no\n\x85more</ErrorDescription>"
                         "</AdminWebServiceFault>")), "X: no"),
], ids=["foreign redirect", "redirect to another cloud", "cut", "deep", "a page", "forbidden", "wait for a day", "fault"])
def test_a_hostile_service(site, answer, words):
    """Each has its words, once, and nothing is sent to anybody else."""
    service = HostileService(site.lab.forest, answer)
    saved = site.values["connect"]["targets"][0]["url"]
    site.set("connect.targets.0.url", f"https://{site.sync_tenant.name}:{HOSTILE_PORT}/provisioningservice.svc")
    try:
        done = site.sync(check=False)
        assert done.returncode != 0 and words in done.stderr + done.stdout, (done.returncode, done.stderr, done.stdout)
        assert service.seen and all(b"IProvisioningWebService" in body for body in service.seen)
    finally:
        site.set("connect.targets.0.url", saved)
        service.stop()


def test_a_wrong_certificate_is_told_with_its_remedy(site, tmp_path):
    from sync_client import certificate
    wrong_certificate, wrong_key = certificate(tmp_path, "wrong")
    signing = site.values["connect"]["targets"][0]["signIn"]
    saved = dict(signing)
    signing.update(certificate=str(wrong_certificate), key=str(wrong_key))
    site.write()
    try:
        done = site.sync(check=False)
        assert done.returncode != 0 and "invalid_client" in done.stderr + done.stdout, (done.stderr, done.stdout)
        signing["key"] = saved["key"]
        site.write()
        done = site.sync(check=False)
        assert done.returncode != 0 and "is not that of the certificate" in done.stderr, done.stderr
    finally:
        signing.clear()
        signing.update(saved)
        site.write()
    site.report()


def _search(admin, site, query):
    admin.search(site.lab.forest["synchronisedUnits"][1], query, attributes=["member"])
    return [entry for entry in admin.response if entry["type"] == "searchResEntry"]


def _values(admin, dn, name):
    admin.search(dn, "(objectClass=*)", search_scope=ldap3.BASE, attributes=[name])
    return [str(v) for v in admin.response[0]["attributes"].get(name) or []]
