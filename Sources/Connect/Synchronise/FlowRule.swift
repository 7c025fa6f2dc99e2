// SPDX-License-Identifier: Apache-2.0

import IdentityModel

/// What a rule may look at: one entry, the tenant's domains and the time.
struct RuleInput {
  let attributes: Attributes
  let kind: ObjectKind
  /// Seconds since 1970.
  let now: Double
  let tenant: TenantDomains
  /// The nickname that the object was given when it first needed one.
  let nickname: String?

  /// The values of an attribute of the directory without blanks around them; empty ones are left out.
  func texts(_ name: String) -> [String] { attributes.texts(name).map(trimmed).filter { !$0.isEmpty } }

  func text(_ name: String) -> String? { texts(name).first }
}

/// The domains of the tenant, folded.
struct TenantDomains: Sendable {
  let verified: Set<String>
  let initial: String

  init(verified: [String], initial: String) {
    self.verified = Set((verified + [initial]).map { $0.lowercased() })
    self.initial = initial.lowercased()
  }

  /// Whether a name or an address ends in a domain that the tenant has verified.
  func verifies(_ name: String) -> Bool {
    guard let at = name.lastIndex(of: "@") else { return false }
    return verified.contains(name[name.index(after: at)...].lowercased())
  }
}

/// One attribute flow from the directory to the metaverse. Of the rules for an attribute the first that gives a value
/// wins: the order of the table is their precedence.
struct FlowRule: Sendable {
  let kind: ObjectKind
  /// The attribute of the metaverse.
  let attribute: String
  /// The attributes of the directory that the rule looks at (`lDAPDisplayName`); no others are ever requested.
  let sources: [String]
  /// What the rule does, for `connect show` and the documentation.
  let summary: String
  let values: @Sendable (RuleInput) -> [String]

  init(
    _ kind: ObjectKind, _ attribute: String, from sources: [String], _ summary: String,
    values: @escaping @Sendable (RuleInput) -> [String]
  ) {
    self.kind = kind
    self.attribute = attribute
    self.sources = sources
    self.summary = summary
    self.values = values
  }

  /// The first value of one attribute, without blanks around it.
  static func direct(_ kind: ObjectKind, _ attribute: String, from source: String) -> FlowRule {
    let name = source.lowercased()
    return FlowRule(kind, attribute, from: [source], "\(source), trimmed") { input in
      input.text(name).map { [$0] } ?? []
    }
  }
}

func trimmed(_ text: String) -> String {
  let blanks: Set<Character> = [" ", "\t", "\n", "\r\n", "\r"]
  guard let first = text.first, let last = text.last, blanks.contains(first) || blanks.contains(last) else {
    return text
  }
  let start = text.firstIndex { !blanks.contains($0) } ?? text.endIndex
  let end = text.lastIndex { !blanks.contains($0) }.map { text.index(after: $0) } ?? start
  return String(text[start..<end])
}
