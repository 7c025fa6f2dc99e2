// SPDX-License-Identifier: Apache-2.0

import CryptoExtras
import Foundation
import Testing
import Wire

@testable import WebIdentity

@Suite struct SignedTokenTests {
  /// RFC 7515 A.2: the key, the signing input and the signature of the example with RS256.
  private static let modulus = """
    ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs\
    D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV\
    MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ
    """
  private static let input = """
    eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ
    """
  private static let signature = """
    cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZ\
    cAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-e\
    OkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw
    """

  private func key(_ modulus: String) throws -> JSONWebKey {
    try JSONDecoder().decode(
      JSONWebKey.self,
      from: Data(#"{"kty":"RSA","use":"sig","alg":"RS256","kid":"a","n":"\#(modulus)","e":"AQAB"}"#.utf8))
  }

  @Test func theSpecificationsExample() throws {
    let modulus = try #require(Base64URL.decode(Self.modulus))
    let exponent = try #require(Base64URL.decode("AQAB"))
    let publicKey = try _RSA.Signing.PublicKey(n: modulus, e: exponent)
    let jwk = try JSONWebKey(publicKey)
    #expect(jwk.modulus == Self.modulus)
    #expect(jwk.exponent == "AQAB")
    // Its header names neither a key nor a type, so it is no token of ours; its signature is right all the same.
    #expect(SignedToken("\(Self.input).\(Self.signature)") == nil)
    let signature = try #require(Base64URL.decode(Self.signature))
    #expect(SignedToken.isSigned(Array(Self.input.utf8), signature, by: jwk))
    #expect(!SignedToken.isSigned(Array(Self.input.utf8) + [0], signature, by: jwk))
    let other = try key(Self.modulus.replacing("ofgW", with: "ofgX"))
    #expect(!SignedToken.isSigned(Array(Self.input.utf8), signature, by: other))
  }

  /// RFC 7638 3.1.
  @Test func thumbprint() {
    let modulus = """
      0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhM\
      stn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5h\
      ajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw
      """
    #expect(JSONWebKey.thumbprint(modulus: modulus, exponent: "AQAB") == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
  }

  private struct Claims: Codable, Equatable {
    var sub: String
  }

  @Test func whatIsSignedIsVerified() throws {
    let key = try TokenSigningKey()
    let token = try key.sign(Claims(sub: "ada"), type: .access)
    let parsed = try #require(SignedToken(token))
    #expect(parsed.verify(by: [key.publicKey], type: .access) == Claims(sub: "ada"))
    #expect(parsed.verify(by: [key.publicKey], type: .identity, as: Claims.self) == nil)
    #expect(parsed.verify(by: [], type: .access, as: Claims.self) == nil)
    let again = try TokenSigningKey(representation: key.representation)
    #expect(again.publicKey == key.publicKey)
    // Another key under the same name.
    let other = try TokenSigningKey()
    let posing = try JSONDecoder().decode(
      JSONWebKey.self,
      from: try JSONEncoder().encode(other.publicKey).replacing(
        Data(other.publicKey.keyID.utf8), with: Data(key.publicKey.keyID.utf8)))
    #expect(parsed.verify(by: [posing], type: .access, as: Claims.self) == nil)
  }

  @Test func changedTokensAreRefused() throws {
    let key = try TokenSigningKey()
    let token = try key.sign(Claims(sub: "ada"), type: .access)
    let parts = token.split(separator: ".").map(String.init)
    let mallory = Base64URL.encode(Array(#"{"sub":"mallory"}"#.utf8))
    for text in [
      "\(parts[0]).\(mallory).\(parts[2])", "\(parts[0]).\(parts[1]).", "\(parts[0]).\(parts[1])", "..", "",
      token + ".",
      "\(parts[0]).\(parts[1]).\(parts[2].first == "A" ? "B" : "A")\(parts[2].dropFirst())", token + "=",
    ] {
      #expect(SignedToken(text)?.verify(by: [key.publicKey], type: .access, as: Claims.self) == nil, "\(text)")
    }
    for algorithm in ["none", "HS256", "rs256", "RS512", "ES256"] {
      let header = #"{"alg":"\#(algorithm)","kid":"\#(key.publicKey.keyID)","typ":"at+jwt"}"#
      #expect(SignedToken("\(Base64URL.encode(Array(header.utf8))).\(mallory).\(parts[2])") == nil)
    }
    #expect(SignedToken(String(repeating: "a", count: 20_000) + ".a.a") == nil)
  }

  /// Computed with `printf TOKEN | openssl dgst -sha256 -binary | head -c 16 | basenc --base64url`.
  @Test func accessTokenHash() {
    #expect(
      IdentityClaims.hash(ofAccessToken: "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y") == "77QmUPtjPfzWtF2AnpK9RQ")
  }
}
