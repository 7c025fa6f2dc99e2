// SPDX-License-Identifier: Apache-2.0

package import Wire

/// A person signs in on another device (RFC 8628): this one shows a code and asks until it was entered there.
package struct DeviceSignIn: Sendable {
  private let endpoint: TokenEndpoint
  private let client: String
  private let scope: String
  private let sleep: @Sendable (Duration) async throws -> Void

  /// RFC 8628 3.5.
  static let defaultInterval = 5
  static let slowDown = 5
  /// Seconds between two questions at most, and how long is asked in all.
  static let maximumInterval = 60
  static let maximumWait = 1_800

  package init(
    _ endpoint: TokenEndpoint, client: String, scope: String,
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  ) {
    self.endpoint = endpoint
    self.client = client
    // Without these a server has no reason to say who signed in, or to let the client come back.
    self.scope = scope + " openid offline_access"
    self.sleep = sleep
  }

  private struct Answer: Decodable {
    var device_code: String
    var user_code: String
    var verification_uri: String
    var expires_in: Int
    var interval: Int?
  }

  /// - Parameter show: tells the person where to enter which code.
  /// - Returns: the refresh token.
  /// - Throws: ``OAuthRefusal``, ``SyncAPIError`` `noToken`.
  package func run(show: (_ address: String, _ code: String) -> Void) async throws -> SecretBytes {
    let answer: Answer = try await endpoint.post(
      endpoint.deviceAuthorization, [("client_id", client), ("scope", scope)])
    show(Self.printable(answer.verification_uri), Self.printable(answer.user_code))
    var interval = min(max(answer.interval ?? Self.defaultInterval, 1), Self.maximumInterval)
    var left = min(max(answer.expires_in, 0), Self.maximumWait)
    while left > 0 {
      try await sleep(.seconds(interval))
      left -= interval
      do {
        let issued = try await endpoint.issue([
          ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("client_id", client),
          ("device_code", answer.device_code),
        ])
        guard let refresh = issued.refresh else {
          throw SyncAPIError(
            .noToken, "The server issued no refresh token.",
            remedy: "Allow the application refresh tokens (offline_access).")
        }
        return refresh
      } catch let refusal as OAuthRefusal {
        switch refusal.error {
        case "authorization_pending": continue
        case "slow_down": interval = min(interval + Self.slowDown, Self.maximumInterval)
        default: throw refusal
        }
      }
    }
    throw SyncAPIError(.noToken, "Nobody entered the code in time.", remedy: "Start again.")
  }

  private static func printable(_ text: String) -> String {
    String(text.unicodeScalars.prefix(256).map { (0x20..<0x7f).contains($0.value) ? Character($0) : "?" })
  }
}
