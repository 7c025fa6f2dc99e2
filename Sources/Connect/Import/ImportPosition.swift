// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import Wire

/// Where the reading of a partition stands.
struct ImportPosition: Sendable {
  let id: Int64
  let generation: Int64
  let watermark: Watermark?
  /// Whether the partition was ever read by cookie, with the rights that this takes.
  let hadCookie: Bool

  /// What is committed at the end of a reading.
  struct Commit: Sendable {
    var watermark: Watermark
    var mode: ImportReading.Mode
    /// The generation of a complete enumeration: entries with an older one were not met. Nil where it was none.
    var enumeration: Int64?
    /// What the account was not shown, for people; a full reading without anything ends it.
    var hidden: String?
  }

  /// - Parameter now: seconds since 1970.
  static func open(
    _ partition: String, of source: String, in store: any Store, at now: Double
  ) async throws -> ImportPosition {
    if let position = try await store.read({ try load(partition, of: source, in: $0, at: now) }) { return position }
    return try await store.write { transaction in
      try transaction.run(
        "INSERT INTO watermark (source, partition) VALUES (?, ?)", [.text(source), .text(partition)])
      guard let position = try load(partition, of: source, in: transaction, at: now) else {
        throw ConnectError.corrupt("a watermark")
      }
      return position
    }
  }

  private static func load(
    _ partition: String, of source: String, in transaction: any Transaction, at now: Double
  ) throws -> ImportPosition? {
    try transaction.first(
      "SELECT id, generation, cookie, dc, invocation, usn, read_at, had_cookie FROM watermark WHERE source = ? AND partition = ?",
      [.text(source), .text(partition)]
    ) { row in
      let cookie: [UInt8]? = try row[2]
      var watermark: Watermark?
      if let cookie {
        watermark = Watermark(
          cookie: cookie, server: try row[3], invocation: try row[4], sequence: try row[5],
          age: (try row[6] as Double?).map { now - $0 })
      }
      return ImportPosition(id: try row[0], generation: try row[1], watermark: watermark, hadCookie: try row[7])
    }
  }

  /// How many entries the last readings left: about as many as a full one will meet. Nil before the first.
  func knownEntries(in store: any Store) async throws -> Int? {
    let count: Int? = try await store.read { [id] transaction in
      try transaction.value("SELECT COUNT(*) FROM entry WHERE partition = ? AND deleted = 0", [.integer(id)])
    }
    return count == 0 ? nil : count
  }

  /// Entries that this full reading meets carry the new generation; those left with an older one are absent, once it was
  /// complete. What the last complete one found absent is still known by that one's generation (`unswept`).
  func beginGeneration(in store: any Store) async throws -> Int64 {
    try await store.write { [id] transaction in
      try transaction.run("UPDATE watermark SET generation = generation + 1 WHERE id = ?", [.integer(id)])
      return try transaction.value("SELECT generation FROM watermark WHERE id = ?", [.integer(id)]) ?? 0
    }
  }

  func commit(_ commit: Commit, at time: Double, in store: any Store) async throws {
    let watermark = commit.watermark
    _ = try await store.write { [id] transaction in
      try transaction.run(
        """
        UPDATE watermark SET cookie = ?, dc = ?, invocation = ?, usn = ?, mode = ?, read_at = ?,
          unswept = COALESCE(?, unswept),
          had_cookie = CASE WHEN ? THEN 1 ELSE had_cookie END,
          hidden = CASE WHEN ? THEN ? ELSE COALESCE(?, hidden) END
        WHERE id = ?
        """,
        [
          .blob(watermark.cookie), .text(watermark.server), .blob(watermark.invocation), .integer(watermark.sequence),
          .text(commit.mode.rawValue), .real(time), SQLValue(commit.enumeration),
          SQLValue(!watermark.cookie.isEmpty), SQLValue(commit.mode == .full), SQLValue(commit.hidden),
          SQLValue(commit.hidden), .integer(id),
        ])
    }
  }
}
