// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@testable import WebIdentity

/// The certificate and its thumbprints were made by OpenSSL; the key is for this test alone.
@Suite struct ClientAssertionTests {
  static let certificate = """
    -----BEGIN CERTIFICATE-----
    MIIDFzCCAf+gAwIBAgIUdNBkrRhYcDuJlO2IVtuSWIslZHQwDQYJKoZIhvcNAQEL
    BQAwGjEYMBYGA1UEAwwPQ29ubmVjdCBvZiBDb3JwMCAXDTI2MTEyNjAxMzA1MloY
    DzIxMjYxMTAyMDEzMDUyWjAaMRgwFgYDVQQDDA9Db25uZWN0IG9mIENvcnAwggEi
    MA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQDDzCBBTTNqnN8jr/2tioynk9Vo
    drsT9ZNuArF4lCgAe0JFfKQVTL6UDEmvODt8Pys7OHAlMNbsfIfsPxGQH1pmLlJ5
    5LmGWEJNogn15FMUQvz6byEvOa9xV0aSObd7uQIzQMQvefrkGRCT6NcY53/NARWd
    2rHCwVbmQDr+cYPhPg7h7yYygL/3EJTw83zIbaS8KAUnivEnMfkyOkGAoeL7Cq9F
    clYiBC1zSlJXgohhJHaMpPitnWF5rt7+7geecMsRbhdjdznEw6AyuRhvS7fT1MAG
    rfbxHlMOpjpH+/Da+U6SeDba3lLSlQWD0vserkPbfvTfdj0uY4p8PbK6UMLHAgMB
    AAGjUzBRMB0GA1UdDgQWBBTWwQxBjNMSF76shjjYHFxY2PS7LzAfBgNVHSMEGDAW
    gBTWwQxBjNMSF76shjjYHFxY2PS7LzAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3
    DQEBCwUAA4IBAQCPvZ3wE6ueFhtK/Gh0zk9FfJS8Zn+CpQc6jwY2H1MuWbeoRALe
    hBtWLPAMCdJQahfdGacbWfc6E8z0JVOZ1dfEJJr94o8jV2Yqhw4/yANTlOY7ZFoN
    TnM7mwylrE3hZfJ02nUPM0UQtxM5ccQx7ZLw1YVzVmdLhArzi6vwXglU8I4DSQEi
    q3EIPaSQSzhmVUZea5tQfJTdT5uvRioZlkN0DkYZw1okDQ9IzAiFVqm693wTKsvl
    rmaEyBZtIeCMQhYOMa9nNXuoLFAPkRpXHWlAv/ftwZyfR6TZdu2AY8Hrk83UbV5B
    tSuHB6uopjaAC6hhhi1hekHkaJ32IBn7bbvB
    -----END CERTIFICATE-----
    """
  static let key = """
    -----BEGIN PRIVATE KEY-----
    MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDDzCBBTTNqnN8j
    r/2tioynk9VodrsT9ZNuArF4lCgAe0JFfKQVTL6UDEmvODt8Pys7OHAlMNbsfIfs
    PxGQH1pmLlJ55LmGWEJNogn15FMUQvz6byEvOa9xV0aSObd7uQIzQMQvefrkGRCT
    6NcY53/NARWd2rHCwVbmQDr+cYPhPg7h7yYygL/3EJTw83zIbaS8KAUnivEnMfky
    OkGAoeL7Cq9FclYiBC1zSlJXgohhJHaMpPitnWF5rt7+7geecMsRbhdjdznEw6Ay
    uRhvS7fT1MAGrfbxHlMOpjpH+/Da+U6SeDba3lLSlQWD0vserkPbfvTfdj0uY4p8
    PbK6UMLHAgMBAAECggEACV+g3a91+jEnZ5x5zxCWekFUEqu4ehSkKbycRXMGVTuR
    aSU178UcTJcoAej1xBV8GtoxWD51052EnlVIoHc3yzOFhEtkbF+WUQQkaO604X/x
    f4XJd2rSEOGGQeLce2JYjh6YJdO3pKrkhcg8X/dZQXW/VK7PGs1JvT0u9dZ2Y1aR
    RKt8aQkfD6hS9n6ZDkgsYwbbIW9w2cWHD/8952rlwKM6Azgak132/IJQ3nbAF4O1
    8cjQfS+GZGodH7kAYHeFXsVUZMcqqydbKCraISwr4DPP0a59Zypg9lMPAeACf48C
    mvm5Hg1qdSoJJ541jvHuroxpavmKBFu3RKlN4Y0myQKBgQDsmYABxri8FpKO+lqq
    dHozpqZskmTG2nE+A5pFQCU6n7BytqboyTjpwCGykPscy8q4w/hGGgi9QhaJXZmT
    v23r8mV1zUJnYsK+YHMzQzkyXQMk4+IzUs/1pnBVouJUC3rKyBXtQqGi+xQbohLI
    CKd44inShxrauHnuFlKq6tSlKQKBgQDT2iO+Q5gHutifiYrIi+fNBhCyyovZLaz1
    UMmwEj1TvcwBsUIpoGOcmSV+ItepvHMzr+PKr/lcyXFztfZ9TDuNN9zXwZGEOxTO
    cOPq9pqdldmPQ7wM6uZIIqZ3HGN3EWFfXDSrR9LmYXApL5opm8zPbCCMwKMbJ/i8
    eXQvmWK2bwKBgQCncXcLSsVAr8TnFT0HN0motj8/xVc2+C9+kPQkIGJ4m703Yha7
    1nTF0SjIBB0DYyLEIkTZ7+DReC0U6D4hNzAm9LRja3GcU2O5ce71j5SyFOt9tx1F
    70yn8DO+F3mPu1QaoQILmMVl38V6TPh3wtArF/w7N0yFEFuSaQ/2UB1QCQKBgBw1
    EUlGCroMwMcNMzNcnXKI+jQ0D8bM9Bh9tz0AULYTsVQQW/Ta7Chvo7RVw01QUC5z
    nurf313hXH/BnJ42Rj+ZTohTt6JZk32hPleMmi2dRCh1Jla5+Atmwa9eUkgKQmLG
    DiU4HPabxqlVMzuTCQQdK4BSLeVxvwapTTUBQUl1AoGAEHTqqMQTylnwu4yIA3mj
    bPQAcPTXkVZPXVM4a9vm866MZRHMM/CRcP5z5t4Yl6asSg2QI/rafEGZXOqkp+R/
    EA/44PJ/vBRPqWJaSEtsrc1HaMKgcf1IPs6291LlVLZAtHAgEHmmZ4dLVAKoBCD7
    smGNy50hkSL4GYNodX3HQIY=
    -----END PRIVATE KEY-----
    """
  static let now = 1_800_000_000
  static let audience = "https://tenant.example/corp/oauth2/v2.0/token"

  static func assertion(now: Int = now, audience: String = audience, client: String = "app") throws -> ClientAssertion {
    let text = try ClientAssertion.make(
      client: client, audience: audience, certificate: ClientCertificate(pem: certificate),
      key: TokenSigningKey(pem: SecretBytes(Array(key.utf8))), identifier: "1", now: now)
    return try #require(ClientAssertion(text))
  }

  @Test func theCertificateIsNamedAsOthersNameIt() throws {
    let certificate = try ClientCertificate(pem: Self.certificate)
    #expect(certificate.thumbprintSHA1 == "wS0Ll7D1iMJVJthduoNKSIKxnEk")
    #expect(certificate.thumbprint == "XBVJuOdoI_jZyUCzpIPV6lcA9f78_5Z_6Xf8Q93G27Q")
    #expect(certificate.subject == "CN=Connect of Corp")
    #expect(try TokenSigningKey(pem: SecretBytes(Array(Self.key.utf8))).publicKey == certificate.publicKey)
  }

  @Test func itIsGoodForItsAudienceAndItsTime() throws {
    let keys = [try ClientCertificate(pem: Self.certificate).publicKey]
    let assertion = try Self.assertion()
    #expect(assertion.claimedClient == "app")
    #expect(assertion.isValid(by: keys, audiences: [Self.audience, "x"], at: Self.now))
    #expect(!assertion.isValid(by: keys, audiences: ["https://other.example/token"], at: Self.now))
    #expect(!assertion.isValid(by: keys, audiences: [Self.audience], at: Self.now + ClientAssertion.lifetime))
    // A clock that is a little behind, and one that is far.
    #expect(assertion.isValid(by: keys, audiences: [Self.audience], at: Self.now - ClientAssertion.clockSkew))
    #expect(!assertion.isValid(by: keys, audiences: [Self.audience], at: Self.now - ClientAssertion.clockSkew - 1))
    // Nobody's key, and another's.
    #expect(!assertion.isValid(by: [], audiences: [Self.audience], at: Self.now))
    #expect(!assertion.isValid(by: [try TokenSigningKey().publicKey], audiences: [Self.audience], at: Self.now))
  }

  @Test func whatIsNoneIsRefused() throws {
    let text = try ClientAssertion.make(
      client: "app", audience: Self.audience, certificate: ClientCertificate(pem: Self.certificate),
      key: TokenSigningKey(pem: SecretBytes(Array(Self.key.utf8))), identifier: "1", now: Self.now)
    let parts = text.split(separator: ".").map(String.init)
    for other in [
      "", "a.b.c", parts.dropLast().joined(separator: "."),
      Base64URL.encode(Array(#"{"alg":"none"}"#.utf8)) + ".\(parts[1]).",
      Base64URL.encode(Array(#"{"alg":"HS256"}"#.utf8)) + ".\(parts[1]).\(parts[2])",
    ] {
      #expect(ClientAssertion(other) == nil)
    }
    // Other claims under the same signature.
    let claims = #"{"iss":"root","sub":"root","aud":"\#(Self.audience)","exp":\#(Self.now + 60)}"#
    let forged = try #require(
      ClientAssertion("\(parts[0]).\(Base64URL.encode(Array(claims.utf8))).\(parts[2])"))
    #expect(
      !forged.isValid(
        by: [try ClientCertificate(pem: Self.certificate).publicKey], audiences: [Self.audience], at: Self.now))
  }

  @Test(arguments: [
    "client_assertion_type=urn%3Aother&client_assertion=x",
    "client_assertion=x",
    "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer",
    "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=x&client_secret=y",
  ])
  func brokenAuthenticationIsRefused(form: String) throws {
    let parameters = try FormParameters(form)
    #expect(throws: OAuthError.self) { try ClientAuthentication(authorization: nil, parameters) }
  }

  @Test func otherFilesAreNoCertificates() {
    #expect(throws: ClientCertificateError.self) { try ClientCertificate(pem: "nonsense") }
    #expect(throws: ClientCertificateError.self) { try ClientCertificate(pem: Self.key) }
    #expect(throws: ClientCertificateError.self) { try TokenSigningKey(pem: SecretBytes(Array(Self.certificate.utf8))) }
  }
}
