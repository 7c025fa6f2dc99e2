// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@testable import Kerberos

@Suite struct KDCTransportTests {
  private let flows = RecordedFlows()
  private let brief = Duration.milliseconds(60)

  private func transport(limit: Int = 1465, timeouts: [Duration] = [.seconds(5)]) -> KDCTransport {
    KDCTransport(
      flow: Flow(row: "connect-ad/kerberos", recorder: flows), udpPreferenceLimit: limit, timeouts: timeouts)
  }

  private func ask(_ transport: KDCTransport, _ kdcs: [KDCAddress]) throws -> KDCTransport.Answer {
    try transport.exchange([1, 2, 3], realm: "CORP.EXAMPLE", kdcs: kdcs, signal: CancellationSignal())
  }

  private func failure(_ transport: KDCTransport, _ kdcs: [KDCAddress]) -> SecurityError? {
    do {
      _ = try ask(transport, kdcs)
      Issue.record("an answer was accepted")
      return nil
    } catch {
      return error as? SecurityError
    }
  }

  /// A port that nothing listens on.
  private func dead() throws -> KDCAddress { try FakeKDC(.tcp) { _ in [] }.kdc }

  @Test func asksOverUDPFirst() throws {
    let server = try FakeKDC(.udp) { _ in [.answer(Messages.ticket)] }
    let answer = try ask(transport(), [server.kdc])
    #expect(answer.bytes == Messages.ticket)
    #expect(answer.transport == .udp)
    #expect(server.requests == [[1, 2, 3]])
    let use = FlowUse(
      row: "connect-ad/kerberos", transport: .udp, host: "", address: "127.0.0.1", port: server.kdc.port,
      protection: "Kerberos (AS/TGS exchange)")
    #expect(flows.uses == [use])
  }

  @Test func takesTheAnswerOneByteAtATime() throws {
    let server = try FakeKDC(.tcp) { _ in [.answerByteByByte(KDCFrame.encode(Messages.ticket))] }
    #expect(try ask(transport(limit: 0), [server.kdc]).bytes == Messages.ticket)
    #expect(flows.uses.map(\.transport) == [.tcp])
  }

  @Test func turnsToTCPWhenTheAnswerIsTooBig() throws {
    let tcp = try FakeKDC(.tcp) { _ in [.answer(KDCFrame.encode(Messages.ticket))] }
    let udp = try FakeKDC(.udp, port: tcp.kdc.port) { _ in [.answer(Messages.error(52))] }
    let answer = try ask(transport(), [udp.kdc])
    #expect(answer.transport == .tcp)
    #expect(tcp.requests == udp.requests)
    #expect(flows.uses.map(\.transport) == [.udp, .tcp])
  }

  @Test func saysWhenTheAnswerNeedsTCPAndThatIsClosed() throws {
    let udp = try FakeKDC(.udp) { _ in [.answer(Messages.error(52))] }
    let message = failure(transport(), [udp.kdc])?.message ?? ""
    #expect(message.contains("udp \(udp.kdc): answered that its reply needs TCP"), "\(message)")
    #expect(message.contains("tcp \(udp.kdc): connection refused"), "\(message)")
    #expect(udp.requests.count == 1)
  }

  @Test func turnsToTCPWhenUDPIsSilent() throws {
    let tcp = try FakeKDC(.tcp) { _ in [.answer(KDCFrame.encode(Messages.ticket))] }
    let udp = try FakeKDC(.udp, port: tcp.kdc.port) { _ in [] }
    #expect(try ask(transport(timeouts: [brief, .seconds(5)]), [udp.kdc]).transport == .tcp)
    #expect(flows.uses.map(\.transport) == [.tcp])
  }

  @Test func turnsToTheNextKDCAndRemembersIt() throws {
    let silent = try FakeKDC(.udp) { _ in [] }
    let alive = try FakeKDC(.udp) { _ in [.answer(Messages.ticket)] }
    let transport = transport(timeouts: [.milliseconds(500), .seconds(5)])
    #expect(try ask(transport, [silent.kdc, alive.kdc]).kdc == alive.kdc)
    #expect(try ask(transport, [silent.kdc, alive.kdc]).kdc == alive.kdc)
    #expect(silent.requests.count == 1)
    #expect(alive.requests.count == 2)
  }

  @Test func turnsToTheNextKDCWhenOneIsUnavailable() throws {
    let busy = try FakeKDC(.udp) { _ in [.answer(Messages.error(29))] }
    let alive = try FakeKDC(.udp) { _ in [.answer(Messages.ticket)] }
    #expect(try ask(transport(), [busy.kdc, alive.kdc]).kdc == alive.kdc)
  }

  @Test func waitsForTheTrueDatagramBehindForgedOnes() throws {
    let server = try FakeKDC(.udp) { _ in [.answer([1, 2, 3]), .answer([0x6b, 5]), .answer(Messages.ticket)] }
    #expect(try ask(transport(), [server.kdc]).bytes == Messages.ticket)
  }

  @Test func namesEachAddressAndWhatHappened() throws {
    let silent = try FakeKDC(.udp) { _ in [] }
    let kdcs = [
      try dead(), silent.kdc, KDCAddress(host: "", address: "dc9.corp.example", port: 88),
    ]
    let error = failure(transport(timeouts: [brief]), kdcs)
    #expect(error?.code == .noKDC)
    let message = error?.message ?? ""
    #expect(message.contains("udp \(kdcs[0]): connection refused"))
    #expect(message.contains("tcp \(kdcs[0]): connection refused"))
    #expect(message.contains("udp \(kdcs[1]): no answer within 60 ms"))
    #expect(message.contains("dc9.corp.example:88: its name was not resolved"))
    #expect(flows.uses.isEmpty)
  }

  @Test func saysWhenNoKDCIsKnown() {
    #expect(failure(transport(), [])?.message == "No KDC of CORP.EXAMPLE answered: none is known.")
  }

  @Test(arguments: [
    ([FakeKDC.Action.answer([0xff, 0xff, 0xff, 0xff])], "announced length of 4294967295"),
    ([.answer([0, 0, 0, 0])], "announced length of 0"),
    ([.answer(Array("HTTP/1.1 400 Bad Request\r\n".utf8))], "announced length of 1213486160"),
    ([.answer(KDCFrame.encode([1, 2, 3]))], "no Kerberos message"),
    ([.answer(Array(KDCFrame.encode(Messages.ticket).prefix(100)))], "closed the connection after 100 bytes"),
    ([.answer([0, 0])], "closed the connection after 2 bytes"),
    ([.close], "closed the connection after 0 bytes"),
    ([.stall], "no answer within 60 ms"),
    ([.answer([0, 0, 1, 0, 1]), .stall], "no answer within 60 ms"),
  ])
  func refusesAHostileStream(_ script: [FakeKDC.Action], _ reason: String) throws {
    let server = try FakeKDC(.tcp) { _ in script }
    // Only a stall has to be waited for; everything else ends by itself, however busy the machine is.
    let timeout = reason.hasPrefix("no answer") ? brief : .seconds(10)
    let error = failure(transport(limit: 0, timeouts: [timeout]), [server.kdc])
    #expect(error?.code == .noKDC)
    #expect(error?.message.contains(reason) == true, "\(error?.message ?? "no error")")
    #expect(flows.uses.isEmpty)
  }

  @Test func endsWhenCancelled() async throws {
    let server = try FakeKDC(.udp) { _ in [] }
    let signal = CancellationSignal()
    signal.fire()
    #expect(throws: CancellationError.self) {
      try transport(timeouts: [.seconds(600)]).exchange(
        [1], realm: "CORP.EXAMPLE", kdcs: [server.kdc], signal: signal)
    }
  }

  @Test func prefersTCPForLargeRequests() throws {
    let tcp = try FakeKDC(.tcp) { _ in [.answer(KDCFrame.encode(Messages.ticket))] }
    let udp = try FakeKDC(.udp, port: tcp.kdc.port) { _ in [.answer(Messages.ticket)] }
    let transport = transport(limit: 100)
    let request = [UInt8](repeating: 7, count: 101)
    let answer = try transport.exchange(
      request, realm: "CORP.EXAMPLE", kdcs: [udp.kdc], signal: CancellationSignal())
    #expect(answer.transport == .tcp)
    #expect(try ask(transport, [udp.kdc]).transport == .tcp)
    #expect(udp.requests.isEmpty)
  }
}
