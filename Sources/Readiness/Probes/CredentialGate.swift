// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Why a sign-in was not even tried.
package struct CredentialError: DiagnosableError, Hashable {
  package let message: String
  package let remedy: String
  package var identifier: String { "credentials.stopped" }
}

/// Lets one sign-in prove the credentials before any other begins, and none begin after it failed: a check of a hundred
/// controllers with a wrong password costs the account one failed attempt, not a hundred.
package actor CredentialGate: SecurityContextProvider {
  private typealias Attempt = Result<any SecurityContext, any Error>

  private let provider: any SecurityContextProvider
  private var first: Task<Attempt, Never>?
  private var stop: CredentialError?

  package init(_ provider: any SecurityContextProvider) { self.provider = provider }

  /// - Throws: ``CredentialError`` when an earlier sign-in failed; else what the provider throws.
  package func initiate(
    _ to: ServicePrincipal, _ parameters: SecurityParameters
  ) async throws -> any SecurityContext {
    guard let first else {
      let task = Task { await attempt(to, parameters) }
      first = task
      return try await task.value.get()
    }
    _ = await first.value
    if let stop { throw stop }
    return try await attempt(to, parameters).get()
  }

  private func attempt(_ to: ServicePrincipal, _ parameters: SecurityParameters) async -> Attempt {
    do {
      return .success(try await provider.initiate(to, parameters))
    } catch {
      if stop == nil, !Self.concernsOneService(error) {
        let cause = error as? any DiagnosableError
        stop = CredentialError(
          message: "another sign-in with these credentials failed: \(cause?.message ?? "\(error)")",
          remedy: cause?.remedy ?? "See the first finding that failed.")
      }
      return .failure(error)
    }
  }

  /// The credentials were accepted, one service's ticket or token was the trouble.
  private static func concernsOneService(_ error: any Error) -> Bool {
    switch (error as? SecurityError)?.code {
    case .unknownService, .rejectedToken, .weakProtection: true
    default: error is CancellationError
    }
  }
}
