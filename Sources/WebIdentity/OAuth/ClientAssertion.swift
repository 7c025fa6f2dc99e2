// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Wire

/// A client's own signed statement of who it is, instead of a secret (RFC 7521 4.2, RFC 7523 3; `private_key_jwt`).
///
/// It is accepted more than once within its short life, as RFC 7523 3 leaves open: clients in the field (MSAL) send the same
/// one until it is about to expire. It travels over TLS to the issuer alone, and is good for nothing elsewhere.
package struct ClientAssertion: Sendable {
  package static let type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
  /// Seconds that an assertion made here is good for.
  static let lifetime = 300
  /// The longest life that is accepted, in seconds: MSAL's assertions have 600, and clocks differ.
  package static let maximumLifetime = 900
  /// How far the client's clock may be ahead, in seconds.
  static let clockSkew = 300

  struct Header: Codable, Sendable {
    var algorithm: String
    var type: String?
    var keyID: String?
    var thumbprintSHA1: String?
    var thumbprint: String?

    private enum CodingKeys: String, CodingKey {
      case algorithm = "alg"
      case type = "typ"
      case keyID = "kid"
      case thumbprintSHA1 = "x5t"
      case thumbprint = "x5t#S256"
    }
  }

  struct Claims: Codable, Sendable {
    var issuer: String
    var subject: String
    var audience: String
    /// `NumericDate` (RFC 7519 2): with a fraction where a client likes (MSAL does).
    var expires: Double
    var issued: Double?
    var notBefore: Double?
    var identifier: String?

    private enum CodingKeys: String, CodingKey {
      case issuer = "iss"
      case subject = "sub"
      case audience = "aud"
      case expires = "exp"
      case issued = "iat"
      case notBefore = "nbf"
      case identifier = "jti"
    }
  }

  private let header: Header
  private let claims: Claims
  private let input: [UInt8]
  private let signature: [UInt8]

  /// Nil for what is no signed token with the one algorithm that is used here.
  package init?(_ text: String) {
    guard text.utf8.count <= SignedToken.maximumBytes else { return nil }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, let head = Base64URL.decode(parts[0]), let payload = Base64URL.decode(parts[1]),
      let signature = Base64URL.decode(parts[2]),
      let header = try? JSONDecoder().decode(Header.self, from: Data(head)), header.algorithm == SignedToken.algorithm,
      let claims = try? JSONDecoder().decode(Claims.self, from: Data(payload))
    else { return nil }
    self.header = header
    self.claims = claims
    self.signature = signature
    input = Array("\(parts[0]).\(parts[1])".utf8)
  }

  /// Who it says that it is from: to find the keys, and nothing else before ``isValid(by:audiences:at:)``.
  package var claimedClient: String { claims.subject }

  /// - Parameters:
  ///   - keys: those that are registered for the client.
  ///   - audiences: what the provider is called: its issuer and the endpoint.
  ///   - now: seconds since 1970.
  package func isValid(by keys: [JSONWebKey], audiences: Set<String>, at now: Int) -> Bool {
    let now = Double(now)
    guard claims.issuer == claims.subject, audiences.contains(claims.audience), claims.expires > now,
      claims.expires - now <= Double(Self.maximumLifetime), (claims.notBefore ?? now) <= now + Double(Self.clockSkew),
      (claims.issued ?? now) <= now + Double(Self.clockSkew)
    else { return false }
    return keys.contains { SignedToken.isSigned(input, signature, by: $0) }
  }

  /// A new one.
  ///
  /// - Parameters:
  ///   - audience: the token endpoint's URL.
  ///   - identifier: random.
  ///   - now: seconds since 1970.
  /// - Throws: `EncodingError`, or what the library throws.
  package static func make(
    client: String, audience: String, certificate: ClientCertificate, key: TokenSigningKey, identifier: String, now: Int
  ) throws -> String {
    try key.sign(
      header: Header(
        algorithm: SignedToken.algorithm, type: "JWT", keyID: certificate.publicKey.keyID,
        thumbprintSHA1: certificate.thumbprintSHA1, thumbprint: certificate.thumbprint),
      Claims(
        issuer: client, subject: client, audience: audience, expires: Double(now + lifetime), issued: Double(now),
        notBefore: Double(now),
        identifier: identifier))
  }
}
