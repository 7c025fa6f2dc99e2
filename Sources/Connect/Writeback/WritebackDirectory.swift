// SPDX-License-Identifier: Apache-2.0

package import PasswordWriteback
package import Wire

/// A forest whose passwords can be written.
package protocol WritebackDirectory: Sendable {
  /// The name of the source.
  var source: String { get }
  var policy: WritebackPolicy { get }
  /// Signs in to a controller of the domain.
  ///
  /// - Parameter server: the one to ask where it answers.
  func open(_ domain: String, preferring server: String?) async throws -> any WritebackSession
}

/// One controller.
package protocol WritebackSession: Closable {
  var server: String { get }
  /// Nil when there is no such account.
  func account(_ identifier: GUID) async throws -> WritebackAccount?
  /// Makes everything ready, so that what remains is one call: nothing has been changed when this fails.
  func prepare(_ operation: WritebackOperation, _ account: WritebackAccount) async throws -> WritebackStroke
}

/// The call that changes something.
package struct WritebackStroke: Sendable {
  /// Returns what is worth telling although it was done. Throws ``WritebackRejection`` when the controller certainly has not
  /// done it; after any other error nobody knows.
  package var run: @Sendable (WritebackSecrets) async throws -> WritebackOutcome.Reason?
  package var close: @Sendable () async -> Void

  package init(
    run: @escaping @Sendable (WritebackSecrets) async throws -> WritebackOutcome.Reason?,
    close: @escaping @Sendable () async -> Void = {}
  ) {
    self.run = run
    self.close = close
  }
}

/// The controller's answer is no.
package struct WritebackRejection: Error, Sendable {
  package enum Cause: Sendable {
    /// The policy for passwords; ``PasswordRules`` say why. The flag: whether earlier passwords and age counted.
    case policy(countsHistory: Bool)
    case other(WritebackOutcome.Status, WritebackOutcome.Reason)
  }

  package var cause: Cause
  /// For the audit log.
  package var detail: String

  package init(_ cause: Cause, _ detail: String) {
    self.cause = cause
    self.detail = detail
  }

  init?(_ error: AccountError) {
    let cause: Cause? =
      switch error.code {
      case .passwordPolicy: .policy(countsHistory: true)
      case .wrongPassword: .other(.refused, .wrongPassword)
      case .accountRestricted: .other(.failed, .accountRestricted)
      case .missingRight: .other(.failed, .missingRight)
      case .unsupported: .other(.failed, .unsupported)
      case .noSuchAccount, .alreadyExists, .refused: .other(.failed, .refusedByDirectory)
      }
    guard let cause else { return nil }
    self.init(cause, "\(error.message) \(error.remedy)")
  }
}
