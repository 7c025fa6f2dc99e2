// SPDX-License-Identifier: Apache-2.0

package import IdentityModel

/// The rules in force, prepared for use.
package struct RuleSet: Sendable {
  /// By precedence, then by name.
  package let rules: [SynchronisationRule]
  /// What is requested from a directory for the rules, as they spell it; no more is ever read.
  package let requestedAttributes: [String]
  /// References that flow, by their name in the directory and in the metaverse.
  package let references: [ObjectKind: [String: String]]
  /// The groups that scopes ask for, as they name them.
  package let groups: [String]
  /// Differs when the result of evaluating might.
  package let fingerprint: String

  private let prepared: [ObjectKind: [PreparedRule]]

  package init(_ rules: [SynchronisationRule]) {
    let rules = rules.sorted { ($0.precedence, $0.name) < ($1.precedence, $1.name) }
    self.rules = rules
    prepared = Dictionary(grouping: rules.map(PreparedRule.init), by: \.rule.from)
    var references: [ObjectKind: [String: String]] = [:]
    // The later wins: of two rules for one reference the one with the lower number counts.
    for rule in rules.reversed() {
      for flow in rule.flows {
        if case .reference(let name) = flow.source { references[rule.from, default: [:]][name] = flow.to }
      }
    }
    self.references = references
    let links = Set(references.values.flatMap(\.keys))
    let names = Set(rules.flatMap(\.sourceAttributes)).subtracting(links)
    // Two spellings of one name are one request.
    requestedAttributes =
      Dictionary(names.map { ($0.lowercased(), $0) }) { min($0, $1) }.values
      .filter { !Self.ownAttributes.contains($0.lowercased()) }.sorted() + links.sorted()
    groups = Set(
      rules.flatMap(\.scope).flatMap(\.conditions).filter { !$0.test.needsAttribute }.flatMap(\.values)
    ).sorted()
    fingerprint = RuleFile.text(of: rules)
  }

  /// Every entry has these without asking.
  private static let ownAttributes: Set<String> = ["distinguishedname", "objectguid"]

  package func rule(named name: String) -> SynchronisationRule? {
    rules.first { $0.name == name } ?? rules.first { $0.name.lowercased() == name.lowercased() }
  }

  // MARK: Evaluate

  /// - Parameter explaining: also tells why rules do not hold, and values that others with a lower number outdo.
  package func evaluate(_ entry: Entry, in context: RuleContext, explaining: Bool = false) -> Evaluation {
    var scene = Scene(entry, context)
    var result = Evaluation()
    var holding: [PreparedRule] = []
    var refusal: (reason: String, rank: Int)?
    for rule in prepared[entry.kind] ?? [] {
      guard let failure = rule.failure(in: &scene) else {
        holding.append(rule)
        continue
      }
      if explaining { result.rejected.append(.init(rule: rule.rule.name, reason: failure.reason(scene))) }
      // The best reason is that of the rule that came closest.
      if rule.rule.connects, failure.rank > refusal?.rank ?? -1 { refusal = (failure.reason(scene), failure.rank) }
    }
    guard let connecting = holding.first(where: \.rule.connects) else {
      result.exclusion = refusal?.reason ?? "no rule is for it"
      result.nextChange = scene.nextChange
      if explaining {
        result.rejected += holding.map {
          .init(rule: $0.rule.name, reason: "it only adds to other rules, and none of them holds")
        }
      }
      return result
    }
    result.kind = connecting.rule.to
    result.link = holding.contains { $0.rule.link == .provision } ? .provision : .join
    var settled: Set<String> = []
    for rule in holding where rule.rule.to == connecting.rule.to {
      result.applied.append(rule.rule.name)
      rule.joins(scene, into: &result)
      for flow in rule.flows {
        // What a lower number has settled for this entry need not be computed.
        if !explaining && settled.contains(flow.attribute) { continue }
        let answer = flow.answer(in: &scene)
        if let text = scene.takeFailure(), !settled.contains(flow.attribute) {
          result.failure = result.failure ?? .init(rule: rule.rule.name, attribute: flow.attribute, text: text)
        }
        guard case .values(let values) = answer else {
          if case .keep = answer { result.kept[flow.attribute] = result.kept[flow.attribute] ?? rule.rule.name }
          continue
        }
        result.contributions.append(
          .init(
            attribute: flow.attribute, values: values, rule: rule.rule.name, precedence: rule.rule.precedence,
            merge: flow.merge, once: flow.once))
        if flow.merge == .update && !flow.once { settled.insert(flow.attribute) }
      }
    }
    result.nextChange = scene.nextChange
    (result.usesTenant, result.nickname) = (scene.usesTenant, scene.nickname)
    return result
  }
}

/// A rule with everything that can be done once.
private struct PreparedRule: Sendable {
  let rule: SynchronisationRule
  let flows: [PreparedFlow]
  private let forest: String?

  init(_ rule: SynchronisationRule) {
    self.rule = rule
    forest = rule.forest?.lowercased()
    flows = rule.flows.compactMap { PreparedFlow($0, kind: rule.to) }
  }

  struct Failure {
    /// How many conditions held before one did not.
    var rank: Int
    var condition: ScopeCondition?
    var forest: String?

    func reason(_ scene: Scene) -> String {
      condition?.refusal(in: scene) ?? "it is for the forest \(forest ?? "")"
    }
  }

  /// Nil when the rule holds; otherwise of the group that came closest what did not.
  func failure(in scene: inout Scene) -> Failure? {
    if let forest, forest != scene.context.forest.lowercased() { return Failure(rank: 0, forest: rule.forest) }
    var closest: Failure?
    for group in rule.scope {
      guard let index = group.conditions.firstIndex(where: { !$0.holds(in: &scene) }) else { return nil }
      if index > closest?.rank ?? -1 { closest = Failure(rank: index, condition: group.conditions[index]) }
    }
    return closest
  }

  func joins(_ scene: Scene, into result: inout Evaluation) {
    for group in rule.join {
      let conditions = group.pairs.map { pair in
        Evaluation.JoinCandidate.Condition(
          attribute: pair.metaverse, source: pair.source,
          values: scene.values(pair.source.lowercased()).filter { !$0.isEmpty })
      }
      if conditions.allSatisfy({ !$0.values.isEmpty }) {
        result.joins.append(.init(rule: rule.name, conditions: conditions))
      }
    }
  }
}

private struct PreparedFlow: Sendable {
  enum Source: Sendable {
    case direct(String)
    case constant([[UInt8]])
    case computed(Syntax.Compiled)
    case clear
  }
  let attribute: String
  let form: MetaverseSchema.Attribute
  let source: Source
  let merge: Flow.Merge
  let once: Bool

  /// Nil for references, which the engine keeps as rows.
  init?(_ flow: Flow, kind: ObjectKind) {
    guard let form = MetaverseSchema.attribute(flow.to, of: kind) else { return nil }
    attribute = flow.to
    self.form = form
    merge = flow.merge
    once = flow.once
    switch flow.source {
    case .direct(let name): source = .direct(name.lowercased())
    case .constant(let texts): source = .constant(form.stored(RuleValue(items: texts.map { .text($0) })))
    case .expression(let expression): source = .computed(expression.compiled)
    case .clear: source = .clear
    case .reference: return nil
    }
  }

  enum Answer {
    /// The flow has nothing to say.
    case none
    /// Nor has it, and it takes nothing away.
    case keep
    /// Empty for an explicit null.
    case values([[UInt8]])
  }

  func answer(in scene: inout Scene) -> Answer {
    let values: [[UInt8]]
    switch source {
    case .direct(let name): values = form.stored(directory: scene.values(name))
    case .constant(let constant): values = constant
    case .clear: return .values([])
    case .computed(let expression):
      let value = expression.evaluate(in: &scene)
      if value == .authoritativeNull { return .values([]) }
      if value == .ignored { return .keep }
      values = form.stored(value)
    }
    return values.isEmpty ? .none : .values(values)
  }
}

extension SynchronisationRule {
  /// The attributes of the directory that the rule looks at.
  var sourceAttributes: [String] {
    scope.flatMap(\.conditions).filter(\.test.needsAttribute).map(\.attribute)
      + join.flatMap(\.pairs).map(\.source) + flowedAttributes
  }

  /// Those of which values flow, or are made.
  var flowedAttributes: [String] {
    flows.flatMap { flow -> [String] in
      switch flow.source {
      case .direct(let name), .reference(let name): [name]
      case .expression(let expression): Array(expression.attributes)
      case .constant, .clear: []
      }
    }
  }
}
