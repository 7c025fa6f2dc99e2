// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTP
import Logging
import NIOCore
import Synchronization
import Testing
import TestSupport
import Wire

@testable import SyncAPI

/// Hands out `token-0`, `token-1`, … : another one each time that one was discarded.
actor CountingTokens: SyncTokenSource {
  private(set) var discarded = 0

  func token() -> SecretBytes { SecretBytes(Array("token-\(discarded)".utf8)) }
  func discard() { discarded += 1 }
}

@Suite(.timeLimit(.minutes(5))) struct ClientTests {
  static let media = ["content-type": SyncEndpoint.mediaType]

  static func done() -> FakeService.Answer {
    FakeService.Answer(
      status: 200, fields: media, body: SyncEnvelope.answer(Done(), to: FinalizeExport.self, relatesTo: "x"))
  }

  static func fault(_ fault: SyncFault) -> FakeService.Answer {
    FakeService.Answer(status: 500, fields: media, body: SyncEnvelope.answer(fault, relatesTo: "x"))
  }

  /// Performs an operation against a service, with a clock that only notes how long was slept.
  static func perform<Call: SyncCall>(
    _ call: Call, _ service: FakeService, tokens: CountingTokens = CountingTokens()
  ) async throws -> (answer: Result<Call.Answer, SyncAPIError>, slept: [Duration]) {
    let slept = Mutex<[Duration]>([])
    let answer = try await service.serve { port in
      let http = HTTPClient(tls: nil)
      let client = SyncAPIClient(
        SyncAPIClientConfiguration(url: try HTTPURL("http://127.0.0.1:\(port)/provisioningservice.svc")), http: http,
        tokens: tokens, logger: .silent,
        now: { Date(timeIntervalSince1970: 784_111_777) }, random: { [UInt8](repeating: 0, count: $0) },
        sleep: { duration in slept.withLock { $0.append(duration) } })
      let answer: Result<Call.Answer, SyncAPIError>
      do throws(SyncAPIError) { answer = .success(try await client.perform(call)) } catch { answer = .failure(error) }
      await http.shutdown()
      return answer
    }
    return (answer, slept.withLock { $0 })
  }

  static func code<Answer>(_ answer: Result<Answer, SyncAPIError>) -> SyncAPIError.Code? {
    if case .failure(let error) = answer { error.code } else { nil }
  }

  @Test func theRequestIsWhatTheServiceReads() async throws {
    let service = FakeService { _, _ in Self.done() }
    let (answer, slept) = try await Self.perform(FinalizeExport(total: 3, successful: 2), service)
    #expect(try answer.get() == Done() && slept.isEmpty)
    let request = try #require(service.requests.first)
    #expect(request.fields["content-type"] == "application/soap+msbin1")
    #expect(request.fields["authorization"] == nil, "the token stands in the message")
    var incoming = try SyncEnvelope.Incoming(request.body)
    #expect(incoming.header.token.withBytes { String(decoding: $0, as: UTF8.self) } == "token-0")
    let call: FinalizeExport = try incoming.body()
    #expect(call.total == 3 && call.successful == 2)
  }

  @Test func theServiceIsLeftAloneForAsLongAsItSays() async throws {
    let service = FakeService { number, _ in
      switch number {
      case 0: FakeService.Answer(status: 429, fields: ["retry-after": "7"])
      case 1: FakeService.Answer(status: 503, fields: ["retry-after": "Sun, 06 Nov 1994 08:49:40 GMT"])
      case 2: FakeService.Answer(status: 502)
      default: Self.done()
      }
    }
    let (answer, slept) = try await Self.perform(FinalizeExport(total: 0, successful: 0), service)
    #expect(try answer.get() == Done())
    #expect(slept == [.seconds(7), .seconds(3), .seconds(1)])
  }

  @Test func itGivesUpInTheEnd() async throws {
    let busy = FakeService { _, _ in FakeService.Answer(status: 502) }
    #expect(Self.code(try await Self.perform(FinalizeExport(total: 0, successful: 0), busy).answer) == .unavailable)
    #expect(busy.requests.count == 5)
    let long = FakeService { _, _ in FakeService.Answer(status: 429, fields: ["retry-after": "100000"]) }
    let (answer, slept) = try await Self.perform(FinalizeExport(total: 0, successful: 0), long)
    #expect(Self.code(answer) == .throttled && slept.isEmpty && long.requests.count == 1)
  }

  /// The token goes with a redirect: it is followed within the cloud, by https, and nowhere else.
  @Test(arguments: [
    "https://attacker.example/provisioningservice.svc", "https://adminwebservice.microsoftonline.com/x",
    "http://127.0.0.1/x",
    "nonsense", "",
  ])
  func foreignRedirectsAreNotFollowed(target: String) async throws {
    let service = FakeService { _, _ in Self.fault(SyncFault(.sender, "elsewhere", redirect: target)) }
    let (answer, _) = try await Self.perform(FinalizeExport(total: 0, successful: 0), service)
    #expect(Self.code(answer) == .badRedirect && service.requests.count == 1)
  }

  @Test func aTokenThatIsRefusedIsRenewedOnce() async throws {
    let tokens = CountingTokens()
    let refused = SyncFault(.sender, "no", code: "InvalidAccessToken")
    let service = FakeService { number, _ in number == 0 ? Self.fault(refused) : Self.done() }
    let (answer, _) = try await Self.perform(FinalizeExport(total: 0, successful: 0), service, tokens: tokens)
    #expect(try answer.get() == Done())
    #expect(await tokens.discarded == 1)
    let stubborn = FakeService { _, _ in Self.fault(refused) }
    #expect(Self.code(try await Self.perform(FinalizeExport(total: 0, successful: 0), stubborn).answer) == .fault)
    #expect(stubborn.requests.count == 2)
  }

  @Test(arguments: [
    (FakeService.Answer(status: 200, fields: ["content-type": "text/html"], body: [0x3c]), SyncAPIError.Code.malformed),
    (FakeService.Answer(status: 200, fields: media, body: [0x56, 0x02]), .malformed),
    (FakeService.Answer(status: 403), .refused), (FakeService.Answer(status: 200, fields: media), .malformed),
  ])
  func whatIsNoAnswerIsTold(answer: FakeService.Answer, code: SyncAPIError.Code) async throws {
    let service = FakeService { _, _ in answer }
    let (result, slept) = try await Self.perform(FinalizeExport(total: 0, successful: 0), service)
    #expect(Self.code(result) == code && slept.isEmpty && service.requests.count == 1)
  }

  /// A service that never comes to an end, or does not say how to go on, is no endless reading.
  @Test func aReadingEnds() async throws {
    let page = ReadBack<ReadBackVersion2>.Page(objects: [], cookie: "same", hasMore: true)
    let service = FakeService { _, _ in
      FakeService.Answer(
        status: 200, fields: Self.media,
        body: SyncEnvelope.answer(page, to: ReadBack<ReadBackVersion2>.self, relatesTo: "x"))
    }
    let error = try await service.serve { port in
      let http = HTTPClient(tls: nil)
      let client = SyncAPIClient(
        SyncAPIClientConfiguration(url: try HTTPURL("http://127.0.0.1:\(port)/p.svc")), http: http,
        tokens: CountingTokens(), logger: .silent,
        now: { Date(timeIntervalSince1970: 0) }, random: { [UInt8](repeating: 0, count: $0) })
      var error: (any Error)?
      do { for try await _ in client.objects() {} } catch let caught { error = caught }
      await http.shutdown()
      return error as? SyncAPIError
    }
    #expect(error?.code == .malformed && service.requests.count == 2)
  }
}
