# SPDX-License-Identifier: Apache-2.0
"""Firewall rules from a topology: the command, and its rules at work in real firewalls with real sockets."""
import concurrent.futures
import contextlib
import csv
import io
import itertools
import json
import pathlib
import re
import shutil
import subprocess

import jsonschema
import pytest
import yaml

from environment import ROOT
from hosts import Link, passing

GOLDEN = ROOT / "Tests/ReadinessTests/Golden"
TOPOLOGIES = ROOT / "Tests/ReadinessTests/Topologies"

# Every row, both families, hosts of every role and a stranger; RPC pinned, so that the range has ends nearby.
SITE = {
    "version": 1, "name": "site",
    "features": [
        "import", "import-tls", "initial-configuration", "password-hash-sync", "password-writeback", "seamless-sso",
        "federation-installation", "export", "revocation-checking", "federation-management", "federated-sign-in",
        "device-authentication", "certificate-authentication"],
    "policy": {"rpcPorts": ["50000-50003"]},
    "connect": [{"name": "sync1", "addresses": ["10.0.1.1", "2001:db8:1::1"]}],
    "forests": [{"name": "corp.example", "domains": [{"name": "corp.example", "controllers": [
        {"name": "dc1.corp.example", "addresses": ["10.0.2.1", "2001:db8:2::1"], "globalCatalog": True},
        {"name": "dc2.corp.example", "addresses": ["10.0.2.2"]}]}]}],
    "cloud": [{"name": "tenant", "addresses": ["10.0.3.1", "2001:db8:3::1"], "protocols": ["https", "http"],
               "external": False}],
    "federation": {"name": "fs.corp.example", "servers": [{"name": "fs1", "addresses": ["10.0.4.1", "2001:db8:4::1"]}]},
    "proxies": [{"name": "wap1", "addresses": ["10.0.5.1", "2001:db8:5::1"]}],
    "users": [{"name": "office", "addresses": ["10.0.6.0/24", "2001:db8:6::/64"]}],
}
# Who stands where; the office is a network with a machine in it, the stranger is in no topology.
MACHINES = {
    "sync1": ["10.0.1.1", "2001:db8:1::1"], "dc1.corp.example": ["10.0.2.1", "2001:db8:2::1"],
    "dc2.corp.example": ["10.0.2.2"], "tenant": ["10.0.3.1", "2001:db8:3::1"], "fs1": ["10.0.4.1", "2001:db8:4::1"],
    "wap1": ["10.0.5.1", "2001:db8:5::1"], "office": ["10.0.6.77", "2001:db8:6::77"],
    "stranger": ["10.0.7.1", "2001:db8:7::1"]}
# The ports of every row, and neighbours and well-known ports that no row names.
ROW_PORTS = [53, 80, 88, 135, 389, 443, 445, 636, 3268, 5985, 9389, 49443, 50000, 50001, 50003]
OTHER_PORTS = [22, 52, 81, 123, 444, 464, 3269, 5986, 8080, 49152, 49999, 50004, 65535]

# What the reference asks of these machines, written down by hand: source, destination, TCP ports, UDP ports.
PLANNED = [
    ("sync1", "dc1.corp.example", [53, 88, 135, 389, 445, 636, 3268, 5985, 9389, 50000, 50001, 50003], [53, 88, 389]),
    ("sync1", "dc2.corp.example", [53, 88, 135, 389, 445, 636, 5985, 9389, 50000, 50001, 50003], [53, 88, 389]),
    ("sync1", "tenant", [80, 443], []),
    ("sync1", "fs1", [80, 443, 5985], []),
    ("sync1", "wap1", [80, 443, 5985], []),
    ("wap1", "fs1", [443], []),
    ("office", "wap1", [443, 49443], []),
]


def pairs(source, destination):
    """Addresses of the same family at two machines."""
    return [(a, b) for a in MACHINES[source] for b in MACHINES[destination] if (":" in a) == (":" in b)]


def planned():
    return {
        (source, transport, a, b, port)
        for source, destination, tcp, udp in PLANNED for a, b in pairs(source, destination)
        for transport, ports in (("tcp", tcp), ("udp", udp)) for port in ports}


def probes(sources=MACHINES, destinations=MACHINES):
    return {
        (source, transport, a, b, port)
        for source, destination in itertools.product(sources, destinations) if source != destination
        for a, b in pairs(source, destination) for transport in ("tcp", "udp") for port in ROW_PORTS + OTHER_PORTS}


def machine_of(address):
    return next(name for name, addresses in MACHINES.items() if address in addresses)


def load_nftables(machine, rules):
    machine.run("nft", "-f", "-", input=rules)


def unload_nftables(machine):
    machine.run("nft", "delete", "table", "inet", "bridgehead")


def load_iptables(machine, rules):
    for program in ("iptables", "ip6tables"):
        machine.run(f"{program}-restore", "--noflush", input=rules)
        for chain, jump in (("INPUT", "BRIDGEHEAD-IN"), ("OUTPUT", "BRIDGEHEAD-OUT")):
            machine.run(program, "-I", chain, "-j", jump)


def unload_iptables(machine):
    for program in ("iptables", "ip6tables"):
        for chain, jump in (("INPUT", "BRIDGEHEAD-IN"), ("OUTPUT", "BRIDGEHEAD-OUT")):
            machine.run(program, "-D", chain, "-j", jump)
            machine.run(program, "-F", jump)
            machine.run(program, "-X", jump)


FIREWALLS = {"nftables": (load_nftables, unload_nftables), "iptables": (load_iptables, unload_iptables)}


@contextlib.contextmanager
def linked(number=0):
    with Link(number) as link:
        for name, addresses in MACHINES.items():
            link.add(name, addresses).listen(ROW_PORTS + OTHER_PORTS)
        yield link


@pytest.fixture(scope="module")
def link():
    with linked() as link:
        yield link


def written(directory, **policy):
    """The site's topology with changes, in a file."""
    file = directory / "topology.yaml"
    file.write_text(yaml.safe_dump({**SITE, "policy": {**SITE["policy"], **policy}}))
    return file


@pytest.fixture
def site(tmp_path):
    return written(tmp_path)


def test_without_rules_everything_passes(link):
    # Or the silence in the tests below would prove nothing.
    assert passing(link, probes()) == probes()


KINDS = [(firewall, stateful) for firewall in FIREWALLS for stateful in (True, False)]


@pytest.fixture(scope="module")
def passed(bridgehead, tmp_path_factory):
    """What passes each kind of firewall, all kinds at the same time on links of their own: what takes long is waiting for
    silence. For each kind a list of (whose rules, what was tried, what of it passed)."""
    def tried(number, firewall, stateful):
        with linked(number) as link:
            return list(rounds(bridgehead, link, written(tmp_path_factory.mktemp("site"), stateful=stateful), firewall))
    with concurrent.futures.ThreadPoolExecutor(len(KINDS)) as pool:
        return {kind: pool.submit(tried, number, *kind) for number, kind in enumerate(KINDS, 1)}


def rounds(bridgehead, link, file, firewall):
    load, unload = FIREWALLS[firewall]
    rules = {
        name: bridgehead.run("ports", "plan", "-f", file, "--at", name, "--to", firewall, "--refuse-others").stdout
        for name in MACHINES if name != "stranger"}
    # One end at a time: what leaves a source, what arrives at a destination, each end by its own rules alone.
    for name, text in rules.items():
        load(link.machines[name], text)
        try:
            others = [other for other in MACHINES if other != name]
            wanted = probes([name], others) | probes(others, [name])
            yield [name], wanted, passing(link, wanted)
        finally:
            unload(link.machines[name])
    # Both ends, on all machines at once.
    for name, text in rules.items():
        load(link.machines[name], text)
    try:
        inside = probes(rules, rules)
        yield list(rules), inside, passing(link, inside)
    finally:
        for name in rules:
            unload(link.machines[name])


@pytest.mark.parametrize("firewall, stateful", KINDS)
def test_what_is_planned_connects_and_nothing_else(passed, firewall, stateful):
    told = passed[firewall, stateful].result()
    assert len(told) == len(MACHINES), "each machine but the stranger alone, and all of them"
    for names, wanted, found in told:
        ends = {probe for probe in planned() if probe[0] in names or machine_of(probe[3]) in names}
        assert ends <= wanted and len(wanted) > 10 * len(ends)
        assert found == ends, names


@pytest.mark.parametrize("firewall", FIREWALLS)
def test_one_file_for_all_hosts_is_no_wider(bridgehead, link, site, firewall):
    load, unload = FIREWALLS[firewall]
    rules = bridgehead.run("ports", "plan", "-f", site, "--to", firewall, "--refuse-others").stdout
    names = [name for name in MACHINES if name != "stranger"]
    for name in names:
        load(link.machines[name], rules)
    try:
        assert passing(link, probes(names, names)) == planned()
    finally:
        for name in names:
            unload(link.machines[name])


@pytest.mark.parametrize("firewall", FIREWALLS)
def test_rules_that_keep_others_refuse_nothing(bridgehead, link, site, firewall):
    load, unload = FIREWALLS[firewall]
    load(link.machines["wap1"], bridgehead.run("ports", "plan", "-f", site, "--at", "wap1", "--to", firewall).stdout)
    try:
        wanted = probes(["wap1"], ["fs1", "stranger"]) | probes(["office", "stranger"], ["wap1"])
        assert passing(link, wanted) == wanted
    finally:
        unload(link.machines["wap1"])


def test_what_others_own_stays(bridgehead, link, site):
    machine = link.machines["dc2.corp.example"]
    nftables, iptables = (
        bridgehead.run("ports", "plan", "-f", site, "--at", machine.name, "--to", firewall, "--refuse-others").stdout
        for firewall in FIREWALLS)
    machine.run("nft", "-f", "-", input="table inet theirs {\nchain input {\ntype filter hook input priority 0;\n"
                "tcp dport 22 accept\n}\n}\n")
    machine.run("iptables", "-N", "THEIRS")
    machine.run("iptables", "-A", "INPUT", "-p", "tcp", "--dport", "22", "-j", "THEIRS")
    machine.run("iptables", "-P", "FORWARD", "DROP")
    theirs = machine.run("nft", "list", "table", "inet", "theirs").stdout
    before = machine.run("iptables-save", "-t", "filter").stdout
    rules = [line for line in before.splitlines() if not line.startswith("#")]
    try:
        # Twice: a second load replaces the first.
        for _ in range(2):
            machine.run("nft", "-f", "-", input=nftables)
            machine.run("iptables-restore", "--noflush", input=iptables)
        assert machine.run("nft", "list", "table", "inet", "theirs").stdout == theirs
        after = [line for line in machine.run("iptables-save", "-t", "filter").stdout.splitlines()
                 if not line.startswith("#") and "BRIDGEHEAD" not in line]
        assert after == rules
        once = machine.run("nft", "list", "table", "inet", "bridgehead").stdout
        machine.run("nft", "-f", "-", input=nftables)
        assert machine.run("nft", "list", "table", "inet", "bridgehead").stdout == once
    finally:
        machine.run("nft", "flush", "ruleset")


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*/nftables*")), ids=lambda f: f"{f.parent.name}-{f.name}")
def test_nft_accepts_every_golden(file):
    subprocess.run(["nft", "-c", "-f", file], check=True, capture_output=True)


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*/iptables*")), ids=lambda f: f"{f.parent.name}-{f.name}")
@pytest.mark.parametrize("program", ["iptables", "ip6tables"])
def test_iptables_restore_accepts_every_golden(file, program):
    subprocess.run([f"{program}-restore", "--test", "--noflush", file], check=True, capture_output=True)


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*/firewalld")), ids=lambda f: f.parent.name)
def test_a_shell_reads_every_firewalld_golden(file):
    subprocess.run(["sh", "-n", file], check=True, capture_output=True)


# The providers that a machine has come as a folder; nothing is downloaded.
PLUGINS = pathlib.Path("/opt/tf-plugins")
PROVIDERS = {"aws": "aws", "azure": "azurerm", "gcp": "google"}


@pytest.mark.parametrize("platform", PROVIDERS)
def test_terraform_takes_every_golden(platform, tmp_path):
    if not shutil.which("terraform"):
        pytest.skip("terraform is not on this machine")
    # Each golden is a module of one configuration: the provider, which is large, is started once for all of them.
    root = []
    files = sorted(GOLDEN.glob(f"*/{platform}-terraform"))
    assert len(files) == len(list(TOPOLOGIES.glob("*.yaml")))
    for file in files:
        module = tmp_path / file.parent.name
        module.mkdir()
        (module / "main.tf").write_text(file.read_text())
        needed = re.findall(r'variable "([^"]+)" \{(?:(?!default)[^}])*\}', file.read_text())
        root += [f'module "{module.name}" {{', f'  source = "./{module.name}"', *(f'  {n} = "n"' for n in needed), "}"]
    (tmp_path / "main.tf").write_text("\n".join(root) + "\n")
    # Needs no provider: the files are read and written again.
    for file in files:
        subprocess.run(["terraform", "fmt", "-check", "-diff", file.parent.name + "/main.tf"], cwd=tmp_path, check=True,
                       capture_output=True)
    provider = PROVIDERS[platform]
    if not list(PLUGINS.glob(f"*/*/{provider}")):
        pytest.skip(f"terraform's provider {provider} is not on this machine: formatted, not validated")
    subprocess.run(["terraform", "init", "-backend=false", "-input=false", f"-plugin-dir={PLUGINS}"], cwd=tmp_path,
                   check=True, capture_output=True)
    done = subprocess.run(["terraform", "validate", "-no-color"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


FORMATS = [
    "nftables", "iptables", "firewalld", "windows", "azure-bicep", "azure-terraform", "aws-terraform", "gcp-terraform",
    "cisco-asa", "cisco-ios", "palo-alto", "pf", "aerleon", "csv", "markdown"]


def test_the_command_writes_the_goldens(bridgehead, tmp_path):
    for topology, name in itertools.product(["small", "sites"], FORMATS):
        file = tmp_path / "rules"
        bridgehead.run("ports", "plan", "-f", TOPOLOGIES / f"{topology}.yaml", "--to", name, "--output", file)
        assert file.read_bytes() == (GOLDEN / topology / name).read_bytes(), name


def test_the_example_validates_and_plans(bridgehead, tmp_path):
    file = tmp_path / "topology.yaml"
    bridgehead.run("ports", "topology", "init", "--example", "--output", file)
    jsonschema.validate(yaml.safe_load(file.read_text()), bridgehead.json("ports", "topology", "schema"))
    for name in FORMATS:
        assert bridgehead.run("ports", "plan", "-f", file, "--to", name).stdout
    assert bridgehead.run("ports", "topology", "init", "--example", "--output", file, check=False).returncode == 1


def test_one_host_or_one_role(bridgehead):
    def hosts(*arguments):
        text = bridgehead.run("ports", "plan", "-f", TOPOLOGIES / "sites.yaml", "--to", "csv", *arguments).stdout
        return {row["host"] for row in csv.DictReader(io.StringIO(text, newline=""))}
    assert hosts("--at", "FS1") == {"fs1"}
    assert hosts("--role", "connect") == {"sync1", "sync2"}
    assert hosts("--role", "proxy") == {"wap1", "wap2", "wap-vip"}
    assert {"sync1", "fs1", "wap1", "dc1.corp.example"} < hosts()


# What is replaced in the good file, by what, the line of the error, words of its cause, words of its remedy.
BROKEN = [
    ("version: 1", "version: 2", 2, "version must be a whole number from 1 to 1", "write a whole number"),
    ("features: [import,", "features: [imports,", 4, "must be one of import,", "write one of"),
    ("name: small", "nam: small", 3, "nam is not a known property", "did you mean name?"),
    ("192.0.2.10", "192.0.2.300", 7, "must be an address or a network", "write an address"),
    ("192.0.2.10", "192.0.2.10/24", 7, "must be an address or a network", "write an address"),
    ("- name: sync1", "- name: \"sync 1; reboot\"", 6, "must be a name of letters", "write a name"),
    ("    addresses: [198.51.100.80]\n", "", 17, "says nowhere where tenant is", "dnsNames, addresses or a serviceTag"),
    ("    addresses: [192.0.2.10]\n", "", 6, "has neither addresses nor a DNS name: sync1", "add addresses"),
    ("  - name: tenant", "  - name: sync1", 17, "names sync1 a second time", "a name of its own"),
    ("export, ", "export, federated-sign-in, ", 4, "names nobody for the federation servers", "add the section"),
    ("cloud:", "translations:\n  - {hosts: [nobody], seenBy: [cloud], seenAs: [192.0.2.9]}\ncloud:", 17,
     "names nobody, which is nowhere", "correct the name"),
    ("connect:", "connect: [", 6, "not valid YAML", "check indentation"),
]


@pytest.mark.parametrize("old,new,line,cause,remedy", BROKEN, ids=[str(i) for i in range(len(BROKEN))])
def test_a_broken_topology_is_explained(bridgehead, tmp_path, old, new, line, cause, remedy):
    good = (TOPOLOGIES / "small.yaml").read_text()
    assert old in good
    file = tmp_path / "topology.yaml"
    file.write_text(good.replace(old, new, 1))
    done = bridgehead.run("ports", "plan", "-f", file, "--to", "csv", check=False)
    assert done.returncode == 78 and done.stdout == "", done.stderr
    first = next((text for text in done.stderr.splitlines() if cause in text), done.stderr)
    assert first.removeprefix("error: ").startswith(f"{file}:{line}:"), first
    assert remedy in first


def test_usage_errors(bridgehead, tmp_path):
    small = TOPOLOGIES / "small.yaml"
    for arguments in (["--to", "ipchains"], [], ["--to", "csv", "--format", "json"], ["--to", "csv", "--refuse-others"],
                      ["--to", "csv", "--at", "sync1", "--role", "ad"], ["--to", "csv", "--at", "nobody"]):
        done = bridgehead.run("ports", "plan", "-f", small, *arguments, check=False)
        assert done.returncode == 64 and done.stdout == "", (arguments, done.stderr)
    copy = tmp_path / "topology.yaml"
    copy.write_text(small.read_text())
    assert bridgehead.run("ports", "plan", "-f", copy, "--to", "csv", "--output", copy, check=False).returncode == 64
    assert copy.read_text() == small.read_text()
    done = bridgehead.run("ports", "plan", "-f", tmp_path / "none.yaml", "--to", "csv", check=False)
    assert done.returncode == 78 and "there is no such file" in done.stderr


def test_lint(bridgehead):
    sites = TOPOLOGIES / "sites.yaml"
    assert bridgehead.run("ports", "plan", "-f", TOPOLOGIES / "small.yaml", "--lint").returncode == 0
    done = bridgehead.run("ports", "plan", "-f", sites, "--lint", check=False)
    assert done.returncode == 2
    lines = sites.read_text().splitlines()
    found = json.loads(
        bridgehead.run("ports", "plan", "-f", sites, "--lint", "--format", "json", "--to", "nftables", check=False).stdout)
    inside = next(f for f in found if f["rule"] == "reference.users-inside")
    assert inside["level"] == "warning" and "branch" in lines[inside["line"] - 1]
    assert {f["rule"] for f in found} > {"format.not-expressed", "wide.rpc-range", "translation.rpc"}
    assert len(done.stdout.splitlines()) == len([f for f in found if f["rule"] != "format.not-expressed"])


def test_lint_as_sarif(bridgehead, tmp_path):
    report = tmp_path / "plan.sarif"
    bridgehead.run("ports", "plan", "-f", TOPOLOGIES / "sites.yaml", "--lint", "--to", "pf", "--format", "sarif",
                   "--output", report, check=False)
    log = json.loads(report.read_text())
    jsonschema.validate(log, SARIF)
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert run["results"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


# The properties of SARIF 2.1.0 (OASIS, section 3) that a viewer needs, with nothing else beside them.
SARIF = {
    "type": "object", "required": ["$schema", "version", "runs"], "additionalProperties": False, "properties": {
        "$schema": {"type": "string", "format": "uri"}, "version": {"const": "2.1.0"},
        "runs": {"type": "array", "minItems": 1, "items": {
            "type": "object", "required": ["tool", "results"], "additionalProperties": False, "properties": {
                "tool": {"type": "object", "required": ["driver"], "properties": {"driver": {
                    "type": "object", "required": ["name", "rules"], "properties": {
                        "name": {"type": "string"}, "semanticVersion": {"pattern": r"^\d+\.\d+\.\d+$"},
                        "rules": {"type": "array", "uniqueItems": True, "items": {
                            "type": "object", "required": ["id"], "properties": {
                                "id": {"type": "string"}, "shortDescription": {"required": ["text"]},
                                "defaultConfiguration": {"properties": {"level": {
                                    "enum": ["none", "note", "warning", "error"]}}}}}}}}}},
                "results": {"type": "array", "items": {
                    "type": "object", "required": ["ruleId", "ruleIndex", "level", "message", "locations"],
                    "properties": {
                        "level": {"enum": ["none", "note", "warning", "error"]},
                        "message": {"required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}},
                        "locations": {"type": "array", "minItems": 1, "items": {
                            "required": ["physicalLocation"], "properties": {"physicalLocation": {
                                "required": ["artifactLocation", "region"], "properties": {
                                    "artifactLocation": {"properties": {"uri": {"format": "uri-reference"}}},
                                    "region": {"properties": {"startLine": {"type": "integer", "minimum": 1}}}}}}}}}}}}}}}}
