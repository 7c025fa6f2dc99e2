// SPDX-License-Identifier: Apache-2.0

import IdentityModel

@testable import SynchronisationRules

let tenant = TenantDomains(verified: ["corp.example"], initial: "corp.tenant.example")

func context(
  now: Double = 1_800_000_000, forest: String = "corp.example", nickname: String? = nil, groups: [String] = []
) -> RuleContext {
  RuleContext(forest: forest, now: now, tenant: tenant, nickname: nickname) { groups.contains($0) }
}

func entry(
  _ texts: [String: [String]], kind: ObjectKind = .user, name: String = "CN=Ann,OU=People,DC=corp,DC=example",
  bytes: [String: [[UInt8]]] = [:]
) -> Entry {
  var attributes = Attributes(texts: Dictionary(uniqueKeysWithValues: texts.map { ($0.lowercased(), $1) }))
  for (name, values) in bytes { attributes[name.lowercased()] = values }
  return Entry(
    anchor: Anchor(Array(0..<16)), kind: kind, name: name, parent: nil, attributes: attributes)
}

let ann = entry(["sAMAccountName": ["ann"], "mail": ["ann@corp.example"]])

/// What an expression gives, by default for Ann in 2027.
func evaluate(_ text: String, _ entry: Entry = ann, _ context: RuleContext = context()) throws -> RuleValue {
  var scene = Scene(entry, context)
  return try Expression(text).compiled.evaluate(in: &scene)
}
