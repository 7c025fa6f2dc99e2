# SPDX-License-Identifier: Apache-2.0
"""What the sign-in tests need: a tenant without a forest, users with passwords, and a person with a browser that has no
JavaScript."""
import hashlib
import html.parser
import os
import pathlib
import re
import subprocess
import urllib.parse

import requests

from environment import Tenant

NAME = "tenant.corp.example"


class Site:
    """A certificate authority and a host for the tenant, in the form in which a lab describes them."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        authority, key = self.directory / "ca.pem", self.directory / "ca.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                      "-subj", "/CN=Test authority", "-keyout", key, "-out", authority)
        request, chain, private = (self.directory / f"tenant.{end}" for end in ("csr", "pem", "key"))
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={NAME}",
                      "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", private, "-out", request)
        private.chmod(0o600)
        self._openssl("x509", "-req", "-in", request, "-CA", authority, "-CAkey", key, "-days", "30",
                      "-copy_extensions", "copy", "-out", chain)
        self.authority = str(authority)
        self.forest = {
            "tenant": {"name": NAME, "address": "127.0.0.1", "certificateChainFile": str(chain),
                       "privateKeyFile": str(private)},
            "verifiedSuffixes": ["corp.example"]}
        self.forests = [self.forest]

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class SignInTenant(Tenant):
    """A served tenant whose users have passwords."""

    def __init__(self, site, directory):
        super().__init__(site, directory)
        self.issuer = f"https://{self.name}/{self.initial_domain}"
        self.credentials_file = self.directory / "credentials.token"
        self.product.run("tenant", "token", "create", "--config", self.configuration, "--name", "passwords",
                         "--scope", "credentials", "--output", self.credentials_file)
        self.version = 0

    def command(self, *arguments, **options):
        return self.product.run("tenant", *arguments, "--config", self.configuration, **options)

    def report(self, *arguments):
        return self.product.json("tenant", *arguments, "--config", self.configuration, "--json")

    def add_user(self, name, password, **policy):
        status, user = self.request("POST", "/Users", {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": f"{name}@corp.example",
            "externalId": f"anchor-{name}", "displayName": name.title(), "active": True,
            "name": {"givenName": name.title(), "familyName": "Example"},
            "emails": [{"value": f"{name}@mail.example", "type": "work", "primary": True}]})
        assert status == 201, user
        assert self.set_password(name, password, **policy) == "stored"
        return user["id"]

    def set_password(self, name, password, **policy):
        self.version += 1
        body = {"credentials": [{
            "externalId": f"anchor-{name}", "value": derived(password), "version": self.version,
            "originated": "2026-05-01T08:00:00Z", "invocationId": "6f9619ff-8b86-d011-b42d-00c04fc964ff",
            **policy}]}
        status, answer = self.request(
            "PATCH", "/tenant/credentials", body,
            {"Authorization": f"Bearer {self.credentials_file.read_text().strip()}", "Content-Type": "application/json"})
        assert status == 200, answer
        return answer["results"][0]["status"]

    def create_app(self, name, *options):
        answer = self.report("apps", "create", "--name", name, *options)
        return answer["clientId"], answer.get("clientSecret")


def derived(password):
    """The value of password hash synchronisation, computed without the product."""
    md4 = subprocess.run(
        ["openssl", "dgst", "-md4", "-provider", "legacy", "-provider", "default", "-binary"],
        input=password.encode("utf-16-le"), capture_output=True, check=True).stdout
    salt = os.urandom(10)
    hash = hashlib.pbkdf2_hmac("sha256", md4.hex().upper().encode("utf-16-le"), salt, 1000, 32)
    return f"v1;PPH1_MD4,{salt.hex()},1000,{hash.hex()};"


class Form(html.parser.HTMLParser):
    """The only form of a page, and the page's title."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields, self.buttons, self.title, self._in_title = None, {}, [], "", False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            assert self.action is None, "one form a page"
            self.action = attributes["action"]
        elif tag == "input":
            self.fields[attributes["name"]] = attributes.get("value", "")
        elif tag == "button" and "name" in attributes:
            self.buttons.append((attributes["name"], attributes["value"]))
        self._in_title = tag == "title"

    def handle_endtag(self, tag):
        self._in_title = False

    def handle_data(self, data):
        if self._in_title:
            self.title += data


class Person:
    """Somebody with a browser: cookies, forms, and redirects followed as long as they stay at the tenant."""

    def __init__(self, tenant):
        self.tenant = tenant
        self.http = requests.Session()
        self.http.verify = tenant.lab.authority

    def open(self, url, **options):
        return self._follow(self.http.get(url, allow_redirects=False, timeout=30, **options))

    def send(self, page, choice=None, headers=None, **values):
        form = Form(page.text)
        data = {**form.fields, **values, **(dict([choice]) if choice else {})}
        origin = urllib.parse.urlsplit(self.tenant.issuer)
        return self._follow(self.http.post(
            urllib.parse.urljoin(page.url, form.action), data=data, allow_redirects=False, timeout=30,
            headers={"Origin": f"https://{origin.netloc}", "Sec-Fetch-Site": "same-origin", **(headers or {})}))

    def sign_in(self, page, name, password, **options):
        return self.send(page, username=name, password=password, **options)

    def _follow(self, answer):
        for _ in range(5):
            location = answer.headers.get("Location")
            if answer.status_code != 303 or not urllib.parse.urljoin(answer.url, location).startswith(self.tenant.issuer):
                return answer
            answer = self.http.get(urllib.parse.urljoin(answer.url, location), allow_redirects=False, timeout=30)
        raise AssertionError("redirected in circles")


def parameters(answer):
    """What an application gets: from a redirect's query, or from the form that is posted to it."""
    if answer.status_code == 303:
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["Location"]).query))
    return Form(answer.text).fields


def luminance(colour):
    """Of `rgb(r, g, b)` (WCAG 2.2, relative luminance)."""
    parts = [int(v) / 255 for v in re.findall(r"\d+", colour)[:3]]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted([luminance(one), luminance(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)
