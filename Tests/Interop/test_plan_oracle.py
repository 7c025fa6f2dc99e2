# SPDX-License-Identifier: Apache-2.0
"""aerleon as a second opinion: the same plan, written by it and by the product for the same firewall, lets the same through.

aerleon is given the policy in its own language (--to aerleon), so that a fault in a renderer shows as a difference. A fault
in the plan itself would be in both; test_plan.py and the property tests look for those.
"""
import pytest
import yaml
from aerleon import api
from aerleon.lib import naming

import access_lists
from environment import ROOT
from test_plan import SITE

TOPOLOGIES = {file.stem: file for file in sorted((ROOT / "Tests/ReadinessTests/Topologies").glob("*.yaml"))}
# The product's format, aerleon's target with options and the end of its file's name, the readers of both, the families
# that aerleon writes for it.
TARGETS = {
    "cisco-asa": ("ciscoasa", "{list}", ".asa", access_lists.asa, access_lists.asa, {4}),
    "cisco-ios": ("cisco", "{list} mixed", ".acl", access_lists.ios, access_lists.ios, {4, 6}),
    "nftables": ("nftables", "mixed {hook}", ".nft", access_lists.nftables, access_lists.nftables, {4, 6}),
    "iptables": ("iptables", "{HOOK} ACCEPT", "", access_lists.iptables, access_lists.iptables, {4}),
    "iptables-6": ("iptables", "{HOOK} ACCEPT inet6", "", access_lists.iptables, access_lists.iptables, {6}),
    "palo-alto": ("paloalto", "from-zone any to-zone any mixed", ".xml", access_lists.paloalto_set,
                  access_lists.paloalto_xml, {4, 6}),
}


def aerleon(text, target, options, ending):
    definitions, policy = yaml.safe_load_all(text)
    names = naming.Naming()
    names.ParseDefinitionsObject(definitions, "")
    for rules in policy["filters"]:
        listed = rules["header"]["targets"]["ciscoasa"]
        hook = "output" if listed.endswith("-OUT") else "input"
        rules["header"]["targets"] = {target: options.format(list=listed, hook=hook, HOOK=hook.upper())}
    policy["filename"] = "plan"
    return api.Generate([policy], names)[f"plan{ending}"]


@pytest.fixture(params=[*TOPOLOGIES, "site"])
def topology(request, tmp_path):
    if request.param in TOPOLOGIES:
        return TOPOLOGIES[request.param]
    file = tmp_path / "topology.yaml"
    file.write_text(yaml.safe_dump(SITE))
    return file


@pytest.mark.parametrize("name", TARGETS)
def test_aerleon_lets_the_same_through(bridgehead, topology, name):
    target, options, ending, read_ours, read_theirs, families = TARGETS[name]
    ours = bridgehead.run("ports", "plan", "-f", topology, "--to", name.removesuffix("-6")).stdout
    policy = bridgehead.run("ports", "plan", "-f", topology, "--to", "aerleon").stdout
    mine = {entry for entry in read_ours(ours) if access_lists.family(entry) in families}
    theirs = read_theirs(aerleon(policy, target, options, ending))
    assert mine or name == "iptables-6"
    assert access_lists.normalised(mine) == access_lists.normalised(theirs)


def test_the_comparison_sees_a_difference(bridgehead):
    ours = bridgehead.run("ports", "plan", "-f", TOPOLOGIES["small"], "--to", "cisco-asa").stdout
    policy = bridgehead.run("ports", "plan", "-f", TOPOLOGIES["small"], "--to", "aerleon").stdout
    changed = policy.replace('port: "389"', 'port: "390"', 1)
    assert changed != policy
    assert access_lists.asa(ours) != access_lists.asa(aerleon(changed, "ciscoasa", "{list}", ".asa"))
