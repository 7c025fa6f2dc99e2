// SPDX-License-Identifier: Apache-2.0

import PortReference

/// Terraform, azurerm_network_security_rule. The groups exist already; only rules are added.
enum AzureTerraformRenderer {
  static func render(_ plan: Plan, _ options: RenderOptions) -> Rendering {
    var script = Script(comment: "#")
    script.header(
      plan,
      [
        "Rules for network security groups that exist; nothing else of them is touched.",
        "The groups' default rules allow traffic inside the virtual network: refuse it there if you want less.",
      ])
    for line in HCL.provider("azurerm", "hashicorp/azurerm") { script.line(line) }
    for line in HCL.variable("resource_group_name", "The resource group of the network security groups.") {
      script.line(line)
    }
    for line in HCL.variable(
      "first_priority", "The first priority to use; each rule of a group takes the next (100 to 4096).",
      type: "number", standard: "1000", range: AzureRule.firstPriority...AzureRule.lastFirstPriority(plan))
    {
      script.line(line)
    }
    var identifiers = Identifiers()
    for host in plan.hosts {
      let group = identifiers.identifier("nsg_\(host.name)")
      script.line()
      script.heading(host)
      for line in HCL.variable("\(group)_name", "The network security group of \(host.name).") { script.line(line) }
      let rules = AzureRule.rules(of: host)
      for (number, item) in rules.enumerated() {
        script.line()
        script.explain(item.rule)
        let identifier = identifiers.identifier("\(group)_\(item.rule.direction.rawValue)_\(number)")
        script.line(#"resource "azurerm_network_security_rule" "\#(identifier)" {"#)
        let fixed = [
          ("resource_group_name", "var.resource_group_name"), ("network_security_group_name", "var.\(group)_name"),
          ("name", HCL.quoted(item.name(number))), ("priority", "var.first_priority + \(number)"),
        ]
        for line in HCL.attributes(fixed + item.properties.map { (HCL.snakeCase($0), hcl($1)) }) { script.line(line) }
        script.line("}")
      }
      for rule in host.rules { script.tellGaps(of: rule, tags: true) }
      AzureRule.count(rules, at: host, &script)
    }
    return script.rendering
  }
  private static func hcl(_ value: AzureRule.Value) -> String {
    switch value {
    case .text(let text): HCL.quoted(text)
    case .list(let items): HCL.list(items)
    }
  }
}
