// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Wire
import Yams

/// What every part of a rule file is made of.
extension RuleReader {
  /// The fields of a mapping by their keys; unknown keys are issues.
  mutating func mapping(_ node: Node, _ what: String, _ keys: [String]) -> [String: Node]? {
    guard let mapping = node.mapping else {
      report(node.mark, "\(what) must have keys: \(keys.joined(separator: ", "))", "write 'key: value' lines")
      return nil
    }
    var fields: [String: Node] = [:]
    for (key, value) in mapping {
      let name = key.scalar?.string ?? ""
      if keys.contains(name) {
        fields[name] = value
      } else {
        report(
          key.mark, "\(what) has no key \(name.prefix(64))",
          Suggestion.text(for: name, among: keys) ?? "known here: " + keys.joined(separator: ", "))
      }
    }
    return fields
  }

  mutating func elements(_ node: Node, _ what: String) -> [Node] {
    guard let sequence = node.sequence else {
      report(node.mark, "\(what) must be a list", "begin each element with '- '")
      return []
    }
    return Array(sequence)
  }

  mutating func required(_ fields: [String: Node], _ key: String, _ what: String, _ node: Node) -> Node? {
    if let field = fields[key] { return field }
    report(node.mark, "\(what) has no \(key)", "add '\(key):'")
    return nil
  }

  mutating func text(_ node: Node?, _ key: String, in parent: Node) -> String? {
    guard let node else {
      report(parent.mark, "\(key) is missing", "add '\(key):'")
      return nil
    }
    guard let text = node.scalar?.string, !text.isEmpty, text.count <= 1_024 else {
      report(node.mark, "\(key) must be text of at most 1024 characters", "write it in quotes")
      return nil
    }
    return text
  }

  mutating func integer(_ node: Node?, _ key: String, in parent: Node) -> Int? {
    guard let node else {
      report(
        parent.mark, "\(key) is missing", "add '\(key): 50'; standard rules begin at 100, and the lower number wins")
      return nil
    }
    guard let number = node.scalar.flatMap({ Int($0.string) }), (0...1_000_000).contains(number) else {
      report(node.mark, "\(key) must be a whole number from 0 to 1000000", "write such a number")
      return nil
    }
    return number
  }

  mutating func boolean(_ node: Node, _ key: String) -> Bool {
    if let value = node.bool { return value }
    report(node.mark, "\(key) must be true or false", "write true or false")
    return false
  }

  mutating func kind(_ node: Node?, _ key: String, in parent: Node) -> ObjectKind? {
    guard let node else {
      report(parent.mark, "\(key) is missing", "add '\(key): user'")
      return nil
    }
    return choice(node, key, SynchronisationRule.kinds)
  }

  mutating func choice<Choice: RawRepresentable<String>>(
    _ node: Node, _ key: String, _ choices: [Choice]
  ) -> Choice? {
    let names = choices.map(\.rawValue)
    let name = node.scalar?.string ?? ""
    if let choice = choices.first(where: { $0.rawValue == name }) { return choice }
    report(
      node.mark, "\(key) cannot be \(name.isEmpty ? "empty" : String(name.prefix(64)))",
      Suggestion.text(for: name, among: names) ?? "write one of \(names.joined(separator: ", "))")
    return nil
  }

  mutating func attribute(_ node: Node) -> String? {
    if let name = node.scalar?.string, AttributeName.isValid(name) { return name }
    report(node.mark, "This is no name of an attribute", "write its LDAP display name, such as mail")
    return nil
  }
}
