// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import FoundationEssentials
import Wire

/// A JSON Web Token (RFC 7519) that came from outside. Its claims can be read only through ``verify(by:type:as:)``.
///
/// There is one algorithm. The header chooses among the keys, never how a signature is checked: a token that names another
/// algorithm, `none` among them, is refused before anything else.
package struct SignedToken: Sendable {
  package static let algorithm = "RS256"
  /// A token with every claim and long names has about 2 KiB.
  static let maximumBytes = 16 << 10

  /// `typ`: keeps one kind of token from being taken for another (RFC 8725 3.11).
  package enum TokenType: String, Sendable {
    case identity = "JWT"
    /// RFC 9068 2.1.
    case access = "at+jwt"
  }

  struct Header: Codable, Sendable {
    let algorithm: String
    let keyID: String
    let type: String

    private enum CodingKeys: String, CodingKey {
      case algorithm = "alg"
      case keyID = "kid"
      case type = "typ"
    }
  }

  private let header: Header
  private let input: [UInt8]
  private let payload: [UInt8]
  private let signature: [UInt8]

  /// Nil for what is no compact JSON Web Signature with this algorithm.
  package init?(_ text: some StringProtocol) {
    guard text.utf8.count <= Self.maximumBytes else { return nil }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, let head = Base64URL.decode(parts[0]), let payload = Base64URL.decode(parts[1]),
      let signature = Base64URL.decode(parts[2]),
      let header = try? JSONDecoder().decode(Header.self, from: Data(head)), header.algorithm == Self.algorithm
    else { return nil }
    self.header = header
    input = Array("\(parts[0]).\(parts[1])".utf8)
    self.payload = payload
    self.signature = signature
  }

  /// The claims of a token that one of these keys signed; nil otherwise. Times and audience are the caller's to check.
  package func verify<Claims: Decodable>(
    by keys: [JSONWebKey], type: TokenType, as claims: Claims.Type = Claims.self
  ) -> Claims? {
    guard header.type == type.rawValue, let key = keys.first(where: { $0.keyID == header.keyID }),
      Self.isSigned(input, signature, by: key)
    else { return nil }
    return try? JSONDecoder().decode(Claims.self, from: Data(payload))
  }

  /// RFC 7518 3.3.
  static func isSigned(_ input: [UInt8], _ signature: [UInt8], by key: JSONWebKey) -> Bool {
    guard let modulus = Base64URL.decode(key.modulus), let exponent = Base64URL.decode(key.exponent),
      let publicKey = try? _RSA.Signing.PublicKey(n: modulus, e: exponent)
    else { return false }
    return publicKey.isValidSignature(
      _RSA.Signing.RSASignature(rawRepresentation: signature), for: SHA256.hash(data: input),
      padding: .insecurePKCS1v1_5)
  }
}
