// SPDX-License-Identifier: Apache-2.0

import IdentityModel

extension RuleFile {
  /// Rules as a file that gives the same ones.
  package static func text(of rules: [SynchronisationRule]) -> String {
    "rules:\n" + rules.map(text).joined()
  }

  private static func text(_ rule: SynchronisationRule) -> String {
    var lines = ["  - name: \(quoted(rule.name))"]
    if let summary = rule.summary { lines.append("    description: \(quoted(summary))") }
    lines.append("    precedence: \(rule.precedence)")
    if let forest = rule.forest { lines.append("    forest: \(quoted(forest))") }
    lines += ["    from: \(rule.from.rawValue)", "    to: \(rule.to.rawValue)", "    link: \(rule.link.rawValue)"]
    if !rule.scope.isEmpty {
      lines.append("    scope:")
      for group in rule.scope {
        let conditions = group.conditions.map(text)
        for (index, condition) in conditions.enumerated() {
          lines.append((rule.scope.count == 1 ? "      - " : index == 0 ? "      - - " : "        - ") + condition)
        }
        if conditions.isEmpty { lines.append("      - []") }
      }
    }
    if !rule.join.isEmpty {
      lines.append("    join:")
      lines += rule.join.map { group in
        "      - { " + group.pairs.map { "\($0.source): \($0.metaverse)" }.joined(separator: ", ") + " }"
      }
    }
    if !rule.flows.isEmpty { lines += ["    flows:"] + rule.flows.map { "      - " + text($0) } }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func text(_ condition: ScopeCondition) -> String {
    var fields = condition.attribute.isEmpty ? [] : ["attribute: \(condition.attribute)"]
    fields.append("operator: \(condition.test.rawValue)")
    if condition.values.count == 1 && condition.test.operand != .list {
      fields.append("value: \(quoted(condition.values[0]))")
    } else if !condition.values.isEmpty {
      fields.append("value: [\(condition.values.map(quoted).joined(separator: ", "))]")
    }
    if let otherwise = condition.otherwise { fields.append("otherwise: \(quoted(otherwise))") }
    return "{ " + fields.joined(separator: ", ") + " }"
  }

  private static func text(_ flow: Flow) -> String {
    var fields = ["to: \(flow.to)"]
    switch flow.source {
    case .direct(let name): fields.append("direct: \(name)")
    case .reference(let name): fields.append("reference: \(name)")
    case .expression(let expression): fields.append("expression: \(quoted(expression.syntax.description))")
    case .constant(let texts):
      fields.append(
        texts.count == 1 ? "constant: \(quoted(texts[0]))" : "constant: [\(texts.map(quoted).joined(separator: ", "))]")
    case .clear: fields.append("clear: true")
    }
    if flow.merge != .update { fields.append("merge: \(flow.merge.rawValue)") }
    if flow.once { fields.append("once: true") }
    return "{ " + fields.joined(separator: ", ") + " }"
  }

  /// In single quotes; where those cannot carry the text (line breaks, control characters), in double quotes.
  private static func quoted(_ text: String) -> String {
    let isPlain = text.unicodeScalars.allSatisfy {
      $0.value >= 0x20 && $0.properties.generalCategory != .control && $0.value != 0x2028 && $0.value != 0x2029
        && $0.value != 0xFEFF
    }
    if isPlain {
      return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    }
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\" + String(scalar)
      case _ where scalar.value < 0x20 || scalar.properties.generalCategory == .control || scalar.value >= 0x2028:
        let digits = String(scalar.value, radix: 16)
        result += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
