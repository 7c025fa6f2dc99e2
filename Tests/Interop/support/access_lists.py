# SPDX-License-Identifier: Apache-2.0
"""Reads what firewalls are told, each language into the same tuples, whoever wrote it:
(list or direction, protocol, source network, destination network, first port, last port)."""
import ipaddress
import json
import re
import subprocess
import xml.etree.ElementTree as xml

# The names that ASA gives to ports.
SERVICES = {"domain": 53, "www": 80, "https": 443, "ldap": 389, "ldaps": 636, "kerberos": 88, "ssh": 22}


def network(text):
    return str(ipaddress.ip_network(text))


def normalised(entries):
    """The same packets in one way of writing: adjacent networks joined, networks inside others left out."""
    for end, other in ((2, 3), (3, 2)):
        groups = {}
        for entry in entries:
            rest = (*entry[:2], entry[other], *entry[4:], ipaddress.ip_network(entry[end]).version)
            groups.setdefault(rest, []).append(ipaddress.ip_network(entry[end]))
        entries = {
            (*rest[:2], *((str(n), rest[2]) if end == 2 else (rest[2], str(n))), *rest[3:5])
            for rest, networks in groups.items() for n in ipaddress.collapse_addresses(networks)}
    return entries


def family(entry):
    return ipaddress.ip_network(entry[2]).version


def port(text):
    return SERVICES.get(text) or int(text)


# Cisco

def _end(words, masks):
    """Takes an address off the words of an access list entry; `masks` says whether a mask has its ones reversed."""
    word = words.pop(0)
    if word == "host":
        return network(words.pop(0))
    if word in ("any", "any4", "any6"):
        return word
    if "/" in word:
        return network(word)
    mask = words.pop(0)
    if masks == "wildcard":
        mask = str(ipaddress.ip_address(int(ipaddress.ip_address("255.255.255.255")) ^ int(ipaddress.ip_address(mask))))
    return network(f"{word}/{mask}")


def _entry(name, words, masks, version=None):
    protocol = words.pop(0)
    ends = [_end(words, masks), _end(words, masks)]
    versions = {4 if ":" not in end else 6 for end in ends if not end.startswith("any")}
    versions |= {int(end[3]) for end in ends if end in ("any4", "any6")}
    version = version or versions.pop()
    everything = "0.0.0.0/0" if version == 4 else "::/0"
    source, destination = (everything if end.startswith("any") else end for end in ends)
    operator = words.pop(0)
    first = port(words.pop(0))
    last = port(words.pop(0)) if operator == "range" else first
    assert operator in ("eq", "range") and not words, (name, operator, words)
    return name, protocol, source, destination, first, last


def asa(text):
    found = set()
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["access-list"] and words[2:4] == ["extended", "permit"] and "object" not in words:
            found.add(_entry(words[1], words[4:], "netmask"))
    return found


def ios(text):
    """Without the lines for answers: those begin with a source port or end with 'established'."""
    found, name, version = set(), None, None
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["ip"] and words[1:3] == ["access-list", "extended"]:
            name, version = words[3], 4
        elif words[:2] == ["ipv6", "access-list"]:
            name, version = re.sub(r"^ipv6-|-6$", "", words[2]), 6
        elif words[:1] == ["remark"]:
            answers = words[1:2] == ["answers:"]
        elif words[:1] == ["permit"] and not answers:
            found.add(_entry(name, words[1:], "wildcard", version))
    return found


# Linux

def nftables(text):
    """Loads the rules in a network namespace and reads what the kernel holds: base chains and what they jump to."""
    listed = subprocess.run(["unshare", "--net", "sh", "-c", "nft -f - && nft -j list ruleset"], input=text, text=True,
                            check=True, capture_output=True).stdout
    hooks, rules = {}, {}
    for item in json.loads(listed)["nftables"]:
        if "chain" in item and "hook" in item["chain"]:
            hooks.setdefault(item["chain"]["hook"], []).append((item["chain"]["table"], item["chain"]["name"]))
        elif "rule" in item:
            rule = item["rule"]
            rules.setdefault((rule["table"], rule["chain"]), []).append(rule["expr"])
    found = set()

    def walk(hook, chain):
        for expressions in rules.get(chain, []):
            for expression in expressions:
                if "jump" in expression:
                    walk(hook, (chain[0], expression["jump"]["target"]))
            if any("accept" in expression for expression in expressions):
                found.update(_nft_rule(hook, expressions))

    for hook, chains in hooks.items():
        for chain in chains:
            walk(hook, chain)
    return found


def _nft_rule(hook, expressions):
    fields, version = {}, None
    for expression in expressions:
        match = expression.get("match")
        if match and "payload" in match["left"]:
            payload = match["left"]["payload"]
            fields[payload["field"]] = match["right"]
            if payload["protocol"] in ("tcp", "udp"):
                protocol = payload["protocol"]
            elif payload["protocol"] in ("ip", "ip6"):
                version = 4 if payload["protocol"] == "ip" else 6
    if "dport" not in fields:
        return
    everything = "0.0.0.0/0" if version == 4 else "::/0"
    for source in _nft_values(fields.get("saddr", everything)):
        for destination in _nft_values(fields.get("daddr", everything)):
            for first, last in map(_nft_ports, _nft_values(fields["dport"])):
                for near in _nft_networks(source):
                    for far in _nft_networks(destination):
                        yield hook, protocol, near, far, first, last


def _nft_values(right):
    return right["set"] if isinstance(right, dict) and "set" in right else [right]


def _nft_networks(value):
    """nft joins adjacent addresses to ranges."""
    if isinstance(value, str):
        return [network(value)]
    if "prefix" in value:
        return [network(f"{value['prefix']['addr']}/{value['prefix']['len']}")]
    return map(str, ipaddress.summarize_address_range(*map(ipaddress.ip_address, value["range"])))


def _nft_ports(value):
    return tuple(value["range"]) if isinstance(value, dict) else (value, value)


def iptables(text):
    """Entries that accept new connections, by the direction that their chain's name begins or ends with."""
    found = set()
    for line in text.splitlines():
        match = re.match(r"(?:-[46] )?-A (\S+) (.*) -j ACCEPT", line)
        if not match or "dport" not in line:
            continue
        chain, rest = match[1], re.sub(r'--comment "[^"]*"', "", match[2])
        hook = "output" if chain.startswith("O_") or chain.endswith("-OUT") else "input"
        option = dict(re.findall(r"(-[sdp]|--dports?) (\S+)", rest))
        everything = "::/0" if line.startswith("-6") or ":" in option.get("-s", "") + option.get("-d", "") else "0.0.0.0/0"
        for ports in (option.get("--dport") or option["--dports"]).split(","):
            first, _, last = ports.partition(":")
            found.add((hook, option["-p"], network(option.get("-s", everything)), network(option.get("-d", everything)),
                       int(first), int(last or first)))
    return found


# Palo Alto

def paloalto_set(text):
    addresses, services, rules = {}, {}, []
    for line in text.splitlines():
        if match := re.match(r"set address (\S+) ip-netmask (\S+)", line):
            addresses[match[1]] = network(match[2])
        elif match := re.match(r"set service (\S+) protocol (\S+) port (\S+)", line):
            services[match[1]] = (match[2], match[3])
        elif match := re.match(
                r"set rulebase security rules \S+ from any to any source \[ (.*?) \] destination \[ (.*?) \] "
                r"application any service \[ (.*?) \] action allow", line):
            rules.append([part.split() for part in match.groups()])
    return _paloalto([[[addresses[n] for n in source if n in addresses],
                       [addresses[n] for n in destination if n in addresses],
                       [services[n] for n in service]] for source, destination, service in rules])


def paloalto_xml(text):
    root = xml.fromstring(text)
    addresses = {entry.get("name"): [network(entry.findtext("ip-netmask"))]
                 for entry in root.iter("entry") if entry.find("ip-netmask") is not None}
    for group in root.iter("address-group"):
        for entry in group:
            addresses[entry.get("name")] = [n for m in entry.iter("member") for n in addresses[m.text]]
    addresses["any"] = ["0.0.0.0/0", "::/0"]
    services = {}
    for entry in root.iter("entry"):
        for protocol in ("tcp", "udp"):
            if (found := entry.findtext(f"protocol/{protocol}/port")) is not None:
                services[entry.get("name")] = [(protocol, ports) for ports in found.split(",")]
    rules = []
    for entry in root.find(".//rulebase/security/rules"):
        members = {key: [m.text for m in entry.find(key)] for key in ("source", "destination", "service")}
        rules.append([[n for m in members["source"] for n in addresses[m]],
                      [n for m in members["destination"] for n in addresses[m]],
                      [s for m in members["service"] for s in services[m]]])
    return _paloalto(rules)


def _paloalto(rules):
    """One rule matches every pair of its ends; pairs of different families never occur."""
    found = set()
    for sources, destinations, services in rules:
        for source in sources:
            for destination in destinations:
                if ipaddress.ip_network(source).version != ipaddress.ip_network(destination).version:
                    continue
                for protocol, ports in services:
                    first, _, last = ports.partition("-")
                    found.add(("", protocol, source, destination, int(first), int(last or first)))
    return found
