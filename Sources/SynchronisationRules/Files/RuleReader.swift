// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Wire
import Yams

/// Takes a YAML tree for rules and collects every issue, not only the first.
struct RuleReader {
  private(set) var issues: [RuleFileError.Issue] = []
  let lines: [Substring]

  init(_ text: String) { lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) }

  mutating func report(_ mark: Mark?, _ message: String, _ remedy: String) {
    report(TextPosition(line: mark?.line ?? 1, column: mark?.column ?? 1), message, remedy)
  }

  mutating func report(_ place: TextPosition, _ message: String, _ remedy: String) {
    issues.append(.init(line: place.line, column: place.column, message: message, remedy: remedy))
  }

  // MARK: The file

  mutating func read(_ root: Node, standard: [SynchronisationRule]) -> [SynchronisationRule] {
    guard let fields = mapping(root, "The file", ["extends", "rules"]) else { return [] }
    var rules: [SynchronisationRule] = []
    if let node = fields["extends"] {
      if node.scalar?.string == "standard" {
        rules = standard
      } else {
        report(node.mark, "extends names something unknown", "write 'extends: standard', or leave it out")
      }
    }
    guard let list = fields["rules"] else {
      if fields["extends"] == nil { report(root.mark, "The file has no rules", "add 'rules:' or 'extends: standard'") }
      return rules
    }
    guard let nodes = list.sequence, nodes.count <= RuleFile.maximumRules else {
      report(
        list.mark, "rules is no list of at most \(RuleFile.maximumRules) rules", "write one '- name: …' for each rule")
      return rules
    }
    var names: Set<String> = []
    for node in nodes {
      guard let fields = mapping(node, "A rule", Self.ruleKeys) else { continue }
      guard let name = text(fields["name"], "name", in: node) else { continue }
      if !names.insert(name).inserted {
        report(fields["name"]?.mark, "A second rule has the name \(name)", "give each rule its own name")
      }
      let index = rules.firstIndex { $0.name == name }
      if let flag = fields["disabled"], boolean(flag, "disabled") {
        if let index {
          rules.remove(at: index)
        } else if fields.count == 2 {
          report(
            fields["name"]?.mark, "No rule has the name \(name)",
            Suggestion.text(for: name, among: rules.map(\.name)) ?? "'bridgehead connect rules list' names the rules")
        }
        continue
      }
      guard let rule = rule(name, fields, node) else { continue }
      if let index { rules[index] = rule } else { rules.append(rule) }
    }
    return rules
  }

  // MARK: A rule

  private static let ruleKeys = [
    "name", "description", "precedence", "forest", "from", "to", "link", "scope", "join", "flows", "disabled",
  ]

  private mutating func rule(_ name: String, _ fields: [String: Node], _ node: Node) -> SynchronisationRule? {
    let before = issues.count
    let precedence = integer(fields["precedence"], "precedence", in: node)
    let from = kind(fields["from"], "from", in: node)
    let to = fields["to"] == nil ? from : kind(fields["to"], "to", in: node)
    var link = SynchronisationRule.Link.provision
    if let field = fields["link"] { link = choice(field, "link", SynchronisationRule.Link.allCases) ?? link }
    guard let precedence, let from, let to else { return nil }
    if from == .foreign && link == .provision || to == .foreign {
      report(
        fields["link"]?.mark ?? node.mark, "A foreign security principal makes no object of its own",
        "write 'link: join' and what it joins under 'to'")
    }
    var rule = SynchronisationRule(
      name: name, summary: fields["description"].flatMap { self.text($0, "description", in: node) },
      precedence: precedence, forest: fields["forest"].flatMap { self.text($0, "forest", in: node) }, from: from,
      to: to, link: link)
    if let scope = fields["scope"] { rule.scope = groups(scope) }
    if let join = fields["join"] { rule.join = joins(join, to: to) }
    if let flows = fields["flows"] {
      for item in elements(flows, "flows") {
        if let flow = flow(item, to: to) {
          if rule.flows.contains(where: { $0.to == flow.to }) {
            report(item.mark, "The rule lets two values flow to \(flow.to)", "keep one, or write a second rule")
          }
          rule.flows.append(flow)
        }
      }
    }
    return issues.count == before ? rule : nil
  }

  // MARK: Scope

  /// A list of conditions is one group; a list of lists are groups one of which has to hold.
  private mutating func groups(_ node: Node) -> [ScopeGroup] {
    let items = elements(node, "scope")
    if let first = items.first, first.sequence != nil {
      return items.compactMap { item in
        guard item.sequence != nil else {
          report(item.mark, "A condition stands among groups", "put a list around the conditions of each group")
          return nil
        }
        return ScopeGroup(conditions: item.sequence?.compactMap { condition($0) } ?? [])
      }
    }
    return items.isEmpty ? [] : [ScopeGroup(conditions: items.compactMap { condition($0) })]
  }

  private mutating func condition(_ node: Node) -> ScopeCondition? {
    guard let fields = mapping(node, "A condition", ["attribute", "operator", "value", "otherwise"]),
      let field = required(fields, "operator", "A condition", node),
      let test = choice(field, "operator", ScopeCondition.Operator.allCases)
    else { return nil }
    var attribute = ""
    if test.needsAttribute {
      guard let field = required(fields, "attribute", "A condition with \(test.rawValue)", node),
        let name = self.attribute(field)
      else { return nil }
      attribute = name
    } else if let field = fields["attribute"] {
      report(field.mark, "\(test.rawValue) looks at no attribute", "leave it out; the group stands under value")
    }
    var values: [String] = []
    if let field = fields["value"] {
      if test.operand == .none {
        report(field.mark, "\(test.rawValue) takes no value", "leave it out")
      }
      let items = test.operand == .list || !test.needsAttribute ? field.sequence.map(Array.init) ?? [field] : [field]
      for item in items {
        guard let text = item.scalar?.string, !text.isEmpty, text.utf8.count <= RuleValue.maximumBytes else {
          report(item.mark, "The value of a condition must be text", "write it in quotes; only ISIN takes a list")
          continue
        }
        values.append(text)
      }
      if test.operand == .number, values.first.flatMap({ RuleValue.text($0).number }) == nil {
        report(field.mark, "\(test.rawValue) wants a number", "write the bits as a number such as 2 or 0x80000000")
      }
      if test.isOrder, let text = values.first, ScopeTime.isRelative(text), ScopeTime(text) == nil {
        report(
          field.mark, "\(text.prefix(64)) is no time", "write now, or a distance such as now-90d, now+12h or now-30m")
      }
    } else if test.operand != .none {
      report(node.mark, "\(test.rawValue) wants a value", "add 'value:'")
    }
    let otherwise = fields["otherwise"].flatMap { text($0, "otherwise", in: node) }
    return ScopeCondition(attribute, test, values, otherwise: otherwise)
  }

  // MARK: Join

  private mutating func joins(_ node: Node, to kind: ObjectKind) -> [JoinGroup] {
    elements(node, "join").compactMap { item in
      guard let mapping = item.mapping, !mapping.isEmpty else {
        report(
          item.mark, "A condition to join by is no pair of attributes", "write 'sourceAttribute: metaverseAttribute'")
        return nil
      }
      var pairs: [JoinGroup.Pair] = []
      for (key, value) in mapping {
        guard let source = attribute(key), let target = value.scalar?.string else { continue }
        if known(target, kind, value.mark) { pairs.append(.init(source: source, metaverse: target)) }
      }
      return JoinGroup(pairs: pairs)
    }
  }
}
