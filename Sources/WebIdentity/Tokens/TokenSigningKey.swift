// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import FoundationEssentials
package import Wire

/// A private key that signs tokens with RS256 (RFC 7518 3.3), which every client of OpenID Connect has to understand.
package struct TokenSigningKey: Sendable {
  private let key: _RSA.Signing.PrivateKey
  package let publicKey: JSONWebKey

  /// A new key of 2048 bits; this takes some tenths of a second.
  ///
  /// - Throws: what the library throws when it has no memory or randomness.
  package init() throws {
    key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
    publicKey = try JSONWebKey(key.publicKey)
  }

  init(key: _RSA.Signing.PrivateKey) throws {
    self.key = key
    publicKey = try JSONWebKey(key.publicKey)
  }

  /// - Throws: what the library throws when the bytes are not as ``representation`` made them.
  package init(representation: SecretBytes) throws {
    key = try representation.withBytes { try _RSA.Signing.PrivateKey(derRepresentation: $0) }
    publicKey = try JSONWebKey(key.publicKey)
  }

  /// PKCS #1 in DER.
  package var representation: SecretBytes { SecretBytes(key.derRepresentation) }

  /// A compact JSON Web Signature (RFC 7515 3.1) over the claims.
  ///
  /// - Throws: `EncodingError`, or what the library throws.
  package func sign(_ claims: some Encodable, type: SignedToken.TokenType) throws -> String {
    try sign(
      header: SignedToken.Header(algorithm: SignedToken.algorithm, keyID: publicKey.keyID, type: type.rawValue), claims)
  }

  func sign(header: some Encodable, _ claims: some Encodable) throws -> String {
    let input =
      Base64URL.encode(try StableJSON.encode(header)) + "." + Base64URL.encode(try StableJSON.encode(claims))
    return input + "." + Base64URL.encode(try signature(over: Array(input.utf8)))
  }

  func signature(over input: [UInt8]) throws -> [UInt8] {
    Array(try key.signature(for: SHA256.hash(data: input), padding: .insecurePKCS1v1_5).rawRepresentation)
  }
}
