// SPDX-License-Identifier: Apache-2.0

import PortReference
@testable import Readiness
import Testing
import TestSupport
import Wire

@Suite struct StandInTests {
  static let port = StandInPort(port: 88, transport: .tcp, rows: [.connectADKerberos])

  static func code(_ text: String = "0123456789-abcdefghij") throws -> StandInCode {
    try StandInCode(SecretBytes(Array(text.utf8)))
  }

  static func responder(_ text: String = "0123456789-abcdefghij", secret: UInt8 = 1) throws -> StandInResponder {
    StandInResponder(
      code: try code(text), role: .activeDirectory, product: "0.1.0", secret: [UInt8](repeating: secret, count: 32))
  }

  static func dialogue(
    row: RowID = .connectADKerberos, nonce: UInt8 = 9, code text: String = "0123456789-abcdefghij"
  ) throws -> StandInDialogue {
    StandInDialogue(
      code: try code(text), row: row, transport: .tcp, port: 88, clientNonce: [UInt8](repeating: nonce, count: 32))
  }

  /// Carries a dialogue to its end; returns the proof that went by, too.
  static func converse(
    _ dialogue: StandInDialogue, _ responder: StandInResponder, from address: String = "192.0.2.1"
  ) throws -> (greeting: StandInGreeting, proof: [UInt8]) {
    var dialogue = dialogue
    let challenge = try #require(responder.answer(dialogue.hello, from: address, at: port))
    guard case .send(let proof)? = try dialogue.receive(challenge.bytes) else { throw Unexpected() }
    let answer = try #require(responder.answer(proof, from: address, at: port))
    guard case .proved(let greeting)? = try dialogue.receive(answer.bytes) else { throw Unexpected() }
    #expect(answer.outcome == .answered && answer.isLast)
    return (greeting, proof)
  }
  struct Unexpected: Error {}

  @Test func bothSidesProveThatTheyKnowTheCode() throws {
    let (greeting, _) = try Self.converse(try Self.dialogue(), try Self.responder())
    #expect(
      greeting
        == StandInGreeting(
          role: .activeDirectory, transport: .tcp, port: 88, rows: [.connectADKerberos], product: "0.1.0"))
  }

  @Test func anotherCodeIsRefused() throws {
    let responder = try Self.responder()
    #expect(throws: StandInError.self) {
      _ = try Self.converse(try Self.dialogue(code: "another code of length"), responder)
    }
    var dialogue = try Self.dialogue(code: "another code of length")
    let challenge = try #require(responder.answer(dialogue.hello, from: "192.0.2.1", at: Self.port))
    guard case .send(let proof)? = try dialogue.receive(challenge.bytes) else { throw Unexpected() }
    let answer = try #require(responder.answer(proof, from: "192.0.2.1", at: Self.port))
    #expect(answer.outcome == .wrongCode)
    let error = #expect(throws: StandInError.self) { _ = try dialogue.receive(answer.bytes) }
    #expect(error?.code == .wrongCode)
  }

  @Test func aProofIsAnsweredOnceAndByThisRunAlone() throws {
    let responder = try Self.responder()
    let (_, proof) = try Self.converse(try Self.dialogue(), responder)
    #expect(responder.answer(proof, from: "192.0.2.1", at: Self.port)?.outcome == .replay)
    // From elsewhere, at another port, in another run: the nonce is none of this stand-in's.
    #expect(responder.answer(proof, from: "192.0.2.2", at: Self.port)?.outcome == .wrongCode)
    let other = StandInPort(port: 389, transport: .tcp, rows: [.connectADLDAP])
    #expect(responder.answer(proof, from: "192.0.2.1", at: other)?.outcome == .wrongCode)
    #expect(try Self.responder(secret: 2).answer(proof, from: "192.0.2.1", at: Self.port)?.outcome == .wrongCode)
  }

  /// A recorded greeting answers another question; one of another row is no proof for this one.
  @Test func aGreetingAnswersOneQuestion() throws {
    let responder = try Self.responder()
    var first = try Self.dialogue()
    let challenge = try #require(responder.answer(first.hello, from: "192.0.2.1", at: Self.port))
    guard case .send(let proof)? = try first.receive(challenge.bytes) else { throw Unexpected() }
    let greeting = try #require(responder.answer(proof, from: "192.0.2.1", at: Self.port)).bytes
    var second = try Self.dialogue(nonce: 10)
    _ = try second.receive(challenge.bytes)
    let error = #expect(throws: StandInError.self) { _ = try second.receive(greeting) }
    #expect(error?.code == .wrongCode)
    #expect(throws: StandInError.self) { _ = try Self.converse(try Self.dialogue(row: .connectADLDAP), responder) }
  }

  @Test func answersAreNeverLongerThanQuestions() throws {
    let responder = try Self.responder()
    let datagrams = StandInPort(port: 88, transport: .udp, rows: [.connectADKerberos])
    var dialogue = try Self.dialogue()
    let challenge = try #require(responder.answer(dialogue.hello, from: "192.0.2.1", at: datagrams))
    #expect(challenge.bytes.count <= dialogue.hello.count)
    guard case .send(let proof)? = try dialogue.receive(challenge.bytes) else { throw Unexpected() }
    let answer = try #require(responder.answer(proof, from: "192.0.2.1", at: datagrams))
    #expect(answer.outcome == .answered && answer.bytes.count <= proof.count)
    for count in 1...40 {
      let question = [UInt8](repeating: 0x30, count: count)
      #expect(responder.answer(question, from: "192.0.2.1", at: datagrams).map { $0.bytes.count <= count } ?? true)
    }
  }

  @Test func strangersGetTheBannerAndNothingElse() throws {
    let answer = try #require(try Self.responder().answer(Array("GET / HTTP/1.1\r\n".utf8), from: "", at: Self.port))
    #expect(StandInDialogue.isBanner(answer.bytes) && answer.outcome == .stranger && answer.isLast)
    #expect(!StandInDialogue.isBanner(Array("HTTP/1.1 200 OK".utf8)))
  }

  /// Every byte of a conversation changed, one at a time: never a greeting, never a crash.
  @Test func aChangedByteProvesNothing() throws {
    let responder = try Self.responder()
    var dialogue = try Self.dialogue()
    let challenge = try #require(responder.answer(dialogue.hello, from: "192.0.2.1", at: Self.port)).bytes
    guard case .send(let proof)? = try dialogue.receive(challenge) else { throw Unexpected() }
    let greeting = try #require(responder.answer(proof, from: "192.0.2.1", at: Self.port)).bytes
    // Behind the two nonces, the code and the port a proof is padding.
    for index in 0..<(12 + 98) {
      var changed = proof
      changed[index] ^= 0x40
      let answer = responder.answer(changed, from: "192.0.2.1", at: Self.port)
      #expect(answer?.outcome != .answered)
    }
    for index in greeting.indices {
      var changed = greeting
      changed[index] ^= 0x01
      var copy = dialogue
      #expect((try? copy.receive(changed)) == nil)
    }
    for index in 0..<proof.count { _ = responder.answer(Array(proof.prefix(index)), from: "192.0.2.1", at: Self.port) }
  }

  @Test(arguments: 0..<100) func randomBytes(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let bytes = (0..<Int.random(in: 0...600, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
    let answer = try Self.responder().answer(bytes, from: "192.0.2.1", at: Self.port)
    #expect(answer?.outcome != .answered)
    var dialogue = try Self.dialogue()
    #expect((try? dialogue.receive(bytes)) == nil)
  }

  @Test func weakCodesAreRefused() throws {
    let error = #expect(throws: StandInError.self) { _ = try Self.code("1234567890123456789") }
    #expect(error?.code == .weakCode)
    var random = SeededGenerator(seed: 1)
    let codes = (0..<50).map { _ in StandInCode.generate(using: &random) }
    #expect(Set(codes).count == 50)
    for code in codes { _ = try Self.code(code) }
  }

  @Test func portsOfARole() throws {
    let ports = try StandInPlan.ports(for: .activeDirectory)
    #expect(ports == ports.sorted())
    #expect(ports.contains(StandInPort(port: 53, transport: .udp, rows: [.connectADDNS])))
    #expect(!ports.contains { $0.port == 636 && $0.transport == .udp })
    let range = ports.filter { $0.rows == [.connectADRPCDynamic] }
    #expect(range.count == StandInPlan.rangeSamples && range.first?.port == 49_152 && range.last?.port == 65_535)
    let federation = try StandInPlan.ports(for: .federation)
    #expect(federation.first { $0.port == 443 }?.rows == [.connectFederationHTTPS, .proxyFederationHTTPS])
    #expect(try StandInPlan.ports(for: .proxy).map(\.port) == [443, 49_443])
    var policy = Policy()
    policy.rpcPorts = [PortRange(Ports(50_000)), PortRange(Ports(50_010...50_012))]
    policy.certificateAuthentication = .name
    let pinned = try StandInPlan.ports(for: .activeDirectory, rows: [.connectADRPCDynamic], policy: policy)
    #expect(pinned.map(\.port) == [50_000, 50_010, 50_011, 50_012])
    #expect(try StandInPlan.ports(for: .proxy, policy: policy).map(\.port) == [443])
    #expect(throws: StandInError.self) { _ = try StandInPlan.ports(for: .connect) }
    #expect(throws: StandInError.self) { _ = try StandInPlan.ports(for: .proxy, rows: [.connectADDNS]) }
  }
}
