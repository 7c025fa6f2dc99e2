// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Wire
import Yams

/// Takes a YAML tree for rules and collects every issue, not only the first.
struct RuleReader {
  private(set) var issues: [RuleFileError.Issue] = []
  private let lines: [Substring]

  init(_ text: String) { lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) }

  mutating func report(_ mark: Mark?, _ message: String, _ remedy: String) {
    issues.append(.init(line: mark?.line ?? 1, column: mark?.column ?? 1, message: message, remedy: remedy))
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

  // MARK: Flows

  private static let sources = ["direct", "constant", "expression", "reference", "clear"]

  private mutating func flow(_ node: Node, to kind: ObjectKind) -> Flow? {
    guard let fields = mapping(node, "A flow", ["to"] + Self.sources + ["merge", "once"]),
      let target = required(fields, "to", "A flow", node), let name = text(target, "to", in: node),
      known(name, kind, target.mark)
    else { return nil }
    let given = Self.sources.filter { fields[$0] != nil }
    guard given.count == 1, let key = given.first, let value = fields[key] else {
      report(
        node.mark, "The flow to \(name) has \(given.isEmpty ? "no source" : "more than one source")",
        "give one of \(Self.sources.joined(separator: ", "))")
      return nil
    }
    guard let source = source(key, value) else { return nil }
    let isReference = if case .reference = source { true } else { false }
    let form = MetaverseSchema.attribute(name, of: kind)
    if form?.isReference != isReference, source != .clear {
      report(
        value.mark, isReference ? "\(name) refers to no objects" : "\(name) refers to objects",
        isReference ? "write direct or expression" : "write 'reference:' and the attribute of the directory")
      return nil
    }
    var flow = Flow(to: name, source: source)
    if let field = fields["once"] { flow.once = boolean(field, "once") }
    if let field = fields["merge"] {
      flow.merge = choice(field, "merge", Flow.Merge.allCases) ?? .update
      if flow.merge != .update, form?.isMultiValued != true {
        report(field.mark, "\(name) has one value: there is nothing to merge", "leave merge out")
      }
    }
    if isReference, flow.once || flow.merge != .update {
      report(node.mark, "References flow whole", "leave merge and once out")
    }
    return flow
  }

  private mutating func source(_ key: String, _ value: Node) -> Flow.Source? {
    switch key {
    case "direct": return attribute(value).map(Flow.Source.direct)
    case "reference": return attribute(value).map(Flow.Source.reference)
    case "constant":
      let items = value.sequence.map(Array.init) ?? [value]
      let texts = items.compactMap { $0.scalar?.string }.filter { !$0.isEmpty }
      guard texts.count == items.count, !texts.isEmpty, value.null == nil else {
        report(value.mark, "A constant must be text or a list of texts", "write the value, or 'clear: true' for none")
        return nil
      }
      return .constant(texts)
    case "clear":
      if !boolean(value, "clear") { report(value.mark, "clear can only be true", "leave the flow out instead") }
      return .clear
    default: return expression(value)
    }
  }

  private mutating func expression(_ node: Node) -> Flow.Source? {
    guard let scalar = node.scalar else {
      report(node.mark, "An expression must be text", "write it in single quotes")
      return nil
    }
    do {
      return .expression(try Expression(scalar.string))
    } catch {
      let place = place(of: error.position, in: scalar, node.mark)
      let inside =
        error.position.line == 1
        ? "in the expression at column \(error.position.column)"
        : "in the expression at line \(error.position.line), column \(error.position.column)"
      issues.append(
        .init(line: place.line, column: place.column, message: "\(error.message) (\(inside))", remedy: error.remedy))
      return nil
    }
  }

  /// Where a place within a text stands in the file; where the text was folded or escaped, the beginning of the text.
  private func place(of position: TextPosition, in scalar: Node.Scalar, _ mark: Mark?) -> TextPosition {
    let start = TextPosition(line: mark?.line ?? 1, column: mark?.column ?? 1)
    func line(_ number: Int) -> Substring { number >= 1 && number <= lines.count ? lines[number - 1] : "" }
    switch scalar.style {
    case .literal:
      // The text begins under the sign, indented like its first line that is not empty.
      let first = (start.line + 1...start.line + 64).first { !line($0).allSatisfy(\.isWhitespace) } ?? start.line + 1
      let indent = line(first).prefix { $0 == " " }.count
      return TextPosition(line: start.line + position.line, column: indent + position.column)
    case .plain, .singleQuoted, .doubleQuoted, .any:
      let quote = line(start.line).dropFirst(start.column - 1).first
      let isQuoted = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
      let content = line(start.line).dropFirst(start.column - 1 + (isQuoted && (quote == "'" || quote == "\"") ? 1 : 0))
      guard position.line == 1, content.hasPrefix(scalar.string) else { return start }
      return TextPosition(line: start.line, column: start.column + (isQuoted ? 1 : 0) + position.column - 1)
    default: return start
    }
  }

  private mutating func known(_ name: String, _ kind: ObjectKind, _ mark: Mark?) -> Bool {
    if MetaverseSchema.attribute(name, of: kind) != nil { return true }
    let names = MetaverseSchema.names(of: kind)
    report(
      mark, "A \(kind.rawValue) in the metaverse has no attribute \(name)",
      Suggestion.text(for: name, among: names) ?? "known are \(names.joined(separator: ", "))")
    return false
  }

  // MARK: Parts

  /// The fields of a mapping by their keys; unknown keys are issues.
  private mutating func mapping(_ node: Node, _ what: String, _ keys: [String]) -> [String: Node]? {
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

  private mutating func elements(_ node: Node, _ what: String) -> [Node] {
    guard let sequence = node.sequence else {
      report(node.mark, "\(what) must be a list", "begin each element with '- '")
      return []
    }
    return Array(sequence)
  }

  private mutating func required(_ fields: [String: Node], _ key: String, _ what: String, _ node: Node) -> Node? {
    if let field = fields[key] { return field }
    report(node.mark, "\(what) has no \(key)", "add '\(key):'")
    return nil
  }

  private mutating func text(_ node: Node?, _ key: String, in parent: Node) -> String? {
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

  private mutating func integer(_ node: Node?, _ key: String, in parent: Node) -> Int? {
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

  private mutating func boolean(_ node: Node, _ key: String) -> Bool {
    if let value = node.bool { return value }
    report(node.mark, "\(key) must be true or false", "write true or false")
    return false
  }

  private mutating func kind(_ node: Node?, _ key: String, in parent: Node) -> ObjectKind? {
    guard let node else {
      report(parent.mark, "\(key) is missing", "add '\(key): user'")
      return nil
    }
    return choice(node, key, SynchronisationRule.kinds)
  }

  private mutating func choice<Choice: RawRepresentable<String>>(
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

  private mutating func attribute(_ node: Node) -> String? {
    if let name = node.scalar?.string, AttributeName.isValid(name) { return name }
    report(node.mark, "This is no name of an attribute", "write its LDAP display name, such as mail")
    return nil
  }
}
