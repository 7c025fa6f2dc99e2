// SPDX-License-Identifier: Apache-2.0

import Yams

/// Synchronisation rules of an export. The standard ones have Bridgehead's default rules as their counterpart; those that
/// somebody wrote or switched off are named one by one.
enum EntraConnectRules {
  static func notes(_ directory: Node, file: String, of owner: String) -> [Migration.Note] {
    let own = (directory.member("customSynchronizationRules")?.elements ?? []).map { note($0, file: file, of: owner) }
    let disabled = (directory.member("standardSynchronizationRules")?.elements ?? []).filter { rule in
      rule.member("disabled")?.bool == true
    }
    return own
      + disabled.map { rule in
        Migration.Note(
          file: file, line: rule.mark?.line,
          text: "\(owner): the standard rule '\(name(rule))' is switched off; see whether a rule of your own is needed")
      }
  }

  /// A rule as the wizard or as Get-ADSyncRule writes it.
  static func note(_ rule: Node, file: String, of owner: String) -> Migration.Note {
    var facts: [String] = []
    for (title, keys) in [
      ("", ["direction"]), ("from ", ["source", "sourceObjectType"]), ("to ", ["target", "targetObjectType"]),
      ("", ["linkType"]), ("precedence ", ["precedence"]),
    ] {
      if let text = keys.lazy.compactMap({ rule.member($0)?.text }).first { facts.append(title + text) }
    }
    let flows = (rule.member("attributeMappings") ?? rule.member("attributeFlowMappings"))?.elements ?? []
    let targets = flows.compactMap { $0.member("destination")?.text }
    if !targets.isEmpty { facts.append("sets " + targets.joined(separator: ", ")) }
    return Migration.Note(
      file: file, line: rule.mark?.line,
      text:
        "\(owner): the rule '\(name(rule))' (\(facts.joined(separator: ", "))) was not carried over; write it as a rule "
        + "of this product if it is still needed")
  }

  private static func name(_ rule: Node) -> String { rule.member("name")?.text ?? "without a name" }
}
