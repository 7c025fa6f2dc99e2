// SPDX-License-Identifier: Apache-2.0

package import Store

/// What `connect status` shows.
package struct ConnectStatus: Sendable, Codable {
  package struct Partition: Sendable, Codable {
    package var source: String
    package var partition: String
    package var server: String?
    package var mode: String?
    /// Seconds since 1970.
    package var readAt: Double?
    package var sequence: Int64?
    /// What the account is not shown any more, and what is done about it; nil when nothing is known to be hidden.
    package var hidden: String?
  }

  /// Objects of one kind in each space.
  package struct Count: Sendable, Codable {
    package var kind: String
    package var entries: Int
    package var metaverse: Int
    package var remote: Int
  }

  package struct Pending: Sendable, Codable {
    package var operation: String
    package var state: String
    package var count: Int
  }

  package struct Quarantined: Sendable, Codable {
    package var reason: String
    package var detail: String
    package var name: String?
    package var since: Double
    package var attempts: Int
    package var nextTry: Double?
  }

  /// Users whose sign-in name was replaced at a target.
  package struct Replacements: Sendable, Codable, Equatable {
    package var count: Int
    /// The first of them.
    package var names: [ReplacedName]
  }

  /// References that point outside what is imported.
  package struct References: Sendable, Codable, Equatable {
    package var source: String
    /// Objects that the Global Catalog told of.
    package var resolved: Int
    /// Objects that are not known yet.
    package var unresolved: Int
    /// Why the next of them is not; nil when all are, or none was asked for yet.
    package var detail: String?
    /// When the next is asked for, in seconds since 1970.
    package var nextTry: Double?
  }

  package struct Flow: Sendable, Codable {
    package var row: String
    package var transport: String
    package var host: String
    package var address: String
    package var port: Int
    package var protection: String
    package var firstAt: Double
    package var lastAt: Double
    package var count: Int
  }

  /// Whether runs export nothing: by the configuration, or because the last one was told so.
  package var isStaging: Bool
  package var runs: [RunRecord]
  package var partitions: [Partition]
  package var counts: [Count]
  package var pending: [Pending]
  package var quarantined: [Quarantined]
  package var replacedNames: Replacements
  /// Of sources where there are any.
  package var references: [References]
  package var flows: [Flow]

  /// Reads the status; at most `limit` runs and quarantined objects are listed.
  package static func read(
    _ store: any Store, isStaging: Bool = false, limit: Int = 20
  ) async throws -> ConnectStatus {
    let runs = try await RunHistory(store: store).last(limit)
    return try await store.read { transaction in
      ConnectStatus(
        isStaging: isStaging || runs.first { $0.outcome == .running }?.report?.isStaging == true, runs: runs,
        partitions: try partitions(transaction), counts: try counts(transaction),
        pending: try pending(transaction), quarantined: try quarantined(transaction, limit: limit),
        replacedNames: try replacedNames(transaction, limit: limit),
        references: try references(transaction),
        flows: try flows(transaction))
    }
  }

  private static func partitions(_ transaction: any Transaction) throws -> [Partition] {
    try transaction.query(
      "SELECT source, partition, dc, mode, read_at, usn, hidden FROM watermark ORDER BY source, partition", []
    ) { row in
      Partition(
        source: try row[0], partition: try row[1], server: try row[2], mode: try row[3], readAt: try row[4],
        sequence: try row[5], hidden: try row[6])
    }
  }

  private static func counts(_ transaction: any Transaction) throws -> [Count] {
    try transaction.query(
      """
      SELECT kind, COUNT(*), (SELECT COUNT(*) FROM mv WHERE mv.kind = entry.kind AND gone = 0 AND outside = 0),
        (SELECT COUNT(*) FROM remote JOIN mv ON mv.id = remote.mv AND outside = 0 WHERE mv.kind = entry.kind)
      FROM entry WHERE deleted = 0 AND partition <> 0 GROUP BY kind ORDER BY kind DESC
      """, []
    ) { row in Count(kind: try row[0], entries: try row[1], metaverse: try row[2], remote: try row[3]) }
  }

  private static func references(_ transaction: any Transaction) throws -> [References] {
    // Those that are asked for again although they are known are not counted twice.
    let unresolved = """
      FROM unresolved AS u WHERE u.source = s.source
        AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.anchor = u.guid AND entry.source = u.source)
      """
    return try transaction.query(
      """
      SELECT s.source, (SELECT COUNT(*) FROM entry WHERE entry.source = s.source AND partition = 0),
        (SELECT COUNT(*) \(unresolved)),
        (SELECT u.detail \(unresolved) ORDER BY u.next_try LIMIT 1), (SELECT MIN(u.next_try) \(unresolved))
      FROM (SELECT source FROM unresolved UNION SELECT source FROM entry WHERE partition = 0) AS s ORDER BY s.source
      """, []
    ) { row in
      References(
        source: try row[0], resolved: try row[1], unresolved: try row[2], detail: try row[3], nextTry: try row[4])
    }
  }

  private static func pending(_ transaction: any Transaction) throws -> [Pending] {
    try transaction.query(
      """
      SELECT op, CASE WHEN sent IS NULL THEN state ELSE 'sent' END AS waits, COUNT(*) FROM
        (SELECT op, state, sent FROM pending UNION ALL SELECT op, state, sent FROM pending_link) AS everything
      GROUP BY op, waits ORDER BY op, waits
      """, []
    ) { row in Pending(operation: try row[0], state: try row[1], count: try row[2]) }
  }

  private static func quarantined(_ transaction: any Transaction, limit: Int) throws -> [Quarantined] {
    try transaction.query(
      """
      SELECT quarantine.reason, quarantine.detail, entry.dn, quarantine.since, quarantine.attempts, quarantine.next_try
      FROM quarantine LEFT JOIN entry ON entry.id = quarantine.entry ORDER BY quarantine.since LIMIT ?
      """, [.integer(Int64(limit))]
    ) { row in
      Quarantined(
        reason: try row[0], detail: try row[1], name: try row[2], since: try row[3], attempts: try row[4],
        nextTry: try row[5])
    }
  }

  private static func replacedNames(_ transaction: any Transaction, limit: Int) throws -> Replacements {
    let count: Int? = try transaction.value(
      "SELECT COUNT(*) FROM replaced_name JOIN mv ON mv.id = replaced_name.mv AND mv.gone = 0")
    return Replacements(
      count: count ?? 0, names: try ReplacedNames(transaction: transaction).read(limit: limit))
  }

  /// Every use of a row that was noted.
  package static func flows(_ transaction: any Transaction) throws -> [Flow] {
    try transaction.query(
      """
      SELECT row, transport, host, address, port, protection, first_at, last_at, count FROM flow_use
      ORDER BY row, host, address, port
      """, []
    ) { row in
      Flow(
        row: try row[0], transport: try row[1], host: try row[2], address: try row[3], port: try row[4],
        protection: try row[5], firstAt: try row[6], lastAt: try row[7], count: try row[8])
    }
  }
}
