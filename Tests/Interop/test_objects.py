# SPDX-License-Identifier: Apache-2.0
"""Contacts and devices: to the tenant, which has a place for both, and to services that others wrote, with and without
one."""
import json
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import uuid

import httpx2
import ldap3
import pytest

from comparison import (
    ON_PREMISES_USER, anchor, assert_created_once, at, compare, compare_devices, contacts_of, first, groups_of, read, sid,
    texts, third_party, users_of)
from environment import Connect, resolving, wait_for

CONTACT = "urn:bridgehead:params:scim:schemas:1.0:Contact"
PORT, TOKEN = 18081, "interop-token"


@pytest.fixture
def admin(small):
    return small.administrator()


def workstations(lab):
    return "OU=Workstations," + lab.forest["baseDN"]


def computers(lab, admin):
    return [e["dn"] for e in read(admin, [workstations(lab)], "(objectClass=computer)", ["cn"])]


def certify(admin, *computers):
    for computer in computers:
        admin.modify(computer, {"userCertificate": [(ldap3.MODIFY_REPLACE, [b"\x30\x82" + uuid.uuid4().bytes])]})


def test_devices_are_synchronised_when_they_are_asked_for(small, small_tenant, small_connect, admin):
    lab, tenant, connect = small, small_tenant, small_connect
    first_computer, second, *_ = computers(lab, admin)
    certify(admin, first_computer, second)
    connect.set("connect.forests.0.organizationalUnits.include",
                [*lab.forest["synchronisedUnits"], workstations(lab)])
    report = connect.report("--full")
    assert "device" not in report["exported"] and tenant.list("Devices") == []
    compare(lab, tenant)
    group = groups_of(lab, admin)[0]["dn"]
    admin.modify(group, {"member": [(ldap3.MODIFY_ADD, [first_computer])]})
    connect.set("connect.devices", True)
    report = connect.report()
    assert report["exported"]["device"]["created"] == 2 and "leftOut" not in report
    with resolving(tenant.names):
        assert compare_devices(lab, tenant, [workstations(lab)], resources=third_party(tenant)) == 2
    assert_created_once(tenant)
    [entry] = read(admin, [group], "(objectClass=*)", ["objectGUID"])
    [held] = [g for g in tenant.list("Groups") if g["externalId"] == anchor(entry)]
    assert [m["type"] for m in held["members"]].count("Device") == 1
    # Disabled, described, given another certificate; then without one, which ends its registration.
    admin.modify(first_computer, {"userAccountControl": [(ldap3.MODIFY_REPLACE, ["4098"])],
                                  "description": [(ldap3.MODIFY_REPLACE, ["Under the desk"])]})
    certify(admin, second)
    assert connect.report()["exported"]["device"]["updated"] == 2
    compare_devices(lab, tenant, [workstations(lab)])
    admin.modify(second, {"userCertificate": [(ldap3.MODIFY_REPLACE, [])]})
    assert connect.report()["exported"]["device"]["deleted"] == 1
    assert compare_devices(lab, tenant, [workstations(lab)]) == 1
    admin.modify(first_computer, {"userCertificate": [(ldap3.MODIFY_REPLACE, [])]})
    admin.modify(group, {"member": [(ldap3.MODIFY_DELETE, [first_computer])]})


def test_the_tenants_commands_show_them(small, small_tenant, small_connect, admin):
    lab, tenant, connect = small, small_tenant, small_connect
    certify(admin, computers(lab, admin)[0])
    connect.set("connect.forests.0.organizationalUnits.include",
                [*lab.forest["synchronisedUnits"], workstations(lab)])
    connect.set("connect.devices", True)
    connect.sync("--full")

    def run(*arguments, **options):
        return tenant.product.run("tenant", *arguments, "--config", tenant.configuration, **options)

    contacts = contacts_of(lab, admin)
    listed = run("contacts", "list").stdout.splitlines()
    assert listed[0].split() == ["ID", "DISPLAYNAME", "ORGANIZATION", "EMAILS"] and len(listed) == 1 + len(contacts)
    contact = contacts[0]
    [line] = [line for line in listed if first(contact, "mail") in line]
    assert first(contact, "displayName") in line and first(contact, "company") in line
    shown = json.loads(run("contacts", "show", anchor(contact)).stdout)
    assert shown["externalId"] == anchor(contact) and shown["schemas"] == [CONTACT]
    found = json.loads(run(
        "contacts", "list", "--filter", f'emails.value eq "{first(contact, "mail")}"', "--json").stdout)
    assert [c["id"] for c in found] == [shown["id"]]
    [device] = json.loads(run("devices", "list", "--json").stdout)
    assert device["displayName"] in run("devices", "list").stdout
    assert json.loads(run("devices", "show", device["displayName"]).stdout)["id"] == device["id"]
    # Deleted on the premises, it can be brought back in the tenant.
    admin.delete(contact["dn"])
    connect.sync()
    assert first(contact, "displayName") in run("contacts", "deleted").stdout
    assert json.loads(run("contacts", "restore", shown["id"]).stdout)["id"] == shown["id"]
    missing = run("devices", "show", "none", check=False)
    assert missing.returncode != 0 and "devices list" in missing.stderr
    admin.modify(computers(lab, admin)[0], {"userCertificate": [(ldap3.MODIFY_REPLACE, [])]})


class Service:
    """scim2-server behind TLS with a certificate of the lab."""

    def __init__(self, lab, directory, *options):
        self.lab, server = lab, lab.forest["tenant"]
        self.log = (directory / "service.log").open("w")
        self.process = subprocess.Popen(
            [pathlib.Path(sys.executable).with_name("scim2-server"), "--hostname", "127.0.0.1", "--port", str(PORT),
             "--bearer-token", TOKEN, *map(str, options)], stdout=self.log, stderr=self.log)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server["certificateChainFile"], server["privateKeyFile"])
        self.listener = socket.create_server((server["address"], 0))
        self.url = f"https://{server['name']}:{self.listener.getsockname()[1]}/v2"
        threading.Thread(target=self._accept, args=[context], daemon=True).start()
        wait_for(self._answers, "scim2-server answers")

    def _answers(self):
        assert self.process.poll() is None, "scim2-server ended at once"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", PORT)) == 0

    def _accept(self, context):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[context, raw], daemon=True).start()

    @staticmethod
    def _serve(context, raw):
        try:
            with context.wrap_socket(raw, server_side=True) as client, \
                    socket.create_connection(("127.0.0.1", PORT)) as server:
                back = threading.Thread(target=Service._copy, args=[server, client], daemon=True)
                back.start()
                Service._copy(client, server)
                back.join()
        except OSError:
            pass

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def request(self, method, path, **options):
        with httpx2.Client(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
            answer = http.request(method, f"http://127.0.0.1:{PORT}/v2/{path}", **options)
        assert answer.is_success, answer.text
        return answer

    def list(self, kind):
        return self.request("GET", kind, params={"count": 1000}).json().get("Resources", [])

    def close(self):
        self.listener.close()
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


@pytest.fixture(params=["without", "with"])
def offer(request, small_tenant, tmp_path):
    """The options with which scim2-server has no place for contacts, and those with which it has the tenant's."""
    if request.param == "without":
        return request.param, []
    schemas, types = tmp_path / "schemas.json", tmp_path / "types.json"
    for file, path, wanted in ((schemas, "/Schemas", ("User", "Group", "EnterpriseUser", "OnPremisesUser",
                                                    "OnPremisesGroup", "Contact")),
                               (types, "/ResourceTypes", ("User", "Group", "Contact"))):
        status, page = small_tenant.request("GET", path)
        assert status == 200
        found = [r for r in page["Resources"] if r["name"] in wanted]
        assert len(found) == len(wanted)
        file.write_text(json.dumps(found))
    return request.param, ["--schema", schemas, "--resource-type", types]


def test_a_service_of_others_gets_contacts_exactly_when_it_offers_them(small, small_tenant, offer, admin, tmp_path):
    lab, (case, options) = small, offer
    small_tenant.stop()
    contacts, group = contacts_of(lab, admin), groups_of(lab, admin)[0]
    admin.modify(group["dn"], {"member": [(ldap3.MODIFY_ADD, [contacts[0]["dn"]])]})
    service = Service(lab, tmp_path, *options)
    try:
        token = tmp_path / "service.token"
        token.touch(0o600)
        token.write_text(TOKEN)
        connect = Connect(lab, small_tenant, tmp_path / "connect", connect__target__url=service.url,
                          connect__target__token={"file": str(token)})
        report = connect.report("--full")
        assert report["pending"] == 0 and report["errors"] == []
        groups = {g["externalId"]: g for g in service.list("Groups")}
        users = {u["externalId"]: u for u in service.list("Users")}
        kinds = [m.get("type") for m in groups[anchor(group)].get("members", [])]
        assert len(users) == 50
        # What the tenant's own extension has a place for goes where it is offered, and nowhere else.
        people = {anchor(user): sid(user) for user in users_of(lab, admin)}
        assert {a: at(u, (ON_PREMISES_USER, "securityIdentifier")) for a, u in users.items()} == (
            people if case == "with" else dict.fromkeys(people))
        if case == "without":
            assert report["leftOut"] == ["cloud has no place for objects of type contact"]
            assert "contact" not in report["exported"] and "Contact" not in kinds
        else:
            assert "leftOut" not in report and report["exported"]["contact"]["created"] == len(contacts)
            held = {c["externalId"]: c for c in service.list("Contacts")}
            assert set(held) == {anchor(c) for c in contacts}
            for contact in contacts:
                resource = held[anchor(contact)]
                assert resource["displayName"] == first(contact, "displayName")
                assert at(resource, ("name", "familyName")) == first(contact, "sn")
                assert [e["value"] for e in resource["emails"]] == [p[5:] for p in texts(contact, "proxyAddresses")]
            assert held[anchor(contacts[0])]["id"] in {m["value"] for m in groups[anchor(group)]["members"]}
        assert connect.report()["requests"] == 0
        # What somebody deletes there is not there to be restored: whoever meets that makes it again.
        person = users_of(lab, admin)[1]
        service.request("DELETE", f"Users/{users[anchor(person)]['id']}")
        admin.modify(person["dn"], {"title": [(ldap3.MODIFY_REPLACE, [f"Returned {case}"])]})
        report = connect.report()
        assert report["pending"] == 0 and report["errors"] == [] and report["exported"]["user"]["created"] == 1
        assert [u["title"] for u in service.list("Users") if u["externalId"] == anchor(person)] == [f"Returned {case}"]
    finally:
        service.close()
        admin.modify(group["dn"], {"member": [(ldap3.MODIFY_DELETE, [contacts[0]["dn"]])]})
