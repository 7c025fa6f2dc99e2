// SPDX-License-Identifier: Apache-2.0

/// What rules may look at besides the entry.
package struct RuleContext {
  /// The forest that the entry comes from, as the configuration names it.
  package var forest: String
  /// Seconds since 1970.
  package var now: Double
  package var tenant: TenantDomains
  /// The nickname that the object was given when it first needed one.
  package var nickname: String?
  /// Whether the entry is a member of a group, by distinguished name or objectGUID: asked for the groups of
  /// ``RuleSet/groups`` only.
  package var isMember: (String) -> Bool

  package init(
    forest: String, now: Double, tenant: TenantDomains, nickname: String? = nil,
    isMember: @escaping (String) -> Bool = { _ in false }
  ) {
    self.forest = forest
    self.now = now
    self.tenant = tenant
    self.nickname = nickname
    self.isMember = isMember
  }
}

/// The domains of the tenant, folded.
package struct TenantDomains: Sendable, Hashable {
  package let verified: Set<String>
  package let initial: String

  package init(verified: [String], initial: String) {
    self.verified = Set((verified + [initial]).map { $0.lowercased() })
    self.initial = initial.lowercased()
  }

  /// Whether a name or an address ends in a domain that the tenant has verified, or is one.
  package func verifies(_ name: String) -> Bool {
    let domain = name.lastIndex(of: "@").map { name[name.index(after: $0)...] } ?? name[...]
    return verified.contains(domain.lowercased())
  }
}
