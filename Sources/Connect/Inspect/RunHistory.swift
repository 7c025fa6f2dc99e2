// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import Store
import Wire

/// One pass as the run history keeps it.
package struct RunRecord: Sendable, Codable {
  package var id: Int64
  /// Seconds since 1970.
  package var started: Double
  package var ended: Double?
  package var mode: CycleReport.Mode
  package var outcome: RunOutcome
  package var report: CycleReport?
}

/// How a pass ended.
package enum RunOutcome: String, Sendable, Codable {
  case running
  case succeeded
  /// It came to its end, but a source could not be read: what that one last said stays.
  case partial
  case failed
  /// It was stopped, or its process ended before it did.
  case interrupted
  /// It found nothing to do. Such a pass is measured and counted, and has no row of its own.
  case quiet
}

/// The `run` table.
package struct RunHistory: Sendable {
  private let store: any Store

  /// Passes that are kept.
  static let kept = 1_000

  package init(store: any Store) { self.store = store }

  func begin(_ report: CycleReport) async throws -> Int64 {
    try await store.write { transaction in
      try transaction.run("UPDATE run SET outcome = 'interrupted' WHERE outcome = 'running'")
      try transaction.run(
        "DELETE FROM run WHERE id <= (SELECT MAX(id) FROM run) - ?", [.integer(Int64(Self.kept))])
      let id: Int64? = try transaction.value(
        "INSERT INTO run (started, mode, outcome) VALUES (?, ?, 'running') RETURNING id",
        [.real(report.started), .text(report.mode.rawValue)])
      guard let id else { throw ConnectError.corrupt("a run without an identifier") }
      return id
    }
  }

  /// - Parameter former: a run that this one replaces.
  func end(
    _ id: Int64, _ report: CycleReport, outcome: RunOutcome, at time: Double, inPlaceOf former: Int64? = nil
  ) async throws {
    let json = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
    _ = try await store.write { transaction in
      if let former { try transaction.run("DELETE FROM run WHERE id = ?", [.integer(former)]) }
      try transaction.run(
        "UPDATE run SET ended = ?, outcome = ?, report = ? WHERE id = ?",
        [.real(time), .text(outcome.rawValue), .text(json), .integer(id)])
    }
  }

  /// The last passes, the latest first.
  ///
  /// - Parameter failedOnly: leaves out those that succeeded without an error, and the one that is under way.
  package func last(_ count: Int, failedOnly: Bool = false) async throws -> [RunRecord] {
    let condition = failedOnly ? "WHERE outcome NOT IN ('succeeded', 'running') OR report LIKE '%\"errors\":[\"%'" : ""
    return try await read("\(condition) ORDER BY id DESC LIMIT ?", [.integer(Int64(count))])
  }

  /// - Returns: nil when there is no such run, or no more.
  package func run(_ id: Int64) async throws -> RunRecord? {
    try await read("WHERE id = ?", [.integer(id)]).first
  }

  /// When the last full pass that succeeded began, in seconds since 1970.
  func lastFull() async throws -> Double? {
    try await read("WHERE mode = 'full' AND outcome = 'succeeded' ORDER BY id DESC LIMIT 1", []).first?.started
  }

  private func read(_ clause: String, _ arguments: [SQLValue]) async throws -> [RunRecord] {
    try await store.read { transaction in
      try transaction.query("SELECT id, started, ended, mode, outcome, report FROM run \(clause)", arguments) { row in
        let report: String? = try row[5]
        guard let mode = CycleReport.Mode(rawValue: try row[3]), let outcome = RunOutcome(rawValue: try row[4]) else {
          throw ConnectError.corrupt("a run of an unknown mode or outcome")
        }
        return RunRecord(
          id: try row[0], started: try row[1], ended: try row[2],
          mode: mode, outcome: outcome,
          report: report.flatMap { try? JSONDecoder().decode(CycleReport.self, from: Data($0.utf8)) })
      }
    }
  }
}
