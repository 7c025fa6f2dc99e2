// SPDX-License-Identifier: Apache-2.0

import Foundation
import PortReference
import Store
import Synchronization

@testable import Readiness

/// A history in a folder of its own, with a clock that moves when it is told to.
struct WatchBench {
  let history: WatchHistory
  let clock: WatchClock

  static func with(gap: Double = 180, _ body: (WatchBench) async throws -> Void) async throws {
    let folder = NSTemporaryDirectory() + "bridgehead-watch-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let store = try await SQLiteStore.open(path: folder + "/watch.sqlite", migrations: WatchSchema.migrations)
    try await body(WatchBench(history: WatchHistory(store: store, longestGap: gap), clock: WatchClock()))
    try await store.close()
  }

  func count(_ table: String) async throws -> Int {
    try await history.store.read { try $0.value("SELECT COUNT(*) FROM \(table)") ?? -1 }
  }
}

final class WatchClock: Sendable {
  private let seconds = Mutex(1_800_000_000.0)
  var now: Double { seconds.withLock { $0 } }
  func advance(_ by: Double) { seconds.withLock { $0 += by } }
}

extension Finding {
  static func sample(
    _ verdict: Verdict = .works, _ diagnosis: Diagnosis = .none, row: RowID = .connectADLDAP,
    transport: Transport = .tcp, to host: String = "dc1.corp.example", address: String? = "192.0.2.10",
    summary: String = "It is so.", isRequired: Bool = true, evidence: [Phase] = [], observations: [Observation] = [],
    remedy: Remedy? = nil
  ) -> Finding {
    Finding(
      row: row, transport: transport, source: FlowSource(role: .connect, host: "sync1", address: "192.0.2.5"),
      target: FlowTarget(role: .activeDirectory, host: host, address: address, port: 389), isRequired: isRequired,
      verdict: verdict, diagnosis: diagnosis, summary: summary, remedy: remedy,
      depth: .init(reached: .service, required: .service), evidence: evidence, observations: observations,
      specification: "RFC 4511")
  }
}
