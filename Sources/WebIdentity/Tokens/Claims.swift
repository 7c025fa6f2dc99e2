// SPDX-License-Identifier: Apache-2.0

import Crypto
import Wire

/// What is told about a person (OpenID Connect Core 5.1), as far as the scopes allow.
package struct PersonClaims: Codable, Sendable, Equatable {
  package var subject: String
  package var name: String?
  package var givenName: String?
  package var familyName: String?
  package var preferredUsername: String?
  package var email: String?

  package init(
    subject: String, name: String? = nil, givenName: String? = nil, familyName: String? = nil,
    preferredUsername: String? = nil, email: String? = nil
  ) {
    self.subject = subject
    self.name = name
    self.givenName = givenName
    self.familyName = familyName
    self.preferredUsername = preferredUsername
    self.email = email
  }

  private enum CodingKeys: String, CodingKey {
    case subject = "sub"
    case name
    case givenName = "given_name"
    case familyName = "family_name"
    case preferredUsername = "preferred_username"
    case email
  }
}

/// What an ID token says (OpenID Connect Core 2); `tid` and `oid` are what applications made for Entra ID look for.
package struct IdentityClaims: Codable, Sendable {
  package var issuer: String
  package var audience: String
  package var expires: Int
  package var issued: Int
  package var authenticated: Int
  package var nonce: String?
  package var session: String
  package var tenant: String
  package var methods: [String]
  package var accessTokenHash: String?
  package var person: PersonClaims

  package init(
    issuer: String, audience: String, expires: Int, issued: Int, authenticated: Int, nonce: String?, session: String,
    tenant: String, methods: [String], accessToken: String, person: PersonClaims
  ) {
    self.issuer = issuer
    self.audience = audience
    self.expires = expires
    self.issued = issued
    self.authenticated = authenticated
    self.nonce = nonce
    self.session = session
    self.tenant = tenant
    self.methods = methods
    accessTokenHash = Self.hash(ofAccessToken: accessToken)
    self.person = person
  }

  /// `at_hash` (OpenID Connect Core 3.1.3.6): the left half of the token's SHA-256.
  static func hash(ofAccessToken token: String) -> String {
    Base64URL.encode(SHA256.hash(data: Array(token.utf8)).prefix(SHA256.byteCount / 2))
  }

  private enum CodingKeys: String, CodingKey {
    case issuer = "iss"
    case audience = "aud"
    case expires = "exp"
    case issued = "iat"
    case authenticated = "auth_time"
    case nonce
    case session = "sid"
    case tenant = "tid"
    case object = "oid"
    case methods = "amr"
    case accessTokenHash = "at_hash"
  }

  package func encode(to encoder: any Encoder) throws {
    try person.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(issuer, forKey: .issuer)
    try container.encode(audience, forKey: .audience)
    try container.encode(expires, forKey: .expires)
    try container.encode(issued, forKey: .issued)
    try container.encode(authenticated, forKey: .authenticated)
    try container.encodeIfPresent(nonce, forKey: .nonce)
    try container.encode(session, forKey: .session)
    try container.encode(tenant, forKey: .tenant)
    try container.encode(person.subject, forKey: .object)
    try container.encode(methods, forKey: .methods)
    try container.encodeIfPresent(accessTokenHash, forKey: .accessTokenHash)
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    issuer = try container.decode(String.self, forKey: .issuer)
    audience = try container.decode(String.self, forKey: .audience)
    expires = try container.decode(Int.self, forKey: .expires)
    issued = try container.decode(Int.self, forKey: .issued)
    authenticated = try container.decode(Int.self, forKey: .authenticated)
    nonce = try container.decodeIfPresent(String.self, forKey: .nonce)
    session = try container.decode(String.self, forKey: .session)
    tenant = try container.decode(String.self, forKey: .tenant)
    methods = try container.decode([String].self, forKey: .methods)
    accessTokenHash = try container.decodeIfPresent(String.self, forKey: .accessTokenHash)
    person = try PersonClaims(from: decoder)
  }
}

/// What an access token says (RFC 9068 2.2).
package struct AccessClaims: Codable, Sendable {
  package var issuer: String
  /// The person, or the client itself when it acts for nobody.
  package var subject: String
  package var audience: String
  package var client: String
  package var expires: Int
  package var issued: Int
  package var identifier: String
  package var scope: String
  /// What the token was issued from: a grant that can be revoked; nil for client credentials.
  package var grant: String?

  package init(
    issuer: String, subject: String, audience: String, client: String, expires: Int, issued: Int, identifier: String,
    scope: String, grant: String?
  ) {
    self.issuer = issuer
    self.subject = subject
    self.audience = audience
    self.client = client
    self.expires = expires
    self.issued = issued
    self.identifier = identifier
    self.scope = scope
    self.grant = grant
  }

  private enum CodingKeys: String, CodingKey {
    case issuer = "iss"
    case subject = "sub"
    case audience = "aud"
    case client = "client_id"
    case expires = "exp"
    case issued = "iat"
    case identifier = "jti"
    case scope
    case grant = "bridgehead_grant"
  }
}
