// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Logging
import Store
import Wire

/// Where the forest's Global Catalog finds entries that left the imported partitions: a domain tells only that an object is
/// gone, not that it stands in another one now (MS-ADTS 3.1.1.5.4.2).
struct Whereabouts: Sendable {
  /// On the way to another partition that is imported, or perhaps: the reading of that one may have yet to bring them.
  var waiting: Set<Anchor> = []
  /// In a partition that is not imported: what refers to them still does.
  var outside: Set<Anchor> = []

  /// Seconds after which somebody who is on the way is asked for again: a service looks every second. Domain controllers of
  /// one site tell each other of changes within a quarter of that.
  static let interval = 60.0

  /// What the store has of a departure.
  private struct Departed: Sendable {
    /// The partition that it left.
    var partition: String
    var hasWaited: Bool
    /// It waits because nobody could be asked.
    var isUnasked: Bool
  }

  /// Nobody who may stand in another imported partition is given up for lost: whom the catalog has there is waited for as
  /// long as it takes, whom nobody could be asked for until all partitions were read once more, ``interval`` later.
  ///
  /// - Parameters:
  ///   - due: entries that left.
  ///   - partitions: those that are imported, by their DNS names.
  ///   - resolver: nil where nobody is asked.
  ///   - now: seconds since 1970.
  /// - Returns: nothing of those that the catalog does not know, or holds where they left: it hears of changes late.
  static func find(
    _ due: Set<Anchor>, of source: String, partitions: [String], by resolver: (any ReferenceResolver)?,
    in store: any Store, at now: Double, logger: Logger
  ) async throws -> Whereabouts {
    let left = try await store.read { try departed(due, from: source, in: $0) }
    var result = Whereabouts()
    var arriving: [Anchor] = []
    var unasked = Set(left.keys)
    let imported = Set(partitions.map { $0.lowercased() })
    let anchors = left.keys.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    for slice in anchors.chunks(of: ReferenceResolution.anchorsPerRequest) {
      guard let resolver else { break }
      try Task.checkCancellation()
      do {
        for found in try await resolver.resolve(Array(slice)) {
          guard let former = left[found.anchor]?.partition, let name = found.name else { continue }
          let domain = DistinguishedName.domain(of: name)
          if !imported.contains(domain) {
            result.outside.insert(found.anchor)
          } else if domain != former.lowercased() {
            arriving.append(found.anchor)
          }
        }
        unasked.subtract(slice)
      } catch let error as any DiagnosableError where !(error is StoreError) {
        logger.warning(
          "the global catalog was not asked where entries went; a full run takes up what refers to them",
          metadata: ["source": "\(source)", "cause": "\(error.message)"])
        break
      }
    }
    // In a forest that is read as one partition there is nowhere to go.
    let isElsewherePossible = imported.count > 1
    let waits = unasked.filter { anchor in
      guard isElsewherePossible, let departed = left[anchor] else { return false }
      return !departed.hasWaited || !departed.isUnasked
    }
    result.waiting = waits.union(arriving)
    guard !result.waiting.isEmpty else { return result }
    logger.notice(
      "entries left and may come into a domain that has not told of them yet; they are waited for",
      metadata: ["source": "\(source)", "count": "\(result.waiting.count)"])
    let rows = result.waiting.map { anchor -> [SQLValue] in
      // Whom the catalog has seen elsewhere stays on the way when it falls silent.
      let isUnasked = waits.contains(anchor) && left[anchor]?.hasWaited == false
      return [.real(now + interval), SQLValue(isUnasked), .text(source), .blob(anchor.bytes)]
    }
    try await store.write { transaction in
      try transaction.run(
        "UPDATE departure SET waits_until = ?, unasked = ? WHERE source = ? AND anchor = ?", rows: rows)
    }
    return result
  }

  private static func departed(
    _ due: Set<Anchor>, from source: String, in transaction: any Transaction
  ) throws -> [Anchor: Departed] {
    // In this order: the other way round it walks through all entries to find that none has left.
    let found = try transaction.query(
      """
      SELECT entry.anchor, watermark.partition, departure.waits_until, departure.unasked FROM departure
      CROSS JOIN entry ON entry.anchor = departure.anchor AND entry.source = departure.source AND entry.deleted = 0
        AND entry.partition = departure.partition
      JOIN watermark ON watermark.id = departure.partition WHERE departure.source = ?
      """, [.text(source)]
    ) { row in
      (
        anchor: Anchor(try row[0]),
        departed: Departed(
          partition: try row[1], hasWaited: (try row[2] as Double?) != nil, isUnasked: try row[3])
      )
    }
    return Dictionary(found.filter { due.contains($0.anchor) }.map { ($0.anchor, $0.departed) }) { first, _ in first }
  }
}
