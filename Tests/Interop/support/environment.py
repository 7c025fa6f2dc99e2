# SPDX-License-Identifier: Apache-2.0
"""A whole hybrid identity for a test: a lab forest, a served tenant, and Connect between them, all real."""
import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import time

import ldap3

ROOT = pathlib.Path(__file__).resolve().parents[3]
PRODUCT = pathlib.Path(os.environ.get("BRIDGEHEAD_PRODUCT", ROOT / ".build/debug/bridgehead"))
# Seconds after which a forest that is not in the cache will not come up any more: 50,000 users take some minutes.
FOREST_PATIENCE = 1800


def wait_for(condition, what, seconds=60):
    """Polls until the condition returns something true; the limit is only there to end a hopeless wait."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.05)
    raise AssertionError(f"never happened: {what}")


@contextlib.contextmanager
def resolving(names):
    """Lets this process find hosts by their names ({name: address}), and trust the authority that a test names and no other."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        os.environ.pop(name, None)
    real = socket.getaddrinfo

    def find(host, *arguments, **options):
        host = host.decode() if isinstance(host, bytes) else host
        return real(names.get(host, host), *arguments, **options)

    socket.getaddrinfo = find
    try:
        yield
    finally:
        socket.getaddrinfo = real


class Product:
    """Runs `bridgehead` and gives back what it printed."""

    def __init__(self, environment=None):
        self.environment = environment or {}

    def run(self, *arguments, check=True, timeout=300, environment=None, **options):
        done = subprocess.run(
            [PRODUCT, *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
            env={**os.environ, **self.environment, **(environment or {})}, stdin=subprocess.DEVNULL, **options)
        if check and done.returncode != 0:
            raise AssertionError(
                f"bridgehead {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def json(self, *arguments, **options):
        return json.loads(self.run(*arguments, **options).stdout)

    def start(self, *arguments, **options):
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        return subprocess.Popen(
            [PRODUCT, *map(str, arguments)], text=True, stdin=subprocess.DEVNULL,
            env={**os.environ, **self.environment}, **options)


class Lab:
    """`bridgehead lab up` and what it described."""

    def __init__(self, directory, *options):
        self.directory = pathlib.Path(directory)
        self.product = Product()
        self.product.run("lab", "up", "--dir", self.directory, *options, timeout=FOREST_PATIENCE)
        self.description = json.loads((self.directory / "lab.json").read_text())
        self.forests = self.description["forests"]

    def down(self):
        self.product.run("lab", "down", "--dir", self.directory)

    def execute(self, *command, **options):
        return self.product.run("lab", "exec", "--dir", self.directory, "--", *command, **options)

    def configuration_of(self, controller):
        """A controller's smb.conf."""
        return self.directory / "dc" / controller["host"] / "etc/smb.conf"

    def samba(self, program, *arguments, configuration="/dev/null"):
        """One of Samba's programs, as the first domain's administrator, by NTLM."""
        return subprocess.run(
            [program, *arguments, "-U", "Administrator", "-W", self.forest["netbios"], "--use-kerberos=off",
             f"--configfile={configuration}"],
            capture_output=True, text=True, timeout=120,
            env={**os.environ, "PASSWD_FILE": self.forest["administrator"]["passwordFile"]})

    def samba_tool(self, controller, *arguments):
        """Samba's own administration against a running controller of the first domain."""
        done = self.samba("samba-tool", *arguments, configuration=self.configuration_of(controller))
        assert done.returncode == 0, done.stdout + done.stderr

    def trust(self, one, other, kind):
        """Makes a trust of both directions between two forests; `kind` is `forest` or `external`."""
        local, remote = (forest["administrator"]["passwordFile"] for forest in (one, other))
        self.execute(
            "samba-tool", "domain", "trust", "create", other["name"], f"--type={kind}", "--direction=both",
            "--create-location=both", "--skip-validation", "-U", f"Administrator@{other['realm']}",
            "--local-dc-username=Administrator", "--local-dc-password=" + pathlib.Path(local).read_text().strip(),
            environment={"SMB_CONF_PATH": str(self.configuration_of(one["controllers"][0])), "PASSWD_FILE": remote})

    @property
    def forest(self):
        return self.forests[0]

    @property
    def authority(self):
        return self.description["certificateAuthorityFile"]

    def administrator(self, controller=0, forest=None):
        """An ldap3 connection as the domain's administrator, over LDAPS with verification."""
        forest = forest or self.forest
        target = forest["controllers"][controller]
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=self.authority, valid_names=[target["host"]])
        server = ldap3.Server(target["address"], port=636, use_ssl=True, tls=tls, get_info=ldap3.NONE)
        password = pathlib.Path(forest["administrator"]["passwordFile"]).read_text().strip()
        return ldap3.Connection(
            server, user=f"{forest['netbios']}\\Administrator", password=password, auto_bind=True, raise_exceptions=True)


class Tenant:
    """A served tenant in the lab, with a token for Connect and a little SCIM client for the tests."""

    def __init__(self, lab, directory, forest=None, port=443, initial_domain="corp.tenant.example", verified=None):
        self.lab, self.forest = lab, forest or lab.forest
        # What a third-party client made of the schemas that it publishes.
        self.published = None
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        server = self.forest["tenant"]
        self.name, self.address, self.port = server["name"], server["address"], port
        self.configuration = self.directory / "tenant.yaml"
        self.configuration.write_text(json.dumps({
            "version": 1,
            "tenant": {
                "database": str(self.directory / "tenant.sqlite"), "listen": f"{self.address}:{port}",
                "url": f"https://{self.name}/scim/v2", "certificate": server["certificateChainFile"],
                "key": server["privateKeyFile"]}}))
        self.initial_domain = initial_domain
        self.verified = verified or [suffix for f in lab.forests for suffix in f["verifiedSuffixes"]]
        self.product = Product()
        self.product.run("tenant", "init", "--config", self.configuration, "--domain", self.initial_domain,
                         *[word for domain in self.verified for word in ("--verified-domain", domain)])
        self.token_file = self.directory / "connect.token"
        self.product.run("tenant", "token", "create", "--config", self.configuration, "--name", "connect",
                         "--scope", "scim.read", "--scope", "scim.write", "--output", self.token_file)
        self.process = None
        self.start()

    @property
    def names(self):
        return {self.name: self.address}

    @property
    def token(self):
        return self.token_file.read_text().strip()

    @property
    def url(self):
        return f"https://{self.name}/scim/v2"

    def start(self):
        self.log = open(self.directory / "tenant.log", "a")
        self.process = self.product.start(
            "tenant", "serve", "--config", self.configuration, "--log-level", "info", stdout=self.log, stderr=self.log)
        wait_for(self._answers, "the tenant answers", 60)

    def _answers(self):
        assert self.process.poll() is None, (self.directory / "tenant.log").read_text()
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.request("GET", "/ServiceProviderConfig")[0] == 200

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)
        self.log.close()
        return self.process.returncode

    def request(self, method, path, body=None, headers=None):
        context = ssl.create_default_context(cafile=self.lab.authority)
        raw = socket.create_connection((self.address, self.port), timeout=30)
        connection = http.client.HTTPSConnection(self.name, context=context, timeout=30)
        connection.sock = context.wrap_socket(raw, server_hostname=self.name)
        with contextlib.closing(connection):
            connection.request(
                method, "/scim/v2" + path, body=None if body is None else json.dumps(body),
                headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json",
                         **(headers or {})})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, (json.loads(text) if text else None)

    def list(self, kind, query=""):
        """Every resource of a kind, page by page."""
        found, start = [], 1
        while True:
            status, page = self.request("GET", f"/{kind}?startIndex={start}&count=200{query}")
            assert status == 200, page
            found += page.get("Resources", [])
            if start + 200 > page["totalResults"]:
                assert len(found) == page["totalResults"]
                return found
            start += 200


class Connect:
    """Connect's configuration and its commands."""

    def __init__(self, lab, tenant, directory, **overrides):
        self.lab, self.tenant = lab, tenant
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.configuration = self.directory / "connect.yaml"
        self.values = self._values()
        for path, value in overrides.items():
            self.set(path.replace("__", "."), value, write=False)
        self.write()
        self.product = Product()

    def _values(self):
        forests = [{
            "name": forest["name"],
            "credentials": {"principal": forest["serviceAccount"]["principal"],
                            "keytab": forest["serviceAccount"]["keytabFile"]},
            "organizationalUnits": {"include": forest["synchronisedUnits"]},
        } for forest in self.lab.forests]
        return {
            "version": 1,
            "dns": {"servers": [s for forest in self.lab.forests for s in forest["dnsServers"]]},
            "trust": {"roots": [self.lab.authority], "revocation": "require",
                      "revocationCache": str(self.directory / "crl")},
            "connect": {
                "database": str(self.directory / "connect.sqlite"), "forests": forests,
                "target": {"url": self.tenant.url, "token": {"file": str(self.tenant.token_file)},
                           "verifiedDomains": [s for f in self.lab.forests for s in f["verifiedSuffixes"]],
                           "initialDomain": self.tenant.initial_domain}}}

    def set(self, path, value, write=True):
        """Sets a value by its dotted path; numbers index lists; None removes."""
        *parents, last = [int(p) if p.isdigit() else p for p in path.split(".")]
        node = self.values
        for part in parents:
            node = node[part] if isinstance(part, int) else node.setdefault(part, {})
        if value is None:
            node.pop(last, None)
        else:
            node[last] = value
        if write:
            self.write()

    def write(self):
        self.configuration.write_text(json.dumps(self.values, indent=1))

    def sync(self, *arguments, check=True, **options):
        return self.product.run(
            "connect", "sync", "--config", self.configuration, "--json", *arguments, check=check, **options)

    def command(self, name, *arguments, **options):
        return self.product.run("connect", name, *arguments, "--config", self.configuration, **options)

    def preview(self, *arguments, **options):
        return self.command("preview", *arguments, **options)

    def report(self, *arguments, **options):
        return json.loads(self.sync(*arguments, **options).stdout)

    def status(self):
        return self.product.json("connect", "status", "--config", self.configuration, "--json")

    def show(self, what):
        return self.product.json("connect", "show", what, "--config", self.configuration, "--json")
