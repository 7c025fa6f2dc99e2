// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Wire
import Testing
import WCF

@testable import SyncAPI

/// Mutated messages of both directions: whoever reads them refuses or reads them, never traps, and what was read stays the same
/// when it is written and read again.
///
/// `BRIDGEHEAD_FUZZ_ITERATIONS` sets the number; `BRIDGEHEAD_FUZZ_SEED` repeats a run.
@Suite struct FuzzTests {
  private static let iterations = Fuzzing.iterations(otherwise: 2000)
  private static let seed = Fuzzing.seed
  /// Lengths and record types at their limits.
  private static let edges: [UInt8] = [0, 0x01, 0x03, 0x7f, 0x80, 0xa4, 0xfe, 0xff]

  private static func request<Call: SyncCall>(_ call: Call) -> [UInt8] {
    var header = MessageTests.header
    header.operation = Call.operation
    return SyncEnvelope.request(call, header)
  }

  private static func answer<Call: SyncCall>(_ answer: Call.Answer, to call: Call.Type) -> [UInt8] {
    SyncEnvelope.answer(answer, to: call, relatesTo: "urn:uuid:1")
  }

  private static let domain = KerberosDomain(
    dnsDomainName: "corp.example", displayName: "CORP", id: "1", keyVersion: 3, keyUpdatedOn: "2026-05-01T08:00:00Z")

  /// What clients send to the tenant.
  private static let requests: [[UInt8]] = [
    request(Provision<ProvisionVersion1>(MessageTests.objects)),
    request(Provision<ProvisionVersion2>(MessageTests.objects)),
    request(ReadBack<ReadBackVersion1>(cookie: nil)), request(ReadBack<ReadBackVersion2>(cookie: "x", isFull: false)),
    request(
      ProvisionCredentials([
        .init(anchor: .source("a=="), value: "v1;", changed: "2026-05-01T08:00:00Z", mustChange: true)
      ])
    ),
    request(GetCompanyConfiguration()), request(SetCompanyDirsyncFeatures([.passwordHashSync])),
    request(FinalizeExport(total: 10, successful: 9)), request(SetKerberosDomain(domain)),
    request(GetKerberosDomain("corp.example")), request(GetDeviceConfiguration()),
  ]

  /// What a service answers to Connect.
  private static let answers: [[UInt8]] = [
    answer(
      ReadBack<ReadBackVersion2>.Page(objects: MessageTests.objects, cookie: "next", hasMore: true),
      to: ReadBack<ReadBackVersion2>.self),
    answer(
      [
        SyncObjectResult(MessageTests.objects[0], cloudAnchor: "User_1"),
        SyncObjectResult(MessageTests.objects[1], errorCode: "X", errorDescription: "y"),
      ], to: Provision<ProvisionVersion2>.self),
    answer(
      [ProvisionCredentials.Result(anchor: .source("a=="), result: 3, detail: "older")], to: ProvisionCredentials.self),
    answer(CompanyConfiguration(), to: GetCompanyConfiguration.self), answer(Done(), to: FinalizeExport.self),
    answer(Capabilities.Versions(latest: "2", minimum: "1", refused: ["1.2"]), to: Capabilities.self),
    answer(domain, to: GetKerberosDomain.self),
    answer(GetDeviceConfiguration.Issuers(own: [[1, 2]], cloud: [[3]]), to: GetDeviceConfiguration.self),
    SyncEnvelope.answer(
      SyncFault(.sender, "no", code: "X", description: "y", redirect: "https://other.example/p.svc"),
      relatesTo: "urn:uuid:1"),
  ]

  /// A request is read as the tenant reads it: the header, and the body as that header says.
  private static func isRead(asRequest document: [UInt8]) -> Bool {
    func body<Call: SyncCall>(_ incoming: SyncEnvelope.Incoming, _: Call.Type) -> Bool {
      var incoming = incoming
      return (try? incoming.body(Call.self)) != nil
    }
    guard let incoming = try? SyncEnvelope.Incoming(document) else { return false }
    return [
      body(incoming, Provision<ProvisionVersion1>.self), body(incoming, Provision<ProvisionVersion2>.self),
      body(incoming, ReadBack<ReadBackVersion1>.self), body(incoming, ReadBack<ReadBackVersion2>.self),
      body(incoming, ProvisionCredentials.self), body(incoming, GetCompanyConfiguration.self),
      body(incoming, SetCompanyDirsyncFeatures.self), body(incoming, FinalizeExport.self),
      body(incoming, SetKerberosDomain.self), body(incoming, GetKerberosDomain.self),
      body(incoming, GetDeviceConfiguration.self), body(incoming, Capabilities.self),
    ].contains(true)
  }

  private static func isRead(asAnswer document: [UInt8]) -> Bool {
    func answer<Call: SyncCall>(_: Call.Type) -> Bool { (try? SyncEnvelope.readAnswer(document, to: Call.self)) != nil }
    return [
      answer(Provision<ProvisionVersion2>.self), answer(ReadBack<ReadBackVersion2>.self),
      answer(ProvisionCredentials.self), answer(GetCompanyConfiguration.self), answer(FinalizeExport.self),
      answer(Capabilities.self), answer(GetKerberosDomain.self), answer(GetDeviceConfiguration.self),
    ].contains(true)
  }

  @Test func mutatedRequests() {
    var random = SeededGenerator(seed: Self.seed)
    var (read, refused, unstable) = (0, 0, 0)
    #expect(Self.requests.allSatisfy { Self.isRead(asRequest: $0) })
    for _ in 0..<Self.iterations {
      var bytes = Self.requests[Int.random(in: Self.requests.indices, using: &random)]
      for _ in 0...Int.random(in: 0..<3, using: &random) { random.mutate(&bytes, edges: Self.edges, piece: 120) }
      if Self.isRead(asRequest: bytes) { read += 1 } else { refused += 1 }
      // Writing replaces what XML has no place for: from then on nothing changes any more.
      guard let objects = Self.objects(bytes) else { continue }
      let written = Self.objects(Self.request(Provision<ProvisionVersion2>(objects)))
      let again = written.flatMap { Self.objects(Self.request(Provision<ProvisionVersion2>($0))) }
      if written == nil || again != written { unstable += 1 }
    }
    #expect(read > 0 && refused > 0 && read + refused == Self.iterations)
    #expect(unstable == 0, "seed \(Self.seed)")
  }

  @Test func mutatedAnswers() {
    var random = SeededGenerator(seed: Self.seed &+ 1)
    var (read, refused, unstable) = (0, 0, 0)
    // All but the fault, which is thrown.
    #expect(Self.answers.count { Self.isRead(asAnswer: $0) } == Self.answers.count - 1)
    for _ in 0..<Self.iterations {
      var bytes = Self.answers[Int.random(in: Self.answers.indices, using: &random)]
      for _ in 0...Int.random(in: 0..<3, using: &random) { random.mutate(&bytes, edges: Self.edges, piece: 120) }
      if Self.isRead(asAnswer: bytes) { read += 1 } else { refused += 1 }
      guard let page = Self.page(bytes) else { continue }
      let written = Self.page(Self.answer(page, to: ReadBack<ReadBackVersion2>.self))
      let again = written.flatMap { Self.page(Self.answer($0, to: ReadBack<ReadBackVersion2>.self)) }
      if written == nil || again != written { unstable += 1 }
    }
    #expect(read > 0 && refused > 0 && read + refused == Self.iterations)
    #expect(unstable == 0, "seed \(Self.seed)")
  }

  private static func page(_ document: [UInt8]) -> ReadBack<ReadBackVersion2>.Page? {
    try? SyncEnvelope.readAnswer(document, to: ReadBack<ReadBackVersion2>.self)
  }

  private static func objects(_ document: [UInt8]) -> [SyncObject]? {
    guard var incoming = try? SyncEnvelope.Incoming(document) else { return nil }
    return try? incoming.body(Provision<ProvisionVersion2>.self).objects
  }
}
