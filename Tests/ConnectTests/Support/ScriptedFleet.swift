// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import PasswordWriteback
import Store
import Synchronization
import Testing
import TestSupport
import Wire

@testable import Connect

/// Many accounts in two domains of a forest, and a tenant that asks for all of them at once.
final class ScriptedFleet: WritebackChannel, WritebackDirectory {
  struct State: Sendable {
    var messages: [WritebackMessage] = []
    var answers: [String: WritebackOutcome] = [:]
    /// What each poll said was in hand.
    var held: [[String]] = []
    /// Domains whose controllers accept and stay silent.
    var silent: Set<String> = []
    /// Accounts that are being changed, and the most that ever were.
    var underWay: [GUID] = []
    var most = 0
    var hasOverlapped = false
    /// New passwords in the order in which they were set.
    var passwords: [GUID: [String]] = [:]
  }

  static let domains = ["corp.example", "branch.corp.example"]
  let state = Mutex(State())
  let source = "corp.example"
  let policy = WritebackPolicy(include: ["OU=People,DC=corp,DC=example"], exclude: [])
  let key = ConnectorPrivateKey()

  /// By number; even ones are in the first domain.
  static func account(_ number: Int) -> GUID { GUID(words: 0x1122_3344_5566_7788, UInt64(number)) }
  static func domain(_ number: Int) -> String { domains[number % 2] }

  func next(waiting seconds: Int, holding held: [String]) async throws -> WritebackMessage? {
    let message = state.withLock { state in
      state.held.append(held)
      return state.messages.isEmpty ? nil : state.messages.removeFirst()
    }
    if message == nil, seconds > 0 { try await Task.sleep(for: .milliseconds(2)) }
    return message
  }

  func answer(_ id: String, _ outcome: WritebackOutcome) async throws { state.withLock { $0.answers[id] = outcome } }

  func open(_ domain: String, preferring server: String?) async throws -> any WritebackSession {
    if state.withLock({ $0.silent.contains(domain) }) { try await Task.sleep(for: .seconds(3600)) }
    return Session(fleet: self, server: "dc1.\(domain)")
  }

  private struct Session: WritebackSession {
    let fleet: ScriptedFleet
    let server: String

    func account(_ identifier: GUID) async throws -> WritebackAccount? {
      WritebackAccount(
        identifier: identifier, distinguishedName: "CN=\(identifier),OU=People,DC=corp,DC=example",
        samAccountName: "\(identifier)", sid: SecurityIdentifier("S-1-5-21-1-2-3-1200"), classes: ["user"],
        control: 0x200, groups: [SecurityIdentifier("S-1-5-21-1-2-3-513")].compactMap { $0 },
        password: PasswordState(version: UInt32(fleet.state.withLock { $0.passwords[identifier]?.count ?? 0 })))
    }

    func prepare(_ operation: WritebackOperation, _ account: WritebackAccount) async throws -> WritebackStroke {
      let (state, id) = (fleet, account.identifier)
      return WritebackStroke(run: { secrets in
        state.state.withLock { state in
          state.hasOverlapped = state.hasOverlapped || state.underWay.contains(id)
          state.underWay.append(id)
          state.most = max(state.most, state.underWay.count)
        }
        for _ in 0..<20 { await Task.yield() }
        let text = secrets.new?.withBytes { String(decoding: $0, as: UTF8.self) } ?? ""
        state.state.withLock { state in
          state.passwords[id, default: []].append(text)
          state.underWay.removeAll { $0 == id }
        }
        return nil
      })
    }

    func close() async {}
  }
}

/// A service for the fleet, on a store that knows its accounts.
struct FleetStage {
  let site: Site
  let fleet: ScriptedFleet
  let service: WritebackService

  static func with(
    accounts: Int, perUser: Int = 5, total: Int = 1000, concurrency: Int = 8,
    _ body: (FleetStage) async throws -> Void
  ) async throws {
    try await Site.with { site in
      try await site.store.write { transaction in
        for (index, domain) in ScriptedFleet.domains.enumerated() {
          try transaction.run(
            "INSERT INTO watermark (id, source, partition) VALUES (?, 'corp.example', ?)",
            [.integer(Int64(100 + index)), .text(domain)])
        }
        for number in 0..<accounts {
          let id = Int64(number + 1)
          try transaction.run(
            """
            INSERT INTO entry (id, source, partition, anchor, kind, dn, hash, attrs, generation, dirty, mv)
            VALUES (?, 'corp.example', ?, ?, 'user', ?, x'', x'', 0, 0, ?)
            """,
            [
              .integer(id), .integer(Int64(100 + number % 2)), .blob(ScriptedFleet.account(number).bytes),
              .text("CN=\(number),OU=People,DC=corp,DC=example"), .integer(id),
            ])
          try transaction.run(
            "INSERT INTO mv (id, kind, source_anchor, attrs, anchor_entry) VALUES (?, 'user', ?, x'', ?)",
            [.integer(id), .text("anchor\(number)"), .integer(id)])
          try transaction.run(
            "INSERT INTO remote (target, mv, remote_id, baseline) VALUES ('tenant', ?, ?, x'')",
            [.integer(id), .text("r\(number)")])
        }
      }
      let fleet = ScriptedFleet()
      let service = WritebackService(
        settings: WritebackSettings(
          target: "tenant", tenant: "corp.tenant.example", key: fleet.key, perUser: perUser, total: total,
          concurrency: concurrency), channel: fleet, directories: [fleet], store: site.store,
        logger: Self.quiet, now: { site.clock.withLock { $0.timeIntervalSince1970 } })
      try await body(FleetStage(site: site, fleet: fleet, service: service))
    }
  }

  static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

  var loop: WritebackLoop<ContinuousClock> { WritebackLoop(service, clock: .continuous, logger: Self.quiet) }

  /// A request for an account, with an identifier made of two numbers.
  func message(
    _ account: Int, _ number: Int = 0, lifetime: Double = 100, password: String = "New-Password-1"
  ) throws -> WritebackMessage {
    let nonce =
      [UInt8](repeating: 0, count: 12) + [
        UInt8(account >> 8), UInt8(account & 255), UInt8(number >> 8), UInt8(number & 255),
      ]
    let header = WritebackHeader(
      tenant: "corp.tenant.example", nonce: nonce, operation: .reset, anchor: "anchor\(account)",
      expires: Int64((site.clock.withLock { $0.timeIntervalSince1970 } + lifetime) * 1000))
    let secrets = WritebackSecrets(new: SecretBytes(Array(password.utf8)))
    return WritebackMessage(try WritebackEnvelope(sealing: secrets, header, to: fleet.key.publicKey))
  }

  func hand(_ messages: [WritebackMessage]) { fleet.state.withLock { $0.messages += messages } }

  var answers: [String: WritebackOutcome] { fleet.state.withLock { $0.answers } }

  /// Runs the loop until something is true.
  func run(until condition: @escaping @Sendable (ScriptedFleet.State) -> Bool) async throws {
    let (loop, fleet) = (loop, fleet)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await loop.run() }
      try await eventually { fleet.state.withLock { condition($0) } }
      group.cancelAll()
    }
  }

  func events() async throws -> [String] {
    try await WritebackEvent.latest(10_000, in: site.store).map(\.event)
  }
}
