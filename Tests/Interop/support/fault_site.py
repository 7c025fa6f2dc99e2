# SPDX-License-Identifier: Apache-2.0
"""A site in which every row of the reference works, seen from a source host at the end of a path: real domain controllers,
file servers and tenant, and scripted servers for the roles that are not there. Faults begin from here."""
import concurrent.futures
import contextlib
import dataclasses
import itertools
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time

import yaml

import peers
import pki
import wan
from environment import PRODUCT, Lab, Product, Tenant
from file_server import FileServer

FARM, FARM_NODE, PROXY_NODE = "fs.corp.example", "fs1.corp.example", "wap1.corp.example"
FARM_ADDRESS, PROXY_ADDRESS = "10.20.1.10", "10.20.1.20"
CRL = "crl.corp.example"
# What Connect asks for names. A lab's domain controllers know each other's forests in one direction only.
RESOLVER, RESOLVER_ADDRESS = "resolver1.corp.example", "10.20.1.53"
# Where faults put servers of their own.
SPARE = "10.20.3.1"
# Seconds that a whole check may take here.
DEADLINE = 10

FEATURES = [
    "import", "import-tls", "initial-configuration", "password-hash-sync", "password-writeback", "seamless-sso",
    "federation-installation", "export", "revocation-checking", "federation-management", "federated-sign-in",
    "device-authentication", "certificate-authentication"]

# The roles at whose hosts flows begin.
SOURCES = ["connect", "proxy", "users"]
# Of domain controllers.
PORTS = {
    "connect-ad/kerberos": 88, "connect-ad/rpc-endpoint-mapper": 135, "connect-ad/ldap": 389,
    "connect-ad/smb": 445, "connect-ad/ldaps": 636, "connect-ad/winrm": 5985, "connect-ad/ad-web-services": 9389,
    "connect-ad/global-catalog": 3268}


def key(finding):
    """The flow that a finding is about."""
    return finding["row"], finding["transport"], finding["target"]["host"]


@dataclasses.dataclass
class Run:
    """How a check ended: its wall seconds, and the most memory that it took in MiB."""
    status: int
    output: str
    errors: str
    seconds: float
    peak: float

    @property
    def findings(self):
        assert self.status in (0, 1, 3), f"exit {self.status}\n{self.output[-2000:]}\n{self.errors[-4000:]}"
        return json.loads(self.output)["findings"]


def measured(*command, patience=120):
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started = time.monotonic()
        process = subprocess.Popen(
            [str(part) for part in command], stdout=output, stderr=errors, stdin=subprocess.DEVNULL)
        timer = threading.Timer(patience, process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        for file in (output, errors):
            file.seek(0)
        return Run(process.returncode, output.read(), errors.read(), seconds, usage.ru_maxrss / 1024)


class Site:
    """Two forests of one controller each, a farm of one node, a proxy, and the cloud."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.product = Product()
        self.stack = contextlib.ExitStack()
        try:
            self._build()
        except BaseException:
            self.stack.close()
            raise

    def _build(self):
        self.lab = Lab(self.directory / "lab", "--users", 20, "--groups", 2, "--forest", "corp.example", "--forest",
                       "resources.example")
        self.stack.callback(self.lab.down)
        self.path = self.stack.enter_context(wan.Path())
        self.stack.enter_context(wan.addresses(
            FARM_ADDRESS, PROXY_ADDRESS, RESOLVER_ADDRESS, SPARE))
        self.authority = pki.Authority.of(self.lab)
        self.crl = self.lab.forest["crlURL"]
        self.controllers = {
            controller["host"]: controller["address"] for forest in self.lab.forests
            for controller in forest["controllers"]}
        self.domains = {forest["controllers"][0]["host"]: forest["name"] for forest in self.lab.forests}
        self.tenant = Tenant(self.lab, self.directory / "tenant")
        self.stack.callback(self.tenant.stop)
        numbers = itertools.count(10000)
        for host, address in self.controllers.items():
            if "smb" not in self.lab.forest["controllers"][0]["ports"]:
                self.stack.enter_context(FileServer(self.directory / f"smbd-{host}", address))
            self.serve(peers.Web(address, 5985, peers.winrm()))
            self.serve(peers.WebServices(address, 9389))
            # Samba has no AD Web Services, and says so; here they are.
            port = next(numbers)
            self.serve(peers.changed_datagrams(SPARE, port, (address, 389), peers.ping_flags(add=peers.WEB_SERVICES)))
            self.serve(wan.led("udp", address, 389, SPARE, port, always=True))
        first = self.lab.forest["controllers"][0]["address"], 53
        self.serve(peers.changed_datagrams(RESOLVER_ADDRESS, 53, first, lambda data: data))
        self.serve(peers.Changed(RESOLVER_ADDRESS, 53, first, lambda data: data))
        chain, private, _ = self.issue(FARM)
        for address in (FARM_ADDRESS, PROXY_ADDRESS):
            page = peers.federation()
            self.serve(peers.Web(address, 80, page))
            self.serve(peers.Web(address, 443, page, peers.tls(chain, private)))
            self.serve(peers.Web(address, 5985, peers.winrm()))
        self.serve(peers.Web(
            PROXY_ADDRESS, 49443, peers.federation(), peers.tls(chain, private, asks=self.lab.authority)))

    @property
    def addresses(self):
        """Of every host, by name."""
        return {**self.controllers, RESOLVER: RESOLVER_ADDRESS, FARM_NODE: FARM_ADDRESS, PROXY_NODE: PROXY_ADDRESS,
                self.tenant.name: self.tenant.address, CRL: self.lab.forest["crlAddress"]}

    def serve(self, server):
        return self.stack.enter_context(server)

    def issue(self, *names, authority=None, **options):
        options.setdefault("crl", [self.crl])
        return (authority or self.authority).issue(self.directory, *names, **options)

    def revoke(self, chain):
        self.product.run("lab", "ca", "revoke", "--dir", self.lab.directory, chain)

    @contextlib.contextmanager
    def stand_in(self, address, row):
        """`ports listen` in the place of one row's server. The checks know its code: `arguments` of ``stand_in_code``."""
        arguments = ["--code-file", self.stand_in_code] if self.stand_in_code.exists() else [
            "--new-code", "--code-file", self.stand_in_code]
        process = self.product.start(
            "ports", "listen", "--json", "--role", "ad", "--rows", row, "--address", address, *arguments)
        try:
            assert process.stdout.readline(), process.stderr.read()
            yield
        finally:
            process.terminate()
            process.communicate(timeout=20)

    @property
    def stand_in_code(self):
        return self.directory / "stand-in-code"

    @property
    def sign_in(self):
        """Options that sign in to the first forest."""
        account = self.lab.forest["serviceAccount"]
        return ["--credentials", account["principal"], "--keytab", account["keytabFile"]]

    def topology(self, *changes):
        """The site's topology with changes, in a file."""
        values = {
            "version": 1, "name": "site", "features": FEATURES,
            "connect": [{"name": "sync1", "addresses": [wan.SOURCE]}],
            "forests": [{"name": forest["name"], "domains": [{"name": forest["name"], "controllers": [
                {"name": controller["host"], "addresses": [controller["address"]], "globalCatalog": True}
                for controller in forest["controllers"]]}]} for forest in self.lab.forests],
            "resolvers": [{"name": RESOLVER, "addresses": [RESOLVER_ADDRESS]}],
            "cloud": [{"name": self.tenant.name, "addresses": [self.tenant.address], "protocols": ["https"]},
                      {"name": CRL, "addresses": [self.lab.forest["crlAddress"]], "protocols": ["http"]}],
            "federation": {"name": FARM, "servers": [{"name": FARM_NODE, "addresses": [FARM_ADDRESS]}]},
            "proxies": [{"name": PROXY_NODE, "addresses": [PROXY_ADDRESS]}],
            "users": [{"name": "office", "addresses": [wan.SOURCE]}]}
        for change in changes:
            change(values)
        file = self.directory / "topology.yaml"
        file.write_text(yaml.safe_dump(values))
        return file

    def check(self, *arguments, topology=None, deadline=DEADLINE):
        """Runs the check on the source host: what it printed and how it ended."""
        return measured(
            *self.path.prefix, PRODUCT, "ports", "check", "-f", topology or self.topology(), "--output", "json", "--deadline",
            deadline, "--root", self.lab.authority, "--revocation", "require", *arguments)

    def checks(self, *arguments, topology=None, **options):
        """One run for each role that a flow can come from, all at once: the source host plays them all."""
        topology = topology or self.topology()
        with concurrent.futures.ThreadPoolExecutor(len(SOURCES)) as pool:
            return list(pool.map(
                lambda role: self.check("--from", role, *arguments, topology=topology, **options), SOURCES))

    def findings(self, *arguments, **options):
        return [finding for run in self.checks(*arguments, **options) for finding in run.findings]

    def close(self):
        self.stack.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
