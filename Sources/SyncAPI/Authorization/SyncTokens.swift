// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
package import WebIdentity
package import Wire

/// Where access tokens come from.
package protocol SyncTokenSource: Sendable {
  /// One that is good for some minutes at least.
  func token() async throws -> SecretBytes
  /// The service did not accept it: the next one shall be new.
  func discard() async
}

/// Keeps an access token until shortly before its end. Whoever asks meanwhile waits for the one request that is under way.
package actor SyncTokens: SyncTokenSource {
  /// Seconds before its end at which a token counts as over.
  static let margin = 300.0

  private let issue: @Sendable () async throws -> TokenEndpoint.Issued
  private let now: @Sendable () -> Date
  private var current: (token: SecretBytes, expires: Date)?
  private var pending: Task<TokenEndpoint.Issued, any Error>?

  private init(now: @escaping @Sendable () -> Date, issue: @escaping @Sendable () async throws -> TokenEndpoint.Issued)
  {
    self.now = now
    self.issue = issue
  }

  package func token() async throws -> SecretBytes {
    if let current, current.expires > now() { return current.token }
    let task = pending ?? Task { [issue] in try await issue() }
    pending = task
    defer { if pending == task { pending = nil } }
    let issued = try await task.value
    // One that lives shorter than the margin is used once.
    current = (issued.access, now().addingTimeInterval(max(1, Double(issued.lifetime) - Self.margin)))
    return issued.access
  }

  package func discard() { current = nil }

  /// The client acts for itself (RFC 6749 4.4), and proves who it is by its key (RFC 7523 2.2).
  ///
  /// - Parameters:
  ///   - identity: read anew each time, so that a renewed certificate is found.
  ///   - random: as many bytes as asked for.
  package static func clientCredentials(
    _ endpoint: TokenEndpoint, client: String, scope: String,
    identity: @escaping @Sendable () throws -> (certificate: ClientCertificate, key: TokenSigningKey),
    now: @escaping @Sendable () -> Date, random: @escaping @Sendable (Int) -> [UInt8]
  ) -> SyncTokens {
    SyncTokens(now: now) {
      let (certificate, key) = try identity()
      let assertion = try ClientAssertion.make(
        client: client, audience: endpoint.token, certificate: certificate, key: key,
        identifier: Hex.encode(random(16)), now: Int(now().timeIntervalSince1970))
      return try await endpoint.issue([
        ("grant_type", "client_credentials"), ("client_id", client), ("scope", scope),
        ("client_assertion_type", ClientAssertion.type), ("client_assertion", assertion),
      ])
    }
  }

  /// A person signed in once, by ``DeviceSignIn``; what that left behind is renewed each time (RFC 6749 6).
  package static func refreshing(
    _ endpoint: TokenEndpoint, client: String, scope: String, store: any RefreshTokenStore,
    now: @escaping @Sendable () -> Date
  ) -> SyncTokens {
    SyncTokens(now: now) {
      let refresh = try store.load()
      let issued = try await endpoint.issue([
        ("grant_type", "refresh_token"), ("client_id", client), ("scope", scope),
        ("refresh_token", refresh.withBytes { String(decoding: $0, as: UTF8.self) }),
      ])
      // The old one may be worthless from now on (RFC 9700 4.14.2).
      if let renewed = issued.refresh { try store.save(renewed) }
      return issued
    }
  }
}

/// Where a refresh token is kept between runs.
package protocol RefreshTokenStore: Sendable {
  func load() throws -> SecretBytes
  /// On disk when it returns.
  func save(_ token: SecretBytes) throws
}
