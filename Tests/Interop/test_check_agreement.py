# SPDX-License-Identifier: Apache-2.0
"""`ports check` and other people's tools at the same site, from the same host: row by row they say the same, with every
port open and with some of them refused or dropped."""
import concurrent.futures
import os
import random
import re
import subprocess
import xml.etree.ElementTree

import pytest

import wan
from environment import PRODUCT
from fault_site import FARM, PORTS, Site, key

SEED = int(os.environ.get("BRIDGEHEAD_FAULT_SEED", "1"))
WORKS = {"works", "works-with-remark"}
RANGE = "connect-ad/rpc-dynamic"

pytestmark = pytest.mark.skipif(wan.unavailable() is not None, reason=str(wan.unavailable()))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield site


# Samba's own LDAP ping.
FIND = """
import sys
from samba.credentials import Credentials
from samba.dcerpc import nbt
from samba.net import Net
from samba.param import LoadParm
credentials = Credentials()
credentials.set_anonymous()
print(Net(credentials, LoadParm()).finddc(
    address=sys.argv[1], domain=sys.argv[2], flags=nbt.NBT_SERVER_LDAP).pdc_dns_name)
"""


class Others:
    """The third parties, each asked in its own way; True where it got what it asked for."""

    def __init__(self, site, directory):
        self.site, self.directory = site, directory

    def run(self, *command, seconds=6, environment=()):
        """On the source host, with the lab's names and trust."""
        return self.site.path.host(
            "timeout", seconds, PRODUCT, "lab", "exec", "--dir", self.site.lab.directory, "--", "env", *environment,
            *command, check=False)

    def dns(self, host, address, transport):
        flag = "+tcp" if transport == "tcp" else "+notcp"
        return all(f"dc1.{domain}." in self.run(
            "dig", flag, "+short", "+time=1", "+tries=2", f"@{address}", f"_ldap._tcp.dc._msdcs.{domain}", "SRV").stdout
            for domain in self.site.domains.values())

    def kerberos(self, host, address, transport):
        forest = next(f for f in self.site.lab.forests if f["name"] == self.site.domains[host])
        # The transport that is tried first (krb5.conf(5)).
        limit = 1 if transport == "tcp" else 65535
        file = self.directory / f"krb5-{transport}-{host}.conf"
        file.write_text(f"[libdefaults]\ndns_lookup_kdc = false\nrdns = false\nudp_preference_limit = {limit}\n"
                        f"[realms]\n{forest['realm']} = {{\nkdc = {address}\n}}\n")
        account = forest["serviceAccount"]
        trace = self.directory / f"trace-{transport}-{host}"
        # kinit takes the other transport where one does not answer, and TCP for a long answer: its trace says who answered.
        self.run("kinit", "-k", "-t", account["keytabFile"], account["principal"], environment=[
            f"KRB5_CONFIG={file}", f"KRB5_TRACE={trace}",
            f"KRB5CCNAME=FILE:{self.directory}/cc-{transport}-{host}"])
        word = "stream" if transport == "tcp" else "dgram"
        text = trace.read_text() if trace.exists() else ""
        trace.unlink(missing_ok=True)
        return f"bytes) from {word} {address}:88" in text

    def ldap(self, host, address, transport):
        if transport == "udp":
            return "dc1." in self.run("/usr/bin/python3", "-c", FIND, address, self.site.domains[host]).stdout
        return self.root_dse(f"ldap://{host}")

    def root_dse(self, url, attribute="dnsHostName"):
        return attribute in self.run(
            "ldapsearch", "-LLL", "-x", "-o", "nettimeout=3", "-H", url, "-s", "base", "-b", "", attribute).stdout

    def ldaps(self, host, address, transport):
        openssl = self.openssl(address, 636, host)
        search = self.root_dse(f"ldaps://{host}")
        assert openssl == search
        return search

    def global_catalog(self, host, address, transport):
        return self.root_dse(f"ldap://{host}:3268", "isGlobalCatalogReady")

    def smb(self, host, address, transport):
        done = self.run("smbclient", "-N", "-m", "SMB3", "-L", address, "-t", "3")
        # What it may list does not matter: that the dialect was agreed upon does.
        return "Connection to" not in done.stdout + done.stderr and "failed" not in done.stderr.lower() \
            and "NT_STATUS_CONNECTION" not in done.stdout + done.stderr and "TIMEOUT" not in done.stdout + done.stderr

    def rpc_endpoint_mapper(self, host, address, transport):
        return "num_tower[1]" in self.run("rpcclient", "-c", "epmmap", f"ncacn_ip_tcp:{address}").stdout

    def rpc_dynamic(self, host, address, transport):
        forest = next(f for f in self.site.lab.forests if f["name"] == self.site.domains[host])
        account, tickets = forest["serviceAccount"], f"{self.directory}/tickets-{host}"
        cache = [f"KRB5CCNAME=FILE:{tickets}"]
        self.run("kinit", "-k", "-t", account["keytabFile"], account["principal"], environment=cache)
        return "site_name" in self.run(
            "rpcclient", "--use-kerberos=required", f"--use-krb5-ccache={tickets}", "-c",
            f"dsgetdcinfo {forest['name']}", f"ncacn_ip_tcp:{host}[seal]", environment=cache).stdout

    def winrm(self, host, address, transport):
        return "401" in self.curl(f"http://{address}:5985/wsman", "-X", "POST", "-o", "/dev/null", "-w", "%{http_code}")

    def curl(self, url, *options):
        return self.run("curl", "-s", "-m", "4", "--cacert", self.site.lab.authority, *options, url).stdout

    def openssl(self, address, port, name):
        text = self.run(
            "sh", "-c", f"openssl s_client -connect {address}:{port} -servername {name} -verify_hostname {name} "
            f"-verify_return_error -CAfile {self.site.lab.authority} </dev/null 2>&1").stdout
        return "Verification: OK" in text

    def asks_for_certificate(self, address, port, name):
        return "Requested Signature Algorithms" in self.run(
            "sh", "-c", f"openssl s_client -connect {address}:{port} -servername {name} </dev/null 2>&1").stdout

    def farm(self, address):
        return "EntityDescriptor" in self.curl(
            f"https://{FARM}/FederationMetadata/2007-06/FederationMetadata.xml", "--resolve", f"{FARM}:443:{address}")

    def ask(self, finding):
        """What others say of a finding's flow; None where nobody else can be asked."""
        row, transport, host = key(finding)
        table, name = row.split("/")
        if table == "connect-ad":
            method = getattr(self, name.replace("-", "_"), None)
            return method and method(host, self.site.addresses[host], transport)
        address = self.site.addresses[host]
        tenant = self.site.tenant
        return {
            "connect-cloud/https": lambda: self.openssl(tenant.address, 443, tenant.name),
            "connect-cloud/http": lambda: self.revocation_list(),
            "connect-federation/http": lambda: self.curl(
                f"http://{address}/adfs/probe", "-o", "/dev/null", "-w", "%{http_code}") == "200",
            "connect-federation/https": lambda: self.farm(address),
            "connect-federation/winrm": lambda: self.winrm(host, address, transport),
            "proxy-federation/https": lambda: self.farm(address),
            "users-proxy/https": lambda: self.openssl(address, 443, FARM),
            "users-proxy/certificate-authentication": lambda: self.asks_for_certificate(address, 49443, FARM),
        }[row]()

    def revocation_list(self):
        file = self.directory / "fetched.crl"
        file.unlink(missing_ok=True)
        self.curl(self.site.crl, "-o", file)
        return file.exists() and subprocess.run(
            ["openssl", "crl", "-inform", "DER", "-in", file, "-noout", "-CAfile", self.site.lab.authority],
            capture_output=True).returncode == 0


def states(site, address, ports):
    """nmap's word on TCP ports: open, closed or filtered."""
    done = site.path.host("nmap", "-Pn", "-n", "-sT", "-oX", "-", "-p", ",".join(map(str, ports)), address)
    return {int(port.get("portid")): port.find("state").get("state")
            for port in xml.etree.ElementTree.fromstring(done.stdout).iter("port")}


def compared(site, directory, strict=True):
    """Asks both; the lines in which they differ. Unless `strict`, a check that cannot tell contradicts nobody."""
    findings = site.findings()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        words = list(pool.map(Others(site, directory).ask, findings))
    lines = [
        (*key(finding), finding["verdict"], finding["diagnosis"], f"others: {word}")
        for finding, word in zip(findings, words)
        if word not in (None, finding["verdict"] in WORKS) and (strict or finding["verdict"] != "inconclusive")]
    return sum(word is not None for word in words), lines


def test_at_an_open_site(site, tmp_path):
    asked, differences = compared(site, tmp_path)
    assert differences == [] and asked >= 28


def test_with_ports_refused(site, tmp_path):
    """A third of the ports of each server, drawn from the seed, refused by a reset, a third of the UDP ports dropped."""
    print(f"seed {SEED}")
    chance, rules = random.Random(SEED), []
    for address in site.addresses.values():
        tcp = chance.sample([53, 88, 389, 445, 636, 3268, 5985, 80, 443, 49443, 135], 4)
        rules.append(f"ip daddr {address} tcp dport {{ {', '.join(map(str, tcp))} }} reject with tcp reset")
        rules.append(f"ip daddr {address} udp dport {chance.choice([53, 88, 389])} drop")
    with wan.firewall(*rules):
        _, differences = compared(site, tmp_path, strict=False)
    # rpcclient signs in, and needs more than the row does.
    assert [line for line in differences if line[0] != RANGE] == []


def test_nmap_on_ports(site):
    """Open, closed and filtered ports are what the check says of them."""
    host, address = next(iter(site.controllers.items()))
    closed, filtered = [389, 9389, 445], [636, 3268, 5985]
    with wan.firewall(f"ip daddr {address} tcp dport {{ {', '.join(map(str, closed))} }} reject with tcp reset",
                      f"ip daddr {address} tcp dport {{ {', '.join(map(str, filtered))} }} drop"):
        words = states(site, address, PORTS.values())
        findings = {f["row"]: f for f in site.check("--to", host).findings if f["transport"] == "tcp"}
    assert {port for port, state in words.items() if state == "closed"} == set(closed)
    assert {port for port, state in words.items() if state == "filtered"} == set(filtered)
    for row, port in PORTS.items():
        expected = {"open": {"works"}, "closed": {"refused"}, "filtered": {"blocked"}}[words[port]]
        verdict = findings[row]["verdict"].replace("-with-remark", "")
        assert verdict in expected, (row, words[port], findings[row])


def test_nmap_on_what_the_services_say(site):
    """Certificates, SMB's dialect and rootDSE, as nmap's scripts and the evidence have them."""
    host, address = next(iter(site.controllers.items()))
    text = site.path.host(
        "nmap", "-Pn", "-n", "-sT", "-p", "389,445,636", "--script", "ssl-cert,smb2-security-mode,smb-protocols,ldap-rootdse",
        address).stdout
    findings = {f["row"]: f for f in site.check("--to", host).findings if f["transport"] == "tcp"}
    until = re.search(r"Not valid after: +(\S+)", text)[1]
    [certificate] = [o["peerCertificate"] for o in findings["connect-ad/ldaps"]["observations"] if "peerCertificate" in o]
    assert str(certificate["notAfter"]).startswith(until[:16])
    dialects = re.findall(r"^\|_? +(\d{3})$", text, re.M)
    assert "311" in dialects and "3.1.1" in str(findings["connect-ad/smb"]["evidence"])
    # The name as the directory keeps it, in the evidence too.
    name = re.search(r"dnsHostName: (\S+)", text)[1]
    assert name.lower() == host and name.lower() in str(findings["connect-ad/ldap"]).lower()
