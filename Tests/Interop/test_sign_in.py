# SPDX-License-Identifier: Apache-2.0
"""Signing in to a served tenant: MSAL for Python and authlib as applications, and people who mean well or harm.

The users' passwords came through the tenant's own endpoint, derived here without the product."""
import base64
import hashlib
import json
import secrets
import sqlite3
import threading
import time
import urllib.parse

import msal
import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

from environment import resolving
from sign_in import NAME, Form, Person, SignInTenant, Site, parameters

PASSWORD = "Correct-Horse-7!"
WEB = "https://wiki.corp.example/callback"
LOOPBACK = "http://localhost"


@pytest.fixture(scope="module")
def tenant(tmp_path_factory):
    tenant = SignInTenant(Site(tmp_path_factory.mktemp("site")), tmp_path_factory.mktemp("tenant"))
    with resolving(tenant.names):
        tenant.user = tenant.add_user("anna", PASSWORD)
        tenant.web, tenant.secret = tenant.create_app(
            "Wiki", "--redirect-uri", WEB, "--redirect-uri", WEB + "?x=1", "--post-logout-redirect-uri",
            "https://wiki.corp.example/bye")
        tenant.native, secret = tenant.create_app(
            "Tool", "--public", "--redirect-uri", LOOPBACK, "--grant", "authorization_code", "--grant", "refresh_token",
            "--grant", "device_code")
        assert secret is None
        yield tenant
    tenant.stop()


@pytest.fixture
def person(tenant):
    return Person(tenant)


def pkce():
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return verifier, {"code_challenge": challenge, "code_challenge_method": "S256"}


def authorization(tenant, client=None, **changes):
    """An authorization request's address; None leaves a parameter out."""
    values = {"client_id": client or tenant.web, "redirect_uri": WEB, "response_type": "code", "scope": "openid",
              "state": "s-1", "nonce": "n-1", **changes}
    query = urllib.parse.urlencode({k: v for k, v in values.items() if v is not None})
    return f"{tenant.issuer}/oauth2/v2.0/authorize?{query}"


def post(tenant, path, auth=None, headers=None, **data):
    return requests.post(tenant.issuer + path, data=data, auth=auth, headers=headers, verify=tenant.lab.authority,
                         timeout=30, allow_redirects=False)


def token(tenant, **data):
    return post(tenant, "/oauth2/v2.0/token", **data)


def web_code(tenant, person, **changes):
    page = person.open(authorization(tenant, **changes))
    answer = person.sign_in(page, "anna@corp.example", PASSWORD) if page.status_code == 200 else page
    return parameters(answer)["code"]


def redeem(tenant, code, **changes):
    values = {"grant_type": "authorization_code", "code": code, "redirect_uri": WEB, **changes}
    return token(tenant, auth=(tenant.web, tenant.secret), **{k: v for k, v in values.items() if v is not None})


def claims(tenant, text):
    keys = requests.get(f"{tenant.issuer}/discovery/v2.0/keys", verify=tenant.lab.authority, timeout=30).json()
    return jwt.decode(text, KeySet.import_key_set(keys), algorithms=["RS256"])


# ---- Applications


def test_discovery(tenant):
    found = [requests.get(tenant.issuer + prefix + "/.well-known/openid-configuration", verify=tenant.lab.authority,
                          timeout=30).json() for prefix in ("", "/v2.0")]
    assert found[0] == found[1]
    assert found[0]["issuer"] == tenant.issuer
    places = {v for k, v in found[0].items() if k.endswith(("_endpoint", "_uri"))}
    assert len(places) == 7 and all(p.startswith(tenant.issuer + "/") for p in places)
    assert found[0]["code_challenge_methods_supported"] == ["S256"]
    keys = requests.get(found[0]["jwks_uri"], verify=tenant.lab.authority, timeout=30).json()["keys"]
    assert [set(k) for k in keys] == [{"kty", "use", "alg", "kid", "n", "e"}], "nothing private, one key"


def msal_application(tenant, client, secret=None):
    kind = msal.ConfidentialClientApplication if secret else msal.PublicClientApplication
    more = {"client_credential": secret} if secret else {}
    return kind(client, authority=tenant.issuer, instance_discovery=False, verify=tenant.lab.authority, **more)


def test_msal_signs_in_with_a_secret(tenant, person):
    """Code flow in a form post, PKCE by MSAL itself, silent refresh, and the account that MSAL makes of the claims."""
    app = msal_application(tenant, tenant.web, tenant.secret)
    flow = app.initiate_auth_code_flow(["email"], redirect_uri=WEB, response_mode="form_post")
    answer = person.sign_in(person.open(flow["auth_uri"]), "ANNA@corp.example", PASSWORD)
    assert Form(answer.text).action == WEB
    result = app.acquire_token_by_auth_code_flow(flow, Form(answer.text).fields)
    assert "access_token" in result, result
    assert result["id_token_claims"]["preferred_username"] == "anna@corp.example"
    assert result["id_token_claims"]["email"] == "anna@mail.example"
    assert result["id_token_claims"]["sub"] == tenant.user
    account, = app.get_accounts()
    assert account["username"] == "anna@corp.example"
    assert app.acquire_token_silent(["email"], account)["access_token"] == result["access_token"]
    again = app.acquire_token_silent(["email"], account, force_refresh=True)
    assert again and again["access_token"] != result["access_token"]


def test_msal_signs_in_with_a_device_code(tenant, person):
    app = msal_application(tenant, tenant.native)
    flow = app.initiate_device_flow(["email"])
    assert flow["user_code"] in flow["message"] and flow["verification_uri"] in flow["message"]
    # Not signed in yet: the sign-in page comes first, and leads back.
    page = person.open(flow["verification_uri"])
    page = person.sign_in(page, "anna@corp.example", PASSWORD)
    assert "Connect a device" in page.text
    assert "No device waits" in person.send(page, user_code="BBBB-BBBB").text
    page = person.send(page, user_code=flow["user_code"].lower().replace("-", " "))
    assert "Tool" in page.text and "anna@corp.example" in page.text
    assert "signed in" in person.send(page, choice=("decision", "allow")).text
    result = app.acquire_token_by_device_flow(flow)
    assert result["id_token_claims"]["sub"] == tenant.user, result
    # A second time it is worth nothing, and what it brought is taken back.
    replay = token(tenant, grant_type="urn:ietf:params:oauth:grant-type:device_code", client_id=tenant.native,
                   device_code=flow["device_code"])
    assert (replay.status_code, replay.json()["error"]) == (400, "expired_token")
    assert user_info(tenant, result["access_token"]).status_code == 401


def test_a_device_waits_and_is_refused(tenant, person):
    asked = post(tenant, "/oauth2/v2.0/devicecode", client_id=tenant.native, scope="openid").json()
    poll = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": tenant.native,
            "device_code": asked["device_code"]}
    assert [token(tenant, **poll).json()["error"] for _ in range(2)] == ["authorization_pending", "slow_down"]
    page = person.sign_in(person.open(asked["verification_uri_complete"]), "anna@corp.example", PASSWORD)
    assert Form(page.text).fields["user_code"] == asked["user_code"]
    person.send(person.send(page), choice=("decision", "deny"))
    assert token(tenant, **poll).json()["error"] == "access_denied"


def test_msal_acts_for_itself(tenant):
    service, secret = tenant.create_app("Nightly", "--grant", "client_credentials")
    app = msal_application(tenant, service, secret)
    result = app.acquire_token_for_client([f"api://{tenant.web}/.default"])
    access = claims(tenant, result["access_token"])
    assert access.claims["sub"] == access.claims["client_id"] == service and access.claims["aud"] == tenant.web
    assert access.header["typ"] == "at+jwt"
    assert "id_token" not in result and "refresh_token" not in result
    assert user_info(tenant, result["access_token"]).status_code == 401
    for scope in ("openid", "api://nobody/.default", "", f"{tenant.web}/.default api://{service}/.default"):
        refused = token(tenant, auth=(service, secret), grant_type="client_credentials", scope=scope)
        assert refused.json()["error"] == "invalid_scope"
    wrong = msal_application(tenant, service, secret[:-1] + ("A" if secret[-1] != "A" else "B"))
    assert wrong.acquire_token_for_client([f"api://{tenant.web}/.default"])["error"] == "invalid_client"
    removed = tenant.command("apps", "remove", service)
    assert "removed" in removed.stdout
    assert token(tenant, auth=(service, secret), grant_type="client_credentials").status_code == 401


def user_info(tenant, access):
    return requests.get(f"{tenant.issuer}/oidc/userinfo", headers={"Authorization": f"Bearer {access}"},
                        verify=tenant.lab.authority, timeout=30)


def test_authlib_signs_in_refreshes_and_revokes(tenant, person):
    session = OAuth2Session(tenant.web, tenant.secret, scope="openid profile email offline_access", redirect_uri=WEB,
                            code_challenge_method="S256", token_endpoint_auth_method="client_secret_basic")
    session.verify = tenant.lab.authority
    verifier = secrets.token_urlsafe(48)
    url, state = session.create_authorization_url(
        f"{tenant.issuer}/oauth2/v2.0/authorize", code_verifier=verifier, nonce="n-2")
    answer = person.sign_in(person.open(url), "anna@corp.example", PASSWORD)
    assert parameters(answer)["iss"] == tenant.issuer
    first = session.fetch_token(f"{tenant.issuer}/oauth2/v2.0/token", code_verifier=verifier, state=state,
                                authorization_response=answer.headers["Location"])
    identity = claims(tenant, first["id_token"])
    assert identity.claims["nonce"] == "n-2" and identity.claims["iss"] == tenant.issuer
    assert identity.claims["aud"] == tenant.web and identity.claims["amr"] == ["pwd"]
    assert 0 < identity.claims["exp"] - time.time() <= 3600
    half = hashlib.sha256(first["access_token"].encode()).digest()[:16]
    assert identity.claims["at_hash"] == base64.urlsafe_b64encode(half).decode().rstrip("=")
    info = session.get(f"{tenant.issuer}/oidc/userinfo").json()
    assert info == {"sub": tenant.user, "name": "Anna", "given_name": "Anna", "family_name": "Example",
                    "preferred_username": "anna@corp.example", "email": "anna@mail.example"}
    second = session.refresh_token(f"{tenant.issuer}/oauth2/v2.0/token", refresh_token=first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    # Asking for more than was allowed is refused and costs nothing.
    more = token(tenant, auth=(tenant.web, tenant.secret), grant_type="refresh_token",
                 refresh_token=second["refresh_token"], scope=f"openid api://{tenant.web}/.default")
    assert more.json()["error"] == "invalid_scope"
    less = token(tenant, auth=(tenant.web, tenant.secret), grant_type="refresh_token",
                 refresh_token=second["refresh_token"], scope="openid").json()
    assert less["scope"] == "openid" and "name" not in claims(tenant, less["id_token"]).claims
    session.revoke_token(f"{tenant.issuer}/oauth2/v2.0/revoke", token=less["refresh_token"])
    assert user_info(tenant, less["access_token"]).status_code == 401
    gone = token(tenant, auth=(tenant.web, tenant.secret), grant_type="refresh_token",
                 refresh_token=less["refresh_token"])
    assert gone.json()["error"] == "invalid_grant"


def test_a_stolen_refresh_token_ends_the_grant(tenant, person):
    code = web_code(tenant, person, scope="openid offline_access")
    first = redeem(tenant, code).json()
    refresh = {"auth": (tenant.web, tenant.secret), "grant_type": "refresh_token"}
    second = token(tenant, refresh_token=first["refresh_token"], **refresh).json()
    assert token(tenant, refresh_token=first["refresh_token"], **refresh).json()["error"] == "invalid_grant"
    assert token(tenant, refresh_token=second["refresh_token"], **refresh).json()["error"] == "invalid_grant"
    assert user_info(tenant, second["access_token"]).status_code == 401
    assert any("reused" in (entry["after"] or "") for entry in tenant.report("audit"))


def test_sessions(tenant, person):
    """A second application needs no password; a revoked session does, and its tokens are worth nothing here."""
    tenant.command("sessions", "revoke", "--user", "anna@corp.example")
    web_code(tenant, person)
    tokens = redeem(tenant, web_code(tenant, person, scope="openid offline_access")).json()
    assert user_info(tenant, tokens["access_token"]).status_code == 200
    session, = tenant.report("sessions", "list", "--user", "anna@corp.example")
    assert session["source"] == "127.0.0.1" and session["agent"].startswith("python-requests")
    assert session["id"] == claims(tenant, tokens["id_token"]).claims["sid"]
    for changes in ({"prompt": "login"}, {"prompt": "select_account"}):
        assert "Password" in person.open(authorization(tenant, **changes)).text
    assert "code" in parameters(person.open(authorization(tenant, prompt="none", max_age=3600)))
    tenant.command("sessions", "revoke", session["id"])
    assert user_info(tenant, tokens["access_token"]).status_code == 401
    refused = parameters(person.open(authorization(tenant, prompt="none")))
    assert (refused["error"], refused["state"]) == ("login_required", "s-1")
    assert "Password" in person.open(authorization(tenant)).text
    assert tenant.command("sessions", "revoke", session["id"], check=False).returncode == 1


def test_signing_out(tenant, person):
    tokens = redeem(tenant, web_code(tenant, person)).json()
    logout = f"{tenant.issuer}/oauth2/v2.0/logout"
    # Without proof of who asks, the person is asked; nothing has happened yet.
    page = person.open(logout)
    assert "Sign out?" in page.text and user_info(tenant, tokens["access_token"]).status_code == 200
    assert "Sign out?" in person.send(page, form_token="forged", choice=("confirm", "yes")).text
    bad = person.open(f"{logout}?post_logout_redirect_uri=https://evil.example/&client_id={tenant.web}")
    assert bad.status_code == 400 and "evil" not in bad.headers.get("Location", "")
    answer = person.open(logout + "?" + urllib.parse.urlencode({
        "id_token_hint": tokens["id_token"], "post_logout_redirect_uri": "https://wiki.corp.example/bye", "state": "z"}))
    assert answer.headers["Location"] == "https://wiki.corp.example/bye?state=z"
    assert "Password" in person.open(authorization(tenant)).text
    assert user_info(tenant, tokens["access_token"]).status_code == 401


def test_a_new_password_ends_what_the_old_one_began(tenant, person):
    tenant.add_user("carl", "old-Password-1")
    page = person.open(authorization(tenant, scope="openid offline_access"))
    tokens = redeem(tenant, parameters(person.sign_in(page, "carl@corp.example", "old-Password-1"))["code"]).json()
    assert tenant.set_password("carl", "new-Password-2") == "stored"
    assert user_info(tenant, tokens["access_token"]).status_code == 401
    page = person.open(authorization(tenant))
    assert "There is a problem" in person.sign_in(page, "carl@corp.example", "old-Password-1").text
    assert "code" in parameters(person.sign_in(page, "carl@corp.example", "new-Password-2"))


def test_a_password_that_must_be_changed(tenant, person):
    tenant.add_user("dora", "Temporary-1", mustChange=True)
    page = person.open(authorization(tenant))
    assert "There is a problem" in person.sign_in(page, "dora@corp.example", "wrong").text
    answer = person.sign_in(page, "dora@corp.example", "Temporary-1")
    assert answer.status_code == 403 and "must be changed" in answer.text and "no password writeback" in answer.text
    assert not any(s["user"].startswith("dora") for s in tenant.report("sessions", "list"))


def test_keys_rotate(tenant, person):
    def published():
        return [k["kid"] for k in requests.get(f"{tenant.issuer}/discovery/v2.0/keys", verify=tenant.lab.authority,
                                               timeout=30).json()["keys"]]

    old = redeem(tenant, web_code(tenant, person)).json()
    before = published()
    tenant.command("keys", "rotate")
    assert published()[:len(before)] == before and len(published()) == len(before) + 1
    assert claims(tenant, redeem(tenant, web_code(tenant, person)).json()["id_token"]).header["kid"] == before[-1]
    tenant.command("keys", "rotate", "--immediately")
    assert len(published()) == 1 and published()[0] not in before
    assert user_info(tenant, old["access_token"]).status_code == 401
    assert claims(tenant, redeem(tenant, web_code(tenant, person)).json()["id_token"]).header["kid"] == published()[0]


# ---- People who mean harm


@pytest.mark.parametrize("changes", [
    {"redirect_uri": "https://evil.example/"}, {"redirect_uri": WEB + "/"}, {"redirect_uri": WEB + "?x=2"},
    {"redirect_uri": WEB + "#x"}, {"redirect_uri": WEB.replace("https", "http")}, {"redirect_uri": None},
    {"redirect_uri": WEB + "\r\nSet-Cookie: x=1"}, {"redirect_uri": "javascript:alert(1)"},
    {"redirect_uri": "https://wiki.corp.example@evil.example/callback"}, {"client_id": "nobody"}, {"client_id": None},
])
def test_nothing_is_sent_to_an_address_that_is_not_registered(tenant, person, changes):
    answer = person.open(authorization(tenant, **changes))
    assert answer.status_code == 400 and "Location" not in answer.headers and "Set-Cookie" not in answer.headers
    assert "evil.example" not in answer.text and "javascript:" not in answer.text


@pytest.mark.parametrize("changes, error", [
    ({"response_type": "token"}, "unsupported_response_type"), ({"response_type": None}, "invalid_request"),
    ({"scope": "profile"}, "invalid_scope"), ({"scope": "openid everything"}, "invalid_scope"),
    ({"prompt": "none login"}, "invalid_request"), ({"max_age": "-1"}, "invalid_request"),
    ({"request": "x"}, "request_not_supported"), ({"response_mode": "fragment"}, "invalid_request"),
    ({"code_challenge": "a" * 43}, "invalid_request"), ({"nonce": "n" * 600}, "invalid_request"),
    ({"code_challenge": "a" * 43, "code_challenge_method": "plain"}, "invalid_request"),
    ({"prompt": "none"}, "login_required"),
])
def test_an_application_learns_its_mistakes(tenant, person, changes, error):
    answer = person.open(authorization(tenant, **{"state": "a b\r\nX: y", **changes}))
    assert answer.status_code == 303 and answer.headers["Location"].startswith(WEB + "?")
    assert parameters(answer)["error"] == error and parameters(answer)["state"] == "a b\r\nX: y"
    assert "X" not in answer.headers


def test_a_public_application_must_use_pkce(tenant, person):
    url = authorization(tenant, tenant.native, redirect_uri=LOOPBACK + ":4711")
    assert parameters(person.open(url))["error"] == "invalid_request"
    verifier, challenge = pkce()
    page = person.open(authorization(tenant, tenant.native, redirect_uri=LOOPBACK + ":4711", **challenge))
    code = parameters(person.sign_in(page, "anna@corp.example", PASSWORD))["code"]
    good = {"grant_type": "authorization_code", "client_id": tenant.native, "redirect_uri": LOOPBACK + ":4711"}
    assert token(tenant, code=code, code_verifier=pkce()[0], **good).json()["error"] == "invalid_grant"
    assert token(tenant, code=code, code_verifier=verifier, **good).json()["error"] == "invalid_grant", "it is spent"


@pytest.mark.parametrize("changes", [
    {"redirect_uri": WEB + "?x=1"}, {"redirect_uri": None}, {"code_verifier": "v" * 43},
], ids=["another address", "no address", "a verifier without a challenge"])
def test_a_code_is_redeemed_as_it_was_asked_for(tenant, person, changes):
    code = web_code(tenant, person)
    assert redeem(tenant, code, **changes).json()["error"] == "invalid_grant"
    assert redeem(tenant, code).json()["error"] == "invalid_grant"


def test_the_challenge_of_one_request_is_not_that_of_another(tenant, person):
    one, challenge_one = pkce()
    other, challenge_other = pkce()
    codes = [web_code(tenant, person, **challenge) for challenge in (challenge_one, challenge_other)]
    assert redeem(tenant, codes[0], code_verifier=other).json()["error"] == "invalid_grant"
    assert "access_token" in redeem(tenant, codes[1], code_verifier=other).json()


def test_a_code_that_is_used_twice_takes_back_what_it_brought(tenant, person):
    code = web_code(tenant, person, scope="openid offline_access")
    tokens = redeem(tenant, code).json()
    assert user_info(tenant, tokens["access_token"]).status_code == 200
    assert redeem(tenant, code).json()["error"] == "invalid_grant"
    assert user_info(tenant, tokens["access_token"]).status_code == 401
    again = token(tenant, auth=(tenant.web, tenant.secret), grant_type="refresh_token",
                  refresh_token=tokens["refresh_token"])
    assert again.json()["error"] == "invalid_grant"


def test_a_code_of_another_application(tenant, person):
    other, secret = tenant.create_app("Other", "--redirect-uri", WEB)
    code = web_code(tenant, person)
    stolen = token(tenant, auth=(other, secret), grant_type="authorization_code", code=code, redirect_uri=WEB)
    assert stolen.json()["error"] == "invalid_grant"
    assert redeem(tenant, code).json()["error"] == "invalid_grant"


def test_clients_must_prove_who_they_are(tenant):
    for auth, more, status, error in [
        ((tenant.web, "wrong"), {}, 401, "invalid_client"), (("nobody", tenant.secret), {}, 401, "invalid_client"),
        (None, {"client_id": tenant.web}, 401, "invalid_client"), (None, {}, 401, "invalid_client"),
        ((tenant.web, tenant.secret), {"client_secret": tenant.secret}, 400, "invalid_request"),
        (None, {"client_id": tenant.native, "client_secret": "x"}, 401, "invalid_client"),
    ]:
        answer = token(tenant, auth=auth, grant_type="authorization_code", code="x", **more)
        assert (answer.status_code, answer.json()["error"]) == (status, error)
        assert (answer.headers.get("WWW-Authenticate", "").startswith("Basic ")) == (auth is not None and status == 401)
        assert answer.headers["Cache-Control"] == "no-store"
    unknown = token(tenant, auth=(tenant.web, tenant.secret), grant_type="password", username="a", password="b")
    assert unknown.json()["error"] == "unsupported_grant_type"
    device = post(tenant, "/oauth2/v2.0/devicecode", auth=(tenant.web, tenant.secret), scope="openid")
    assert device.json()["error"] == "unauthorized_client"


def test_forged_forms(tenant, person):
    """Forms of other sites, of other browsers, of other pages, and old ones do nothing."""
    page = person.open(authorization(tenant))
    good = {"name": "anna@corp.example", "password": PASSWORD}
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = person.sign_in(page, headers=headers, **good)
        assert answer.status_code == 403 and "another site" in answer.text
    assert "open for too long" in person.send(page, username=good["name"], password=PASSWORD, form_token="1.x").text
    stranger = Person(tenant)
    stranger.open(authorization(tenant))
    assert "open for too long" in stranger.sign_in(page, **good).text
    device = person.open(f"{tenant.issuer}/device")
    token = Form(device.text).fields["form_token"]
    assert "open for too long" in person.send(page, username=good["name"], password=PASSWORD, form_token=token).text
    # The request behind the page is checked again when the form comes back.
    form = Form(page.text)
    bent = form.action.replace(urllib.parse.quote(WEB, safe=""), urllib.parse.quote("https://evil.example/", safe=""))
    assert bent != form.action
    answer = person.http.post(f"https://{NAME}{bent}", data={**form.fields, "username": good["name"],
                                                             "password": PASSWORD}, allow_redirects=False, timeout=30)
    assert answer.status_code == 400 and "Set-Cookie" not in answer.headers
    assert "code" in parameters(person.sign_in(page, **good))


def test_oversized_and_broken_requests(tenant):
    base = dict(verify=tenant.lab.authority, timeout=30, allow_redirects=False)
    endpoint = f"{tenant.issuer}/oauth2/v2.0/token"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert requests.post(endpoint, data="a=" + "x" * 100_000, headers=form, **base).status_code == 413
    assert requests.post(endpoint, data="{}", headers={"Content-Type": "application/json"}, **base).status_code == 415
    for body in ("grant_type=a&grant_type=b", "grant_type=%ff", "a=%", "&".join(f"p{n}=1" for n in range(100)), b"\xff"):
        answer = requests.post(endpoint, data=body, headers=form, **base)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), body
    assert requests.get(endpoint, **base).status_code == 405
    assert requests.get(f"{tenant.issuer}/nowhere", **base).status_code == 404
    # Whichever limit is met first: that of the HTTP decoder or the service's own.
    assert requests.get(authorization(tenant, state="s" * 30_000), **base).status_code in (400, 414)
    for text in ("Bearer", "Bearer x", "Bearer a.b.c", "Basic YTpi", "Bearer " + "a" * 9000):
        answer = requests.get(f"{tenant.issuer}/oidc/userinfo", headers={"Authorization": text}, **base)
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer realm=")


def test_tokens_of_another_kind_are_no_access_tokens(tenant, person):
    tokens = redeem(tenant, web_code(tenant, person, scope=f"openid api://{tenant.web}/.default")).json()
    assert claims(tenant, tokens["access_token"]).claims["aud"] == tenant.web
    assert user_info(tenant, tokens["access_token"]).status_code == 401, "it is for another application"
    assert user_info(tenant, tokens["id_token"]).status_code == 401
    head, body, signature = tokens["access_token"].split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "at+jwt"}).encode()).decode().rstrip("=")
    assert user_info(tenant, f"{none}.{body}.").status_code == 401


def test_hostile_texts_stay_texts(tenant, person):
    hostile = "\"><script>alert(1)</script>"
    page = person.open(authorization(tenant, login_hint=hostile, state=hostile))
    assert "<script" not in page.text and Form(page.text).fields["username"] == hostile
    answer = person.sign_in(page, hostile, hostile)
    assert "<script" not in answer.text and Form(answer.text).fields["username"] == hostile
    for answer in (page, person.open(f"{tenant.issuer}/nowhere"), person.open(authorization(tenant, client_id="x"))):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert answer.headers["X-Frame-Options"] == "DENY" and answer.headers["X-Content-Type-Options"] == "nosniff"
    page = person.open(authorization(tenant))
    cookies = [c for c in page.headers["Set-Cookie"].split(", ")]
    assert all(c.startswith("__Host-") and "Secure; HttpOnly; SameSite=" in c for c in cookies)


def test_no_secret_is_in_the_store_or_the_log(tenant, person):
    tokens = redeem(tenant, web_code(tenant, person, scope="openid offline_access")).json()
    secret_texts = [PASSWORD, tenant.secret, tokens["refresh_token"], tokens["access_token"], "PPH1_MD4",
                    person.http.cookies["__Host-bridgehead-session"]]
    log = (tenant.directory / "tenant.log").read_text()
    dump = "\n".join(sqlite3.connect(tenant.directory / "tenant.sqlite").iterdump())
    for text in secret_texts:
        assert text not in log and text not in dump and text.encode().hex().upper() not in dump


# Last, because what is counted here stays counted for a while.


def test_guessing_pauses_an_account_and_tells_nothing(tenant, person):
    """A user who exists and one who does not are answered alike, before, during and after the pause."""
    tenant.add_user("eva", "Right-Password-1")
    page = person.open(authorization(tenant))

    def attempt(name, password):
        answer = person.sign_in(page, name, password)
        return answer.status_code, answer.text.replace(name, "NAME").replace(Form(answer.text).fields["form_token"], "T")

    for number in range(12):
        assert attempt("eva@corp.example", f"wrong-{number}") == attempt("nobody@corp.example", f"wrong-{number}")
    paused = attempt("eva@corp.example", "Right-Password-1")
    assert paused == attempt("nobody@corp.example", "Right-Password-1") and paused[0] == 403
    # Anna has signed in from here before: her own counter is untouched.
    assert "code" in parameters(person.sign_in(page, "anna@corp.example", PASSWORD))


def test_a_sprayer_is_paused(tenant):
    """One password for many names, many at once: at most as many are listened to as one source may fail."""
    outcomes = []

    def spray(names):
        person = Person(tenant)
        page = person.open(authorization(tenant))
        for name in names:
            outcomes.append(person.sign_in(page, name, "Spring-2026").status_code)

    threads = [threading.Thread(target=spray, args=[[f"user{n}-{t}@corp.example" for n in range(15)]]) for t in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [403] * 60
    person = Person(tenant)
    answer = person.sign_in(person.open(authorization(tenant)), "anna@corp.example", PASSWORD)
    assert answer.status_code == 403, "the source is paused, whoever asks"
