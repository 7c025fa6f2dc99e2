// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import FoundationEssentials
import Wire

/// A public RSA key for signatures (RFC 7517 4, RFC 7518 6.3.1).
package struct JSONWebKey: Codable, Sendable, Equatable {
  package let keyType: String
  package let use: String
  package let algorithm: String
  package let keyID: String
  /// base64url of the big-endian integers.
  package let modulus: String
  package let exponent: String

  init(_ key: _RSA.Signing.PublicKey) throws {
    let numbers = try key.getKeyPrimitives()
    keyType = "RSA"
    use = "sig"
    algorithm = SignedToken.algorithm
    modulus = Base64URL.encode(numbers.modulus.drop { $0 == 0 })
    exponent = Base64URL.encode(numbers.publicExponent.drop { $0 == 0 })
    keyID = Self.thumbprint(modulus: modulus, exponent: exponent)
  }

  /// RFC 7638 3: the SHA-256 of the required members in lexicographic order.
  static func thumbprint(modulus: String, exponent: String) -> String {
    let members = #"{"e":"\#(exponent)","kty":"RSA","n":"\#(modulus)"}"#
    return Base64URL.encode(SHA256.hash(data: Array(members.utf8)))
  }

  private enum CodingKeys: String, CodingKey {
    case keyType = "kty"
    case use
    case algorithm = "alg"
    case keyID = "kid"
    case modulus = "n"
    case exponent = "e"
  }
}

/// RFC 7517 5.
package struct JSONWebKeySet: Codable, Sendable {
  package let keys: [JSONWebKey]

  package init(_ keys: [JSONWebKey]) { self.keys = keys }
}
