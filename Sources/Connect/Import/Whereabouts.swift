// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Logging
import Store
import Wire

/// Where the forest's Global Catalog finds entries that left the imported partitions: a domain tells only that an object is
/// gone, not that it stands in another one now (MS-ADTS 3.1.1.5.4.2).
struct Whereabouts: Sendable {
  /// In another partition that is imported: the reading of that one has yet to bring them.
  var arriving: Set<Anchor> = []
  /// In a partition that is not imported: what refers to them still does.
  var outside: Set<Anchor> = []

  /// Seconds after which somebody who is on the way is asked for again: a service looks every second.
  static let interval = 60.0

  /// - Parameters:
  ///   - partitions: those that are imported, by their DNS names.
  ///   - now: seconds since 1970.
  /// - Returns: nothing of those that the catalog does not know, or holds where they left: it hears of changes late. Nothing at
  ///   all where it does not answer: a catalog holds up no deletion.
  static func find(
    of source: String, partitions: [String], by resolver: any ReferenceResolver, in store: any Store, at now: Double,
    logger: Logger
  ) async throws -> Whereabouts {
    var left: [Anchor: String] = [:]
    var result = Whereabouts()
    for (anchor, partition, waitsUntil) in try await store.read({ try departed(from: source, in: $0) }) {
      if let waitsUntil, waitsUntil > now { result.arriving.insert(anchor) } else { left[anchor] = partition }
    }
    var arriving: [Anchor] = []
    let imported = Set(partitions.map { $0.lowercased() })
    let anchors = left.keys.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    for slice in anchors.chunks(of: ReferenceResolution.anchorsPerRequest) {
      try Task.checkCancellation()
      do {
        for found in try await resolver.resolve(Array(slice)) {
          guard let former = left[found.anchor], let name = found.name else { continue }
          let domain = DistinguishedName.domain(of: name)
          if !imported.contains(domain) {
            result.outside.insert(found.anchor)
          } else if domain != former.lowercased() {
            arriving.append(found.anchor)
          }
        }
      } catch let error as any DiagnosableError where !(error is StoreError) {
        logger.warning(
          "the global catalog was not asked where entries went; a full run takes up what refers to them",
          metadata: ["source": "\(source)", "cause": "\(error.message)"])
        break
      }
    }
    result.arriving.formUnion(arriving)
    guard !arriving.isEmpty else { return result }
    logger.notice(
      "entries left for a domain that has not told of them yet; they are waited for",
      metadata: ["source": "\(source)", "count": "\(arriving.count)"])
    try await store.write { [arriving] transaction in
      try transaction.run(
        "UPDATE departure SET waits_until = ? WHERE source = ? AND anchor = ?",
        rows: arriving.map { [.real(now + Self.interval), .text(source), .blob($0.bytes)] })
    }
    return result
  }

  /// What would be deleted next, with the partition that it left, and until when it waits.
  private static func departed(
    from source: String, in transaction: any Transaction
  ) throws -> [(Anchor, String, Double?)] {
    // In this order: the other way round it walks through all entries to find that none has left.
    try transaction.query(
      """
      SELECT entry.anchor, watermark.partition, departure.waits_until FROM departure
      CROSS JOIN entry ON entry.anchor = departure.anchor AND entry.source = departure.source AND entry.deleted = 0
        AND entry.partition = departure.partition
      JOIN watermark ON watermark.id = departure.partition WHERE departure.source = ?1
      UNION ALL
      SELECT entry.anchor, watermark.partition, NULL FROM watermark
      CROSS JOIN entry ON entry.partition = watermark.id AND entry.generation < watermark.generation AND entry.deleted = 0
      WHERE watermark.source = ?1 AND watermark.unswept = 1
      """, [.text(source)]
    ) { row in (Anchor(try row[0]), try row[1] as String, try row[2] as Double?) }
  }
}
