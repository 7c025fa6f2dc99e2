// SPDX-License-Identifier: Apache-2.0

import RPC
import Store
import Wire

/// What the store keeps of a user's password at a target: a state and a version, never the password.
struct CredentialTable {
  enum State: String {
    /// To be fetched and sent by itself: the user is new there, or the last attempt failed.
    case due
    case sent
    /// The target does not want it; the next write of the password is sent again.
    case refused
    /// The account has no password.
    case none
  }

  /// A user whose password belongs at a target.
  struct User {
    var entry: Int64
    var identifier: GUID
    var distinguishedName: String
    var anchor: String
    /// What is known of the password there; nil for a user that is new there.
    var state: State?
    var version: PasswordAccount.Version?
  }

  let source: String
  let target: String

  /// Users that the target has: those whose anchor comes from an entry of this source that is there.
  private static let users = """
    SELECT entry.id, entry.anchor, entry.dn, mv.source_anchor, credential.state, credential.version,
      credential.originated, credential.invocation
    FROM entry
    JOIN mv ON mv.id = entry.mv AND mv.anchor_entry = entry.id AND mv.kind = 'user' AND mv.gone = 0
    JOIN remote ON remote.target = ? AND remote.mv = mv.id
    LEFT JOIN credential ON credential.target = remote.target AND credential.entry = entry.id
      AND credential.anchor = mv.source_anchor
    WHERE entry.source = ? AND entry.deleted = 0
    """

  /// Nil when the account is not synchronised to the target.
  func user(_ identifier: GUID, in transaction: any Transaction) throws -> User? {
    try transaction.first(
      Self.users + " AND entry.anchor = ?", [.text(target), .text(source), .blob(identifier.bytes)], Self.read
    ) ?? nil
  }

  /// Makes those due whose password was never told: of the users that came (``PasswordLooks``), or of all.
  func admit(all: Bool, at now: Double, in transaction: any Transaction) throws {
    // In this order, in which the cost is that of those who came.
    let users =
      all
      ? "remote CROSS JOIN mv ON mv.id = remote.mv"
      : """
      password_look CROSS JOIN mv ON mv.source_anchor = password_look.anchor
        CROSS JOIN remote ON remote.target = password_look.target AND remote.mv = mv.id
      """
    try transaction.run(
      """
      INSERT INTO credential (target, entry, anchor, state, since, next_try)
      SELECT ?1, entry.id, mv.source_anchor, 'due', ?3, 0 FROM \(users)
      CROSS JOIN entry ON entry.id = mv.anchor_entry AND entry.mv = mv.id
      WHERE \(all ? "remote" : "password_look").target = ?1 AND mv.kind = 'user' AND mv.gone = 0
        AND entry.source = ?2 AND entry.deleted = 0 AND NOT EXISTS (
          SELECT 1 FROM credential AS known WHERE known.target = ?1 AND known.entry = entry.id
            AND known.anchor = mv.source_anchor)
      ON CONFLICT (target, entry) DO UPDATE SET anchor = excluded.anchor, state = excluded.state, version = NULL,
        originated = NULL, invocation = NULL, reason = NULL, detail = NULL, since = excluded.since,
        next_try = excluded.next_try
      """, [.text(target), .text(source), .real(now)])
  }

  /// Users of the partition that wait to be fetched by themselves: those that were never tried first.
  func due(_ partition: String, at now: Double, limit: Int, in transaction: any Transaction) throws -> [User] {
    // In this order, in which the cost is that of those who wait.
    try transaction.query(
      """
      SELECT entry.id, entry.anchor, entry.dn, mv.source_anchor, credential.state, credential.version,
        credential.originated, credential.invocation
      FROM credential CROSS JOIN entry ON entry.id = credential.entry
      CROSS JOIN mv ON mv.id = entry.mv CROSS JOIN remote ON remote.target = credential.target AND remote.mv = mv.id
      WHERE credential.target = ?1 AND credential.state = 'due'
        AND credential.next_try <= ?4
        AND entry.source = ?2 AND entry.deleted = 0
        AND entry.partition = (SELECT id FROM watermark WHERE source = ?2 AND partition = ?3)
        AND mv.anchor_entry = entry.id AND mv.kind = 'user' AND mv.gone = 0 AND mv.source_anchor = credential.anchor
      ORDER BY credential.next_try > 0, entry.id LIMIT ?5
      """,
      [.text(target), .text(source), .text(partition), .real(now), .integer(Int64(limit))], Self.read
    ).compactMap { $0 }
  }

  private static func read(_ row: SQLRow) throws -> User? {
    guard let identifier = GUID(try row[1] as [UInt8]) else { return nil }
    var user = User(
      entry: try row[0], identifier: identifier, distinguishedName: try row[2], anchor: try row[3],
      state: (try row[4] as String?).flatMap(State.init(rawValue:)))
    if let number = try row[5] as Int64?, let originated = try row[6] as Int64?,
      let invocation = (try row[7] as [UInt8]?).flatMap({ GUID($0) })
    {
      user.version = .init(number: UInt32(clamping: number), originated: originated, invocation: invocation)
    }
    return user
  }

  /// - Parameter nextTry: for `due`: not before, in seconds since 1970.
  func save(
    _ user: User, _ state: State, version: PasswordAccount.Version?, reason: String? = nil, detail: String? = nil,
    at now: Double, nextTry: Double? = nil, in transaction: any Transaction
  ) throws {
    try transaction.run(
      """
      INSERT INTO credential
        (target, entry, anchor, state, version, originated, invocation, reason, detail, since, next_try)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (target, entry) DO UPDATE SET anchor = excluded.anchor, state = excluded.state,
        version = COALESCE(excluded.version, version), originated = COALESCE(excluded.originated, originated),
        invocation = COALESCE(excluded.invocation, invocation), reason = excluded.reason, detail = excluded.detail,
        since = excluded.since, next_try = excluded.next_try
      """,
      [
        .text(target), .integer(user.entry), .text(user.anchor), .text(state.rawValue),
        version.map { .integer(Int64($0.number)) } ?? .null, version.map { .integer($0.originated) } ?? .null,
        version.map { .blob($0.invocation.bytes) } ?? .null, SQLValue(reason), SQLValue(detail), .real(now),
        (nextTry ?? (state == .due ? 0 : nil)).map { .real($0) } ?? .null,
      ])
  }

  /// Has all passwords of a partition that were sent looked at again, because what is said of them beside has changed.
  func refresh(_ partition: String, in transaction: any Transaction) throws {
    try transaction.run(
      """
      UPDATE credential SET state = 'due', next_try = 0 WHERE target = ? AND state = 'sent' AND entry IN (
        SELECT id FROM entry WHERE partition = (SELECT id FROM watermark WHERE source = ? AND partition = ?))
      """, [.text(target), .text(source), .text(partition)])
  }
}

/// How far each domain's password hashes were read.
enum PasswordWatermark {
  static func load(
    _ partition: String, of source: String, in transaction: any Transaction
  ) throws -> PasswordPosition? {
    try transaction.first(
      """
      SELECT server, invocation, object_usn, reserved_usn, property_usn, known FROM password_watermark
      WHERE source = ? AND partition = ?
      """, [.text(source), .text(partition)]
    ) { row in
      guard let invocation = GUID(try row[1] as [UInt8]) else { throw ConnectError.corrupt("a password watermark") }
      return PasswordPosition(
        server: try row[0], invocation: invocation,
        usn: USNVector(object: try row[2], reserved: try row[3], property: try row[4]),
        known: try (try row[5] as [UInt8]?).map { try decode($0) })
    }
  }

  static func save(
    _ position: PasswordPosition, _ partition: String, of source: String, at now: Double,
    in transaction: any Transaction
  ) throws {
    try transaction.run(
      """
      INSERT INTO password_watermark
        (source, partition, server, invocation, object_usn, reserved_usn, property_usn, known, read_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (source, partition) DO UPDATE SET server = excluded.server, invocation = excluded.invocation,
        object_usn = excluded.object_usn, reserved_usn = excluded.reserved_usn, property_usn = excluded.property_usn,
        known = excluded.known, read_at = excluded.read_at
      """,
      [
        .text(source), .text(partition), SQLValue(position.server), .blob(position.invocation.bytes),
        .integer(position.usn.object), .integer(position.usn.reserved), .integer(position.usn.property),
        position.known.map { .blob(encode($0)) } ?? .null, .real(now),
      ])
  }

  /// Pairs of an invocation identifier and a sequence number, 24 bytes each.
  private static func encode(_ vector: UpToDateVector) -> [UInt8] {
    var writer = ByteWriter()
    for cursor in vector.cursors {
      writer.write(cursor.invocation.bytes)
      writer.writeLittleEndian(cursor.usn)
    }
    return writer.bytes
  }

  private static func decode(_ bytes: [UInt8]) throws -> UpToDateVector {
    var reader = ByteReader(bytes)
    var cursors: [UpToDateVector.Cursor] = []
    while !reader.isAtEnd {
      guard let pair = try? reader.read(16), let invocation = GUID(pair),
        let usn = try? reader.readLittleEndian(Int64.self)
      else { throw ConnectError.corrupt("a password watermark") }
      cursors.append(.init(invocation: invocation, usn: usn))
    }
    return UpToDateVector(cursors: cursors)
  }
}
