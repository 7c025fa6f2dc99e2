# SPDX-License-Identifier: Apache-2.0
"""Seamless SSO on a real forest: the account that `connect sso` makes, tickets from Samba's KDC, and the clients that hold
them: curl, Chromium, pyspnego."""
import base64
import functools
import hashlib
import http.server
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import threading
import time
import types
import urllib.parse
import xml.etree.ElementTree

import gssapi
import jwt
import ldap3
import msal
import msal.mex
import msal.wstrust_response
import pytest
import requests
import spnego
from cryptography import x509
from selenium.webdriver.common.by import By
from spnego.channel_bindings import GssChannelBindings

import web_browser
from environment import PRODUCT, Connect, Lab, Tenant, resolving, wait_for
from sign_in import Form, parameters
from web_browser import Application

ACCOUNT = "BRIDGEHEADSSO"


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
    native = app("--name", "Tool", "--public", "--grant", "windows_transport", "--grant", "refresh_token")
    connect = Connect(lab, tenant, directory / "connect")
    # Names that both forests have are held by one of them: exit code 4.
    assert connect.sync("--full", check=False).returncode in (0, 4)
    ticket_host = f"autologon.{tenant.name}"
    service = f"HTTP/{ticket_host}"
    os.environ["KRB5_CONFIG"] = lab.description["kerberosConfigurationFile"]
    admin = lab.administrator()
    person = somebody(admin, lab.forest)
    with resolving({**tenant.names, ticket_host: tenant.address}):
        yield types.SimpleNamespace(
            lab=lab, tenant=tenant, connect=connect, directory=directory, token=token, redirect=redirect, web=web,
            native=native, ticket_host=ticket_host, service=service, admin=admin, person=person,
            base=lab.forest["baseDN"])
    server.shutdown()
    tenant.stop()
    lab.down()


def somebody(admin, forest, which=0):
    """A person who may sign in, by a name that stays the same in the tenant."""
    admin.search(
        forest["synchronisedUnits"][0], "(&(objectCategory=person)(objectClass=user)(userPrincipalName=*"
        f"@{forest['name']})(!(userAccountControl:1.2.840.113556.1.4.803:=2))(|(accountExpires=0)"
        "(accountExpires=9223372036854775807)))", attributes=["sAMAccountName", "userPrincipalName", "objectSid"])
    entry = [e for e in admin.response if e["type"] == "searchResEntry"][which]
    return {"dn": entry["dn"], **{name: values[0] for name, values in entry["attributes"].items()}}


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

def kill_when_the_account_is_there(site, trace):
    """Enables, slowed down by strace, and kills it between the account's creation and its mark."""
    admin = site.lab.forest["administrator"]
    process = subprocess.Popen(
        ["strace", "-f", "-o", trace, "-e", "trace=write,writev,sendmsg", "-e",
         "inject=write,writev,sendmsg:delay_enter=60000", PRODUCT, "connect", "sso", "enable", "--config",
         site.connect.configuration, "--token-file", site.token, "--forest", site.lab.forest["name"], "--principal",
         admin["principal"], "--password-file", admin["passwordFile"]],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: account(site), "the account")
    traced, = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(traced), signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL, process.stderr.read()


def test_an_interrupted_enable_is_a_rerun_away(site, tmp_path):
    kill_when_the_account_is_there(site, tmp_path / "trace")
    left = account(site)
    assert left.adminDescription is None and left.services is None and keys(site) == []
    done = sso(site, "status", check=False, administrator=False)
    assert done.returncode == 4 and "interrupted" in json.loads(done.stdout)["warnings"][0]
    # Once somebody uses it, it is nobody's leftover.
    site.admin.modify(left.dn, {"servicePrincipalName": [(ldap3.MODIFY_REPLACE, ["HTTP/somebody.corp.example"])]})
    assert "was not made by Bridgehead" in refusal(site, "enable")
    site.admin.modify(left.dn, {"servicePrincipalName": [(ldap3.MODIFY_REPLACE, [])]})
    preview = json.loads(sso(site, "enable", "--dry-run").stdout)
    assert left.dn in preview["steps"][0] and len(preview["steps"]) == 5
    assert json.loads(sso(site, "enable").stdout)["done"] is True
    assert account(site).services == [site.service]
    assert json.loads(sso(site, "status", administrator=False).stdout)["warnings"] == []
    assert json.loads(sso(site, "disable", "--end-tickets").stdout)["done"] is True
    # One that the same name is given by hand, now that nothing is under way, is somebody else's.
    dn = computer(site, ACCOUNT)
    assert "was not made by Bridgehead" in refusal(site, "enable")
    site.admin.delete(dn)


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
    seen = site.lab.samba("rpcclient", site.lab.forest["controllers"][0]["address"], "-c", f"samlookupnames domain {ACCOUNT}$")
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


def test_people_of_a_trusted_forest(site):
    """Their own forest has no account: its controllers refer them to the forest that has one, by the trust."""
    there = site.lab.forests[1]
    names = [forest["name"] for forest in site.lab.forests]
    assert "has no forest trust" in refusal(site, "roll", "--trusted-forest", there["name"])
    site.lab.trust(site.lab.forest, there, "forest")
    done = site.connect.product.run("connect", "forest", "check", "--config", site.connect.configuration, "--json",
                                    check=False)
    reports = json.loads(done.stdout)["forests"]
    assert [report["trusts"] for report in reports] == [
        [{"domain": one, "name": other, "direction": "both", "isForestTrust": True}]
        for one, other in (names, reversed(names))]
    person = somebody(site.lab.administrator(forest=there), there)
    sign_on(site, person, there)

    def attempt():
        http = browser(site)
        return http, present(site, http, realm_token(site, site.lab.forest["realm"]))

    assert is_refused(site, attempt()[1]), "a trust alone lets nobody in here"
    plan = json.loads(sso(site, "roll", "--trusted-forest", there["name"].upper()).stdout)
    assert f"take tickets of people of {there['name']}" in plan["steps"][-1]
    for _ in range(2):
        http, answer = attempt()
        assert is_accepted(site, answer), answer.headers
        done = http.get(answer.headers["Location"], allow_redirects=False)
        told = redeem(site, parameters(done)["code"])
        assert told["preferred_username"].lower() == person["userPrincipalName"].lower() and told["amr"] == ["wia"]
        # It holds beyond the next roll, by whoever makes it.
        sso(site, "roll", "--end-tickets")
        subprocess.run(["kdestroy"], check=True)
        sign_on(site, person, there)
    assert len(keys(site)[0]["domains"]) == 2
    site.admin.delete(f"CN={there['name']},CN=System,{site.base}")
    sso(site, "roll", "--end-tickets")
    assert keys(site)[0]["domains"] == [site.lab.forest["domainSID"]]


def controller_directory(site):
    return pathlib.Path(site.lab.description["directory"]) / "dc" / site.lab.forest["controllers"][0]["host"]


def below_the_server(site, *arguments, script):
    """Runs a script with Samba's own library on the controller's database, as `db`."""
    opening = """
import ldb, sys
from samba import dsdb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
lp = LoadParm()
lp.load(sys.argv[1] + "/etc/smb.conf")
db = SamDB(url=sys.argv[1] + "/private/sam.ldb", session_info=system_session(lp), lp=lp)
"""
    done = subprocess.run(["/usr/bin/python3", "-c", opening + script, controller_directory(site), *map(str, arguments)],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def join_groups(site, dn, root):
    """Makes so many groups with one member and each of them a member of so many others, in one transaction of the
    controller's own database: an object that is in thousands of groups itself would be written anew for each."""
    below_the_server(site, dn, root, script="""
def add(name, member):
    group = f"CN={name},CN=Users,{db.domain_dn()}"
    db.add({"dn": group, "objectClass": "group", "sAMAccountName": name, "groupType": "-2147483646", "member": member})
    return group

db.transaction_start()
for number in range(int(sys.argv[3])):
    near = add(f"near{number}", sys.argv[2])
    for further in range(int(sys.argv[3])):
        add(f"far{number}-{further}", near)
db.transaction_commit()
""")


def test_the_ticket_of_somebody_in_very_many_groups(site):
    person = somebody(site.admin, site.lab.forest, -1)
    join_groups(site, person["dn"], 48)
    sign_on(site, person)
    token = ticket_token(site)
    assert 25_000 < len(token) < 64_000, "beyond what other hosts take in a header field"
    http = browser(site)
    answer = present(site, http, token)
    assert is_accepted(site, answer), answer.headers
    http.get(answer.headers["Location"], allow_redirects=False)
    # curl offers HTTP/2, and gets it at the tenant's own name.
    page, status, _ = curl(site, authorize(site, domain_hint=site.lab.forest["name"]), "--http2")
    assert status == 200 and redeem(site, Application.seen[-1]["code"])["amr"] == ["wia"]
    versions = [subprocess.run(
        ["curl", "--silent", "--http2", "--cacert", site.lab.authority, "--resolve", f"{name}:443:{site.tenant.address}",
         "--output", os.devnull, "--write-out", "%{http_version}", f"https://{name}/"],
        capture_output=True, text=True, check=True).stdout for name in (site.tenant.name, site.ticket_host)]
    assert versions == ["2", "1.1"], versions


def test_header_fields_have_a_limit(site):
    """What is too long is not read to its end; what is not has the page that says what else is wrong with it."""
    for name, path, size, is_read in [(site.ticket_host, "autologon", 60_000, True), (site.ticket_host, "autologon", 66_000, False),
                                      (site.tenant.name, "device", 20_000, True), (site.tenant.name, "device", 40_000, False)]:
        try:
            answer = browser(site).get(f"https://{name}/{site.tenant.initial_domain}/{path}",
                                       headers={"Authorization": "Negotiate " + "A" * size})
            assert ("<html" in answer.text) == is_read, (name, size, answer.status_code)
        except requests.ConnectionError:
            assert not is_read, (name, size)


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

AUDIENCE = "urn:federation:MicrosoftOnline"
GRANT = "urn:ietf:params:oauth:grant-type:saml1_1-bearer"


def token_request(version, applies_to=AUDIENCE, token_type=None):
    """As clients write it: MSAL for .NET the version of OASIS, older ones that of 2005, neither with a token type."""
    trust, key = {
        "13": ("http://docs.oasis-open.org/ws-sx/ws-trust/200512", "http://docs.oasis-open.org/ws-sx/ws-trust/200512/Bearer"),
        "2005": ("http://schemas.xmlsoap.org/ws/2005/02/trust", "http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey"),
    }[version]
    wanted = f"<t:TokenType>{token_type}</t:TokenType>" if token_type else ""
    return f"""<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing">
<s:Header><a:Action s:mustUnderstand="1">{trust}/RST/Issue</a:Action><a:MessageID>urn:uuid:6f9f&amp;1</a:MessageID></s:Header>
<s:Body><t:RequestSecurityToken xmlns:t="{trust}"><p:AppliesTo xmlns:p="http://schemas.xmlsoap.org/ws/2004/09/policy">
<a:EndpointReference><a:Address>{applies_to}</a:Address></a:EndpointReference></p:AppliesTo>
<t:KeyType>{key}</t:KeyType><t:RequestType>{trust}/Issue</t:RequestType>{wanted}
</t:RequestSecurityToken></s:Body></s:Envelope>"""


def ws_trust(site, body, token=None, version="13", address=None):
    headers = {"Content-Type": "application/soap+xml; charset=utf-8"}
    if token:
        headers["Authorization"] = f"Negotiate {token}"
    address = address or f"https://{site.ticket_host}/{site.tenant.initial_domain}/winauth/trust/{version}/windowstransport"
    return browser(site).post(address, data=body.encode(), headers=headers)


@pytest.fixture
def msal_client(site, monkeypatch):
    """MSAL for Python, as a native application. It takes no tickets itself; what it does with an assertion is the same."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", site.lab.authority)
    client = msal.PublicClientApplication(site.native["clientId"], authority=site.tenant.issuer, instance_discovery=False)
    client.client.grant_assertion_encoders.setdefault(GRANT, client.client.encode_saml_assertion)
    return client


def assertion(site, version="13", address=None):
    answer = ws_trust(site, token_request(version), ticket_token(site), version, address)
    assert answer.status_code == 200, answer.text
    parsed = msal.wstrust_response.parse_response(answer.text)
    assert parsed["type"] == msal.wstrust_response.SAML_TOKEN_TYPE_V1
    return parsed["token"]


def test_a_native_client_finds_its_way(site, msal_client):
    """From nothing but a name to tokens, by what MSAL reads at each step."""
    sign_on(site)
    name = site.person["userPrincipalName"]
    realm = msal_client.authority.user_realm_discovery(name)
    assert (realm["account_type"], realm["federation_protocol"]) == ("Federated", "WSTrust"), realm
    assert realm["domain_name"] == name.split("@")[1].lower() and realm["cloud_audience_urn"] == AUDIENCE
    metadata = msal.mex.Mex(browser(site).get(realm["federation_metadata_url"]).text)
    endpoints = metadata._get_endpoints(metadata._get_bindings(), metadata._get_iwa_policy_ids())
    assert {e["action"] for e in endpoints} == {metadata.ACTION_13, metadata.ACTION_2005}
    assert metadata.get_wstrust_username_password_endpoint() is None, "passwords are not taken there"
    user = next(u for u in site.tenant.list("Users") if u["userName"].lower() == name.lower())
    refresh = functools.partial(msal_client.client.obtain_token_by_refresh_token, on_updating_rt=False,
                                on_removing_rt=lambda _: None)
    for endpoint in endpoints:
        version = "13" if endpoint["action"] == metadata.ACTION_13 else "2005"
        answer = msal_client.client.obtain_token_by_assertion(
            assertion(site, version, endpoint["address"]), GRANT, scope=["openid", "profile", "offline_access"])
        assert "error" not in answer, answer
        told = claims(site, answer["id_token"], site.native["clientId"])
        assert (told["sub"], told["amr"]) == (user["id"], ["wia"])
        renewed = refresh(answer["refresh_token"], scope=["openid"])
        assert claims(site, renewed["access_token"], site.tenant.issuer)["sub"] == user["id"]
    # Ending the sessions ends what came of the tickets.
    site.tenant.product.run("tenant", "sessions", "revoke", "--config", site.tenant.configuration, "--user", user["userName"])
    ended = refresh(renewed["refresh_token"], scope=["openid"])
    assert ended["error"] == "invalid_grant", ended


def test_the_realm_of_names(site, msal_client):
    known = site.lab.forest["verifiedSuffixes"][0]
    kinds = {name: msal_client.authority.user_realm_discovery(name)["account_type"]
             for name in (f"nobody@{known}", f"nobody@{known.upper()}", "a@elsewhere.example", "nobody", known)}
    assert list(kinds.values()) == ["Federated", "Federated", "Unknown", "Unknown", "Unknown"], kinds


def test_an_assertion_is_for_one_use_and_one_purpose(site, msal_client):
    sign_on(site)
    once = assertion(site)
    redeem_it = functools.partial(msal_client.client.obtain_token_by_assertion, grant_type=GRANT, scope=["openid"])
    # What is wrong with the request does not spend it.
    assert redeem_it(once, scope=["openid", "api://nobody/.default"])["error"] == "invalid_scope"
    assert redeem_it(once, scope=["profile"])["error"] == "invalid_scope"
    assert "access_token" in redeem_it(once)
    assert redeem_it(once)["error"] == "invalid_grant"
    token = xml.etree.ElementTree.fromstring(assertion(site)).find("DesktopSsoToken").text
    wrapped = '<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion"><DesktopSsoToken>{}</DesktopSsoToken>' \
        "</saml:Assertion>"
    for wrong in (token, wrapped.format(token[:-1]), wrapped.format(""), "<a/>", wrapped.format("&lol;"),
                  wrapped.format(token).replace("SAML:1.0", "SAML:2.0")):
        assert redeem_it(wrong.encode())["error"] == "invalid_grant", wrong
    # A browser's code is none, and an assertion's token is no browser's code.
    http = browser(site)
    code = parameters(present(site, http, ticket_token(site)))["autologon_code"]
    assert redeem_it(wrapped.format(code).encode())["error"] == "invalid_grant"
    http = browser(site)
    page = urllib.parse.urlsplit(present(site, http, ticket_token(site)).headers["Location"])
    query = urllib.parse.urlencode({**dict(urllib.parse.parse_qsl(page.query)), "autologon_code": token})
    assert is_refused(site, http.get(page._replace(query=query).geturl(), allow_redirects=False))
    # It is spent by that; another one is good in the words that older clients put it in, in plain base64.
    token = xml.etree.ElementTree.fromstring(assertion(site)).find("DesktopSsoToken").text
    plain = base64.b64encode(wrapped.format(token).encode()).decode()
    send = {"grant_type": GRANT, "client_id": site.native["clientId"], "scope": "openid", "assertion": plain}
    answer = browser(site).post(f"{site.tenant.issuer}/oauth2/v2.0/token", data=send)
    assert answer.status_code == 200 and "refresh_token" not in answer.json(), answer.text


def test_who_may_redeem_an_assertion(site, msal_client):
    sign_on(site)
    other = site.tenant.product.json(
        "tenant", "apps", "create", "--config", site.tenant.configuration, "--json", "--name", "Other", "--public",
        "--redirect-uri", "http://localhost")
    body = {"grant_type": GRANT, "scope": "openid", "assertion": base64.b64encode(assertion(site)).decode()}
    answer = browser(site).post(f"{site.tenant.issuer}/oauth2/v2.0/token", data={**body, "client_id": other["clientId"]})
    assert answer.json()["error"] == "unauthorized_client", answer.text
    # Somebody who is disabled after the ticket was taken gets nothing.
    once = assertion(site)
    user = next(u for u in site.tenant.list("Users")
                if u["userName"].lower() == site.person["userPrincipalName"].lower())
    patch = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}
    for active in (False, True):
        code, _ = site.tenant.request("PATCH", f"/Users/{user['id']}", {
            **patch, "Operations": [{"op": "replace", "path": "active", "value": active}]})
        assert code in (200, 204)
        if not active:
            refused = msal_client.client.obtain_token_by_assertion(once, GRANT, scope=["openid"])
            assert refused["error"] == "invalid_grant", refused
            fault = ws_trust(site, token_request("13"), ticket_token(site))
            assert fault.status_code == 500 and "FailedAuthentication" in fault.text


def test_curl_asks_as_a_native_client(site):
    address = f"https://{site.ticket_host}/{site.tenant.initial_domain}/winauth/trust/13/windowstransport"
    body = token_request("13")
    asked = ws_trust(site, body)
    assert asked.status_code == 401 and asked.headers["WWW-Authenticate"] == "Negotiate"
    sign_on(site)
    page, status, _ = curl(site, address, "--data", body, "--header", "Content-Type: application/soap+xml")
    assert status == 200, page
    document = xml.etree.ElementTree.fromstring(page.encode())
    assert document.find(".//{http://www.w3.org/2005/08/addressing}RelatesTo").text == "urn:uuid:6f9f&1"
    conditions = document.find(".//{urn:oasis:names:tc:SAML:1.0:assertion}Conditions")
    assert conditions.find(".//{*}Audience").text == AUDIENCE and conditions.get("NotOnOrAfter")


@pytest.mark.parametrize("version", ["13", "2005"])
def test_native_clients_that_are_refused(site, version):
    sign_on(site)
    for body, code, word in [
        (token_request(version, token_type="urn:oasis:names:tc:SAML:2.0:assertion"), 400, "RequestFailed"),
        (token_request(version, token_type="urn:ietf:params:oauth:token-type:jwt"), 400, "RequestFailed"),
        (token_request(version, "https://elsewhere.example/"), 400, "RequestFailed"),
        ("<not-closed>", 400, "InvalidRequest"),
        ("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>", 400, "InvalidRequest"),
    ]:
        answer = ws_trust(site, body, ticket_token(site), version)
        assert answer.status_code == code and word in answer.text and "root:" not in answer.text, answer.text
        with pytest.raises(RuntimeError, match=word):
            msal.wstrust_response.parse_response(answer.text)
    answer = ws_trust(site, token_request(version), ntlm_token(), version)
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
    site.lab.execute(
        "samba-tool", "domain", "exportkeytab", keytab, "-s", controller_directory(site) / "etc/smb.conf",
        f"--principal={ACCOUNT}$")
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


def make_older(site, days):
    """Sets the time of the account's password below the server: no tool of an administrator does that."""
    then = int((time.time() - days * 86_400 + 11_644_473_600) * 10_000_000)
    below_the_server(site, account(site).dn, then, script="""
change = ldb.Message(ldb.Dn(db, sys.argv[2]))
change["pwdLastSet"] = ldb.MessageElement(sys.argv[3], ldb.FLAG_MOD_REPLACE, "pwdLastSet")
db.modify(change, controls=["local_oid:%s:0" % dsdb.DSDB_CONTROL_BYPASS_PASSWORD_HASH_OID])
""")
    return account(site).pwdLastSet


def test_the_service_rolls_a_key_that_is_old_enough(site):
    """With an account that may do nothing else."""
    sso(site, "roll", "--end-tickets")
    service = site.lab.forest["plainAccount"]
    name = service["principal"].split("@")[0]
    site.admin.search(site.base, f"(sAMAccountName={name})", attributes=["objectSid"])
    identifier = next(e["attributes"]["objectSid"][0] for e in site.admin.response if e["type"] == "searchResEntry")
    if isinstance(identifier, bytes):
        identifier = ldap3.protocol.formatters.formatters.format_sid(identifier)
    reset_password = "00299570-246d-11d0-a768-00aa006e0529"
    controller = controller_directory(site)
    site.lab.execute(
        "samba-tool", "dsacl", "set", "-H", controller / "private/sam.ldb", "-s", controller / "etc/smb.conf",
        f"--objectdn={account(site).dn}", f"--sddl=(OA;;CR;{reset_password};;{identifier})")
    connect = Connect(site.lab, site.tenant, site.directory / "rolling", **{"connect__forests__0__seamlessSSO": {
        "rollEvery": "30d", "tokenFile": str(site.token),
        "credentials": {"principal": service["principal"], "password": {"file": service["passwordFile"]}}}})
    for days, rolls in [(29, False), (31, True)]:
        before = make_older(site, days)
        process = connect.product.start("connect", "run", "--config", connect.configuration, "--log-level", "debug",
                                        "--interval", "1h", stdout=subprocess.DEVNULL)
        try:
            lines = []
            for line in process.stderr:
                lines.append(line)
                if "was rolled" in line or "no key of Seamless SSO is due" in line or "not rolled" in line:
                    break
            assert any("was rolled" in line for line in lines) == rolls, lines
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
        assert (account(site).pwdLastSet > before) == rolls
    sign_on(site)
    assert is_accepted(site, present(site, browser(site), ticket_token(site)))


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
