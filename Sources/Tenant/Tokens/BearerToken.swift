// SPDX-License-Identifier: Apache-2.0

import Crypto
package import FoundationEssentials
import Wire

/// What is known of a token; its secret is not.
package struct TokenRecord: Sendable, Hashable {
  package let id: String
  /// What the administrator called it.
  package let name: String
  package let scopes: Set<TokenScope>
  package let created: Date
  package let expires: Date
  package let revoked: Date?

  package func isValid(at moment: Date) -> Bool { revoked == nil && moment < expires }

  func allows(_ scope: TokenScope) -> Bool { scopes.contains { $0.includes(scope) } }
}

/// A token as a client sends it (RFC 6750 2.1): `bht_<id>_<secret>`, the id of 8 bytes and the secret of 32, in hex.
///
/// The secret is random with 256 bits, so one SHA-256 suffices: there is nothing to guess from a dictionary.
struct BearerToken {
  static let prefix = "bht_"
  static let idBytes = 8
  static let secretBytes = 32

  let id: String
  private let secret: [UInt8]

  init(random: (Int) -> [UInt8]) {
    id = Hex.encode(random(Self.idBytes))
    secret = random(Self.secretBytes)
  }

  /// Nil unless the text has the form of a token.
  init?(_ text: some StringProtocol) {
    guard text.hasPrefix(Self.prefix) else { return nil }
    let parts = text.dropFirst(Self.prefix.count).split(separator: "_", omittingEmptySubsequences: false)
    guard parts.count == 2, let id = Hex.decode(parts[0]), id.count == Self.idBytes,
      let secret = Hex.decode(parts[1]), secret.count == Self.secretBytes
    else { return nil }
    self.id = Hex.encode(id)
    self.secret = secret
  }

  /// What the administrator is shown once.
  var text: String { "\(Self.prefix)\(id)_\(Hex.encode(secret))" }

  /// What the store keeps.
  var hash: [UInt8] { Array(SHA256.hash(data: secret)) }

  /// Compares in constant time.
  func matches(_ hash: [UInt8]) -> Bool { ConstantTime.equal(self.hash, hash) }
}
