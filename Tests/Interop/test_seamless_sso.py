# SPDX-License-Identifier: Apache-2.0
"""Seamless SSO on a real forest: the account that `connect sso` makes, tickets from Samba's KDC, and the clients that hold
them: curl, Chromium, pyspnego."""
import base64
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import threading
import types
import urllib.parse
import xml.etree.ElementTree

import gssapi
import jwt
import ldap3
import pytest
import requests
import spnego
from cryptography import x509
from selenium.webdriver.common.by import By
from spnego.channel_bindings import GssChannelBindings

import web_browser
from environment import Connect, Lab, Tenant, wait_for
from sign_in import Form, parameters
from web_browser import Application

ACCOUNT = "BRIDGEHEADSSO"
TRUST = "http://docs.oasis-open.org/ws-sx/ws-trust/200512"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Two small forests, synchronised, with applications; Seamless SSO is not enabled."""
    directory = tmp_path_factory.mktemp("sso")
    lab = Lab(directory / "lab", "--users", 40, "--groups", 4, "--forest", "corp.example",
              "--forest", "resources.example")
    tenant = Tenant(lab, directory / "tenant")
    tenant.issuer = f"https://{tenant.name}/{tenant.initial_domain}"
    token = directory / "sso.token"
    tenant.product.run("tenant", "token", "create", "--config", tenant.configuration, "--name", "sso", "--scope", "sso",
                       "--output", token)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    redirect = f"http://127.0.0.1:{server.server_port}/signed-in"

    def app(*options):
        return tenant.product.json("tenant", "apps", "create", "--config", tenant.configuration, "--json", *options)

    web = app("--name", "Wiki", "--redirect-uri", redirect)
    native = app("--name", "Tool", "--public", "--grant", "windows_transport")
    connect = Connect(lab, tenant, directory / "connect")
    # Names that both forests have are held by one of them: exit code 4.
    assert connect.sync("--full", check=False).returncode in (0, 4)
    ticket_host = f"autologon.{tenant.name}"
    service = f"HTTP/{ticket_host}"
    real = socket.getaddrinfo

    def find(host, *arguments, **options):
        host = host.decode() if isinstance(host, bytes) else host
        return real(tenant.address if host in (tenant.name, ticket_host) else host, *arguments, **options)

    socket.getaddrinfo = find
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        os.environ.pop(name, None)
    os.environ["KRB5_CONFIG"] = lab.description["kerberosConfigurationFile"]
    admin = lab.administrator()
    person = somebody(admin, lab.forest)
    yield types.SimpleNamespace(
        lab=lab, tenant=tenant, connect=connect, directory=directory, token=token, redirect=redirect, web=web,
        native=native, ticket_host=ticket_host, service=service, admin=admin, person=person,
        base=lab.forest["baseDN"])
    socket.getaddrinfo = real
    server.shutdown()
    tenant.stop()
    lab.down()


def somebody(admin, forest):
    """A person who may sign in, by a name that stays the same in the tenant."""
    admin.search(
        forest["synchronisedUnits"][0], "(&(objectCategory=person)(objectClass=user)(userPrincipalName=*"
        f"@{forest['name']})(!(userAccountControl:1.2.840.113556.1.4.803:=2))(|(accountExpires=0)"
        "(accountExpires=9223372036854775807)))", attributes=["sAMAccountName", "userPrincipalName", "objectSid"])
    entry = next(e["attributes"] for e in admin.response if e["type"] == "searchResEntry")
    return {name: values[0] for name, values in entry.items()}


@pytest.fixture(autouse=True)
def no_ticket(site, monkeypatch, tmp_path):
    """Each test begins without tickets."""
    Application.seen.clear()
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'tickets'}")


def sso(site, command, *options, check=True, administrator=True, forest=None):
    forest = forest or site.lab.forest
    account = forest["administrator"]
    who = ["--principal", account["principal"], "--password-file", account["passwordFile"]] if administrator else []
    return site.connect.product.run(
        "connect", "sso", command, "--config", site.connect.configuration, "--token-file", site.token, "--json",
        "--forest", forest["name"], *who, *options, check=check)


def refusal(site, command, *options):
    done = sso(site, command, *options, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr


def account(site, name=ACCOUNT, attributes=("*", "msDS-KeyVersionNumber")):
    site.admin.search(site.base, f"(sAMAccountName={name}$)", attributes=list(attributes))
    found = [e for e in site.admin.response if e["type"] == "searchResEntry"]
    if not found:
        return None
    values = {name: values[0] for name, values in found[0]["attributes"].items() if values}
    return types.SimpleNamespace(dn=found[0]["dn"], services=found[0]["attributes"].get("servicePrincipalName"), **{
        name: values.get(name) for name in ("uSNChanged", "pwdLastSet", "adminDescription", "userAccountControl")},
        types=values.get("msDS-SupportedEncryptionTypes"), version=values.get("msDS-KeyVersionNumber"))


def keys(site):
    """What the tenant says of its keys, to whoever has the token."""
    code, answer = site.tenant.request("GET", "/tenant/sso", headers={
        "Authorization": f"Bearer {site.token.read_text().strip()}"})
    assert code == 200, answer
    return answer["keys"]


def sign_on(site, person=None, forest=None):
    """The person signs in to the forest."""
    forest = forest or site.lab.forest
    name = (person or site.person)["sAMAccountName"] + "@" + forest["realm"]
    subprocess.run(["kinit", name], input=pathlib.Path(forest["userPasswordFile"]).read_text(), text=True, check=True,
                   capture_output=True)


def ticket_token(site, protocol="negotiate", **options):
    client = spnego.client(hostname=site.ticket_host, service="HTTP", protocol=protocol, **options)
    return base64.b64encode(client.step()).decode()


def authorize(site, **more):
    return f"{site.tenant.issuer}/oauth2/v2.0/authorize?" + urllib.parse.urlencode({
        "client_id": site.web["clientId"], "redirect_uri": site.redirect, "response_type": "code", "scope": "openid profile",
        "state": "s", **more})


def browser(site):
    http = requests.Session()
    http.verify = site.lab.authority
    http.trust_env = False
    return http


def detour(site, http):
    """The address at the ticket host to which the browser is sent."""
    answer = http.get(authorize(site, domain_hint=site.lab.forest["name"]), allow_redirects=False)
    assert answer.status_code == 303, answer.text
    location = answer.headers["Location"]
    assert location.startswith(f"https://{site.ticket_host}/{site.tenant.initial_domain}/autologon?"), location
    return location


def present(site, http, token):
    return http.get(detour(site, http), headers={"Authorization": f"Negotiate {token}"}, allow_redirects=False)


def is_refused(site, answer):
    """Sent to the password page, not asked again."""
    location = answer.headers.get("Location", "")
    return answer.status_code == 303 and location.startswith(f"{site.tenant.issuer}/oauth2/v2.0/authorize?") \
        and location.endswith("autologon=no")


def is_accepted(site, answer):
    return answer.status_code == 303 and answer.headers["Location"].startswith(f"{site.tenant.issuer}/signin/ticket?")


def redeem(site, code):
    return claims(site, identity_token(site, code), site.web["clientId"])


def identity_token(site, code):
    answer = browser(site).post(f"{site.tenant.issuer}/oauth2/v2.0/token", data={
        "grant_type": "authorization_code", "code": code, "redirect_uri": site.redirect,
        "client_id": site.web["clientId"], "client_secret": site.web["clientSecret"]})
    assert answer.status_code == 200, answer.text
    return answer.json()["id_token"]


def claims(site, token, audience):
    """The claims of a token that the tenant's published keys verify."""
    published = browser(site).get(f"{site.tenant.issuer}/discovery/v2.0/keys").json()
    key = jwt.PyJWKSet.from_dict(published)[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=site.tenant.issuer)


# Before it is enabled

def test_a_preview_changes_nothing(site):
    report = json.loads(sso(site, "enable", "--dry-run").stdout)
    assert report["done"] is False and report["service"] == site.service and len(report["steps"]) == 4
    assert account(site) is None and keys(site) == []
    assert browser(site).get(authorize(site, domain_hint=site.lab.forest["name"])).url.endswith(
        f"domain_hint={site.lab.forest['name']}"), "nobody is sent to a host that takes no tickets"


def computer(site, name, **attributes):
    dn = f"CN={name},CN=Computers,{site.base}"
    site.admin.add(dn, ["computer"], {"sAMAccountName": f"{name}$", "userAccountControl": "4128", **attributes})
    return dn


def test_entra_ids_account_is_never_touched(site):
    computer(site, "AZUREADSSOACC", servicePrincipalName="HTTP/autologon.microsoftazuread-sso.com")
    before = account(site, "AZUREADSSOACC").uSNChanged
    for command in ("enable", "roll", "disable"):
        assert "is Entra ID's account" in refusal(site, command, "--account", "AZUREADSSOACC")
    notes = json.loads(sso(site, "enable", "--dry-run").stdout)["notes"]
    assert "AZUREADSSOACC" in notes[0] and "left alone" in notes[0]
    assert account(site, "AZUREADSSOACC").uSNChanged == before


def test_an_account_of_others_is_refused(site):
    dn = computer(site, ACCOUNT)
    for marker, words in [([], "was not made by Bridgehead"),
                          (["bridgehead-sso:1:other.tenant.example"], "was made for the tenant other.tenant.example")]:
        site.admin.modify(dn, {"adminDescription": [(ldap3.MODIFY_REPLACE, marker)]})
        before = account(site).uSNChanged
        for command in ("enable", "roll", "disable"):
            error = refusal(site, command)
            assert words in error and "it is not touched" in error, error
        assert account(site).uSNChanged == before
    assert keys(site) == []
    site.admin.delete(dn)


def test_a_duplicate_service_name_is_refused(site):
    dn = computer(site, "WEB1", servicePrincipalName=site.service)
    error = refusal(site, "enable")
    assert f"{dn} has the service name {site.service} already" in error, error
    assert account(site) is None and keys(site) == []
    site.admin.delete(dn)


def test_rights_that_are_missing(site):
    plain = site.lab.forest["plainAccount"]
    site.admin.modify(site.base, {"ms-DS-MachineAccountQuota": [(ldap3.MODIFY_REPLACE, ["0"])]})
    done = site.connect.product.run(
        "connect", "sso", "enable", "--config", site.connect.configuration, "--token-file", site.token,
        "--forest", site.lab.forest["name"], "--principal", plain["principal"], "--password-file", plain["passwordFile"], check=False)
    assert done.returncode == 1 and "CC;computer" in done.stderr, done.stderr
    assert account(site) is None and keys(site) == []


def test_the_token_has_a_scope_of_its_own(site):
    other = {"Authorization": f"Bearer {site.tenant.token}"}
    assert site.tenant.request("GET", "/tenant/sso", headers=other)[0] == 403
    mine = {"Authorization": f"Bearer {site.token.read_text().strip()}"}
    assert site.tenant.request("GET", "/Users", headers=mine)[0] == 403


# Enabling

def test_enable(site):
    report = json.loads(sso(site, "enable").stdout)
    assert report["done"] is True
    found = account(site)
    assert found.services == [site.service] and found.types == "24"
    assert found.adminDescription == f"bridgehead-sso:1:{site.tenant.initial_domain}"
    assert int(found.userAccountControl) == 0x1000, "an enabled workstation's account"
    (key,) = keys(site)
    assert key["forest"] == site.lab.forest["name"] and key["activated"] and "retires" not in key
    assert key["version"] == int(found.version)
    assert key["domains"] == [site.lab.forest["domainSID"]]
    flows = {f["row"]: f for f in site.connect.status()["flows"]}
    assert flows["connect-ad/smb"]["port"] == 445 and flows["connect-ad/global-catalog"]["port"] == 3268
    assert "encryption" in flows["connect-ad/smb"]["protection"]
    seen = subprocess.run(
        ["rpcclient", "--configfile=/dev/null", site.lab.forest["controllers"][0]["address"], "-U", "Administrator",
         "-W", site.lab.forest["netbios"], "--use-kerberos=off", "-c", f"samlookupnames domain {ACCOUNT}$"],
        capture_output=True, text=True, env={**os.environ, "PASSWD_FILE": site.lab.forest["administrator"]["passwordFile"]})
    assert f"name {ACCOUNT}$: 0x" in seen.stdout, seen.stdout + seen.stderr


def test_status(site):
    report = json.loads(sso(site, "status", administrator=False).stdout)
    assert report["warnings"] == [] and report["account"]["name"] == ACCOUNT and len(report["keys"]) == 1
    assert report["entraAccount"].startswith("CN=AZUREADSSOACC,")


def test_the_kdc_makes_aes_tickets_for_the_service(site):
    sign_on(site)
    subprocess.run(["kvno", site.service], check=True, capture_output=True)
    listed = subprocess.run(["klist", "-e"], check=True, capture_output=True, text=True).stdout
    assert re.search(rf"{re.escape(site.service)}@.*\n.*skey\), aes256-cts-hmac-sha1-96|{re.escape(site.service)}@.*\n"
                     r".*aes256-cts-hmac-sha1-96, aes256-cts-hmac-sha1-96", listed), listed


# Signing in

def curl(site, url, *options):
    jar = pathlib.Path(os.environ["KRB5CCNAME"].removeprefix("FILE:")).parent / "cookies"
    names = [option for name in (site.tenant.name, site.ticket_host)
             for option in ("--resolve", f"{name}:443:{site.tenant.address}")]
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--negotiate", "--user", ":", "--location-trusted", "--max-redirs", "6",
         "--cacert", site.lab.authority, "--cookie", jar, "--cookie-jar", jar, *names, *options,
         "--write-out", "\n%{http_code} %{num_redirects}", url], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    page, last = done.stdout.rsplit("\n", 1)
    return page, *map(int, last.split())


def test_curl_with_a_ticket(site):
    sign_on(site)
    page, status, _ = curl(site, authorize(site, domain_hint=site.lab.forest["name"]))
    assert status == 200 and "Application" in page
    (answer,) = Application.seen
    assert answer["state"] == "s"
    identity = redeem(site, answer["code"])
    assert identity["preferred_username"].lower() == site.person["userPrincipalName"].lower()
    assert identity["amr"] == ["wia"]
    sessions = site.tenant.product.json("tenant", "sessions", "list", "--config", site.tenant.configuration, "--json")
    assert [s["method"] for s in sessions] == ["wia"]
    # The browser has a session by now.
    curl(site, authorize(site))
    assert len(Application.seen) == 2


def test_curl_without_a_ticket(site):
    page, status, redirects = curl(site, authorize(site, domain_hint=site.lab.forest["name"]))
    assert status == 401 and redirects == 1
    onward = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page)[1].replace("&amp;", "&")
    page, status, redirects = curl(site, onward)
    assert (status, redirects) == (200, 0) and Form(page).title.startswith("Sign in")
    assert not Application.seen


def test_the_page_offers_tickets(site):
    page = browser(site).get(authorize(site)).text
    link = re.search(r'<a href="([^"]+)">Sign in with the account of this computer', page)[1].replace("&amp;", "&")
    answer = browser(site).get(f"https://{site.tenant.name}{link}", allow_redirects=False)
    assert answer.headers["Location"].startswith(f"https://{site.ticket_host}/")


@pytest.mark.parametrize("prompt", [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "60"}])
def test_whoever_must_prove_themselves_anew_gets_the_page(site, prompt):
    answer = browser(site).get(authorize(site, domain_hint=site.lab.forest["name"], **prompt), allow_redirects=False)
    assert answer.status_code == 200 and "account of this computer" not in answer.text


@pytest.mark.parametrize("protocol", ["negotiate", "kerberos"])
def test_a_ticket_is_taken(site, protocol):
    sign_on(site)
    http = browser(site)
    answer = present(site, http, ticket_token(site, protocol))
    assert is_accepted(site, answer), answer.headers
    done = http.get(answer.headers["Location"], allow_redirects=False)
    assert done.status_code == 303 and done.headers["Location"].startswith(site.redirect)
    token = identity_token(site, parameters(done)["code"])
    assert claims(site, token, site.web["clientId"])["amr"] == ["wia"]
    # The browser is known to have tickets, until the person signs out.
    http.cookies.set("__Host-bridgehead-session", None)
    assert http.get(authorize(site), allow_redirects=False).headers["Location"].startswith(f"https://{site.ticket_host}/")
    http.get(f"{site.tenant.issuer}/oauth2/v2.0/logout", params={"id_token_hint": token})
    assert http.get(authorize(site), allow_redirects=False).status_code == 200


def test_a_code_is_for_one_browser_and_one_use(site):
    sign_on(site)
    http = browser(site)
    answer = present(site, http, ticket_token(site))
    stranger = browser(site)
    detour(site, stranger)
    taken = stranger.get(answer.headers["Location"], allow_redirects=False)
    assert is_refused(site, taken) and "__Host-bridgehead-session" not in taken.headers.get("Set-Cookie", "")
    # It is spent, also for the browser that it was for.
    assert is_refused(site, http.get(answer.headers["Location"], allow_redirects=False))


def ntlm_token():
    return base64.b64encode(b"NTLMSSP\0" + struct.pack("<II", 1, 0xE20882B7) + bytes(24)).decode()


def test_tokens_that_prove_nothing(site):
    sign_on(site)
    other = spnego.client(hostname=site.lab.forest["controllers"][0]["host"], service="ldap", protocol="negotiate")
    good = base64.b64decode(ticket_token(site))
    damaged = bytearray(good)
    damaged[-20] ^= 1
    bad = {
        "garbage": base64.b64encode(b"garbage" * 9).decode(), "NTLM": ntlm_token(),
        "NTLM in SPNEGO": base64.b64encode(spnego.client(
            "u", "p", hostname=site.ticket_host, service="HTTP", protocol="negotiate",
            options=spnego.NegotiateOptions.use_ntlm).step()).decode(),
        "another service's ticket": base64.b64encode(other.step()).decode(),
        "damaged": base64.b64encode(damaged).decode(), "cut": base64.b64encode(good[:-40]).decode(), "empty": "",
        "no base64": "%%%"}
    for name, token in bad.items():
        assert is_refused(site, present(site, browser(site), token)), name
    for scheme in ("Basic dTpw", "NTLM " + ntlm_token(), "Bearer x"):
        http = browser(site)
        answer = http.get(detour(site, http), headers={"Authorization": scheme}, allow_redirects=False)
        assert is_refused(site, answer), scheme
    assert not Application.seen
    # The tenant still works.
    assert is_accepted(site, present(site, browser(site), ticket_token(site)))


def test_a_proof_is_taken_once(site):
    sign_on(site)
    token = ticket_token(site)
    assert is_accepted(site, present(site, browser(site), token))
    assert is_refused(site, present(site, browser(site), token))
    # Nor after a restart.
    site.tenant.stop()
    site.tenant.start()
    assert is_refused(site, present(site, browser(site), token))


def test_proofs_are_bound_to_the_channel(site):
    sign_on(site)
    pem = pathlib.Path(site.lab.forest["tenant"]["certificateChainFile"]).read_bytes()
    certificate = x509.load_pem_x509_certificate(pem)
    digest = certificate.fingerprint(certificate.signature_hash_algorithm)
    own, foreign = (GssChannelBindings(application_data=b"tls-server-end-point:" + value)
                    for value in (digest, hashlib.sha256(b"another").digest()))
    assert is_accepted(site, present(site, browser(site), ticket_token(site, channel_bindings=own)))
    assert is_refused(site, present(site, browser(site), ticket_token(site, channel_bindings=foreign)))


def test_somebody_who_is_not_synchronised(site):
    password = pathlib.Path(site.lab.forest["administrator"]["passwordFile"]).read_text()
    subprocess.run(["kinit", "Administrator"], input=password, text=True, check=True, capture_output=True)
    assert is_refused(site, present(site, browser(site), ticket_token(site)))


def realm_token(site, realm):
    """A proof by a ticket of this realm, whatever realm the host is thought to be in."""
    name = gssapi.Name(f"{site.service}@{realm}", gssapi.NameType.kerberos_principal)
    context = gssapi.SecurityContext(name=name, usage="initiate", mech=gssapi.OID.from_int_seq("1.3.6.1.5.5.2"))
    return base64.b64encode(context.step()).decode()


def test_another_forests_tickets(site):
    there = site.lab.forests[1]
    admin = site.lab.administrator(forest=there)
    person = somebody(admin, there)
    dn = f"CN=WEB1,CN=Computers,{there['baseDN']}"
    admin.add(dn, ["computer"], {
        "sAMAccountName": "WEB1$", "userAccountControl": "4128", "servicePrincipalName": site.service})
    admin.modify(dn, {"unicodePwd": [(ldap3.MODIFY_REPLACE, ['"Somebody-Else-7!"'.encode("utf-16-le")])]})
    sign_on(site, person, there)
    assert is_refused(site, present(site, browser(site), realm_token(site, there["realm"])))
    admin.delete(dn)
    subprocess.run(["kdestroy"], check=True)
    # With an account and a key of its own it speaks for its people, beside the first forest.
    sso(site, "enable", forest=there)
    sign_on(site, person, there)
    assert is_accepted(site, present(site, browser(site), realm_token(site, there["realm"])))
    subprocess.run(["kdestroy"], check=True)
    sign_on(site)
    assert is_accepted(site, present(site, browser(site), ticket_token(site)))
    sso(site, "disable", "--end-tickets", forest=there)
    assert [key["forest"] for key in keys(site)] == [site.lab.forest["name"]]


def test_each_host_serves_its_own(site):
    http = browser(site)
    elsewhere = detour(site, http).replace(site.ticket_host, site.tenant.name)
    assert http.get(elsewhere).status_code == 404
    assert http.get(authorize(site).replace(site.tenant.name, site.ticket_host)).status_code == 404


# A browser

def chromium(site, home, ticket):
    # Chromium on Linux loads GSSAPI only where it has met Negotiate in an earlier run; and the names that are found without
    # DNS make the address the host's canonical name, which tickets would be asked for (the policy
    # DisableAuthNegotiateCnameLookup).
    return web_browser.chromium(
        home, site.lab.authority, dict.fromkeys((site.tenant.name, site.ticket_host), site.tenant.address), script=False,
        arguments=[f"--auth-server-allowlist={site.ticket_host}"] if ticket else [],
        state={"net.received_http_auth_negotiate_headers": True, "auth.disable_negotiate_cname_lookup": True})


@pytest.mark.parametrize("ticket", [True, False])
def test_chromium(site, tmp_path, ticket):
    if ticket:
        sign_on(site)
    driver = chromium(site, tmp_path / "home", ticket)
    try:
        driver.get(authorize(site, domain_hint=site.lab.forest["name"]))
        if not ticket:
            wait_for(lambda: driver.find_elements(By.ID, "username"), "the password page")
            assert driver.current_url.endswith("autologon=no") and not Application.seen
            return
        wait_for(lambda: Application.seen, "signed in without typing", 15)
        assert redeem(site, Application.seen[0]["code"])["amr"] == ["wia"]
        # From now on without the hint of the application, and after the session has ended as well.
        driver.get(f"{site.tenant.issuer}/assets/style.css")
        driver.delete_cookie("__Host-bridgehead-session")
        driver.get(authorize(site))
        wait_for(lambda: len(Application.seen) == 2, "signed in again")
    finally:
        driver.quit()


# Native clients

def token_request(applies_to, token_type="urn:ietf:params:oauth:token-type:jwt"):
    return f"""<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing">
<s:Header><a:Action s:mustUnderstand="1">{TRUST}/RST/Issue</a:Action><a:MessageID>urn:uuid:6f9f&amp;1</a:MessageID></s:Header>
<s:Body><t:RequestSecurityToken xmlns:t="{TRUST}"><p:AppliesTo xmlns:p="http://schemas.xmlsoap.org/ws/2004/09/policy">
<a:EndpointReference><a:Address>{applies_to}</a:Address></a:EndpointReference></p:AppliesTo>
<t:RequestType>{TRUST}/Issue</t:RequestType><t:KeyType>{TRUST}/Bearer</t:KeyType><t:TokenType>{token_type}</t:TokenType>
</t:RequestSecurityToken></s:Body></s:Envelope>"""


def ws_trust(site, body, token=None):
    headers = {"Content-Type": "application/soap+xml; charset=utf-8"}
    if token:
        headers["Authorization"] = f"Negotiate {token}"
    return browser(site).post(
        f"https://{site.ticket_host}/{site.tenant.initial_domain}/winauth/trust/13/windowstransport", data=body.encode(),
        headers=headers)


def test_a_native_client(site):
    body = token_request(f"api://{site.native['clientId']}")
    asked = ws_trust(site, body)
    assert asked.status_code == 401 and asked.headers["WWW-Authenticate"] == "Negotiate"
    sign_on(site)
    answer = ws_trust(site, body, ticket_token(site))
    assert answer.status_code == 200, answer.text
    document = xml.etree.ElementTree.fromstring(answer.content)
    assert document.find(".//{http://www.w3.org/2005/08/addressing}RelatesTo").text == "urn:uuid:6f9f&1"
    token = base64.b64decode(document.find(".//{*}BinarySecurityToken").text).decode()
    told = claims(site, token, site.native["clientId"])
    user = next(u for u in site.tenant.list("Users") if u["userName"].lower() == site.person["userPrincipalName"].lower())
    assert told["sub"] == user["id"] and jwt.get_unverified_header(token)["typ"] == "at+jwt"
    # curl does the same in two steps.
    page, status, _ = curl(
        site, f"https://{site.ticket_host}/{site.tenant.initial_domain}/winauth/trust/13/windowstransport",
        "--data", body, "--header", "Content-Type: application/soap+xml")
    assert status == 200 and "BinarySecurityToken" in page


def test_native_clients_that_are_refused(site):
    sign_on(site)
    native = f"api://{site.native['clientId']}"
    for body, code, word in [
        (token_request(native, "urn:oasis:names:tc:SAML:2.0:assertion"), 400, "RequestFailed"),
        (token_request(f"api://{site.web['clientId']}"), 400, "RequestFailed"),
        (token_request("urn:federation:MicrosoftOnline"), 400, "RequestFailed"),
        ("<not-closed>", 400, "InvalidRequest"),
        ("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>", 400, "InvalidRequest"),
    ]:
        answer = ws_trust(site, body, ticket_token(site))
        assert answer.status_code == code and word in answer.text and "root:" not in answer.text, answer.text
    answer = ws_trust(site, token_request(native), ntlm_token())
    assert answer.status_code == 500 and "FailedAuthentication" in answer.text


# The life of the key

def test_tickets_outlive_a_roll(site):
    sign_on(site)
    subprocess.run(["kvno", site.service], check=True, capture_output=True)
    before = account(site).pwdLastSet
    assert "none that tickets can live through" in refusal(site, "roll", "--overlap", "1h")
    assert json.loads(sso(site, "roll").stdout)["done"] is True
    assert account(site).pwdLastSet > before
    new, old = keys(site)
    assert new["activated"] and "retires" not in new and old["retires"]
    assert new["version"] == int(account(site).version)
    assert is_accepted(site, present(site, browser(site), ticket_token(site))), "the ticket of before"
    subprocess.run(["kdestroy"], check=True)
    sign_on(site)
    assert is_accepted(site, present(site, browser(site), ticket_token(site))), "a new ticket"


def test_a_key_that_the_tenant_does_not_take_changes_nothing(site):
    """Four keys of a forest, and none is pushed out that tickets in use may be made with."""
    while len(keys(site)) < 4:
        sso(site, "roll")
    before = account(site).pwdLastSet
    assert "tickets in use may be made with" in refusal(site, "roll")
    assert account(site).pwdLastSet == before and len(keys(site)) == 4
    sign_on(site)
    subprocess.run(["kvno", site.service], check=True, capture_output=True)
    # A key that may be in other hands goes at once, with all that was made with it.
    sso(site, "roll", "--end-tickets")
    assert len(keys(site)) == 1
    assert is_refused(site, present(site, browser(site), ticket_token(site)))
    subprocess.run(["kdestroy"], check=True)
    sign_on(site)
    assert is_accepted(site, present(site, browser(site), ticket_token(site)))


def test_a_password_that_somebody_else_set(site):
    site.admin.modify(account(site).dn, {
        "unicodePwd": [(ldap3.MODIFY_REPLACE, ['"Somebody-Else-7!"'.encode("utf-16-le")])]})
    done = sso(site, "status", check=False, administrator=False)
    assert done.returncode == 4 and "somebody else changed the password" in json.loads(done.stdout)["warnings"][0]
    sign_on(site)
    assert is_refused(site, present(site, browser(site), ticket_token(site)))
    # Whatever is wrong with the account, enabling it again sets it right.
    site.admin.modify(account(site).dn, {
        "servicePrincipalName": [(ldap3.MODIFY_ADD, [f"{site.service}.other"])],
        "msDS-SupportedEncryptionTypes": [(ldap3.MODIFY_REPLACE, ["28"])]})
    sso(site, "enable")
    assert json.loads(sso(site, "status", administrator=False).stdout)["warnings"] == []
    subprocess.run(["kdestroy"], check=True)
    sign_on(site)
    assert is_accepted(site, present(site, browser(site), ticket_token(site)))


def exported(site, directory):
    """The account's keys by encryption type, as the domain controller has them."""
    keytab = directory / "keytab"
    controller = site.lab.forest["controllers"][0]["host"]
    site.lab.execute(
        "samba-tool", "domain", "exportkeytab", keytab, "-s",
        pathlib.Path(site.lab.description["directory"]) / "dc" / controller / "etc/smb.conf", f"--principal={ACCOUNT}$")
    listed = subprocess.run(["klist", "-e", "-K", "-k", keytab], capture_output=True, text=True, check=True).stdout
    return dict(re.findall(r"\((?:DEPRECATED:)?([a-z0-9-]+)\)\s+\(0x([0-9a-f]+)\)", listed))


def test_a_forest_speaks_for_its_own_domains(site, tmp_path):
    """Whoever has a forest's key makes tickets for anybody, but nobody of another forest."""
    headers = {"Authorization": f"Bearer {site.token.read_text().strip()}", "Content-Type": "application/json"}
    aes = {name: key for name, key in exported(site, tmp_path).items() if name.startswith("aes")}
    for domains, outcome in [(["S-1-5-21-1-2-3"], is_refused), ([site.lab.forest["domainSID"]], is_accepted)]:
        assert site.tenant.request("DELETE", f"/tenant/sso/forests/{site.lab.forest['name']}", headers=headers)[0] == 200
        code, key = site.tenant.request("POST", "/tenant/sso/keys", {
            "forest": site.lab.forest["name"], "realm": site.lab.forest["realm"], "account": ACCOUNT, "version": 1,
            "domains": domains, "keys": aes}, headers)
        assert code == 201, key
        sign_on(site)
        assert outcome(site, present(site, browser(site), ticket_token(site))), domains
    sso(site, "enable")


def test_no_key_is_readable_anywhere(site, tmp_path):
    """In no form: not in a database, not in a log."""
    secrets = [bytes.fromhex(key) for key in exported(site, tmp_path).values()]
    assert len(secrets) >= 2
    files = [p for part in ("tenant", "connect") for p in (site.directory / part).rglob("*") if p.is_file()]
    assert {"tenant.sqlite", "tenant.log", "connect.sqlite"} <= {p.name for p in files}
    for path in files:
        content = path.read_bytes()
        for secret in secrets:
            for form in (secret, secret.hex().encode(), secret.hex().upper().encode(), base64.b64encode(secret)):
                assert form not in content, f"a key is in {path.name}"


def test_disabling_lets_tickets_in_use_live(site):
    sign_on(site)
    subprocess.run(["kvno", site.service], check=True, capture_output=True)
    assert json.loads(sso(site, "disable").stdout)["done"] is True
    assert account(site) is None and all(key["retires"] for key in keys(site))
    assert is_accepted(site, present(site, browser(site), ticket_token(site)))
    assert json.loads(sso(site, "disable", "--end-tickets").stdout)["done"] is True
    assert keys(site) == []
    answer = browser(site).get(authorize(site, domain_hint=site.lab.forest["name"]), allow_redirects=False)
    assert answer.status_code == 200 and Form(answer.text).title.startswith("Sign in")
    direct = f"https://{site.ticket_host}/{site.tenant.initial_domain}/autologon?" \
        f"{urllib.parse.urlsplit(authorize(site)).query}&autologon_binding={'A' * 43}"
    refused = browser(site).get(
        direct, headers={"Authorization": f"Negotiate {ticket_token(site)}"}, allow_redirects=False)
    assert is_refused(site, refused)
    assert all("is not enabled for" in refusal(site, command) for command in ("roll", "disable"))
    assert json.loads(sso(site, "status", administrator=False).stdout)["warnings"] == []
    assert account(site, "AZUREADSSOACC") is not None
