// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import NIOPosix
import PasswordHash
package import PasswordWriteback
import ServiceLifecycle
package import Wire

/// Hands a request over to Connect and waits for its outcome: for the pages and for the command line.
package struct WritebackDesk: Sendable {
  let directory: TenantDirectory

  package init(directory: TenantDirectory) { self.directory = directory }

  func isOpen() async throws -> Bool { try await directory.writebackStatus().key != nil }

  /// - Parameters:
  ///   - old: for a change.
  ///   - new: for a change or a reset; nil for the end of a lockout.
  /// - Returns: what became of it; `unknown` when nobody could say in time.
  /// - Throws: `StoreError`, ``TenantError``, `CancellationError`.
  package func carryOut(
    _ operation: WritebackOperation, of user: WritebackUser, old: SecretBytes? = nil, new: SecretBytes? = nil,
    mustChange: Bool = false, by actor: Actor
  ) async throws -> WritebackOutcome {
    let verifier: DerivedPassword?
    if let new {
      guard let derived = try await derive(new) else { return WritebackOutcome(.refused, .notAllowedCharacters) }
      verifier = derived
    } else {
      verifier = nil
    }
    let made: Result<String, WritebackRefusal>
    do {
      made = try await directory.requestWriteback(
        operation, of: user, WritebackSecrets(old: old, new: new, mustChange: mustChange), verifier: verifier, by: actor
      )
    } catch let error as WritebackError where error.code == .invalidPassword {
      return WritebackOutcome(.refused, .notAllowedCharacters)
    }
    switch made {
    case .failure(let refusal): return refusal.outcome
    case .success(let id): return try await wait(for: id)
    }
  }

  private func derive(_ password: SecretBytes) async throws -> DerivedPassword? {
    let salt = directory.environment.random(DerivedPassword.saltBytes)
    return try await NIOThreadPool.singleton.runIfActive {
      let text = password.withBytes { String(decoding: $0, as: UTF8.self) }
      return try text.isEmpty ? nil : NTHash(ofPassword: text).map { try DerivedPassword($0, salt: salt) }
    }
  }

  private func wait(for id: String) async throws -> WritebackOutcome {
    var last = WritebackOutcome(.unknown)
    for _ in 0..<(WritebackLimits.wait * 1000 / WritebackLimits.look) {
      if let outcome = try await directory.writebackOutcome(id) {
        last = outcome
        // Connect may find out what is unknown now.
        if outcome.status != .unknown { return outcome }
      }
      guard !Task.isShuttingDownGracefully else { break }
      try await Task.sleep(for: .milliseconds(WritebackLimits.look))
    }
    return last
  }

  /// The next request for Connect; waits for one. Where a later poll has begun, this one waits its time out in vain.
  ///
  /// - Parameter seconds: at most so long, and no longer than ``WritebackLimits/poll``.
  func next(waiting seconds: Int) async throws -> WritebackEnvelope? {
    let poll = try await directory.noteWritebackPoll()
    let looks = max(1, min(seconds, WritebackLimits.poll) * 1000 / WritebackLimits.look)
    for look in 0..<looks {
      if look > 0 { try await Task.sleep(for: .milliseconds(WritebackLimits.look)) }
      if let envelope = try await directory.nextWriteback(poll) { return envelope }
      guard !Task.isShuttingDownGracefully else { return nil }
    }
    return nil
  }
}
