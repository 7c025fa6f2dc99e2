// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import Foundation
import Logging
import SwiftASN1
import Testing
import TestSupport
import TrustTestSupport
import X509

@testable import CertificateTrust

/// One situation, our verdict on it, and openssl's.
struct Scenario: Sendable, CustomTestStringConvertible {
  var name: String
  /// Nil for a chain that is to be trusted.
  var expected: TrustError.Code?
  var leaf: Certificate
  var untrusted: [Certificate] = []
  var root: Certificate
  var host = "server.example"
  var lists: [String: [UInt8]] = [:]
  /// Certificates of indirect lists' issuers.
  var listIssuers: [Certificate] = []
  /// Options for openssl; nil where openssl has no counterpart, with the reason.
  var options: [String]?
  var why = ""
  /// Whether openssl is to check the name: it would ask for it in the certificate of an indirect list's signer too.
  var checksName = true
  /// What openssl says when it refuses.
  var text = ""

  var testDescription: String { name }
}

/// Our verdict and openssl's on the same certificates and lists.
@Suite struct VerdictTests {
  static let point = "http://crl.example/ca.crl"
  static let delta = "http://crl.example/ca+.crl"

  static func scenarios() throws -> [Scenario] {
    let root = try TestAuthority("Root")
    let stranger = try TestAuthority("Stranger")
    func leaf(_ edit: (inout TestAuthority.Request) -> Void = { _ in }) throws -> Certificate {
      try root.issue("server") {
        $0.names = ["server.example"]
        $0.points = [[point]]
        edit(&$0)
      }.certificate
    }
    func list(
      _ revoked: [TestRevocationList.Entry] = [], _ edit: (inout TestRevocationList) -> Void = { _ in }
    ) throws -> [UInt8] { try TestRevocationList(root, revoking: revoked, edit).encoded() }
    func scenario(
      _ name: String, _ expected: TrustError.Code?, _ leaf: Certificate, _ lists: [String: [UInt8]],
      _ text: String = "", _ options: [String] = ["-crl_check"]
    ) -> Scenario {
      Scenario(
        name: name, expected: expected, leaf: leaf, root: root.certificate, lists: lists, options: options, text: text)
    }
    let good = try leaf()
    var all: [Scenario] = []
    all.append(scenario("good", nil, good, [point: try list()]))
    all.append(scenario("revoked", .revoked, good, [point: try list([.init(good, reason: 1)])], "certificate revoked"))
    all.append(
      scenario(
        "expired", .expired, try leaf { $0.notAfter = TestAuthority.now - 60 }, [point: try list()], "has expired"))
    all.append(
      scenario(
        "not yet valid", .notYetValid, try leaf { $0.notBefore = TestAuthority.now + 600 }, [point: try list()],
        "not yet valid"))
    var wrongName = scenario("wrong name", .wrongName, good, [point: try list()], "ostname mismatch")
    wrongName.host = "other.example"
    all.append(wrongName)
    var unknown = scenario("unknown issuer", .unknownIssuer, good, [point: try list()], "unable to get local issuer")
    unknown.root = stranger.certificate
    all.append(unknown)
    all.append(
      scenario(
        "wrong usage", .wrongUsage, try leaf { $0.usages = [.clientAuth] }, [point: try list()],
        "unsuitable certificate purpose"))
    all.append(
      scenario(
        "stale list", .listStale, good, [point: try list { $0.nextUpdate = TestAuthority.now - 3 * TestAuthority.day }],
        "CRL has expired"))
    all.append(
      scenario(
        "list from the future", .listStale, good,
        [point: try list { $0.thisUpdate = TestAuthority.now + TestAuthority.day }], "CRL is not yet valid"))
    all.append(scenario("no list", .listUnreachable, good, [:], "unable to get certificate CRL"))
    let forged = try TestRevocationList(stranger) {
      $0.issuer = root.certificate.subject
      $0.keyIdentifier = root.keyIdentifier
    }.encoded()
    all.append(scenario("forged list", .listBadSignature, good, [point: forged], "CRL signature failure"))
    all.append(
      scenario(
        "another authority's list", .listBadSignature, good,
        [point: try TestRevocationList(stranger).encoded()], "unable to get certificate CRL"))

    let rsa = Certificate.PrivateKey(try _RSA.Signing.PrivateKey(keySize: .bits2048))
    let old = try TestAuthority("Old", key: rsa, algorithm: .sha1WithRSAEncryption)
    let forgeable = try old.issue("server") {
      $0.names = ["server.example"]
      $0.points = [[point]]
    }.certificate
    let modern = TestRevocationList(old) { $0.signer = TestRevocationList.signer(rsa, .sha256WithRSAEncryption) }
    var sha1 = scenario(
      "signed with SHA-1", .invalidChain, forgeable, [point: try modern.encoded()], "digest algorithm too weak",
      ["-crl_check", "-auth_level", "2"])
    sha1.root = old.certificate
    all.append(sha1)

    // Partitioned lists (RFC 5280 5.2.5).
    let extended = ["-crl_check", "-extended_crl"]
    let mine = TestScope.locations([point])
    all.append(
      scenario("partition", nil, good, [point: try list { $0.scope = mine + TestScope.onlyUsers }], "", extended))
    all.append(
      scenario(
        "partition, revoked", .revoked, good,
        [point: try list([.init(good, reason: 4)]) { $0.scope = mine + TestScope.onlyUsers }], "certificate revoked",
        extended))
    all.append(
      scenario(
        "another partition", .listOutOfScope, good,
        [point: try list { $0.scope = TestScope.locations(["http://crl.example/other.crl"]) }], "different CRL scope",
        extended))
    all.append(
      scenario(
        "authorities only", .listOutOfScope, good, [point: try list { $0.scope = TestScope.onlyAuthorities }],
        "different CRL scope", extended))
    all.append(
      scenario(
        "some reasons only", .listOutOfScope, good,
        [point: try list { $0.scope = TestScope.reasons([5, 0b0110_0000]) }], "unable to get certificate CRL", extended)
    )

    // Delta lists (RFC 5280 5.2.4).
    let deltas = ["-crl_check", "-extended_crl", "-use_deltas"]
    let withDelta = try leaf { $0.freshest = [delta] }
    let announced = try list { $0.number = 7 }
    func change(_ entries: [TestRevocationList.Entry] = [], base: Int = 7, number: Int = 8) throws -> [UInt8] {
      try list(entries) {
        $0.number = number
        $0.base = base
      }
    }
    all.append(scenario("delta", nil, withDelta, [point: announced, delta: try change()], "", deltas))
    all.append(
      scenario(
        "delta revokes", .revoked, withDelta, [point: announced, delta: try change([.init(withDelta, reason: 1)])],
        "certificate revoked", deltas))
    all.append(
      scenario(
        "delta releases", nil, withDelta,
        [
          point: try list([.init(withDelta, reason: 6)]) { $0.number = 7 },
          delta: try change([.init(withDelta, reason: 8)]),
        ], "", deltas))
    var newerBase = scenario(
      "delta on a newer base", .listOutOfScope, withDelta, [point: announced, delta: try change(base: 9, number: 10)])
    newerBase.options = nil
    newerBase.why = "openssl falls back to the complete list alone; we do not believe it when a delta is announced"
    all.append(newerBase)
    var missing = scenario("delta missing", .listUnreachable, withDelta, [point: announced])
    missing.options = nil
    missing.why = newerBase.why
    all.append(missing)

    // Indirect lists (RFC 5280 5.3.3).
    let listIssuer = try root.issueAuthority("List issuer")
    func issuerPoint(_ name: DistinguishedName) -> [UInt8] {
      DERText.sequence(
        DERText.sequence(
          DERText.element(0xa0, DERText.locations(0xa0, [point])),
          DERText.element(0xa2, DERText.element(0xa4, DERText.encoded(name)))))
    }
    let delegated = try leaf { $0.rawPoints = issuerPoint(listIssuer.certificate.subject) }
    func indirect(
      _ entries: [TestRevocationList.Entry], _ scope: [UInt8] = TestScope.locations([point]) + TestScope.indirect
    ) throws -> [UInt8] { try TestRevocationList(listIssuer, revoking: entries) { $0.scope = scope }.encoded() }
    func indirectScenario(_ name: String, _ expected: TrustError.Code?, _ list: [UInt8], _ text: String = "")
      -> Scenario
    {
      var one = scenario(name, expected, delegated, [point: list], text, extended)
      one.listIssuers = [listIssuer.certificate]
      one.untrusted = [listIssuer.certificate]
      one.checksName = false
      return one
    }
    all.append(indirectScenario("indirect", nil, try indirect([])))
    let other = try listIssuer.issue("other").certificate
    all.append(
      indirectScenario(
        "indirect, revoked", .revoked,
        try indirect([.init(other), .init(delegated, reason: 1, issuer: root.certificate.subject)]),
        "certificate revoked"))
    // The same serial number of another issuer says nothing about this certificate.
    all.append(indirectScenario("indirect, another issuer's serial", nil, try indirect([.init(delegated)])))
    all.append(
      indirectScenario(
        "indirect, not marked", .listOutOfScope, try indirect([], TestScope.locations([point])),
        "unable to get certificate CRL"))
    let outsider = try stranger.issueAuthority("List issuer")
    var foreign = indirectScenario(
      "indirect, signer of another tree", .listBadSignature,
      try TestRevocationList(outsider) { $0.scope = TestScope.locations([point]) + TestScope.indirect }.encoded(),
      "CRL")
    foreign.listIssuers = [outsider.certificate]
    foreign.untrusted = [outsider.certificate]
    all.append(foreign)

    // An intermediate authority.
    let middle = try root.issueAuthority("Middle") { $0.points = [["http://crl.example/root.crl"]] }
    let under = try middle.issue("server") {
      $0.names = ["server.example"]
      $0.points = [[point]]
    }.certificate
    func chain(_ name: String, _ expected: TrustError.Code?, _ rootList: [UInt8], _ text: String = "") throws
      -> Scenario
    {
      var one = scenario(
        name, expected, under,
        [point: try TestRevocationList(middle).encoded(), "http://crl.example/root.crl": rootList], text,
        ["-crl_check_all"])
      one.untrusted = [middle.certificate]
      return one
    }
    // openssl wants a list for the root as well, which it finds in the root's own one.
    all.append(try chain("intermediate", nil, try list()))
    all.append(
      try chain(
        "intermediate revoked", .revoked, try list([.init(middle.certificate, reason: 2)]), "certificate revoked"))
    let mute = try root.issueAuthority("Mute") { $0.signsLists = false }
    let underMute = try mute.issue("server") {
      $0.names = ["server.example"]
      $0.points = [[point]]
    }.certificate
    var noUsage = scenario(
      "signer without cRLSign", .listBadSignature, underMute, [point: try TestRevocationList(mute).encoded()],
      "CRL")
    noUsage.untrusted = [mute.certificate]
    all.append(noUsage)
    return all
  }

  static func validator(_ scenario: Scenario, mode: RevocationPolicy.Mode = .require) -> ChainValidator {
    let now: @Sendable () -> Date = { TestAuthority.now }
    let cache = RevocationListCache(source: ListShelf(scenario.lists), now: now)
    let quiet = Logger.silent
    let policy = RevocationPolicy(mode, cache: cache, listIssuers: scenario.listIssuers, now: now, log: quiet)
    return ChainValidator(anchors: TrustAnchors([scenario.root]), revocation: policy, now: now)
  }

  @Test func verdictsAgreeWithOpenSSL() async throws {
    for scenario in try Self.scenarios() {
      let presented = try PresentedCertificates(
        derEncoded: ([scenario.leaf] + scenario.untrusted).map { $0.der })
      var verdict: TrustError?
      do throws(TrustError) {
        _ = try await Self.validator(scenario).validate(presented, for: .server(PeerName(scenario.host)))
      } catch {
        verdict = error
      }
      #expect(verdict?.code == scenario.expected, "\(scenario.name): \(verdict?.message ?? "trusted")")
      guard OpenSSL.isPresent else { continue }
      guard let options = scenario.options else {
        print("not compared with openssl: \(scenario.name): \(scenario.why)")
        continue
      }
      let judge = try OpenSSL.verify(
        leaf: scenario.leaf, roots: [scenario.root], untrusted: scenario.untrusted, lists: Array(scenario.lists.values),
        host: scenario.checksName ? scenario.host : nil, at: TestAuthority.now, options: options)
      #expect((judge.status == 0) == (scenario.expected == nil), "\(scenario.name): openssl says \(judge.text)")
      if !scenario.text.isEmpty {
        #expect(judge.text.contains(scenario.text), "\(scenario.name): openssl says \(judge.text)")
      }
    }
  }

  @Test func openSSLReadsTheListsAsWeDo() async throws {
    guard OpenSSL.isPresent else { return }
    let root = try TestAuthority("Root")
    let leaf = try root.issue("leaf").certificate
    let bytes = try TestRevocationList(root, revoking: [.init(leaf, reason: 1)]) { $0.number = 300 }.encoded()
    let list = try CertificateList(bytes, from: "test")
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("bridgehead-\(UUID().uuidString).crl")
    try Data(bytes).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let text = try OpenSSL.run(["crl", "-inform", "DER", "-in", file.path, "-noout", "-text"]).text
    #expect(text.contains("Key Compromise"))
    #expect(text.contains("300"))
    let entry = try #require(try list.entry(serial: leaf.serialNumber.bytes, issuer: root.certificate.subject))
    #expect(entry.reason == .keyCompromise)
    #expect(text.contains("Next Update: Jun 21 12:00:00 2026 GMT"))
    #expect(list.nextUpdate.formatted(.iso8601) == "2026-06-21T12:00:00Z")
  }

  /// `prefer` refuses what is revoked and lets pass what is not known; `off` looks at nothing.
  @Test func modes() async throws {
    let unknown: Set<TrustError.Code> = [
      .listStale, .listUnreachable, .listBadSignature, .listOutOfScope, .listMalformed, .noDistributionPoint,
    ]
    for scenario in try Self.scenarios() {
      for mode in [RevocationPolicy.Mode.prefer, .off] {
        let presented = try PresentedCertificates(derEncoded: ([scenario.leaf] + scenario.untrusted).map { $0.der })
        var verdict: TrustError.Code?
        do throws(TrustError) {
          _ = try await Self.validator(scenario, mode: mode).validate(presented, for: .server(PeerName(scenario.host)))
        } catch {
          verdict = error.code
        }
        var expected = scenario.expected.flatMap { unknown.contains($0) ? nil : $0 }
        if mode == .off, expected == .revoked { expected = nil }
        #expect(verdict == expected, "\(scenario.name) with \(mode)")
      }
    }
  }
}
