# SPDX-License-Identifier: Apache-2.0
"""A topology from a live forest. In a file of its own: test_plan.py has machines on a link, the lab wants a loopback only."""
import json

import jsonschema
import yaml


def test_a_topology_from_a_live_forest(bridgehead, small, tmp_path):
    """What the locator finds is what the lab says it has."""
    forest = small.forest
    configuration = tmp_path / "bridgehead.yaml"
    configuration.write_text(json.dumps({
        "version": 1, "dns": {"servers": forest["dnsServers"]},
        "connect": {
            "database": str(tmp_path / "connect.sqlite"),
            "forests": [{"name": forest["name"], "credentials": {
                "principal": forest["serviceAccount"]["principal"],
                "keytab": forest["serviceAccount"]["keytabFile"]}}],
            "target": {"url": "https://tenant.corp.example/scim/v2", "token": {"file": "/nowhere"},
                       "verifiedDomains": ["corp.example"], "initialDomain": "corp.tenant.example"}}}))
    file = tmp_path / "topology.yaml"
    bridgehead.run("ports", "topology", "init", "--from-config", configuration, "--output", file)
    topology = yaml.safe_load(file.read_text())
    jsonschema.validate(topology, bridgehead.json("ports", "topology", "schema"))
    controllers = [
        (controller["name"], controller["addresses"], controller["globalCatalog"])
        for domain in topology["forests"][0]["domains"] for controller in domain["controllers"]]
    assert controllers == [(c["host"], [c["address"]], True) for c in forest["controllers"]]
    assert topology["connect"][0]["addresses"], "this machine's own address towards the controllers"
    assert topology["cloud"][0]["dnsNames"] == ["tenant.corp.example"]
    rules = bridgehead.run("ports", "plan", "-f", file, "--to", "csv").stdout
    assert "connect-ad/ldap" in rules and forest["controllers"][0]["address"] in rules
