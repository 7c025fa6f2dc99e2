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

  /// Makes a request and waits for its outcome.
  ///
  /// - Parameters:
  ///   - old: for a change.
  ///   - new: for a change or a reset; nil for the end of a lockout.
  /// - Returns: what became of it; `unknown` when nobody could say in time.
  /// - Throws: `StoreError`, ``TenantError``, `CancellationError`.
  package func carryOut(
    _ operation: WritebackOperation, of user: WritebackUser, old: SecretBytes? = nil, new: SecretBytes? = nil,
    mustChange: Bool = false, by actor: Actor
  ) async throws -> WritebackOutcome {
    try await outcome(of: request(operation, of: user, old: old, new: new, mustChange: mustChange, by: actor))
  }

  /// - Returns: the request's identifier, or why it was not made. Parameters and errors as for ``carryOut``.
  func request(
    _ operation: WritebackOperation, of user: WritebackUser, old: SecretBytes? = nil, new: SecretBytes? = nil,
    mustChange: Bool = false, by actor: Actor
  ) async throws -> Result<String, WritebackRefusal> {
    let notAllowed = WritebackRefusal(outcome: WritebackOutcome(.refused, .notAllowedCharacters))
    let verifier: DerivedPassword?
    if let new {
      guard let derived = try await derive(new) else { return .failure(notAllowed) }
      verifier = derived
    } else {
      verifier = nil
    }
    do {
      return try await directory.requestWriteback(
        operation, of: user, WritebackSecrets(old: old, new: new, mustChange: mustChange), verifier: verifier, by: actor
      )
    } catch let error as WritebackError where error.code == .invalidPassword {
      return .failure(notAllowed)
    }
  }

  /// Waits for it.
  ///
  /// - Parameter canAskAgain: whoever waits can ask again later, so that it need not be waited long for what Connect does not
  ///   know itself.
  func outcome(
    of made: Result<String, WritebackRefusal>, canAskAgain: Bool = false
  ) async throws -> WritebackOutcome {
    switch made {
    case .failure(let refusal): refusal.outcome
    case .success(let id): try await wait(for: id, canAskAgain: canAskAgain)
    }
  }

  private func derive(_ password: SecretBytes) async throws -> DerivedPassword? {
    let salt = directory.environment.random(DerivedPassword.saltBytes)
    return try await NIOThreadPool.singleton.runIfActive {
      let text = password.withBytes { String(decoding: $0, as: UTF8.self) }
      return try text.isEmpty ? nil : NTHash(ofPassword: text).map { try DerivedPassword($0, salt: salt) }
    }
  }

  private func wait(for id: String, canAskAgain: Bool) async throws -> WritebackOutcome {
    var last = WritebackOutcome(.unknown)
    var looks = WritebackLimits.wait * 1000 / WritebackLimits.look
    while looks > 0 {
      looks -= 1
      if let outcome = try await directory.writebackOutcome(id) {
        last = outcome
        // Connect may find out what is unknown now.
        if outcome.status != .unknown { return outcome }
        if canAskAgain { looks = min(looks, WritebackLimits.unknownWait * 1000 / WritebackLimits.look) }
      }
      guard !Task.isShuttingDownGracefully else { break }
      try await Task.sleep(for: .milliseconds(WritebackLimits.look))
    }
    return last
  }

  /// The next request for Connect; waits for one. Where a later poll has begun, or nobody listens any more, this one takes
  /// nothing.
  ///
  /// - Parameters:
  ///   - seconds: at most so long, and no longer than ``WritebackLimits/poll``.
  ///   - held: the identifiers of the requests that Connect has in hand, where it tells them.
  ///   - isPeerThere: whether the connection of this poll still stands.
  func next(
    waiting seconds: Int, holding held: Set<String>? = nil, isPeerThere: @Sendable () async -> Bool = { true }
  ) async throws -> WritebackEnvelope? {
    let poll = try await directory.noteWritebackPoll()
    let looks = max(1, min(seconds, WritebackLimits.poll) * 1000 / WritebackLimits.look)
    for look in 0..<looks {
      if look > 0 { try await Task.sleep(for: .milliseconds(WritebackLimits.look)) }
      guard await isPeerThere() else { return nil }
      if let envelope = try await directory.nextWriteback(poll, holding: held) { return envelope }
      guard !Task.isShuttingDownGracefully else { return nil }
    }
    return nil
  }
}
