// SPDX-License-Identifier: Apache-2.0

import Kerberos
package import Wire

/// Why a sign-in was not even tried.
package struct CredentialError: DiagnosableError, Hashable {
  package let message: String
  package let remedy: String
  package var identifier: String { "credentials.stopped" }
}

/// Shows the tickets that it holds to one KDC of the caller's choice.
package protocol TicketSource: Sendable {
  /// - Returns: in words, what the KDC granted.
  func ticket(
    for to: ServicePrincipal, from kdc: Endpoint, of realm: String, timeout: Duration
  ) async throws -> String
}

extension KerberosProvider: TicketSource {}

/// Lets one sign-in prove the credentials before any other begins, and none begin after it failed: a check of a hundred
/// controllers with a wrong password costs the account one failed attempt, not a hundred.
package final class CredentialGate: SecurityContextProvider, TicketSource {
  private let provider: any SecurityContextProvider
  private let first = FirstAttempt { error in
    guard !CredentialGate.concernsOneService(error) else { return nil }
    let cause = error as? any DiagnosableError
    return CredentialError(
      message: "another sign-in with these credentials failed: \(cause?.message ?? "\(error)")",
      remedy: cause?.remedy ?? "See the first finding that failed.")
  }

  package init(_ provider: any SecurityContextProvider) { self.provider = provider }

  /// - Throws: ``CredentialError`` when an earlier sign-in failed; else what the provider throws.
  package func initiate(
    _ to: ServicePrincipal, _ parameters: SecurityParameters
  ) async throws -> any SecurityContext {
    try await first.run { [provider] in try await provider.initiate(to, parameters) }
  }

  /// - Throws: as ``initiate(_:_:)``; ``CredentialError`` where the provider has no tickets.
  package func ticket(
    for to: ServicePrincipal, from kdc: Endpoint, of realm: String, timeout: Duration
  ) async throws -> String {
    guard let source = provider as? any TicketSource else {
      throw CredentialError(
        message: "these credentials sign in without tickets", remedy: "Give those of a Kerberos account.")
    }
    return try await first.run { try await source.ticket(for: to, from: kdc, of: realm, timeout: timeout) }
  }

  /// The credentials were accepted, one service's ticket or token was the trouble.
  private static func concernsOneService(_ error: any Error) -> Bool {
    switch (error as? SecurityError)?.code {
    case .unknownService, .rejectedToken, .weakProtection: true
    default: error is CancellationError
    }
  }
}
