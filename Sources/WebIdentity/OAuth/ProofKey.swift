// SPDX-License-Identifier: Apache-2.0

import Crypto
import Wire

/// Proof Key for Code Exchange (RFC 7636). Only the method `S256` exists here: with `plain` whoever reads the request could
/// redeem the code.
package struct ProofKey: Sendable, Equatable {
  package static let method = "S256"

  /// `code_challenge`: base64url of 32 bytes.
  package let challenge: String

  /// The challenge of a request; nil when there is none.
  ///
  /// - Throws: ``OAuthError`` `invalidRequest` for another method (also the default of RFC 7636 4.3, `plain`) and for what is
  ///   no SHA-256 value.
  package init?(_ parameters: FormParameters) throws(OAuthError) {
    let method = parameters["code_challenge_method"]
    guard let challenge = parameters["code_challenge"] else {
      guard method == nil else {
        throw OAuthError(.invalidRequest, "code_challenge_method is given without a code_challenge.")
      }
      return nil
    }
    guard method == Self.method else {
      throw OAuthError(.invalidRequest, "code_challenge_method must be S256.")
    }
    guard Base64URL.decode(challenge)?.count == SHA256.byteCount else {
      throw OAuthError(.invalidRequest, "code_challenge is not the base64url form of a SHA-256 value.")
    }
    self.challenge = challenge
  }

  /// The challenge that a client makes of its verifier (RFC 7636 4.2).
  package init(verifier: String) { challenge = Self.challenge(of: verifier) }

  /// A challenge that was stored.
  package init(challenge: String) { self.challenge = challenge }

  /// Whether the verifier (RFC 7636 4.1: 43 to 128 unreserved characters) belongs to the challenge; in constant time.
  package func isProved(by verifier: String) -> Bool {
    guard (43...128).contains(verifier.utf8.count), verifier.utf8.allSatisfy(Self.isUnreserved) else { return false }
    return ConstantTime.equal(challenge.utf8, Self.challenge(of: verifier).utf8)
  }

  private static func challenge(of verifier: String) -> String {
    Base64URL.encode(SHA256.hash(data: Array(verifier.utf8)))
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "~"):
      true
    default: false
    }
  }
}
