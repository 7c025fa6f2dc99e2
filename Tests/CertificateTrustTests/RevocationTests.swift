// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TestSupport
import TrustTestSupport
import Wire
import X509

@testable import CertificateTrust

/// The cache, the grace, and the places where lists are looked for.
@Suite struct RevocationTests {
  static let point = "http://crl.example/ca.crl"
  let root: TestAuthority
  let clock = TestClock(TestAuthority.now)

  init() throws { root = try TestAuthority("Root") }

  func list(_ edit: (inout TestRevocationList) -> Void = { _ in }) throws -> [UInt8] {
    try TestRevocationList(root, edit).encoded()
  }

  func leaf(_ edit: (inout TestAuthority.Request) -> Void = { _ in }) throws -> Certificate {
    try root.issue("server") {
      $0.names = ["server.example"]
      $0.addresses = [[127, 0, 0, 1]]
      $0.points = [[Self.point]]
      edit(&$0)
    }.certificate
  }

  func validate(
    _ leaf: Certificate, _ cache: RevocationListCache, mode: RevocationPolicy.Mode = .require, grace: TimeInterval = 0,
    fallback: [String] = [], host: String = "server.example"
  ) async throws(TrustError) -> ValidatedPeer {
    let policy = RevocationPolicy(mode, cache: cache, grace: grace, fallbackLocations: fallback, now: clock.read)
    let validator = ChainValidator(anchors: TrustAnchors([root.certificate]), revocation: policy, now: clock.read)
    return try await validator.validate(
      PresentedCertificates(derEncoded: [leaf.der]), for: .server(PeerName(host)))
  }

  func code(_ body: () async throws(TrustError) -> ValidatedPeer) async -> TrustError.Code? {
    do throws(TrustError) {
      _ = try await body()
      return nil
    } catch {
      return error.code
    }
  }

  @Test func keepsAListUntilItsNextUpdate() async throws {
    let shelf = ListShelf([Self.point: try list()])
    let cache = RevocationListCache(source: shelf, now: clock.read)
    let leaf = try leaf()
    for _ in 0..<3 { _ = try await validate(leaf, cache) }
    #expect(shelf.fetched.count == 1)
    clock.now += 7 * TestAuthority.day
    let day = clock.now
    shelf.put(
      try list {
        $0.thisUpdate = day
        $0.nextUpdate = day + TestAuthority.day
      }, at: Self.point)
    let peer = try await validate(leaf, cache)
    #expect(shelf.fetched.count == 2)
    #expect(peer.revocation == [.good(until: day + TestAuthority.day, grace: nil)])
  }

  @Test func sharesOneDownload() async throws {
    let shelf = ListShelf([Self.point: try list()])
    let cache = RevocationListCache(source: shelf, now: clock.read)
    let leaf = try leaf()
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<20 {
        group.addTask { await self.code { () throws(TrustError) in try await validate(leaf, cache) } == nil }
      }
      for await good in group { #expect(good) }
    }
    #expect(shelf.fetched.count == 1)
  }

  @Test func aNewProcessReadsTheDirectory() async throws {
    let directory = FileManager.default.temporaryDirectory.path + "/bridgehead-\(UUID().uuidString)/lists"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let shelf = ListShelf([Self.point: try list()])
    let leaf = try leaf()
    _ = try await validate(leaf, RevocationListCache(source: shelf, directory: directory, now: clock.read))
    _ = try await validate(leaf, RevocationListCache(source: shelf, directory: directory, now: clock.read))
    #expect(shelf.fetched.count == 1)
    // A damaged file is fetched again and replaced.
    let file = try #require(try FileManager.default.contentsOfDirectory(atPath: directory).first)
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: directory + "/" + file))
    _ = try await validate(leaf, RevocationListCache(source: shelf, directory: directory, now: clock.read))
    #expect(shelf.fetched.count == 2)
    _ = try await validate(leaf, RevocationListCache(source: ListShelf(), directory: directory, now: clock.read))
  }

  @Test func theDirectoryHasALimit() async throws {
    let directory = FileManager.default.temporaryDirectory.path + "/bridgehead-\(UUID().uuidString)/lists"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let old = Date(timeIntervalSince1970: 1_000_000)
    for number in 0...RevocationListCache.maximumFiles {
      let path = directory + "/\(number).crl"
      try Data([1]).write(to: URL(fileURLWithPath: path))
      try FileManager.default.setAttributes(
        [.modificationDate: old.addingTimeInterval(Double(number))], ofItemAtPath: path)
    }
    try Data([1]).write(to: URL(fileURLWithPath: directory + "/notes"))
    let shelf = ListShelf([Self.point: try list()])
    let leaf = try leaf()
    _ = try await validate(leaf, RevocationListCache(source: shelf, directory: directory, now: clock.read))
    let left = Set(try FileManager.default.contentsOfDirectory(atPath: directory))
    #expect(left.count { $0.hasSuffix(".crl") } == RevocationListCache.maximumFiles)
    // The oldest are gone; what is no list is not the cache's.
    #expect(!left.contains("0.crl") && !left.contains("1.crl") && left.contains("2.crl") && left.contains("notes"))
    _ = try await validate(leaf, RevocationListCache(source: ListShelf(), directory: directory, now: clock.read))
  }

  /// A verdict is of one list and one key.
  @Test func signaturesAreVerifiedOnce() async throws {
    let shelf = ListShelf([Self.point: try list()])
    let cache = RevocationListCache(source: shelf, now: clock.read)
    let leaf = try leaf()
    for _ in 0..<3 { _ = try await validate(leaf, cache) }
    #expect(await cache.verdicts.count == 1)
    let stranger = try TestAuthority("Stranger")
    let kept = try CertificateList(try list(), from: Self.point)
    for _ in 0..<2 {
      #expect(await cache.isSigned(kept, by: root.certificate.publicKey))
      #expect(await !cache.isSigned(kept, by: stranger.certificate.publicKey))
    }
    // The other encoding of the list is a list of its own: its signature differs.
    #expect(await cache.verdicts.count <= 3)
  }

  @Test func aForgedListDisplacesNothing() async throws {
    let directory = FileManager.default.temporaryDirectory.path + "/bridgehead-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let stranger = try TestAuthority("Stranger")
    let forged = try TestRevocationList(stranger) {
      $0.issuer = root.certificate.subject
      $0.nextUpdate = TestAuthority.now + 300 * TestAuthority.day
    }.encoded()
    let shelf = ListShelf([Self.point: forged])
    let cache = RevocationListCache(source: shelf, directory: directory, now: clock.read)
    let leaf = try leaf()
    #expect(await code { () throws(TrustError) in try await validate(leaf, cache) } == .listBadSignature)
    #expect(!FileManager.default.fileExists(atPath: directory))
    shelf.put(try list(), at: Self.point)
    clock.now += RevocationListCache.retryAfterFailure
    #expect(await code { () throws(TrustError) in try await validate(leaf, cache) } == nil)
  }

  @Test func anOlderListDisplacesNothing() async throws {
    let revoked = try leaf()
    let newer = try TestRevocationList(root, revoking: [.init(revoked, reason: 1)]) {
      $0.nextUpdate = TestAuthority.now + 60
    }.encoded()
    let shelf = ListShelf([Self.point: newer])
    let cache = RevocationListCache(source: shelf, now: clock.read)
    #expect(await code { () throws(TrustError) in try await validate(revoked, cache) } == .revoked)
    clock.now += 120
    shelf.put(try list { $0.thisUpdate = TestAuthority.now - 2 * TestAuthority.day }, at: Self.point)
    #expect(
      await code { () throws(TrustError) in try await validate(revoked, cache, grace: TestAuthority.day) } == .revoked)
  }

  @Test func believesAListForTheGraceAndNoLonger() async throws {
    let shelf = ListShelf([Self.point: try list { $0.nextUpdate = TestAuthority.now + 60 }])
    let cache = RevocationListCache(source: shelf, now: clock.read)
    let leaf = try leaf()
    _ = try await validate(leaf, cache, grace: 3600)
    shelf.put(nil, at: Self.point)
    clock.now += 120
    let peer = try await validate(leaf, cache, grace: 3600)
    guard case .good(_, let grace?) = peer.revocation.first else {
      Issue.record("\(peer.revocation)")
      return
    }
    #expect(grace.code == .listStale && grace.message.contains("nothing is there"))
    #expect(await code { () throws(TrustError) in try await validate(leaf, cache) } == .listUnreachable)
    clock.now += 3600
    #expect(
      await code { () throws(TrustError) in try await validate(leaf, cache, grace: 3600) } == .listUnreachable)
    let bounded = RevocationPolicy(.require, cache: cache, grace: 1e9, now: clock.read)
    #expect(bounded.grace == RevocationPolicy.maximumGrace)
  }

  @Test func doesNotAskAgainRightAfterAFailure() async throws {
    let shelf = ListShelf()
    let cache = RevocationListCache(source: shelf, now: clock.read)
    let leaf = try leaf()
    for _ in 0..<3 {
      #expect(await code { () throws(TrustError) in try await validate(leaf, cache) } == .listUnreachable)
    }
    #expect(shelf.fetched.count == 1)
    clock.now += RevocationListCache.retryAfterFailure
    #expect(await code { () throws(TrustError) in try await validate(leaf, cache) } == .listUnreachable)
    #expect(shelf.fetched.count == 2)
  }

  @Test func triesPointsAndLocationsInOrder() async throws {
    let ldap = "ldap:///CN=CA,CN=CDP,DC=corp,DC=example?certificateRevocationList;binary"
    let second = "http://crl.example/second.crl"
    let shelf = ListShelf([second: try list()])
    let cache = RevocationListCache(source: shelf, now: clock.read)
    let both = try leaf { $0.points = [[ldap, second]] }
    #expect(await code { () throws(TrustError) in try await validate(both, cache) } == nil)
    #expect(shelf.fetched == [ldap, second])
    let apart = try leaf { $0.points = [[ldap], [second]] }
    #expect(await code { () throws(TrustError) in try await validate(apart, cache) } == nil)
    let overLDAP = ListShelf([ldap: try list()])
    let other = RevocationListCache(source: overLDAP, now: clock.read)
    #expect(await code { () throws(TrustError) in try await validate(both, other) } == nil)
    #expect(overLDAP.fetched == [ldap])
  }

  /// Two lists that cover some reasons each cover the certificate together (RFC 5280 6.3.3 (d), (e)).
  @Test func reasonsAddUp() async throws {
    let other = "http://crl.example/other.crl"
    func points(_ parts: [(String, [UInt8])]) -> [UInt8] {
      DERText.sequence(
        parts.flatMap {
          DERText.sequence(
            DERText.element(0xa0, DERText.locations(0xa0, [$0.0])), DERText.element(0x81, $0.1))
        })
    }
    // Bits 1 and 2; bits 3 to 8.
    let parts: [(String, [UInt8])] = [(Self.point, [5, 0b0110_0000]), (other, [7, 0b0001_1111, 0b1000_0000])]
    let shelf = ListShelf([Self.point: try list(), other: try list()])
    let cache = RevocationListCache(source: shelf, now: clock.read)
    let whole = try leaf { $0.rawPoints = points(parts) }
    #expect(await code { () throws(TrustError) in try await validate(whole, cache) } == nil)
    #expect(shelf.fetched == [Self.point, other])
    let half = try leaf { $0.rawPoints = points([parts[0]]) }
    #expect(await code { () throws(TrustError) in try await validate(half, cache) } == .listOutOfScope)
  }

  @Test func certificatesWithoutADistributionPoint() async throws {
    let shelf = ListShelf([Self.point: try list()])
    let cache = RevocationListCache(source: shelf, now: clock.read)
    let bare = try leaf { $0.points = [] }
    #expect(await code { () throws(TrustError) in try await validate(bare, cache) } == .noDistributionPoint)
    #expect(await code { () throws(TrustError) in try await validate(bare, cache, mode: .prefer) } == nil)
    #expect(await code { () throws(TrustError) in try await validate(bare, cache, fallback: [Self.point]) } == nil)
    #expect(shelf.fetched == [Self.point])
  }

  @Test func schemesWithoutAClientAreNamed() async throws {
    let sources = RevocationListSources([ListShelf()])
    let error = await #expect(throws: TrustError.self) { _ = try await sources.fetch("https://crl.example/a.crl") }
    #expect(error?.code == .listUnreachable)
    #expect(error?.remedy.contains("over http") == true)
  }

  @Test func namesAndAddresses() async throws {
    let cache = RevocationListCache(source: ListShelf([Self.point: try list()]), now: clock.read)
    let leaf = try leaf { $0.names = ["server.example", "*.wild.example"] }
    let expected: [String: TrustError.Code?] = [
      "server.example": nil, "SERVER.example.": nil, "a.wild.example": nil, "127.0.0.1": nil,
      "a.b.wild.example": .wrongName, "wild.example": .wrongName, "127.0.0.2": .wrongName, "::1": .wrongName,
    ]
    for (host, code) in expected {
      #expect(
        await self.code { () throws(TrustError) in try await validate(leaf, cache, host: host) } == code, "\(host)")
    }
  }

  /// Samba makes its own self-signed certificate: trusted when it is itself an anchor, and nobody lists it.
  @Test func aSelfSignedLeafThatIsAnAnchor() async throws {
    let leaf = try TestAuthority("dc1.example").certificate
    let cache = RevocationListCache(source: ListShelf(), now: clock.read)
    let validator = ChainValidator(
      anchors: TrustAnchors([leaf]), revocation: RevocationPolicy(.require, cache: cache, now: clock.read),
      now: clock.read)
    let peer = try await validator.validate(
      PresentedCertificates(derEncoded: [leaf.der]), for: .server(PeerName("dc1.example")))
    #expect(peer.revocation.isEmpty)
  }

  @Test func presentedCertificatesAreBounded() throws {
    let der = try leaf().der
    #expect(throws: TrustError.self) { _ = try PresentedCertificates(derEncoded: []) }
    #expect(throws: TrustError.self) { _ = try PresentedCertificates(derEncoded: [[1, 2, 3]]) }
    #expect(throws: TrustError.self) {
      _ = try PresentedCertificates(derEncoded: Array(repeating: der, count: PresentedCertificates.maximumCount + 1))
    }
  }

  @Test func anchorsFromFiles() throws {
    let path = FileManager.default.temporaryDirectory.path + "/bridgehead-\(UUID().uuidString).pem"
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(throws: TrustError.self) { _ = try TrustAnchors.files([path]) }
    try root.certificate.pem.write(toFile: path, atomically: true, encoding: .utf8)
    #expect(try TrustAnchors.files([path]).certificates == [root.certificate])
    try "nothing".write(toFile: path, atomically: true, encoding: .utf8)
    let error = #expect(throws: TrustError.self) { _ = try TrustAnchors.files([path]) }
    #expect(error?.code == .badConfiguration && error?.message.contains(path) == true)
  }
}
