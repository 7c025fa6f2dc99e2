// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import PortReference
package import Store
import Wire

/// What was found out over time. A flow that stays as it is costs one updated row a check, however long it does.
package struct WatchHistory: Sendable {
  package let store: any Store
  /// A longer pause between two checks than this is a time of which nothing is known, in seconds.
  package let longestGap: Double

  package init(store: any Store, longestGap: Double) {
    self.store = store
    self.longestGap = longestGap
  }

  /// Connections are left alone for hours, and shorter pauses are not told, in seconds.
  private static let idleGap: Double = 2 * 86_400

  func gap(of kind: WatchKind) -> Double { kind == .idle ? max(Self.idleGap, longestGap) : longestGap }

  // MARK: Writing

  /// Notes the findings of one check, all at one time.
  ///
  /// - Parameter notifies: whether changes are kept until they were told.
  /// - Returns: what changed.
  package func record(
    _ findings: [Finding], kind: WatchKind = .check, at time: Double, notifies: Bool
  ) async throws -> [WatchChange] {
    let longestGap = gap(of: kind)
    return try await store.write { transaction in
      var ordinals: [String: Int] = [:]
      var changes: [WatchChange] = []
      for finding in findings {
        let place = "\(finding.source.host)\n\(finding.row)\n\(finding.transport)\n\(finding.target.host)"
        let ordinal = ordinals[place, default: 0]
        ordinals[place] = ordinal + 1
        let flow = try Self.flow(finding, kind, ordinal, time, transaction)
        if let change = try Self.record(finding, kind, flow, time, longestGap, transaction) { changes.append(change) }
      }
      if notifies {
        for change in changes {
          try transaction.run(
            "INSERT INTO watch_notice (flow, at, body, attempts, next_try) VALUES (?, ?, ?, 0, ?)",
            [.integer(change.flow), .real(time), .text(try StableJSON.text(change)), .real(time)])
        }
      }
      return changes
    }
  }

  private static func flow(
    _ finding: Finding, _ kind: WatchKind, _ ordinal: Int, _ time: Double, _ transaction: any Transaction
  ) throws -> Int64 {
    let key: [SQLValue] = [
      .text(finding.source.host), .text(finding.row.rawValue), .text(finding.transport.rawValue), .text(kind.rawValue),
      .text(finding.target.host), .integer(Int64(ordinal)),
      .text(kind == .idle ? finding.target.address ?? "" : ""),
    ]
    try transaction.run(
      """
      INSERT INTO watch_flow (source, row, transport, kind, host, ordinal, address, role, required, checked)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (source, row, transport, kind, host, ordinal, address) DO UPDATE SET
        role = excluded.role, required = excluded.required, checked = excluded.checked
      """, key + [.text(finding.target.role.rawValue), SQLValue(finding.isRequired), .real(time)])
    let id: Int64? = try transaction.value(
      """
      SELECT id FROM watch_flow
      WHERE source = ? AND row = ? AND transport = ? AND kind = ? AND host = ? AND ordinal = ? AND address = ?
      """, key)
    return id ?? 0
  }

  private static func record(
    _ finding: Finding, _ kind: WatchKind, _ flow: Int64, _ time: Double, _ longestGap: Double,
    _ transaction: any Transaction
  ) throws -> WatchChange? {
    let last = try transaction.first(
      """
      SELECT id, since, until, verdict, diagnosis FROM watch_state WHERE flow = ? ORDER BY since DESC, id DESC LIMIT 1
      """, [.integer(flow)]
    ) { row in
      (
        id: try row[0] as Int64, since: try row[1] as Double, until: try row[2] as Double,
        verdict: Verdict(rawValue: try row[3]), diagnosis: Diagnosis(rawValue: try row[4])
      )
    }
    let text = try StableJSON.text(finding)
    let isSame = last.map { $0.verdict == finding.verdict && $0.diagnosis == finding.diagnosis } ?? false
    if let last, isSame, time - last.until <= longestGap {
      try transaction.run(
        "UPDATE watch_state SET until = ?, checks = checks + 1, finding = ? WHERE id = ?",
        [.real(max(time, last.until)), .text(text), .integer(last.id)])
      return nil
    }
    try transaction.run(
      "INSERT INTO watch_state (flow, since, until, checks, verdict, diagnosis, finding) VALUES (?, ?, ?, 1, ?, ?, ?)",
      [
        .integer(flow), .real(time), .real(time), .text(finding.verdict.rawValue), .text(finding.diagnosis.rawValue),
        .text(text),
      ])
    if isSame { return nil }
    var before: WatchChange.Side?
    if let last, let verdict = last.verdict, let diagnosis = last.diagnosis {
      before = .init(verdict: verdict, diagnosis: diagnosis, since: last.since)
    } else if !finding.verdict.isFailure {
      // What works from the beginning is no news.
      return nil
    }
    return WatchChange(flow: flow, kind: kind, at: time, before: before, finding: finding)
  }

  /// Forgets what ended before a time, and flows that were not checked since.
  package func forget(before time: Double) async throws {
    _ = try await store.write { transaction in
      try transaction.run("DELETE FROM watch_state WHERE until < ?", [.real(time)])
      try transaction.run("DELETE FROM watch_notice WHERE at < ?", [.real(time)])
      try transaction.run("DELETE FROM watch_flow WHERE checked < ?", [.real(time)])
    }
  }

  // MARK: Reading

  private static let columns = """
    watch_flow.id, watch_flow.kind, watch_flow.required, watch_flow.checked, watch_state.since, watch_state.until,
    watch_state.checks, watch_state.finding
    """

  /// How every flow stands, in the order in which they were first seen. Flows that the latest checks left out are in the
  /// topology no more.
  package func current() async throws -> [WatchedFlow] {
    try await store.read { [longestGap] transaction in
      try transaction.query(
        """
        SELECT \(Self.columns) FROM watch_flow JOIN watch_state ON watch_state.id = (
          SELECT id FROM watch_state AS s WHERE s.flow = watch_flow.id ORDER BY since DESC, id DESC LIMIT 1)
        WHERE watch_flow.checked >= (SELECT max(checked) FROM watch_flow AS f WHERE f.kind = watch_flow.kind)
          - CASE watch_flow.kind WHEN 'idle' THEN ? ELSE ? END
        ORDER BY watch_flow.id
        """, [.real(Self.idleGap), .real(longestGap)], Self.flow)
    }
  }

  /// nil when there is no such flow.
  package func flow(_ id: Int64) async throws -> WatchedFlow? {
    try await store.read { transaction in
      try transaction.first(
        """
        SELECT \(Self.columns) FROM watch_flow JOIN watch_state ON watch_state.flow = watch_flow.id
        WHERE watch_flow.id = ? ORDER BY since DESC, watch_state.id DESC LIMIT 1
        """, [.integer(id)], Self.flow)
    }
  }

  @Sendable private static func flow(_ row: SQLRow) throws -> WatchedFlow {
    let id: Int64 = try row[0]
    return WatchedFlow(
      id: id, kind: try row.word(1, "watch_flow.kind", of: id), isRequired: try row[2], checked: try row[3],
      state: try state(row, from: 4))
  }

  private static func state(_ row: SQLRow, from column: Int) throws -> WatchState {
    let finding: String = try row[column + 3]
    return WatchState(
      since: try row[column], until: try row[column + 1], checks: try row[column + 2],
      finding: try StableJSON.decode(Finding.self, from: Data(finding.utf8)))
  }

  /// What a flow was since a time, the oldest first; at most so many of the latest.
  package func states(of flow: Int64, since time: Double, limit: Int = 1_000) async throws -> [WatchState] {
    try await store.read { transaction in
      try transaction.query(
        """
        SELECT since, until, checks, finding FROM watch_state WHERE flow = ? AND until >= ?
        ORDER BY since DESC, id DESC LIMIT ?
        """, [.integer(flow), .real(time), .integer(Int64(limit))]
      ) { row in try Self.state(row, from: 0) }.reversed()
    }
  }

  // MARK: Notices

  struct Notice: Sendable {
    var id: Int64
    var body: String
    var attempts: Int
  }

  /// The oldest change that is to be told now; the later ones wait for it, so that they are told in order.
  func nextNotice(at time: Double) async throws -> Notice? {
    try await store.read { transaction in
      try transaction.first(
        "SELECT id, body, attempts, next_try FROM watch_notice ORDER BY id LIMIT 1", []
      ) { row in
        (try row[3] as Double) <= time ? Notice(id: try row[0], body: try row[1], attempts: try row[2]) : nil
      } ?? nil
    }
  }

  func told(_ notice: Notice) async throws {
    _ = try await store.write { try $0.run("DELETE FROM watch_notice WHERE id = ?", [.integer(notice.id)]) }
  }

  func postpone(_ notice: Notice, until time: Double) async throws {
    _ = try await store.write {
      try $0.run(
        "UPDATE watch_notice SET attempts = attempts + 1, next_try = ? WHERE id = ?",
        [.real(time), .integer(notice.id)])
    }
  }
}
