// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import WCF

@testable import SyncAPI

/// Mutated messages of both directions: whoever reads them refuses or reads them, never traps, and what was read stays the same
/// when it is written and read again.
///
/// `BRIDGEHEAD_FUZZ_ITERATIONS` sets the number; `BRIDGEHEAD_FUZZ_SEED` repeats a run.
@Suite struct FuzzTests {
  static let environment = ProcessInfo.processInfo.environment
  static let iterations = environment["BRIDGEHEAD_FUZZ_ITERATIONS"].flatMap { Int($0) } ?? 2000
  static let seed = environment["BRIDGEHEAD_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1

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
    var random = Mutation(seed: Self.seed)
    var (read, refused, unstable) = (0, 0, 0)
    #expect(Self.requests.allSatisfy { Self.isRead(asRequest: $0) })
    for _ in 0..<Self.iterations {
      var bytes = Self.requests[random.below(Self.requests.count)]
      for _ in 0...random.below(3) { random.mutate(&bytes) }
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
    var random = Mutation(seed: Self.seed &+ 1)
    var (read, refused, unstable) = (0, 0, 0)
    // All but the fault, which is thrown.
    #expect(Self.answers.count { Self.isRead(asAnswer: $0) } == Self.answers.count - 1)
    for _ in 0..<Self.iterations {
      var bytes = Self.answers[random.below(Self.answers.count)]
      for _ in 0...random.below(3) { random.mutate(&bytes) }
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

/// Small changes that follow a seed: SplitMix64.
private struct Mutation {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  private mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
    return value ^ value >> 31
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

  mutating func mutate(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return bytes.append(UInt8(truncatingIfNeeded: next())) }
    let index = below(bytes.count)
    switch below(6) {
    case 0: bytes[index] ^= 1 << UInt8(below(8))
    case 1: bytes[index] = [0, 0x01, 0x03, 0x7f, 0x80, 0xa4, 0xfe, 0xff][below(8)]
    case 2: bytes.removeSubrange(index...)
    case 3: bytes.insert(UInt8(truncatingIfNeeded: next()), at: index)
    case 4: bytes.remove(at: index)
    default:
      // A piece again, somewhere else: an element that stands twice, or where it does not belong.
      let end = min(bytes.count, index + below(120))
      bytes.insert(contentsOf: Array(bytes[index..<end]), at: below(bytes.count))
    }
  }
}
