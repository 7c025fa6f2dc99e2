// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WebIdentity
import Wire

@Suite struct ProofKeyTests {
  /// RFC 7636 appendix B.
  private static let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
  private static let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

  private func key(_ text: String) throws -> ProofKey? { try ProofKey(FormParameters(text)) }

  @Test func theSpecificationsExample() throws {
    let key = try #require(try key("code_challenge=\(Self.challenge)&code_challenge_method=S256"))
    #expect(key.isProved(by: Self.verifier))
    #expect(!key.isProved(by: Self.verifier.dropLast() + "l"))
    #expect(!key.isProved(by: Self.challenge))
    #expect(!key.isProved(by: ""))
  }

  @Test func onlyS256() throws {
    #expect(try key("a=b") == nil)
    for text in [
      "code_challenge=\(Self.challenge)", "code_challenge=\(Self.challenge)&code_challenge_method=plain",
      "code_challenge_method=S256", "code_challenge=x&code_challenge_method=S256",
      "code_challenge=\(Self.challenge)A&code_challenge_method=S256",
      "code_challenge=\(Self.challenge)%3D&code_challenge_method=S256",
    ] {
      #expect(throws: OAuthError.self) { try key(text) }
    }
  }

  @Test func verifiersHaveTheirForm() throws {
    for verifier in [
      String(repeating: "a", count: 42), String(repeating: "a", count: 129), String(repeating: "é", count: 43),
    ] {
      let parameters = try FormParameters(
        "code_challenge_method=S256&code_challenge=" + Base64URL.encode(SHA256Text.hash(verifier)))
      #expect(try #require(try ProofKey(parameters)).isProved(by: verifier) == false)
    }
  }
}

@Suite struct EncodingTests {
  /// RFC 7515 appendix C, and RFC 4648 10 with the other alphabet.
  @Test func base64url() {
    #expect(Base64URL.encode([3, 236, 255, 224, 193]) == "A-z_4ME")
    #expect(Base64URL.decode("A-z_4ME") == [3, 236, 255, 224, 193])
    #expect(Base64URL.decode("") == [])
    for text in ["A-z_4ME=", "A+z/4ME", "A", "A-z_4MF", "A-z 4ME", "A-z_4ME\n"] {
      #expect(Base64URL.decode(text) == nil)
    }
  }

  @Test func formParameters() throws {
    let form = try FormParameters("a=1+2&b=%C3%A4%26&empty=&c")
    #expect(form["a"] == "1 2")
    #expect(form["b"] == "ä&")
    #expect(form["empty"] == nil && form["c"] == nil && form["d"] == nil)
    for text in [
      "a=1&a=2", "a=&%61=", "a=%", "a=%4", "a=%zz", "a=%+1", "a=%ff",
      (0..<65).map { "p\($0)=1" }.joined(separator: "&"),
    ] {
      #expect(throws: OAuthError.self) { try FormParameters(text) }
    }
    #expect(FormParameters.encode([("a b", "ä&=+/~-._")]) == "a%20b=%C3%A4%26%3D%2B%2F~-._")
  }

  @Test func messagesAreHarmless() {
    #expect(OAuthError(.invalidRequest, "a\"b\\c\r\nd\u{e4}").message == "a?b?c??d?")
  }
}
