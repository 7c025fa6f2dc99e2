# SPDX-License-Identifier: Apache-2.0
"""The tenant's Sync API towards a client that shares no code with it, and towards hostile ones. No forest is needed."""
import random
import urllib.parse

import msal
import pytest
import requests

from environment import resolving
from sign_in import NAME, Person, SignInTenant, Site, derived
from sync_client import CHANGE, MEDIA_TYPE, SCOPE, Fault, SyncClient, certificate, encode, register, result

PASSWORD = "Correct-Horse-7!"
WEB = "https://wiki.corp.example/callback"


@pytest.fixture(scope="module")
def tenant(tmp_path_factory):
    tenant = SignInTenant(Site(tmp_path_factory.mktemp("site")), tmp_path_factory.mktemp("tenant"))
    with resolving(tenant.names):
        tenant.web, _ = tenant.create_app("Wiki", "--redirect-uri", WEB)
        yield tenant
    tenant.stop()


@pytest.fixture(scope="module")
def client(tenant, tmp_path_factory):
    client = SyncClient(tenant, *register(tenant, tmp_path_factory.mktemp("client"), "sync", "--passwords"))
    client.set_features(1 | 16 | 16384)
    return client


def user(tenant, name):
    found = [u for u in tenant.list("Users") if u["userName"] == name]
    assert len(found) == 1, (name, found)
    return found[0]


def test_msal_proves_the_application_by_its_certificate(tenant, client, tmp_path):
    assert client.acquire().count(".") == 2
    # The same application, and a key that nobody registered.
    stranger = SyncClient(tenant, client.app.client_id, *certificate(tmp_path, "stranger"))
    assert stranger.app.acquire_token_for_client([SCOPE])["error"] == "invalid_client"


def test_objects_come_change_and_go(tenant, client):
    made = client.provision(
        "User", SourceAnchor="anchor-ann==", userPrincipalName="ann@corp.example", displayName="Ännchen & Co <1>",
        givenName="Ann", surname="Example", accountEnabled=True, department="Sales", city="Köln",
        proxyAddresses=["SMTP:ann@corp.example", "smtp:a.example@corp.example"], onPremisesSamAccountName="ann")
    assert made["ResultCode"] == "Success" and made["ResultErrorDescription"] is None, made
    assert made["SourceAnchor"] == "anchor-ann=="
    held = user(tenant, "ann@corp.example")
    assert made["CloudAnchor"] == f"User_{held['id']}"
    assert held["externalId"] == "anchor-ann==" and held["displayName"] == "Ännchen & Co <1>" and held["active"] is True
    assert [(e["value"], e.get("primary", False)) for e in held["emails"]] == [
        ("ann@corp.example", True), ("a.example@corp.example", False)]
    # Again is a change of what is named; what is null goes, what is not named stays. Version 1 of the operation is the same.
    again = client.provision(
        "User", version="", SourceAnchor="anchor-ann==", displayName="Ann", department=None, accountEnabled=False)
    assert again["CloudAnchor"] == made["CloudAnchor"], "not made twice"
    held = user(tenant, "ann@corp.example")
    assert (held["displayName"], held["active"], held["name"]["givenName"]) == ("Ann", False, "Ann")
    assert "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User" not in held or "department" not in held[
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]
    assert held["addresses"][0]["locality"] == "Köln"
    # By the service's own name.
    by_name = client.provision("User", CloudAnchor=made["CloudAnchor"], title="Head")
    assert by_name["ResultCode"] == "Success" and user(tenant, "ann@corp.example")["title"] == "Head"
    # Gone, and back with what it was.
    assert client.provision("User", "Delete", SourceAnchor="anchor-ann==")["ResultCode"] == "Success"
    assert not [u for u in tenant.list("Users") if u["userName"] == "ann@corp.example"]
    assert client.provision("User", "Delete", SourceAnchor="anchor-ann==")["ResultErrorCode"] == "ObjectNotFound"
    back = client.provision("User", SourceAnchor="anchor-ann==", userPrincipalName="ann@corp.example", accountEnabled=True)
    assert back["CloudAnchor"] == made["CloudAnchor"], "restored, not made anew"
    audit = tenant.report("audit", "--target", held["id"])
    assert {"create", "patch", "delete", "restore"} <= {entry["action"] for entry in audit}
    assert all(entry["who"] == f"application:{client.app.client_id}" for entry in audit), audit


def test_references(tenant, client):
    for name in ("boss", "bea", "ben"):
        assert client.provision(
            "User", SourceAnchor=f"anchor-{name}==", userPrincipalName=f"{name}@corp.example",
            displayName=name)["ResultCode"] == "Success"
    assert client.provision("User", SourceAnchor="anchor-bea==", manager="anchor-boss==")["ResultCode"] == "Success"
    bea = user(tenant, "bea@corp.example")
    assert bea["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["manager"]["value"] == user(
        tenant, "boss@corp.example")["id"]
    made = client.provision(
        "Group", version="", SourceAnchor="group-1==", displayName="Sales", SecurityEnabled=True,
        member=["anchor-bea==", "anchor-boss=="])
    assert made["ResultCode"] == "Success"

    def members():
        names = {u["id"]: u["displayName"] for u in tenant.list("Users") if "displayName" in u}
        group, = [g for g in tenant.list("Groups") if g["displayName"] == "Sales"]
        return {names[m["value"]] for m in group.get("members", [])}

    assert members() == {"bea", "boss"}
    cloud = f"User_{user(tenant, 'ben@corp.example')['id']}"
    changed = client.provision("Group", SourceAnchor="group-1==", member={"add": [cloud], "remove": ["anchor-boss=="]})
    assert changed["ResultCode"] == "Success" and members() == {"bea", "ben"}
    # The same once more is nothing new; a member that nobody knows spoils the whole change.
    assert client.provision("Group", SourceAnchor="group-1==", member={"add": [cloud]})["ResultCode"] == "Success"
    wrong = client.provision("Group", SourceAnchor="group-1==", displayName="X", member={"add": ["nobody=="]})
    assert wrong["ResultErrorCode"] == "DataValidationFailed" and members() == {"bea", "ben"}
    objects, _, more = client.read_back()
    assert not more
    group, = [o for o in objects if o["SyncObjectType"] == "Group"]
    assert set(group["member"]) == {"anchor-bea==", "anchor-ben=="} and group["SyncOperation"] == "Set"
    reader, = [o for o in objects if o.get("SourceAnchor") == "anchor-bea=="]
    assert reader["manager"] == "anchor-boss==" and reader["CloudAnchor"].startswith("User_")


def test_only_what_changed_is_told(tenant, client):
    _, cookie, more = client.read_back()
    assert cookie and not more
    client.provision("User", SourceAnchor="anchor-new==", userPrincipalName="new@corp.example", displayName="New")
    client.provision("User", "Delete", SourceAnchor="anchor-ben==")
    objects, _, _ = client.read_back(cookie, full=False)
    changes = {o["SourceAnchor"]: o["SyncOperation"] for o in objects}
    assert changes["anchor-new=="] == "Set" and changes["anchor-ben=="] == "Delete"
    assert "anchor-boss==" not in changes
    with pytest.raises(Fault, match="InvalidCookie"):
        client.read_back("bm9uc2Vuc2U=")


def test_what_the_tenant_refuses_has_a_reason(tenant, client):
    client.provision("User", SourceAnchor="anchor-one==", userPrincipalName="one@corp.example", displayName="One")
    taken = client.provision("User", SourceAnchor="anchor-two==", userPrincipalName="ONE@corp.example", displayName="Two")
    assert taken["ResultCode"] == "Failure" and taken["ResultErrorCode"] == "AttributeValueMustBeUnique"
    foreign = client.provision("User", SourceAnchor="anchor-x==", userPrincipalName="x@elsewhere.example", displayName="X")
    assert foreign["ResultErrorCode"] == "DataValidationFailed" and "elsewhere.example" in foreign["ResultErrorDescription"]
    nameless = client.provision("User", SourceAnchor="anchor-x==", displayName="X")
    assert nameless["ResultErrorCode"] == "DataValidationFailed"
    one = user(tenant, "one@corp.example")
    moved = client.provision("User", CloudAnchor=f"User_{one['id']}", SourceAnchor="anchor-other==")
    assert moved["ResultErrorCode"] == "InvalidHardMatch"
    typed = client.provision("Group", CloudAnchor=f"User_{one['id']}", SourceAnchor="g==", displayName="G")
    assert typed["ResultErrorCode"] == "ObjectTypeMismatch"
    assert user(tenant, "one@corp.example") == one, "what is refused leaves nothing"


def test_accounts_are_taken_over_by_name_or_address_but_never_a_privileged_one(tenant, client):
    def own(name, **more):
        status, made = tenant.request("POST", "/Users", {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, **more})
        assert status == 201, made
        return made["id"]

    by_name = own("cara@corp.example")
    by_mail = own("cloud.dan@" + tenant.initial_domain,
                  emails=[{"value": "DAN@corp.example", "type": "work", "primary": True}])
    admin = own("eve@corp.example", roles=[{"value": "Global Administrator"}])
    taken = client.provision("User", SourceAnchor="anchor-cara==", userPrincipalName="Cara@corp.example", displayName="C")
    assert taken["CloudAnchor"] == f"User_{by_name}"
    taken = client.provision("User", SourceAnchor="anchor-dan==", userPrincipalName="dan@corp.example", displayName="D",
                             proxyAddresses=["SMTP:dan@corp.example"])
    assert taken["CloudAnchor"] == f"User_{by_mail}" and user(tenant, "dan@corp.example")["externalId"] == "anchor-dan=="
    refused = client.provision("User", SourceAnchor="anchor-eve==", userPrincipalName="eve@corp.example", displayName="E")
    assert refused["ResultErrorCode"] == "ExistingAdminRoleConflict"
    # Nor by its identifier, nor deleted.
    refused = client.provision("User", CloudAnchor=f"User_{admin}", SourceAnchor="anchor-eve==")
    assert refused["ResultErrorCode"] == "ExistingAdminRoleConflict"
    refused = client.provision("User", "Delete", CloudAnchor=f"User_{admin}")
    assert refused["ResultErrorCode"] == "InvalidHardMatch"
    assert "externalId" not in user(tenant, "eve@corp.example")


def test_soft_matching_can_be_switched_off(tenant, client):
    tenant.request("POST", "/Users", {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "fay@corp.example"})
    client.set_features(1 | 16 | 16384 | 524288)
    try:
        refused = client.provision("User", SourceAnchor="anchor-fay==", userPrincipalName="fay@corp.example", displayName="F")
        assert refused["ResultErrorCode"] == "AttributeValueMustBeUnique"
    finally:
        client.set_features(1 | 16 | 16384)
    with pytest.raises(Fault, match="UnsupportedFeature"):
        client.set_features(2)


def signs_in(tenant, name, password):
    person = Person(tenant)
    query = urllib.parse.urlencode({
        "client_id": tenant.web, "redirect_uri": WEB, "response_type": "code", "scope": "openid", "state": "s",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"})
    page = person.sign_in(person.open(f"{tenant.issuer}/oauth2/v2.0/authorize?{query}"), name, password)
    return page.status_code == 303 and page.headers["Location"].startswith(WEB) and "code=" in page.headers["Location"]


def test_a_person_signs_in_with_the_password_that_was_synchronised(tenant, client):
    client.provision("User", SourceAnchor="anchor-gus==", userPrincipalName="gus@corp.example", displayName="G",
                     accountEnabled=True)
    assert not signs_in(tenant, "gus@corp.example", PASSWORD)
    stored = client.set_password(derived(PASSWORD), "2026-05-01T08:00:00.123456Z", SourceAnchor="anchor-gus==")
    assert stored["Result"] == "0" and stored["SourceAnchor"] == "anchor-gus==", stored
    assert signs_in(tenant, "gus@corp.example", PASSWORD)
    # An older one is refused, a newer one counts; by the tenant's own name it is the same user.
    older = client.set_password(derived("Old-Horse-6!"), "2026-04-01T08:00:00Z", SourceAnchor="anchor-gus==")
    assert older["Result"] != "0" and "newer" in older["ExtendedErrorInformation"]
    cloud = f"User_{user(tenant, 'gus@corp.example')['id']}"
    assert client.set_password(derived("New-Horse-8!"), "2026-06-01T08:00:00Z", CloudAnchor=cloud)["Result"] == "0"
    assert signs_in(tenant, "gus@corp.example", "New-Horse-8!") and not signs_in(tenant, "gus@corp.example", PASSWORD)
    assert client.set_password("v1;nonsense;", "2026-07-01T08:00:00Z", SourceAnchor="anchor-gus==")["Result"] != "0"
    assert client.set_password(derived(PASSWORD), "yesterday", SourceAnchor="anchor-gus==")["Result"] != "0"
    assert client.set_password(derived(PASSWORD), "2026-07-01T08:00:00Z", SourceAnchor="nobody==")["Result"] != "0"


def test_what_the_tenant_says_of_itself(tenant, client):
    company = {e.tag.rpartition("}")[2]: e.text for e in client.company().iter()}
    assert company["DirSyncFeatures"] == str(1 | 16 | 16384) and company["IsPasswordSyncing"] == "true"
    assert company["IsDirSyncing"] == "true" and len(company["TenantId"]) == 36
    client.call("FinalizeExport", f"""<FinalizeExport xmlns="{CHANGE}"><totalExported>7</totalExported>
      <successfulExportCount>6</successfulExportCount></FinalizeExport>""")
    company = {e.tag.rpartition("}")[2]: e.text for e in client.company().iter()}
    assert (company["TotalExportCount"], company["SuccessfulExportCount"]) == ("7", "6")
    text = client.call("Capabilities", f'<Capabilities xmlns="{CHANGE}" />').text
    assert "<MinimumProductVersion>" in text
    ask = f"""<GetKerberosDomain xmlns="{CHANGE}"><dnsDomainName>corp.example</dnsDomainName></GetKerberosDomain>"""
    assert len(client.call("GetKerberosDomain", ask)) == 0
    client.call("SetKerberosDomain", f"""<SetKerberosDomain xmlns="{CHANGE}"><kerberosDomain>
      <displayName>CORP</displayName><dnsDomainName>Corp.Example</dnsDomainName><keyVersion>3</keyVersion>
      </kerberosDomain></SetKerberosDomain>""")
    told = {e.tag.rpartition("}")[2]: e.text for e in client.call("GetKerberosDomain", ask)}
    assert (told["dnsDomainName"], told["displayName"], told["keyVersion"]) == ("corp.example", "CORP", "3")
    devices = client.call("GetDeviceConfiguration", f'<GetDeviceConfiguration xmlns="{CHANGE}"></GetDeviceConfiguration>')
    assert {e.tag.rpartition("}")[2] for e in devices} == {"CloudPublicIssuerCertificates", "PublicIssuerCertificates"}
    with pytest.raises(Fault, match="ActionNotSupported"):
        client.call("GetMonitoringTenantCertificate", f'<GetMonitoringTenantCertificate xmlns="{CHANGE}"/>')


def test_what_an_application_may_is_exactly_what_it_was_allowed(tenant, tmp_path):
    """Objects without passwords; nothing after it was taken away, with the token that is still good; nothing without it."""
    identity = register(tenant, tmp_path, "narrow")
    narrow = SyncClient(tenant, *identity)
    assert narrow.company() is not None
    with pytest.raises(Fault, match="AccessDenied"):
        narrow.set_password(derived(PASSWORD), "2026-05-01T08:00:00Z", SourceAnchor="anchor-gus==")
    tenant.command("sync", "deny", identity[0])
    with pytest.raises(Fault, match="AccessDenied"):
        narrow.company()
    assert identity[0] not in [p["application"] for p in tenant.report("sync", "list")]
    # A bearer token of the SCIM service, another application's access token, and none are worth nothing here.
    service, secret = tenant.create_app("Other", "--grant", "client_credentials")
    other = requests.post(
        tenant.issuer + "/oauth2/v2.0/token", auth=(service, secret), verify=tenant.lab.authority, timeout=30,
        data={"grant_type": "client_credentials", "scope": f"api://{tenant.web}/.default"}).json()["access_token"]
    for token in (tenant.token, other, "nonsense", " "):
        with pytest.raises(Fault, match="InvalidAccessToken"):
            narrow.call("GetCompanyConfiguration", f'<GetCompanyConfiguration xmlns="{CHANGE}"/>', token)


def test_a_person_lets_a_device_in(tenant, client):
    """A public application, as scripts use it: it may synchronise while a certain person is signed in to it."""
    client.provision("User", SourceAnchor="anchor-ida==", userPrincipalName="ida@corp.example", displayName="Ida",
                     accountEnabled=True)
    client.set_password(derived(PASSWORD), "2026-05-01T08:00:00Z", SourceAnchor="anchor-ida==")
    native, _ = tenant.create_app("Script", "--public", "--grant", "device_code", "--grant", "refresh_token")
    tenant.command("sync", "allow", native, "--user", "ida@corp.example")
    app = msal.PublicClientApplication(
        native, authority=tenant.issuer, instance_discovery=False, verify=tenant.lab.authority)
    flow = app.initiate_device_flow([SCOPE])
    person = Person(tenant)
    page = person.sign_in(person.open(flow["verification_uri"]), "ida@corp.example", PASSWORD)
    page = person.send(page, user_code=flow["user_code"])
    person.send(page, choice=("decision", "allow"))
    token = app.acquire_token_by_device_flow(flow)["access_token"]
    assert client.call("GetCompanyConfiguration", f'<GetCompanyConfiguration xmlns="{CHANGE}"/>', token) is not None
    # Who is disabled lets nobody in any more.
    client.provision("User", SourceAnchor="anchor-ida==", accountEnabled=False)
    with pytest.raises(Fault, match="InvalidAccessToken"):
        client.call("GetCompanyConfiguration", f'<GetCompanyConfiguration xmlns="{CHANGE}"/>', token)


def test_hostile_messages(tenant, client):
    """Mutated, cut and absurd messages: each is answered, none with more than a fault, and the service lives on."""
    token = client.acquire()
    good = encode(client.envelope(
        "ProvisionAzureADSyncObjects2", f'<ProvisionAzureADSyncObjects2 xmlns="{CHANGE}"><syncRequest '
        'xmlns:b="http://schemas.microsoft.com/online/aws/change/2014/06"/></ProvisionAzureADSyncObjects2>', token))
    assert result("ProvisionAzureADSyncObjects2", 200, client.post(good).content) is not None
    dice = random.Random(5)
    statuses = {}
    for number in range(150):
        broken = bytearray(good)
        for _ in range(dice.randint(1, 8)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        if number % 3 == 0:
            broken = broken[:dice.randrange(len(broken))]
        answer = client.post(bytes(broken))
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        if answer.status_code == 500:
            with pytest.raises(Fault):
                result("ProvisionAzureADSyncObjects2", 500, answer.content)
    assert set(statuses) <= {200, 429, 500}, statuses
    assert statuses.get(500, 0) > 20
    deep = bytes([0x40, 1, 0x61]) * 100_000
    assert client.post(deep).status_code in (500, 429)
    array = bytes([0x03, 0x40, 1, 0x61, 0x01, 0xb5]) + b"\xff\xff\xff\xff\x07"
    assert client.post(array).status_code in (500, 429)


@pytest.mark.parametrize("headers,method,status", [
    ({"Content-Type": "application/soap+xml"}, "POST", 415), ({}, "GET", 405), ({}, "PUT", 405)])
def test_other_requests_are_refused(tenant, client, headers, method, status):
    answer = client.http.request(
        method, f"https://{NAME}/provisioningservice.svc", data=b"x", timeout=30,
        headers={"Content-Type": MEDIA_TYPE, **headers})
    assert answer.status_code == status


def test_too_much_is_refused(tenant, client):
    answer = client.post(b"\x40" * (5 << 20))
    assert answer.status_code in (413, 429)


def test_the_service_is_still_there(tenant, client):
    assert tenant.process.poll() is None
    log = (tenant.directory / "tenant.log").read_text()
    assert "PPH1_MD4" not in log and client.token not in log and "Fatal" not in log
