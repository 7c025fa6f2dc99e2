// SPDX-License-Identifier: Apache-2.0

import Testing
import TestSupport
import Wire

@testable import Kerberos

@Suite struct KDCTransportTests {
  private let flows = RecordedFlows()
  /// For peers that say nothing; whoever says something has a minute, which a busy machine may need.
  private let brief = Duration.milliseconds(250)
  /// A first round for the silent, then rounds for the slow.
  private var patience: [Duration] { [brief, .seconds(1), .seconds(60)] }

  /// A transport on a thread of its own, as the provider's: it blocks, which nothing on the cooperative pool may.
  private actor Client {
    private let thread: SerialThread
    private let transport: KDCTransport

    init(_ thread: SerialThread, _ flow: Flow, _ limit: Int, _ timeouts: [Duration]) {
      self.thread = thread
      transport = KDCTransport(flow: flow, udpPreferenceLimit: limit, timeouts: timeouts)
    }

    deinit { thread.stop() }
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    func ask(
      _ kdcs: [KDCAddress], _ request: [UInt8] = [1, 2, 3], signal: PollInterrupt = PollInterrupt()
    ) throws -> KDCTransport.Answer {
      try transport.exchange(request, realm: "CORP.EXAMPLE", kdcs: kdcs, signal: signal)
    }
  }

  private func client(limit: Int = 1465, timeouts: [Duration] = [.seconds(60)]) throws -> Client {
    Client(try #require(SerialThread()), Flow(row: "connect-ad/kerberos", recorder: flows), limit, timeouts)
  }

  private func failure(_ client: Client, _ kdcs: [KDCAddress]) async -> SecurityError? {
    do {
      _ = try await client.ask(kdcs)
      Issue.record("an answer was accepted")
      return nil
    } catch {
      return error as? SecurityError
    }
  }

  /// A port that nothing listens on.
  private func dead() throws -> KDCAddress { try FakeKDC(.tcp) { _ in [] }.kdc }

  @Test func asksOverUDPFirst() async throws {
    let server = try FakeKDC(.udp) { _ in [.answer(Messages.ticket)] }
    let answer = try await client().ask([server.kdc])
    #expect(answer.bytes == Messages.ticket)
    #expect(answer.transport == .udp)
    #expect(server.requests == [[1, 2, 3]])
    let use = FlowUse(
      row: "connect-ad/kerberos", transport: .udp, host: "", address: server.kdc.address, port: server.kdc.port,
      protection: "Kerberos (AS/TGS exchange)")
    #expect(flows.uses == [use])
  }

  @Test func takesTheAnswerOneByteAtATime() async throws {
    let server = try FakeKDC(.tcp) { _ in [.answerByteByByte(KDCFrame.encode(Messages.ticket))] }
    #expect(try await client(limit: 0).ask([server.kdc]).bytes == Messages.ticket)
    #expect(flows.uses.map(\.transport) == [.tcp])
  }

  @Test func turnsToTCPWhenTheAnswerIsTooBig() async throws {
    let tcp = try FakeKDC(.tcp) { _ in [.answer(KDCFrame.encode(Messages.ticket))] }
    let udp = try FakeKDC(.udp, beside: tcp) { _ in [.answer(Messages.error(52))] }
    let answer = try await client().ask([udp.kdc])
    #expect(answer.transport == .tcp)
    #expect(tcp.requests == udp.requests)
    #expect(flows.uses.map(\.transport) == [.udp, .tcp])
  }

  @Test func saysWhenTheAnswerNeedsTCPAndThatIsClosed() async throws {
    let udp = try FakeKDC(.udp) { _ in [.answer(Messages.error(52))] }
    let message = await failure(try client(), [udp.kdc])?.message ?? ""
    #expect(message.contains("udp \(udp.kdc): answered that its reply needs TCP"), "\(message)")
    #expect(message.contains("tcp \(udp.kdc): connection refused"), "\(message)")
    #expect(udp.requests.count == 1)
  }

  @Test func turnsToTCPWhenUDPIsSilent() async throws {
    let tcp = try FakeKDC(.tcp) { _ in [.answer(KDCFrame.encode(Messages.ticket))] }
    let udp = try FakeKDC(.udp, beside: tcp) { _ in [] }
    #expect(try await client(timeouts: patience).ask([udp.kdc]).transport == .tcp)
    #expect(flows.uses.map(\.transport) == [.tcp])
  }

  @Test func turnsToTheNextKDCWhenOneIsSilent() async throws {
    let silent = try FakeKDC(.udp) { _ in [] }
    let alive = try FakeKDC(.udp) { _ in [.answer(Messages.ticket)] }
    #expect(try await client(timeouts: patience).ask([silent.kdc, alive.kdc]).kdc == alive.kdc)
  }

  @Test func turnsToTheNextKDCWhenOneIsUnavailableAndRemembersIt() async throws {
    let busy = try FakeKDC(.udp) { _ in [.answer(Messages.error(29))] }
    let alive = try FakeKDC(.udp) { _ in [.answer(Messages.ticket)] }
    let client = try client()
    #expect(try await client.ask([busy.kdc, alive.kdc]).kdc == alive.kdc)
    #expect(try await client.ask([busy.kdc, alive.kdc]).kdc == alive.kdc)
    #expect(busy.requests.count == 1)
    #expect(alive.requests.count == 2)
  }

  @Test func waitsForTheTrueDatagramBehindForgedOnes() async throws {
    let server = try FakeKDC(.udp) { _ in [.answer([1, 2, 3]), .answer([0x6b, 5]), .answer(Messages.ticket)] }
    #expect(try await client().ask([server.kdc]).bytes == Messages.ticket)
  }

  @Test func namesEachAddressAndWhatHappened() async throws {
    let silent = try FakeKDC(.udp) { _ in [] }
    let kdcs = [
      try dead(), silent.kdc, KDCAddress(host: "", address: "dc9.corp.example", port: 88),
    ]
    let error = await failure(try client(timeouts: [brief]), kdcs)
    #expect(error?.code == .noKDC)
    let message = error?.message ?? ""
    #expect(message.contains("udp \(kdcs[0]): connection refused"))
    #expect(message.contains("tcp \(kdcs[0]): connection refused"))
    #expect(message.contains("udp \(kdcs[1]): no answer within 250 ms"))
    #expect(message.contains("dc9.corp.example:88: its name was not resolved"))
    #expect(flows.uses.isEmpty)
  }

  @Test func saysWhenNoKDCIsKnown() async throws {
    #expect(await failure(try client(), [])?.message == "No KDC of CORP.EXAMPLE answered: none is known.")
  }

  @Test(arguments: [
    ([FakeKDC.Action.answer([0xff, 0xff, 0xff, 0xff])], "announced length of 4294967295"),
    ([.answer([0, 0, 0, 0])], "announced length of 0"),
    ([.answer(Array("HTTP/1.1 400 Bad Request\r\n".utf8))], "announced length of 1213486160"),
    ([.answer(KDCFrame.encode([1, 2, 3]))], "no Kerberos message"),
    ([.answer(Array(KDCFrame.encode(Messages.ticket).prefix(100)))], "closed the connection after 100 bytes"),
    ([.answer([0, 0])], "closed the connection after 2 bytes"),
    ([.close], "closed the connection after 0 bytes"),
    ([.stall], "no answer within 250 ms"),
    ([.answer([0, 0, 1, 0, 1]), .stall], "no answer within 250 ms"),
  ])
  func refusesAHostileStream(_ script: [FakeKDC.Action], _ reason: String) async throws {
    let server = try FakeKDC(.tcp) { _ in script }
    // Only a stall has to be waited for; everything else ends by itself, however busy the machine is.
    let timeout = reason.hasPrefix("no answer") ? brief : .seconds(60)
    let error = await failure(try client(limit: 0, timeouts: [timeout]), [server.kdc])
    #expect(error?.code == .noKDC)
    #expect(error?.message.contains(reason) == true, "\(error?.message ?? "no error")")
    #expect(flows.uses.isEmpty)
  }

  @Test func endsWhenCancelled() async throws {
    let server = try FakeKDC(.udp) { _ in [] }
    let signal = PollInterrupt()
    signal.fire()
    let client = try client(timeouts: [.seconds(600)])
    await #expect(throws: CancellationError.self) { _ = try await client.ask([server.kdc], signal: signal) }
  }

  @Test func prefersTCPForLargeRequests() async throws {
    let tcp = try FakeKDC(.tcp) { _ in [.answer(KDCFrame.encode(Messages.ticket))] }
    let udp = try FakeKDC(.udp, beside: tcp) { _ in [.answer(Messages.ticket)] }
    let client = try client(limit: 100)
    #expect(try await client.ask([udp.kdc], [UInt8](repeating: 7, count: 101)).transport == .tcp)
    #expect(try await client.ask([udp.kdc]).transport == .tcp)
    #expect(udp.requests.isEmpty)
  }
}
