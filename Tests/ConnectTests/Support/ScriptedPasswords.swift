// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import RPC
import Synchronization
import Wire

@testable import Connect

/// Controllers whose accounts a test writes to, and that answer as replication does.
final class ScriptedPasswords: PasswordSource, Sendable {
  struct Entry {
    var anchor: Anchor
    var hash: [UInt8]?
    var version: UInt32
    var lastSet: Int64
    /// The change that wrote the password, and the last one of any kind.
    var passwordUSN: Int64
    var usn: Int64
  }

  struct State {
    var entries: [Anchor: Entry] = [:]
    var usn: Int64 = 0
    var server = "dc1.corp.example"
    var invocation = GUID(words: 1, 1)
    /// Changes up to here came from elsewhere and are in the vector of whoever read them.
    var pageSize = 2
    var breaksAfter: Int?
    var positions: [PasswordPosition] = []
    var fetched = 0
    /// What LDAP tells of the time when passwords expire.
    var expiries: [Anchor: FileTime] = [:]
    var policy = PasswordPolicy(maximumAge: -36_288_000_000_000)
    var policiesRead = 0
  }

  let name = "corp.example"
  let state = Mutex(State())

  func partitions() async throws -> [String] { ["corp.example"] }

  func setPassword(_ anchor: Anchor, _ hash: [UInt8], lastSet: Int64 = 133_000_000_000_000_000) {
    state.withLock { state in
      state.usn += 1
      let version = (state.entries[anchor]?.version ?? 0) + 1
      state.entries[anchor] = Entry(
        anchor: anchor, hash: hash, version: version, lastSet: lastSet, passwordUSN: state.usn, usn: state.usn)
    }
  }

  /// The password is taken away by a write of its own.
  func clearPassword(_ anchor: Anchor) {
    state.withLock { state in
      state.usn += 1
      state.entries[anchor]?.hash = nil
      state.entries[anchor]?.version += 1
      state.entries[anchor]?.passwordUSN = state.usn
      state.entries[anchor]?.usn = state.usn
    }
  }

  /// Only `pwdLastSet`: the password must be changed at the next logon.
  func expire(_ anchor: Anchor) {
    state.withLock { state in
      state.usn += 1
      state.entries[anchor]?.lastSet = 0
      state.entries[anchor]?.usn = state.usn
    }
  }

  func open(_ partition: String, preferring server: String?) async throws -> any PasswordReading {
    ScriptedReading(source: self, server: state.withLock { $0.server })
  }
}

struct ScriptedReading: PasswordReading {
  let source: ScriptedPasswords
  let server: String

  func page(from position: PasswordPosition) async throws -> PasswordPage {
    try source.state.withLock { state in
      state.positions.append(position)
      if let left = state.breaksAfter {
        guard left > 0 else { throw RPCError(.closed, "The controller is gone.", remedy: "none") }
        state.breaksAfter = left - 1
      }
      // Of another database the number means nothing (MS-DRSR 4.1.10.5.2); what the vector covers is not sent.
      let start = position.invocation == state.invocation ? position.usn.property : 0
      let covered = position.known?.cursors.first { $0.invocation == state.invocation }?.usn ?? 0
      let changed = state.entries.values.filter { $0.usn > max(start, covered) }.sorted { $0.usn < $1.usn }
      let part = changed.prefix(state.pageSize)
      let hasMore = part.count < changed.count
      let next = hasMore ? part.last?.usn ?? 0 : state.usn
      return PasswordPage(
        accounts: part.map { Self.account($0, since: max(start, covered)) }, invocation: state.invocation,
        next: USNVector(object: next, reserved: 0, property: next),
        known: hasMore ? nil : UpToDateVector(cursors: [.init(invocation: state.invocation, usn: state.usn)]),
        hasMore: hasMore)
    }
  }

  func account(_ identifier: GUID, distinguishedName: String) async throws -> PasswordAccount? {
    source.state.withLock { state in
      state.fetched += 1
      return state.entries[Anchor(identifier.bytes)].map { Self.account($0, since: 0) }
    }
  }

  private static func account(_ entry: ScriptedPasswords.Entry, since usn: Int64) -> PasswordAccount {
    var account = PasswordAccount(
      identifier: GUID(entry.anchor.bytes) ?? .zero, secret: nil, version: nil, lastSet: FileTime(ticks: entry.lastSet))
    if entry.passwordUSN > usn {
      if let hash = entry.hash {
        account.secret = { try LockedSecret.make(count: hash.count) { $0.copyBytes(from: hash) } }
      } else {
        account.isCleared = true
      }
      account.version = .init(number: entry.version, originated: 1_700_000_000, invocation: GUID(words: 9, 9))
    }
    return account
  }

  func expiries(of identifiers: [GUID]) async throws -> [GUID: FileTime] {
    source.state.withLock { state in
      Dictionary(
        uniqueKeysWithValues: identifiers.compactMap { identifier in
          state.expiries[Anchor(identifier.bytes)].map { (identifier, $0) }
        })
    }
  }

  func policy() async throws -> PasswordPolicy {
    source.state.withLock { state in
      state.policiesRead += 1
      return state.policy
    }
  }

  func close() async {}
}

/// A target that keeps what it is sent.
final class MemoryPasswords: PasswordTarget, Sendable {
  let name: String
  let batchSize = 3
  let kept = Mutex<[String: PasswordUpdate]>([:])
  let requests = Mutex(0)
  let isDown = Mutex(false)
  /// Anchors that are refused, with the reason.
  let refusals = Mutex<[String: String]>([:])
  let forgotten = Mutex<[PasswordRemoval]>([])
  let forgets = true

  init(_ name: String = "tenant") { self.name = name }

  func send(_ updates: [PasswordUpdate]) async throws -> [PasswordOutcome] {
    guard !updates.isEmpty else { return [] }
    requests.withLock { $0 += 1 }
    if isDown.withLock({ $0 }) {
      throw ConnectError(.targetUnreachable, "The target is down.", remedy: "Wait.")
    }
    return updates.map { update in
      if let reason = refusals.withLock({ $0[update.anchor] }) {
        return .refused(reason: reason, detail: "refused here")
      }
      return kept.withLock { kept in
        defer { kept[update.anchor] = update }
        guard let old = kept[update.anchor] else { return .stored }
        return old.version == update.version && old.mustChange == update.mustChange && old.expires == update.expires
          ? .unchanged : .stored
      }
    }
  }

  func forget(_ removals: [PasswordRemoval]) async throws -> [PasswordOutcome] {
    requests.withLock { $0 += 1 }
    if isDown.withLock({ $0 }) {
      throw ConnectError(.targetUnreachable, "The target is down.", remedy: "Wait.")
    }
    return removals.map { removal in
      if let reason = refusals.withLock({ $0[removal.anchor] }) {
        return .refused(reason: reason, detail: "refused here")
      }
      forgotten.withLock { $0.append(removal) }
      return kept.withLock { $0.removeValue(forKey: removal.anchor) } == nil ? .unchanged : .stored
    }
  }
}
