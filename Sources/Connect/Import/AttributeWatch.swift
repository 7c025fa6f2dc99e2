// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import Synchronization
import Wire

/// Notices attributes that vanish everywhere at once. A right that was taken away looks like that, and what may not be
/// read any more is not gone.
///
/// While a full reading has not brought an attribute that many entries had, its values stay where they are; when it comes
/// at last, those that are really gone are removed, and when it does not, the reading ends with an error and nothing was
/// lost.
final class AttributeWatch: Sendable {
  private struct State {
    /// Attributes that many entries had and that have not been met.
    var missing: Set<String>
    /// Values that were kept for the time being.
    var kept: [(entry: Int64, attribute: String)] = []
  }
  private let state: Mutex<State>
  private let partition: Int64

  /// An attribute that fewer entries of a partition have may be cleared everywhere by hand.
  static let many = 20

  /// - Parameter requested: the names of the attributes that are asked for.
  init?(_ requested: Set<String>, partition: Int64, in store: any Store) async throws {
    let counts = try await store.read { transaction in
      var counts: [String: Int] = [:]
      try transaction.forEach(
        "SELECT attrs FROM entry WHERE partition = ? AND deleted = 0", [.integer(partition)]
      ) { row in
        for name in try Attributes(stored: try row[0]).names { counts[name, default: 0] += 1 }
      }
      return counts
    }
    let missing = requested.filter { counts[$0, default: 0] >= Self.many }
    if missing.isEmpty { return nil }
    state = Mutex(State(missing: missing))
    self.partition = partition
  }

  /// The attributes to store for an entry, of which these came.
  ///
  /// - Parameter hidden: those that are known to be hidden: they stay, whatever the others have.
  func keeping(
    _ known: [UInt8], of entry: Int64, in attributes: Attributes, hidden: Set<String>
  ) throws -> Attributes {
    try state.withLock { state in
      if state.missing.isEmpty { return attributes }
      state.missing = state.missing.filter { attributes[$0].isEmpty }
      if state.missing.isEmpty { return attributes }
      let known = try Attributes(stored: known)
      var result = attributes
      for name in known.names where state.missing.contains(name) && !hidden.contains(name) {
        result[name] = known[name]
        state.kept.append((entry, name))
      }
      return result
    }
  }

  /// At the end of the reading.
  ///
  /// - Throws: ``ConnectError`` with the code `attributesLost`.
  func settle(_ name: String, _ source: String, _ generation: Int64, _ store: any Store) async throws {
    let (missing, kept) = state.withLock { ($0.missing, $0.kept) }
    let links = try await store.read { [partition] transaction in
      try transaction.query(
        """
        SELECT link.attr FROM link JOIN entry ON entry.id = link.owner
        WHERE entry.partition = ? AND entry.source = ? AND link.change IS NOT -1
        GROUP BY link.attr HAVING COUNT(*) >= ? AND MAX(link.generation) < ?
        """, [.integer(partition), .text(source), .integer(Int64(Self.many)), .integer(generation)]
      ) { row in try row[0] as String }
    }
    let lost = (Array(missing) + links).sorted()
    guard lost.isEmpty else {
      throw ConnectError(
        .attributesLost,
        "No entry of \(name) has \(lost.joined(separator: ", ")) any more, which many had: nothing of it was removed.",
        remedy: "Give the account the right to read them again, or leave them out of the rules.")
    }
    for slice in kept.chunks(of: Importer.transactionSize) {
      try await store.write { transaction in
        for (entry, attribute) in slice {
          let stored = try transaction.value(
            "SELECT attrs FROM entry WHERE id = ?", [.integer(entry)], as: [UInt8].self)
          guard let stored else { continue }
          var attributes = try Attributes(stored: stored)
          attributes.remove(attribute)
          let bytes = attributes.encoded()
          try transaction.run(
            "UPDATE entry SET attrs = ?, hash = ?, dirty = 1 WHERE id = ?",
            [.blob(bytes), .blob(ShortHash.of(bytes)), .integer(entry)])
        }
      }
    }
  }
}
