// SPDX-License-Identifier: Apache-2.0

import PasswordWriteback
package import Store
import Wire

extension ConnectSchema {
  /// | table | one row is |
  /// |---|---|
  /// | `writeback_request` | a request by its nonce: an intent, or how it ended; never a password |
  /// | `writeback_audit` | something that was asked for, refused or done; rows are neither changed nor removed |
  static let writebackTables = Migration(
    name: "connect-7-writeback",
    statements: [
      """
      CREATE TABLE writeback_request (
        nonce TEXT PRIMARY KEY, digest BLOB NOT NULL, at REAL NOT NULL, operation TEXT NOT NULL, anchor TEXT NOT NULL,
        state TEXT NOT NULL, source TEXT, domain TEXT, server TEXT, guid BLOB, dn TEXT, before_version INTEGER,
        before_last_set INTEGER, status TEXT, reason TEXT, version INTEGER, number INTEGER,
        answered INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID
      """,
      "CREATE INDEX writeback_request_at ON writeback_request (at)",
      "CREATE INDEX writeback_request_open ON writeback_request (at) WHERE answered = 0 OR state = 'intent'",
      """
      CREATE TABLE writeback_audit (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, nonce TEXT NOT NULL, operation TEXT NOT NULL, anchor TEXT NOT NULL,
        dn TEXT, server TEXT, event TEXT NOT NULL, detail TEXT NOT NULL)
      """,
      """
      CREATE TRIGGER writeback_audit_kept BEFORE DELETE ON writeback_audit
      BEGIN SELECT RAISE(ABORT, 'the audit log of password writeback is append-only'); END
      """,
      """
      CREATE TRIGGER writeback_audit_fixed BEFORE UPDATE ON writeback_audit
      BEGIN SELECT RAISE(ABORT, 'the audit log of password writeback is append-only'); END
      """,
    ])
}

/// A request that this server has decided on.
struct WritebackRecord: Sendable {
  enum State: String {
    /// It counts for the limits, and nothing has been done for it yet.
    case admitted
    /// It was about to be carried out: whether it was is not known.
    case intent
    case ended
  }

  var header: WritebackHeader
  var digest: [UInt8]
  var at: Double
  var state: State
  var place: WritebackPlace?
  var before: PasswordState
  var outcome: WritebackOutcome?
  var isAnswered = false
}

/// Where an account is.
struct WritebackPlace: Sendable {
  var source: String
  var domain: String
  var identifier: GUID
  var distinguishedName: String
  /// The controller that was asked.
  var server: String
}

extension WritebackRecord {
  private static let columns = """
    nonce, digest, at, operation, anchor, state, source, domain, server, guid, dn, before_version, before_last_set,
    status, reason, version, number, answered
    """

  static func find(_ nonce: String, in transaction: any Transaction) throws -> WritebackRecord? {
    try transaction.first(
      "SELECT \(columns) FROM writeback_request WHERE nonce = ?", [.text(nonce)], read) ?? nil
  }

  /// What may have been done and has no outcome, or one that the tenant does not know yet; the oldest first.
  static func open(in transaction: any Transaction) throws -> [WritebackRecord] {
    try transaction.query(
      """
      SELECT \(columns) FROM writeback_request WHERE (answered = 0 OR state = 'intent') AND state <> 'admitted'
      ORDER BY at LIMIT 100
      """, [], read
    ).compactMap { $0 }
  }

  /// Whether it is still not known what became of it.
  func isIntent(in transaction: any Transaction) throws -> Bool {
    try transaction.value(
      "SELECT 1 FROM writeback_request WHERE nonce = ? AND state = 'intent'", [.text(header.identifier)], as: Int.self)
      != nil
  }

  private static func read(_ row: SQLRow) throws -> WritebackRecord? {
    guard let nonce = Hex.decode(try row[0] as String), let operation = WritebackOperation(rawValue: try row[3]),
      let state = State(rawValue: try row[5])
    else { return nil }
    var place: WritebackPlace?
    if let source = try row[6] as String?, let domain = try row[7] as String?, let server = try row[8] as String?,
      let identifier = (try row[9] as [UInt8]?).flatMap({ GUID($0) })
    {
      place = WritebackPlace(
        source: source, domain: domain, identifier: identifier, distinguishedName: (try row[10] as String?) ?? "",
        server: server)
    }
    var outcome: WritebackOutcome?
    if let status = (try row[13] as String?).flatMap(WritebackOutcome.Status.init(rawValue:)) {
      outcome = WritebackOutcome(
        status, (try row[14] as String?).flatMap(WritebackOutcome.Reason.init(rawValue:)),
        version: (try row[15] as Int64?).map(UInt32.init(clamping:)), number: try row[16])
    }
    return WritebackRecord(
      header: WritebackHeader(tenant: "", nonce: nonce, operation: operation, anchor: try row[4], expires: 0),
      digest: try row[1], at: try row[2], state: state, place: place,
      before: PasswordState(
        version: (try row[11] as Int64?).map(UInt32.init(clamping:)),
        lastSet: (try row[12] as Int64?).map(FileTime.init(ticks:))),
      outcome: outcome, isAnswered: try row[17])
  }

  func save(in transaction: any Transaction) throws {
    try transaction.run(
      """
      INSERT OR REPLACE INTO writeback_request (\(Self.columns))
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        .text(header.identifier), .blob(digest), .real(at), .text(header.operation.rawValue), .text(header.anchor),
        .text(state.rawValue), SQLValue(place?.source), SQLValue(place?.domain), SQLValue(place?.server),
        SQLValue(place?.identifier.bytes), SQLValue(place?.distinguishedName), SQLValue(before.version.map(Int64.init)),
        SQLValue(before.lastSet?.ticks), SQLValue(outcome?.status.rawValue), SQLValue(outcome?.reason?.rawValue),
        SQLValue(outcome?.version.map(Int64.init)), SQLValue(outcome?.number), SQLValue(isAnswered),
      ])
  }

  /// How many requests there were since a time: all, and attempts for one user, with those that may become some.
  static func counts(
    since time: Double, anchor: String, in transaction: any Transaction
  ) throws -> (all: Int, attempts: Int) {
    try transaction.first(
      """
      SELECT COUNT(*), COALESCE(SUM(anchor = ?2 AND (guid IS NOT NULL OR state = 'admitted')), 0)
      FROM writeback_request WHERE at > ?1
      """, [.real(time), .text(anchor)]
    ) { row in (all: try row[0], attempts: try row[1]) } ?? (0, 0)
  }

  /// Saves what is decided about a request for the first time.
  ///
  /// - Throws: ``RequestTaken`` when something was decided already: then nobody may go on with it.
  func decide(in transaction: any Transaction) throws {
    let known: String? = try transaction.value(
      "SELECT state FROM writeback_request WHERE nonce = ?", [.text(header.identifier)])
    guard known == nil || known == State.admitted.rawValue else { throw RequestTaken(request: header.identifier) }
    try save(in: transaction)
  }

  static func purge(before time: Double, in transaction: any Transaction) throws {
    try transaction.run(
      """
      DELETE FROM writeback_request WHERE at < ? AND (answered = 1 AND state = 'ended' OR state = 'admitted')
      """, [.real(time)])
  }
}

/// Another process has the request in hand, on the same database.
struct RequestTaken: DiagnosableError {
  let request: String

  var identifier: String { "connect.writeback.taken" }
  var message: String { "Another process has decided about the request \(request)." }
  var remedy: String { "Let only one Connect work on a database." }
}

/// One line of the audit log.
package struct WritebackEvent: Sendable, Codable {
  /// Seconds since 1970.
  package var at: Double
  package var request: String
  package var operation: String
  package var anchor: String
  package var distinguishedName: String?
  package var server: String?
  /// `intent`, `done`, `refused`, `forbidden`, `failed`, `unknown`, `repeated` or `resolved`.
  package var event: String
  package var detail: String

  /// Longer texts are cut: some come from a tenant.
  private static let maximumText = 512

  func insert(_ transaction: any Transaction) throws {
    func text(_ value: String) -> SQLValue { .text(String(value.prefix(Self.maximumText))) }
    try transaction.run(
      """
      INSERT INTO writeback_audit (at, nonce, operation, anchor, dn, server, event, detail)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        .real(at), text(request), text(operation), text(anchor), distinguishedName.map(text) ?? .null,
        server.map(text) ?? .null, text(event), text(detail),
      ])
  }

  /// The latest first.
  package static func latest(_ limit: Int, in store: any Store) async throws -> [WritebackEvent] {
    try await store.read { transaction in
      try transaction.query(
        """
        SELECT at, nonce, operation, anchor, dn, server, event, detail FROM writeback_audit ORDER BY id DESC LIMIT ?
        """, [.integer(Int64(limit))]
      ) { row in
        WritebackEvent(
          at: try row[0], request: try row[1], operation: try row[2], anchor: try row[3],
          distinguishedName: try row[4], server: try row[5], event: try row[6], detail: try row[7])
      }
    }
  }
}
