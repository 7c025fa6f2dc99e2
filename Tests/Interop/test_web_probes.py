# SPDX-License-Identifier: Apache-2.0
"""The checks of the rows that speak HTTP: what works, and one fault after another, each of which must get its own name."""
import contextlib
import json
import ssl
import subprocess
import time

import pytest

from authority import Authority
from environment import wait_for
from http_proxy import TinyProxy
from network import SilentServer
from web_servers import METADATA, METADATA_PATH, WebServer

FARM, PROXY, CLOUD, LISTS, RELAY = "127.0.40.1", "127.0.40.2", "127.0.40.3", "127.0.40.4", "127.0.40.5"
NAME, TENANT, LIST_HOST = "fs.corp.example", "tenant.cloud.example", "crl.cloud.example"
LIST_URL = f"http://{LIST_HOST}/ca.crl"
PROBE = "/adfs/probe"
GOOD = {PROBE: (200, None, b""), METADATA_PATH: (200, "application/samlmetadata+xml", METADATA)}
PAGE = (200, "text/html", b"<!DOCTYPE html><html><body>Please sign in to the guest network</body></html>")


class Site:
    """A topology whose servers a test starts, and the check of one of its rows."""

    def __init__(self, bridgehead, directory):
        self.bridgehead, self.directory = bridgehead, directory
        self.authority = Authority(directory / "ca")
        self.stranger = Authority(directory / "stranger", "Nobody Knows")
        self.chain, self.key = self.authority.issue(NAME)
        self.topology = {
            "version": 1, "name": "web",
            "features": ["export", "revocation-checking", "federation-management", "federated-sign-in",
                         "device-authentication", "certificate-authentication"],
            "connect": [{"name": "sync1", "addresses": ["127.0.0.1"]}], "forests": [],
            "cloud": [
                {"name": "tenant", "dnsNames": [TENANT], "addresses": [CLOUD], "external": False},
                {"name": "lists", "dnsNames": [LIST_HOST], "addresses": [LISTS], "protocols": ["http"], "external": False}],
            "federation": {"name": NAME, "servers": [{"name": "fs1", "addresses": [FARM]}]},
            "proxies": [{"name": "wap1", "addresses": [PROXY]}],
            "users": [{"name": "internet", "addresses": ["0.0.0.0/0"]}]}

    def check(self, row, role="connect", *, host=None, arguments=()):
        path = self.directory / "topology.yaml"
        path.write_text(json.dumps(self.topology))
        done = self.bridgehead.run(
            "ports", "check", "-f", path, "--from", role, "--row", row, "--output", "json", "--root",
            self.authority.certificate, "--revocation", "off", "--deadline", 12, *arguments, check=False)
        assert done.returncode in (0, 1, 3), done.stderr
        findings = json.loads(done.stdout)["findings"]
        found = [f for f in findings if host is None or f["target"]["host"] == host]
        assert len(found) == 1, findings
        return found[0]

    def verdict(self, *arguments, **options):
        finding = self.check(*arguments, **options)
        print(json.dumps(finding, indent=1))
        return finding["verdict"], finding["diagnosis"]


@pytest.fixture(scope="module")
def prepared(bridgehead, tmp_path_factory):
    return Site(bridgehead, tmp_path_factory.mktemp("site"))


@pytest.fixture
def site(prepared):
    """The site with its topology as it was."""
    kept = json.dumps(prepared.topology)
    yield prepared
    prepared.topology = json.loads(kept)


def observed(finding, kind):
    return [o[kind] for o in finding["observations"] if kind in o]


# The federation service on 80.

@pytest.mark.parametrize("page, expected", [
    ((200, None, b""), ("works", "none")), (PAGE, ("wrong-service", "captive-portal")),
    ((302, None, b""), ("wrong-service", "captive-portal")), ((503, None, b""), ("broken", "service-stopped")),
    ((404, "text/plain", b"no"), ("wrong-service", "other-protocol")), ((500, None, b""), ("broken", "http-error"))])
def test_the_probe_on_80(site, page, expected):
    with WebServer(FARM, 80, {None: page}) as server:
        assert site.verdict("connect-federation/http", host="fs1") == expected
    assert server.requests[0] == (PROBE, NAME)


def test_a_listener_that_says_nothing(site):
    with SilentServer(FARM, 80):
        assert site.verdict("connect-federation/http", host="fs1") == ("broken", "half-open")


# The federation service on 443, from three sides.

@pytest.mark.parametrize("row, role, address, host", [
    ("connect-federation/https", "connect", FARM, "fs1"), ("connect-federation/https", "connect", PROXY, "wap1"),
    ("proxy-federation/https", "proxy", FARM, "fs1"), ("users-proxy/https", "users", PROXY, "wap1")])
def test_the_metadata(site, row, role, address, host):
    with WebServer(address, 443, GOOD, site.chain, site.key) as server:
        finding = site.check(row, role, host=host)
        assert (finding["verdict"], finding["depth"]["reached"]) == ("works", "operation"), finding
    # By the federation name, whatever the machine is called: SNI and Host.
    assert server.names == [NAME] and server.requests == [(METADATA_PATH, NAME)]


def test_a_green_probe_before_a_service_that_is_down(site):
    down = {None: (503, None, b"")}
    with WebServer(FARM, 443, down, site.chain, site.key), WebServer(FARM, 80, GOOD):
        assert site.verdict("connect-federation/https", host="fs1") == ("broken", "probe-green-service-down")
        # The balancer's row works: it is not to blame.
        assert site.verdict("connect-federation/http", host="fs1") == ("works", "none")
    with WebServer(FARM, 443, down, site.chain, site.key):
        assert site.verdict("connect-federation/https", host="fs1") == ("broken", "service-stopped")


@pytest.mark.parametrize("page", [PAGE, (200, "text/xml", b"<a/>"), (200, "text/xml", b"<!DOCTYPE a><a/>"), (200, None, b"")])
def test_what_is_no_metadata(site, page):
    with WebServer(FARM, 443, {None: page}, site.chain, site.key):
        assert site.verdict("connect-federation/https", host="fs1") == ("wrong-service", "other-protocol")


@pytest.mark.parametrize("case, diagnosis", [
    ("expired", "certificate-expired"), ("name", "certificate-wrong-name"), ("issuer", "certificate-unknown-issuer")])
def test_certificates_of_the_farm(site, case, diagnosis):
    chain, key = {
        "expired": lambda: site.authority.issue(NAME, faketime="-200d"),
        "name": lambda: site.authority.issue("other.corp.example"),
        "issuer": lambda: site.stranger.issue(NAME)}[case]()
    with WebServer(FARM, 443, GOOD, chain, key) as server:
        assert site.verdict("connect-federation/https", host="fs1") == ("broken", diagnosis)
    assert server.requests == [], "nothing is asked of a peer that is not trusted"


def test_no_tls_at_all(site):
    with WebServer(FARM, 443, GOOD):
        assert site.verdict("connect-federation/https", host="fs1") == ("wrong-service", "other-protocol")


@contextlib.contextmanager
def openssl_server(address, port, site, *arguments):
    server = subprocess.Popen(
        ["openssl", "s_server", "-accept", f"{address}:{port}", "-cert", site.chain, "-key", site.key, "-quiet",
         *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: f"{address}:{port}" in subprocess.run(["ss", "-lntH"], capture_output=True, text=True).stdout,
                 "openssl listens")
        yield
    finally:
        server.kill()
        server.wait()


def test_tls_that_is_too_old(site):
    with openssl_server(FARM, 443, site, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"):
        assert site.verdict("connect-federation/https", host="fs1") == ("broken", "tls-mismatch")


# User certificates on 49443.

def asks(mode, authority=None, version=None):
    def edit(context):
        if authority:
            context.load_verify_locations(authority.certificate)
        context.verify_mode = mode
        if version:
            context.minimum_version = context.maximum_version = version
    return edit


@pytest.mark.parametrize("mode, version", [
    (ssl.CERT_OPTIONAL, None), (ssl.CERT_REQUIRED, None), (ssl.CERT_OPTIONAL, ssl.TLSVersion.TLSv1_2),
    (ssl.CERT_OPTIONAL, ssl.TLSVersion.TLSv1_3)])
def test_a_certificate_is_asked_for(site, mode, version):
    with WebServer(PROXY, 49443, GOOD, site.chain, site.key, edit=asks(mode, site.stranger, version)):
        finding = site.check("users-proxy/certificate-authentication", "users")
    assert finding["verdict"] == "works", finding
    # Python's server asks without a list.
    assert observed(finding, "certificateRequest") == [{"issuers": []}]


@pytest.mark.parametrize("insists", [False, True])
def test_the_authorities_that_are_asked_for(site, insists):
    with openssl_server(PROXY, 49443, site, "-Verify" if insists else "-verify", "1", "-CAfile",
                        site.stranger.certificate):
        finding = site.check("users-proxy/certificate-authentication", "users")
    assert finding["verdict"] == "works", finding
    assert observed(finding, "certificateRequest") == [{"issuers": ["CN=Nobody Knows"]}]


def test_no_certificate_is_asked_for(site):
    with WebServer(PROXY, 49443, GOOD, site.chain, site.key):
        assert site.verdict("users-proxy/certificate-authentication", "users") == ("broken", "tls-ended-by-balancer")


def test_certificates_by_name_on_443(site):
    site.topology["policy"] = {"certificateAuthentication": "certauth-name"}
    chain, key = site.authority.issue(f"certauth.{NAME}")
    with WebServer(PROXY, 443, GOOD, chain, key, edit=asks(ssl.CERT_OPTIONAL, site.authority)) as server:
        assert site.verdict("users-proxy/certificate-authentication", "users") == ("works", "none")
    assert set(server.names) == {f"certauth.{NAME}"}


# The cloud on 443.

@pytest.fixture
def cloud(site):
    chain, key = site.authority.issue(TENANT, crl=LIST_URL)
    return lambda **options: WebServer(CLOUD, 443, {None: (401, None, b"")}, chain, key, **options)


def test_the_cloud(site, cloud):
    with cloud() as server:
        assert site.verdict("connect-cloud/https") == ("works", "none")
    assert server.names == [TENANT]


def test_a_skew_of_the_cloud(site, cloud):
    with cloud(date=lambda: time.time() + 3600):
        finding = site.check("connect-cloud/https")
    seconds = observed(finding, "clockSkew")[0]["seconds"]
    assert 3598 <= seconds <= 3602 and finding["diagnosis"] == "clock-skew", finding


def test_interception(site):
    """A public name with a certificate of somebody who is not public."""
    site.topology["cloud"][0]["external"] = True
    chain, key = site.stranger.issue(TENANT)
    with WebServer(CLOUD, 443, {}, chain, key):
        assert site.verdict("connect-cloud/https") == ("broken", "tls-interception")


@pytest.fixture
def tinyproxy(tmp_path):
    """Starts tinyproxy as the way to the cloud."""
    with contextlib.ExitStack() as stack:
        yield lambda *lines: stack.enter_context(
            TinyProxy(tmp_path / "proxy", RELAY, 8080, *lines, hosts={TENANT: CLOUD, LIST_HOST: LISTS}))


def through_proxy(site):
    site.topology["outboundProxy"] = {"name": "relay", "addresses": [RELAY], "port": 8080}


def test_through_a_proxy(site, cloud, tinyproxy):
    through_proxy(site)
    tinyproxy("ConnectPort 443")
    with cloud() as server:
        assert site.verdict("connect-cloud/https") == ("works", "none")
    assert server.names == [TENANT]


@pytest.mark.parametrize("lines, expected", [
    (["BasicAuth user secret"], ("blocked", "proxy-authentication")),
    (["ConnectPort 8443"], ("blocked", "proxy-refused"))])
def test_a_proxy_that_refuses(site, cloud, tinyproxy, lines, expected):
    through_proxy(site)
    tinyproxy(*lines)
    with cloud() as server:
        assert site.verdict("connect-cloud/https") == expected
    assert server.requests == []


# A proxy that wants a sign-in.

ACCOUNT, WORD = "svc-sync", "proxy-secret"
SIGN_IN = ["ConnectPort 443", f"BasicAuth {ACCOUNT} {WORD}"]


def private(file, text):
    file.touch(mode=0o600)
    file.write_text(text)
    return file


def account(site, way, tmp_path, word=WORD):
    """Gives the account to the check in one of the ways that there are: further arguments, and the environment."""
    file = private(tmp_path / "word", word + "\n")
    proxy = site.topology["outboundProxy"]
    if way == "options":
        # They come before what the topology says.
        proxy |= {"user": "nobody", "password": {"environment": "NO_SUCH_VARIABLE"}}
        return ["--proxy-user", ACCOUNT, "--proxy-password-file", file], {}
    if way == "file":
        proxy |= {"user": ACCOUNT, "password": {"file": str(file)}}
        return [], {}
    if way == "environment":
        proxy |= {"user": ACCOUNT, "password": {"environment": "PROXY_WORD"}}
        return [], {"PROXY_WORD": word}
    configuration = tmp_path / "bridgehead.json"
    configuration.write_text(json.dumps({"version": 1, "httpProxy": {
        "address": f"{RELAY}:{8081 if way == 'configuration of another proxy' else 8080}", "user": ACCOUNT,
        "password": {"file": str(file)}}}))
    return ["--config", configuration], {}


@pytest.mark.parametrize("way", ["options", "file", "environment", "configuration"])
def test_a_proxy_is_signed_in_to(site, cloud, tinyproxy, tmp_path, monkeypatch, way):
    through_proxy(site)
    tinyproxy(*SIGN_IN)
    arguments, variables = account(site, way, tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with cloud() as server, lists(site, site.authority.revocation_list()) as served:
        for row in ("connect-cloud/https", "connect-cloud/http"):
            assert site.verdict(row, arguments=arguments) == ("works", "none")
    assert server.names and ("/ca.crl", LIST_HOST) in served.requests


def test_an_account_is_for_its_own_proxy(site, cloud, tinyproxy, tmp_path):
    through_proxy(site)
    proxy = tinyproxy(*SIGN_IN)
    arguments, _ = account(site, "configuration of another proxy", tmp_path)
    with cloud():
        finding = site.check("connect-cloud/https", arguments=arguments)
    assert finding["diagnosis"] == "proxy-authentication" and "no account was given" in finding["summary"], finding
    assert proxy.log.count("Request (file descriptor") == 1, "asked once, without the account"


def test_a_refused_account_is_offered_once(site, cloud, tinyproxy, tmp_path, bridgehead):
    """Whoever asks Active Directory behind the proxy counts one wrong password, for however many names of the cloud."""
    through_proxy(site)
    proxy = tinyproxy(*SIGN_IN)
    account(site, "file", tmp_path, word="wrong-secret")
    site.topology["cloud"][0]["dnsNames"] = [TENANT] + [f"t{number}.cloud.example" for number in range(9)]
    file = site.directory / "topology.yaml"
    file.write_text(json.dumps(site.topology))
    with cloud() as server, lists(site, site.authority.revocation_list()) as served:
        done = bridgehead.run(
            "ports", "check", "-f", file, "--output", "json", "--root", site.authority.certificate, "--revocation",
            "off", "--deadline", 12, check=False)
    found = [f for f in json.loads(done.stdout)["findings"] if f["row"].startswith("connect-cloud/")]
    assert len(found) == 11
    for finding in found:
        assert (finding["verdict"], finding["diagnosis"]) == ("blocked", "proxy-credentials-refused"), finding
        assert finding["remedy"]["owner"] == "source-administrator"
    assert proxy.log.count("Request (file descriptor") == 1, proxy.log
    assert "wrong-secret" not in done.stdout + done.stderr and server.names == served.requests == []


@pytest.mark.parametrize("proxy, arguments, code, words", [
    (None, ["--proxy-user", ACCOUNT, "--proxy-password-file", "WORD"], 64, "no HTTP proxy"),
    ({}, ["--proxy-user", ACCOUNT], 64, "belong together"),
    ({"user": ACCOUNT}, [], 78, "outboundProxy has a user or a password without the other"),
    ({"user": ACCOUNT, "password": {"environment": "NO_SUCH_VARIABLE"}}, [], 78, "NO_SUCH_VARIABLE is not set"),
    ({"user": ACCOUNT, "password": "clear-text"}, [], 78, "a reference to a secret")])
def test_accounts_that_cannot_be_used(site, bridgehead, tmp_path, proxy, arguments, code, words):
    file = site.directory / "topology.yaml"
    if proxy is not None:
        site.topology["outboundProxy"] = {"name": "relay", "addresses": [RELAY], "port": 8080, **proxy}
    file.write_text(json.dumps(site.topology))
    given = [private(tmp_path / "word", WORD) if argument == "WORD" else argument for argument in arguments]
    done = bridgehead.run("ports", "check", "-f", file, *given, check=False)
    assert done.returncode == code and words in done.stderr, (done.returncode, done.stderr)
    assert WORD not in done.stderr and "clear-text" not in done.stderr


# Revocation lists on 80.

@pytest.fixture(params=["root presented", "root trusted"])
def sparse_cloud(request, site, cloud, tmp_path):
    """Servers may send the root or leave it out; a list's signature is checked either way."""
    if request.param == "root presented":
        return cloud
    chain, key = site.authority.issue(TENANT, crl=LIST_URL)
    leaf = tmp_path / "leaf.pem"
    leaf.write_text(chain.read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")
    return lambda: WebServer(CLOUD, 443, {None: (401, None, b"")}, leaf, key)


def lists(site, body, status=200, kind="application/pkix-crl"):
    return WebServer(LISTS, 80, {"/ca.crl": (status, kind, body)})


def test_a_good_list(site, sparse_cloud):
    with sparse_cloud(), lists(site, site.authority.revocation_list()) as server:
        finding = site.check("connect-cloud/http")
    assert (finding["verdict"], finding["depth"]["reached"]) == ("works", "operation"), finding
    assert ("/ca.crl", LIST_HOST) in server.requests


def test_a_good_list_through_a_proxy(site, cloud, tinyproxy):
    through_proxy(site)
    tinyproxy("ConnectPort 443")
    with cloud(), lists(site, site.authority.revocation_list()) as server:
        assert site.verdict("connect-cloud/http") == ("works", "none")
    assert ("/ca.crl", LIST_HOST) in server.requests


def test_a_list_of_a_namesake(site, sparse_cloud, tmp_path):
    """Somebody else by the same name: only the signature tells."""
    with sparse_cloud(), lists(site, Authority(tmp_path / "namesake").revocation_list()):
        assert site.verdict("connect-cloud/http") == ("broken", "revocation-list-bad")


@pytest.mark.parametrize("case, expected", [
    ("stale", ("broken", "revocation-list-stale")), ("portal", ("wrong-service", "captive-portal")),
    ("signer", ("broken", "revocation-list-bad")), ("future", ("broken", "revocation-list-bad")),
    ("garbage", ("broken", "revocation-list-bad")), ("missing", ("broken", "revocation-list-unreachable"))])
def test_lists_that_are_of_no_use(site, cloud, case, expected):
    body, status, kind = {
        "stale": lambda: (site.authority.revocation_list(-40, -1), 200, "application/pkix-crl"),
        "portal": lambda: (PAGE[2], 200, "text/html"),
        "signer": lambda: (site.stranger.revocation_list(), 200, "application/pkix-crl"),
        "future": lambda: (site.authority.revocation_list(2, 30), 200, "application/pkix-crl"),
        "garbage": lambda: (b"\x30\x82garbage", 200, "application/pkix-crl"),
        "missing": lambda: (b"", 404, None)}[case]()
    with cloud(), lists(site, body, status, kind):
        assert site.verdict("connect-cloud/http") == expected


def test_a_host_that_no_certificate_names(site):
    """The path is open and nothing is proved: that is neither works nor a failure."""
    chain, key = site.authority.issue(TENANT)
    with WebServer(CLOUD, 443, {}, chain, key), lists(site, site.authority.revocation_list()):
        assert site.verdict("connect-cloud/http")[0] == "inconclusive"
