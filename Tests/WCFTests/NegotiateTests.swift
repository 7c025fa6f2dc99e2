// SPDX-License-Identifier: Apache-2.0

import Testing
import TestSupport
import WCF
import Wire

@Suite struct NegotiateTests {
  @Test func handshakeFrame() throws {
    let message = NegotiateHandshake(.inProgress, [0xaa, 0xbb, 0xcc])
    let bytes = try #require(message.bytes)
    // MS-NNS 2.2.1: the size's high byte comes first.
    #expect(Hex.encode(bytes) == "16010000" + "03" + "aabbcc")
    var reader = ByteReader(bytes)
    #expect(try NegotiateHandshake(&reader) == message)
    #expect(NegotiateHandshake(.done, [UInt8](repeating: 0, count: 65_536)).bytes == nil)
  }

  @Test func dataFrame() throws {
    #expect(Hex.encode(try NegotiateData.frame([1, 2, 3])) == "03000000010203")
    #expect(throws: WCFError.self) {
      _ = try NegotiateData.frame([UInt8](repeating: 0, count: FramingLimits.protectedPayload + 1))
    }
    for hex in ["00000000", "31fc000000", "ffffffff"] {
      var reader = ByteReader(try #require(Hex.decode(hex)))
      #expect(throws: WCFError.self) { _ = try NegotiateData.payload(&reader) }
    }
  }

  /// MS-NNS 2.2.1: eight bytes, of which the last four are the code, in either order.
  @Test(arguments: [
    ("000000008009030c", WCFError.Code.handshakeRefused, "SEC_E_LOGON_DENIED"),
    ("000000000c030980", WCFError.Code.handshakeRefused, "SEC_E_LOGON_DENIED"),
    ("00000000000006fe", WCFError.Code.unprotected, "0x6fe"), ("00000000fe060000", WCFError.Code.unprotected, "0x6fe"),
    ("0000000080090324", WCFError.Code.handshakeRefused, "clock"),
    ("01", WCFError.Code.handshakeRefused, "without saying why"),
  ])
  func refusals(hex: String, code: WCFError.Code, words: String) throws {
    let error = NegotiateHandshake(.error, try #require(Hex.decode(hex))).refusal
    #expect(error.code == code && error.message.contains(words), "\(error)")
  }

  @Test(arguments: [true, false]) func session(inOneGo: Bool) throws {
    let context = RehearsedContext()
    var initiator = NetTCPInitiator(via: "net.tcp://dc1:9389/x", upgrade: .negotiate(context))
    let start = initiator.start()
    #expect(Array(start.suffix(23)) == [0x09, 21] + Array("application/negotiate".utf8))
    let first = try initiator.receive([0x0a])
    #expect(first == [.upgradeAccepted, .send([0x16, 1, 0, 0, 5] + Array("hello".utf8))])
    let acknowledged = try NegotiateData.frame(context.wrap(FramingRecord.preambleAcknowledgement.bytes))
    let reply = try NegotiateData.frame(context.wrap(FramingRecord.sizedEnvelope([9, 9]).bytes))
    let ended = try NegotiateData.frame(context.wrap(FramingRecord.end.bytes))
    let done = [0x14, 1, 0, 0, 5] + Array("world".utf8) + acknowledged + reply + ended
    var actions: [NetTCPInitiator.Action] = []
    if inOneGo {
      actions = try initiator.receive(done)
    } else {
      for byte in done { actions += try initiator.receive([byte]) }
    }
    let preambleEnd = try NegotiateData.frame(context.wrap([0x0c]))
    #expect(actions == [.authenticated, .send(preambleEnd), .opened, .envelope([9, 9]), .ended])
  }

  @Test func askingOnly() throws {
    var initiator = NetTCPInitiator(via: "net.tcp://dc1:9389/x", upgrade: .ask)
    _ = initiator.start()
    let accepted = try initiator.receive([0x0a])
    #expect(accepted == [.upgradeAccepted])
    do {
      _ = try initiator.receive([0x0b])
      Issue.record("bytes out of turn were taken")
    } catch let error as WCFError {
      #expect(error.code == .malformed)
    }
  }

  @Test func largeEnvelopesAreCut() throws {
    let context = RehearsedContext()
    var initiator = NetTCPInitiator(via: "net.tcp://dc1:9389/x", upgrade: .negotiate(context))
    _ = initiator.start()
    _ = try initiator.receive([0x0a])
    _ = try initiator.receive([0x14, 1, 0, 0, 5] + Array("world".utf8))
    _ = try initiator.receive(NegotiateData.frame(context.wrap([0x0b])))
    let envelope = [UInt8](repeating: 3, count: 3 * FramingLimits.plainPayload)
    var reader = ByteReader(try initiator.envelope(envelope))
    var plain: [UInt8] = []
    while !reader.isAtEnd { plain += try context.unwrap(NegotiateData.payload(&reader)) }
    #expect(plain == FramingRecord.sizedEnvelope(envelope).bytes)
  }

  /// What must end a session: nothing of it may be believed.
  @Test(arguments: [
    (["0b"], "upgrade"), (["0a0a"], "after its consent"), (["08" + "03" + "616263"], "abc"),
    (["485454502f"], "unknown type"),
    (["0a", "1401000000"], "before it proved"), (["0a", "1601000000"], "without a token"),
    (["0a", "160200000161"], "version 2"),
    (["0a", "15010000080000000080" + "09030c"], "SEC_E_LOGON_DENIED"), (["0a", "16010000056e6f742021"], "out of step"),
    (["0a", "1401000005776f726c64", "ffffffff"], "protected bytes"),
    (["0a", "1401000005776f726c64", "020000005a0b"], "not sealed"),
    (["0a", "1401000005776f726c64", "02000000530a"], "out of turn"),
  ])
  func refused(pieces: [String], words: String) throws {
    var initiator = NetTCPInitiator(via: "net.tcp://dc1:9389/x", upgrade: .negotiate(RehearsedContext()))
    _ = initiator.start()
    var failure: (any DiagnosableError)?
    for piece in pieces {
      do {
        _ = try initiator.receive(try #require(Hex.decode(piece)))
      } catch let error as any DiagnosableError {
        failure = error
      }
    }
    let message = try #require(failure).message
    #expect(message.contains(words), "\(message)")
  }

  @Test(arguments: 0..<200) func hostilePeers(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let context = RehearsedContext()
    var initiator = NetTCPInitiator(via: "net.tcp://dc1:9389/x", upgrade: .negotiate(context))
    _ = initiator.start()
    var good: [UInt8] = [0x0a, 0x14, 1, 0, 0, 5] + Array("world".utf8)
    good += try NegotiateData.frame(context.wrap([0x0b]))
    let index = Int.random(in: 0..<good.count, using: &random)
    let original = good[index]
    good[index] = UInt8.random(in: 0...255, using: &random)
    guard good[index] != original else { return }
    var actions: [NetTCPInitiator.Action] = []
    // The minor version alone may differ (MS-NNS 2.2.1 asks for 0; a newer minor version changes nothing).
    do { for byte in good { actions += try initiator.receive([byte]) } } catch {}
    #expect(index == 3 || !actions.contains(.opened))
  }
}

/// A context whose handshake is `hello`, `world`, and whose protection is a letter in front: what the framing does with a
/// context can be followed byte for byte. The real one is tested against MIT's acceptor.
final class RehearsedContext: SecurityContext {
  let protection = Protection.confidentiality
  let summary = "rehearsed"

  func step(_ token: [UInt8]?) throws(SecurityError) -> SecurityStep {
    guard let token else { return .send(Array("hello".utf8)) }
    guard token == Array("world".utf8) else {
      throw SecurityError(.rejectedToken, "The token is out of step.", remedy: "Repeat the rehearsal.")
    }
    return .complete
  }
  func wrap(_ message: [UInt8]) throws(SecurityError) -> [UInt8] { [UInt8(ascii: "S")] + message }
  func unwrap(_ message: [UInt8]) throws(SecurityError) -> [UInt8] {
    guard message.first == UInt8(ascii: "S") else {
      throw SecurityError(.weakProtection, "The message is not sealed.", remedy: "Seal it.")
    }
    return Array(message.dropFirst())
  }
  func wrapSigned(_ message: [UInt8]) throws(SecurityError) -> [UInt8] { message }
  func unwrapSigned(_ message: [UInt8]) throws(SecurityError) -> [UInt8] { message }
  func tokenLength(_ segments: [Segment]) throws(SecurityError) -> Int { 4 }
  func seal(_ buffer: inout [UInt8], _ segments: [Segment]) throws(SecurityError) -> [UInt8] { [] }
  func unseal(_ buffer: inout [UInt8], _ segments: [Segment], token: [UInt8]) throws(SecurityError) {}
  func sessionKey() throws(SecurityError) -> SecretBytes { SecretBytes([]) }
}
