// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Wire

@testable import Lab

/// openssl judges what the lab's authority issues.
@Suite struct CertificateTests {
  private static let now = Date(timeIntervalSince1970: 1_800_000_000)
  private static let url = "http://crl.corp.example/lab.crl"

  private func openssl(_ arguments: [String]) async throws -> Command.Result {
    try await Command("/usr/bin/openssl", arguments, environment: [:]).run()
  }

  private func verify(_ chain: String, _ authority: LabCertificateAuthority, at time: Date = now) async throws
    -> Command.Result
  {
    let crl = authority.directory + "/crl.pem"
    let converted = try await openssl(["crl", "-inform", "DER", "-in", authority.crlFile, "-out", crl])
    try #require(converted.status == 0, "\(converted.errorText)")
    return try await openssl([
      "verify", "-attime", String(Int(time.timeIntervalSince1970)), "-x509_strict", "-crl_check", "-CRLfile", crl,
      "-CAfile", authority.certificateFile, "-purpose", "sslserver", "-verify_hostname", "dc1.corp.example", chain,
    ])
  }

  private func write(_ certificate: IssuedCertificate, _ directory: String) throws -> String {
    try certificate.write(name: "server", directory: directory).chain
  }

  @Test func opensslAcceptsAServersCertificateUntilItIsRevoked() async throws {
    let directory = try TemporaryDirectory()
    let authority = try LabCertificateAuthority.open(directory: directory.path + "/ca", now: Self.now)
    let issued = try authority.issue(.server(["dc1.corp.example", "corp.example"], crlURLs: [Self.url], now: Self.now))
    let chain = try write(issued, directory.path)
    let good = try await verify(chain, authority)
    #expect(good.status == 0, "\(good.errorText)")

    try authority.revoke(certificateFile: chain, now: Self.now)
    let revoked = try await verify(chain, authority)
    #expect(revoked.status != 0)
    #expect(revoked.errorText.contains("certificate revoked"), "\(revoked.errorText)")

    let shown = try await openssl(["crl", "-inform", "DER", "-in", authority.crlFile, "-noout", "-text"]).text
    #expect(shown.contains("Key Compromise"))
    #expect(shown.contains("X509v3 CRL Number"))
  }

  @Test func anAuthorityOpenedAgainIsTheSameAndKeepsItsRevocations() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/ca"
    let first = try LabCertificateAuthority.open(directory: path, now: Self.now)
    let issued = try first.issue(.server(["dc1.corp.example"], crlURLs: [], now: Self.now))
    try first.revoke(serialNumber: issued.serialNumber, reason: .superseded, now: Self.now)

    let second = try LabCertificateAuthority.open(directory: path, now: Self.now + 60)
    try second.publish(now: Self.now + 60)
    #expect(second.certificate == first.certificate)
    let chain = try write(issued, directory.path)
    let revoked = try await verify(chain, second, at: Self.now + 120)
    #expect(revoked.errorText.contains("certificate revoked"), "\(revoked.errorText)")
    let other = try write(try second.issue(.server(["dc1.corp.example"], crlURLs: [], now: Self.now)), directory.path)
    #expect(try await verify(other, second, at: Self.now + 120).status == 0)
  }

  @Test func faultsAreAsAskedFor() async throws {
    let directory = try TemporaryDirectory()
    let authority = try LabCertificateAuthority.open(directory: directory.path + "/ca", now: Self.now)
    let day = LabCertificateAuthority.day
    let expired = ServerCertificateRequest(
      names: ["dc1.corp.example"], notBefore: Self.now - 30 * day, notAfter: Self.now - day, crlURLs: [])
    let late = try await verify(try write(try authority.issue(expired), directory.path), authority)
    #expect(late.errorText.contains("certificate has expired"), "\(late.errorText)")

    let stranger = ServerCertificateRequest(
      names: ["dc1.corp.example"], notBefore: Self.now - day, notAfter: Self.now + day, issuer: .unknown, crlURLs: [])
    let unknown = try await verify(try write(try authority.issue(stranger), directory.path), authority)
    #expect(unknown.status != 0)
    #expect(
      unknown.errorText.contains("unable to get local issuer") || unknown.errorText.contains("signature failure")
        || unknown.errorText.contains("unable to verify"), "\(unknown.errorText)")

    let wrong = try await verify(
      try write(try authority.issue(.server(["other.example"], crlURLs: [], now: Self.now)), directory.path), authority)
    #expect(wrong.errorText.contains("hostname mismatch"), "\(wrong.errorText)")
    #expect(throws: LabError.self) { try authority.issue(.server([], crlURLs: [], now: Self.now)) }
  }

  @Test func certificatesNameTheirRevocationLists() async throws {
    let directory = try TemporaryDirectory()
    let authority = try LabCertificateAuthority.open(directory: directory.path + "/ca", now: Self.now)
    let urls = [Self.url, "http://second.example/x.crl"]
    let chain = try write(
      try authority.issue(.server(["dc1.corp.example"], crlURLs: urls, now: Self.now)), directory.path)
    let shown = try await openssl(["x509", "-in", chain, "-noout", "-ext", "crlDistributionPoints"]).text
    for url in urls { #expect(shown.contains("URI:" + url)) }
  }

  @Test func privateKeysAreTheOwnersOnly() throws {
    let directory = try TemporaryDirectory()
    let authority = try LabCertificateAuthority.open(directory: directory.path + "/ca", now: Self.now)
    let files = try authority.issue(.server(["a.example"], crlURLs: [], now: Self.now)).write(
      name: "a", directory: directory.path)
    #expect(try TemporaryDirectory.mode(files.key) == 0o600)
    #expect(try TemporaryDirectory.mode(authority.directory + "/ca.key") == 0o600)
  }

  @Test func theListIsServedAndNothingElse() async throws {
    let directory = try TemporaryDirectory()
    let authority = try LabCertificateAuthority.open(directory: directory.path + "/ca", now: Self.now)
    let server = LabCRLServer(file: authority.crlFile, addresses: ["127.0.0.1"], port: 0)
    try await withThrowingTaskGroup(of: Void.self) { group in
      let (ports, continuation) = AsyncStream<Int>.makeStream()
      group.addTask { try? await server.run { continuation.yield($0.first ?? 0) } }
      var iterator = ports.makeAsyncIterator()
      let port = try #require(await iterator.next())
      #expect(try await HTTPProbe.answers("127.0.0.1", port, "/lab.crl"))
      #expect(try await !HTTPProbe.answers("127.0.0.1", port, "/ca.key"))
      #expect(try await !HTTPProbe.answers("127.0.0.1", port, "/../ca.key"))
      let fetched = try await Command(
        "/usr/bin/openssl",
        ["crl", "-inform", "DER", "-in", authority.crlFile, "-CAfile", authority.certificateFile, "-noout"],
        environment: [:]
      ).run()
      #expect(fetched.errorText.contains("verify OK"), "\(fetched.errorText)")
      group.cancelAll()
    }
  }

  @Test func serialNumbersAreNeverNegative() {
    #expect(RevocationList.positive([0x80, 1]) == [0, 0x80, 1])
    #expect(RevocationList.positive([0, 0, 0x7f]) == [0x7f])
    #expect(RevocationList.positive([0]) == [0])
  }

  @Test func datesBecomeCivilTime() {
    let leap = CivilTime(unixSeconds: 1_709_210_096)
    #expect((leap.year, leap.month, leap.day) == (2024, 2, 29))
    #expect((leap.hour, leap.minute, leap.second) == (12, 34, 56))
  }
}
