// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// Which entries are in scope by their place.
///
/// Units are named in the configuration by distinguished name, looked up once and then known by GUID: renaming or moving
/// a unit changes nothing about what is in it.
final class Scope {
  enum Verdict: Equatable {
    case included
    case excluded(String)
    /// The way up ends at an entry that is not known: nothing is concluded from that (``Placeless``).
    case unknown
  }

  private struct Filters {
    var included: Set<Anchor> = []
    var excluded: Set<Anchor> = []
    var hasIncludes = false
  }

  private let transaction: any Transaction
  private let filters: [String: Filters]
  private let domains: ImportedDomains
  private var verdicts: [Anchor: Verdict] = [:]

  /// Deeper trees do not occur: MS-ADTS limits a distinguished name to 255 characters for an RDN and AD to some dozens of
  /// levels; the limit ends a cycle.
  private static let maximumDepth = 128

  init(_ configuration: ConnectConfiguration, in transaction: any Transaction) throws {
    self.transaction = transaction
    domains = try ImportedDomains(configuration, in: transaction)
    var filters: [String: Filters] = [:]
    for forest in configuration.forests {
      func guids(_ names: [String]) throws -> Set<Anchor> {
        Set(
          try names.compactMap { name in
            try transaction.value(
              "SELECT guid FROM scope WHERE source = ? AND dn = ?",
              [.text(forest.name), .text(DistinguishedName.folded(name))], as: [UInt8].self
            ).map(Anchor.init)
          })
      }
      filters[forest.name] = Filters(
        included: try guids(forest.filter.include), excluded: try guids(forest.filter.exclude),
        hasIncludes: !forest.filter.include.isEmpty)
    }
    self.filters = filters
  }

  /// Why nothing of a partition is synchronised; nil where the configuration names its domain.
  ///
  /// - Parameter partition: the `watermark` row.
  func exclusion(ofPartition partition: Int64, source: String) -> String? {
    if filters[source] == nil { return "its forest is no longer configured" }
    return domains.areRead(partition) ? nil : "its domain is no longer configured"
  }

  /// The verdict on an entry below `parent`.
  func verdict(below parent: [UInt8]?, in partition: Int64, source: String) throws -> Verdict {
    if let reason = exclusion(ofPartition: partition, source: source) { return .excluded(reason) }
    guard let filter = filters[source] else { return .unknown }
    var path: [Anchor] = []
    var current = parent.map(Anchor.init)
    var verdict: Verdict?
    while verdict == nil {
      guard let anchor = current, path.count < Self.maximumDepth else {
        verdict = filter.hasIncludes ? .excluded("no included organisational unit is above it") : .included
        break
      }
      if let known = verdicts[anchor] {
        verdict = known
        break
      }
      path.append(anchor)
      if filter.excluded.contains(anchor) {
        verdict = .excluded("an organisational unit above it is excluded")
      } else if filter.included.contains(anchor) {
        verdict = .included
      } else if let above = try transaction.first(
        "SELECT parent FROM entry WHERE anchor = ? AND source = ?", [.blob(anchor.bytes), .text(source)],
        { row in try row[0] as [UInt8]? })
      {
        current = above.map(Anchor.init)
      } else {
        verdict = filter.hasIncludes || !filter.excluded.isEmpty ? .unknown : .included
      }
    }
    let result = verdict ?? .unknown
    for anchor in path { verdicts[anchor] = result }
    return result
  }

  /// Looks up the units of the configuration that have not been seen before.
  ///
  /// - Returns: the names that no unit of the directory has.
  static func resolve(_ configuration: ConnectConfiguration, in transaction: any Transaction) throws -> [String] {
    var missing: [String] = []
    for forest in configuration.forests {
      var wanted: [String: String] = [:]
      for name in forest.filter.include + forest.filter.exclude {
        let folded = DistinguishedName.folded(name)
        let known: [UInt8]? = try transaction.value(
          "SELECT guid FROM scope WHERE source = ? AND dn = ?", [.text(forest.name), .text(folded)])
        if known == nil { wanted[folded] = name }
      }
      guard !wanted.isEmpty else { continue }
      var found: [(String, [UInt8])] = []
      try transaction.forEach(
        "SELECT dn, anchor FROM entry WHERE source = ? AND kind = 'structure' AND deleted = 0 AND partition <> 0",
        [.text(forest.name)]
      ) { row in
        let folded = DistinguishedName.folded(try row[0])
        if wanted.removeValue(forKey: folded) != nil { found.append((folded, try row[1])) }
      }
      for (folded, guid) in found {
        try transaction.run(
          "INSERT INTO scope (source, dn, guid) VALUES (?, ?, ?)", [.text(forest.name), .text(folded), .blob(guid)])
      }
      missing += wanted.values
    }
    return missing.sorted()
  }

  /// Units of the configuration that the directory has deleted since they were first seen.
  static func lost(_ configuration: ConnectConfiguration, in transaction: any Transaction) throws -> [String] {
    try configuration.forests.flatMap { forest in
      try forest.filter.include.filter { name in
        let alive: Int? = try transaction.value(
          """
          SELECT 1 FROM scope JOIN entry ON entry.anchor = scope.guid AND entry.source = scope.source
          WHERE scope.source = ? AND scope.dn = ? AND entry.deleted = 0
          """, [.text(forest.name), .text(DistinguishedName.folded(name))])
        return alive == nil
      }
    }
  }
}
