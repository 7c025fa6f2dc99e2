// SPDX-License-Identifier: Apache-2.0

import PortReference

/// Bicep, Microsoft.Network/networkSecurityGroups/securityRules. The groups exist already; only rules are added.
enum AzureBicepRenderer {
  static func render(_ plan: Plan, _ options: RenderOptions) -> Rendering {
    var script = Script(comment: "//")
    script.header(
      plan,
      [
        "Rules for network security groups that exist; nothing else of them is touched. Deploy in mode Incremental.",
        "The groups' default rules allow traffic inside the virtual network: refuse it there if you want less.",
      ])
    script.line("@description('The first priority to use; each rule of a group takes the next (100 to 4096).')")
    script.line("@minValue(\(AzureRule.firstPriority))")
    script.line("@maxValue(\(AzureRule.lastFirstPriority(plan)))")
    script.line("param firstPriority int = 1000")
    var identifiers = Identifiers()
    for host in plan.hosts {
      let group = identifiers.identifier("nsg_\(host.name)")
      script.line()
      script.heading(host)
      script.line("@description(\(quoted("The network security group of \(host.name).")))")
      script.line("param \(group)_name string")
      script.line("resource \(group) 'Microsoft.Network/networkSecurityGroups@2023-11-01' existing = {")
      script.line("  name: \(group)_name")
      script.line("}")
      let rules = AzureRule.rules(of: host)
      for (number, item) in rules.enumerated() {
        script.explain(item.rule)
        let identifier = identifiers.identifier("\(group)_\(item.rule.direction.rawValue)_\(number)")
        script.line(
          "resource \(identifier) 'Microsoft.Network/networkSecurityGroups/securityRules@2023-11-01' = {")
        script.line("  parent: \(group)")
        script.line("  name: \(quoted(item.name(number)))")
        script.line("  properties: {")
        for (key, value) in item.properties { script.line("    \(key): \(bicep(value))") }
        script.line("    priority: firstPriority + \(number)")
        script.line("  }")
        script.line("}")
      }
      for rule in host.rules { script.tellGaps(of: rule, tags: true) }
      AzureRule.count(rules, at: host, &script)
    }
    return script.rendering
  }

  private static func bicep(_ value: AzureRule.Value) -> String {
    switch value {
    case .text(let text): quoted(text)
    case .list(let items): "[" + items.map(quoted).joined(separator: ", ") + "]"
    }
  }

  /// A string literal: `'`, `\` and `${` are escaped (Bicep, Data types).
  static func quoted(_ text: String) -> String {
    let escaped = Script.oneLine(text).replacing("\\", with: "\\\\").replacing("'", with: "\\'")
      .replacing("${", with: "\\${")
    return "'" + escaped + "'"
  }
}
