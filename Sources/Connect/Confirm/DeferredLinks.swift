// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import IdentityModel
import Store

/// The `reading_link` table: references that a reading under way has met. They wait on disk until everything was read, however
/// large the groups are.
struct DeferredLinks {
  let transaction: any Transaction
  let target: String

  struct Owner: Sendable {
    var object: Int64
    var kind: ObjectKind
    /// The target's identifiers, by attribute.
    var links: [String: [String]]
  }

  /// Objects compared in one transaction, as long as what they refer to fits into so many bytes: a group of 50,000 has 2 MiB,
  /// a user 60 bytes.
  private static let batch = 500
  private static let batchBytes = 16 << 20

  /// What an interrupted reading left.
  func forget() throws {
    try transaction.run("DELETE FROM reading_link WHERE target = ?", [.text(target)])
  }

  func put(_ links: [String: [String]], of object: Int64, kind: ObjectKind) throws {
    let encoded = try JSONEncoder().encode(links)
    try transaction.run(
      """
      INSERT INTO reading_link (target, owner, kind, links) VALUES (?, ?, ?, ?)
      ON CONFLICT (target, owner) DO UPDATE SET kind = excluded.kind, links = excluded.links
      """,
      [.text(target), .integer(object), .text(kind.rawValue), .blob(Array(encoded))])
  }

  /// The next ones, which are gone with the transaction.
  func take() throws -> [Owner] {
    let sizes = try transaction.query(
      "SELECT owner, length(links) FROM reading_link WHERE target = ? ORDER BY owner LIMIT ?",
      [.text(target), .integer(Int64(Self.batch))]
    ) { row in (owner: try row[0] as Int64, bytes: try row[1] as Int) }
    var bytes = 0
    let next = sizes.prefix { size in
      defer { bytes += size.bytes }
      return bytes == 0 || bytes + size.bytes <= Self.batchBytes
    }
    guard let last = next.last?.owner else { return [] }
    let owners = try transaction.query(
      "SELECT owner, kind, links FROM reading_link WHERE target = ? AND owner <= ? ORDER BY owner",
      [.text(target), .integer(last)]
    ) { row in
      Owner(
        object: try row[0], kind: try row.kind(1), links: try Self.links(try row[2]))
    }
    for owner in owners {
      try transaction.run(
        "DELETE FROM reading_link WHERE target = ? AND owner = ?", [.text(target), .integer(owner.object)])
    }
    return owners
  }

  /// What cannot be read is not "no members".
  private static func links(_ stored: [UInt8]) throws -> [String: [String]] {
    do { return try JSONDecoder().decode([String: [String]].self, from: Data(stored)) } catch {
      throw ConnectError.corrupt("references of a target")
    }
  }
}
