// SPDX-License-Identifier: Apache-2.0

/// What is wanted of a forest: from it follows which rights are needed where.
package struct ForestRequirements: Sendable {
  package var forest: String
  /// DNS names; nil for all domains that the forest has.
  package var domains: [String]?
  /// The principal of each use.
  package var accounts: [ForestRole: String]
  /// The units whose users are synchronised; empty for whole domains.
  package var units: [String]
  /// The units in which passwords may be written; empty for those that are synchronised.
  package var writebackUnits: [String]
  package var writesAnchors: Bool
  package var asksCatalog: Bool
  /// Whether groups may have members from further forests.
  package var hasFurtherForests: Bool

  package init(
    forest: String, domains: [String]? = nil, accounts: [ForestRole: String], units: [String] = [],
    writebackUnits: [String] = [], writesAnchors: Bool = false, asksCatalog: Bool = true,
    hasFurtherForests: Bool = false
  ) {
    self.forest = forest
    self.domains = domains
    self.accounts = accounts
    self.units = units
    self.writebackUnits = writebackUnits
    self.writesAnchors = writesAnchors
    self.asksCatalog = asksCatalog
    self.hasFurtherForests = hasFurtherForests
  }

  /// One right of one account in one place.
  package struct Need: Sendable, Hashable {
    package var role: ForestRole
    package var right: ForestRight
    /// The object, or the unit whose users it is needed on.
    package var place: String
  }

  /// The rights that are needed in a domain, by its distinguished name.
  package func needs(in base: String) -> [Need] {
    var needs: [Need] = []
    func add(_ role: ForestRole, _ rights: [ForestRight], _ places: [String]) {
      guard accounts[role] != nil else { return }
      for place in places { needs += rights.map { Need(role: role, right: $0, place: place) } }
    }
    add(.importing, [.replicatingDirectoryChanges], [base])
    add(.importing, [.readDeletedObjects], ["CN=Deleted Objects,\(base)"])
    if hasFurtherForests { add(.importing, [.readForeignPrincipals], ["CN=ForeignSecurityPrincipals,\(base)"]) }
    if writesAnchors { add(.importing, [.writeConsistencyGuid], Self.places(units, in: base)) }
    add(.passwords, [.replicatingDirectoryChanges, .replicatingDirectoryChangesAll], [base])
    add(
      .writeback, [.resetPassword, .writePwdLastSet, .writeLockoutTime],
      Self.places(writebackUnits.isEmpty ? units : writebackUnits, in: base))
    return needs
  }

  /// The units that lie in a domain; the domain itself where none are chosen at all.
  static func places(_ units: [String], in base: String) -> [String] {
    guard !units.isEmpty else { return [base] }
    let domain = Self.components(base)
    return units.filter { unit in
      let parts = Self.components(unit)
      return parts.suffix(while: { $0.hasPrefix("dc=") }) == domain
    }
  }

  /// RFC 4514: a comma behind a backslash belongs to a value.
  private static func components(_ name: String) -> [String] {
    var parts = [""]
    var isEscaped = false
    for character in name.lowercased() {
      if character == ",", !isEscaped {
        parts.append("")
        continue
      }
      isEscaped = character == "\\" && !isEscaped
      parts[parts.count - 1].append(character)
    }
    return parts.map { part in String(part.drop { $0 == " " }) }
  }
}

extension Array {
  fileprivate func suffix(while predicate: (Element) -> Bool) -> [Element] {
    Array(reversed().prefix(while: predicate).reversed())
  }
}
