// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import Testing
import TestSupport
import Wire

@testable import SMB

/// Mutated messages: the decoders and the client's state must refuse or read them, never trap.
///
/// `BRIDGEHEAD_FUZZ_ITERATIONS` sets the number; `BRIDGEHEAD_FUZZ_SEED` repeats a run.
@Suite struct FuzzTests {
  static let iterations = Fuzzing.iterations(otherwise: 5000)
  static let seed = Fuzzing.seed
  /// The first bytes of messages, and their size.
  static let edges: [UInt8] = [0, 0x7F, 0x80, 0xFF, 0xFE, 0x40, 0x48, 0x01]

  @Test func mutatedMessages() {
    var random = SeededGenerator(seed: Self.seed)
    var (read, refused) = (0, 0)
    var unstable: [String] = []
    for _ in 0..<Self.iterations {
      var bytes = Samples.messages[Int(random.next() % UInt64(Samples.messages.count))].bytes
      for _ in 0...Int(random.next() % 4) { random.mutate(&bytes, edges: Self.edges) }
      var framer = DirectTCPFramer()
      framer.append(ByteBuffer(bytes: bytes))
      while let frame = try? framer.next(), !frame.isEmpty {}
      var reader = ByteReader(bytes)
      _ = try? TransformHeader(&reader)
      _ = try? ValidateNegotiateInfoResponse(bytes)
      guard let message = try? SMBMessage(bytes), let again = try? Samples.recode(message) else {
        refused += 1
        continue
      }
      read += 1
      // What was read and written may differ in what nobody reads, but must read the same.
      if (try? SMBMessage(again)).flatMap({ try? Samples.recode($0) }) != again { unstable.append(Hex.encode(bytes)) }
    }
    #expect(read + refused == Self.iterations)
    #expect(read > 0 && refused > 0)
    #expect(unstable.isEmpty, "seed \(Self.seed): \(unstable.prefix(3))")
  }

  /// Whole conversations with a server whose answers are mutated: each ends in an error or in the right state, and an
  /// established session never accepts a changed answer.
  @Test func mutatedConversations() throws {
    var random = SeededGenerator(seed: Self.seed)
    var (ended, carriedOn, accepted) = (0, 0, 0)
    for round in 0..<max(50, Self.iterations / 20) {
      var conversation = Conversation(encrypts: round % 2 == 0)
      do {
        try conversation.open { bytes in
          if random.next() % 8 == 0 { random.mutate(&bytes, edges: Self.edges) }
        }
        carriedOn += 1
      } catch {
        ended += 1
        continue
      }
      var changed = try conversation.answerToRead()
      let genuine = changed
      random.mutate(&changed, edges: Self.edges)
      guard changed != genuine else { continue }
      if (try? conversation.client.receive(changed))?.answer != nil { accepted += 1 }
    }
    #expect(ended > 0 && carriedOn > 0)
    #expect(accepted == 0, "seed \(Self.seed)")
  }
}

/// A client's state and the server's half of its keys, without sockets.
struct Conversation: ~Copyable {
  var client = SMBClientState(server: "dc1")
  private let encrypts: Bool
  private let key = SecretBytes([UInt8](repeating: 5, count: 32))
  private var hash = PreauthenticationHash()
  private var signer: MessageSigner?
  private var sealer: MessageSealer?

  init(encrypts: Bool) { self.encrypts = encrypts }

  /// Negotiates SMB 3.1.1 and sets the session up; each answer goes through `mutation`.
  mutating func open(_ mutation: (inout [UInt8]) -> Void) throws {
    let negotiation = try negotiate(mutation)
    let setup = SessionSetupRequest(securityMode: .signingRequired, securityToken: [1])
    let request = try sent(client.send(SMBRequest(setup), ticket: 2))
    hash.update(request)
    let keys = SessionKeys(key, dialect: .smb311, cipher: .aes128GCM, preauthentication: hash)
    signer = MessageSigner(.aesGMAC, key: keys.signing)
    if let encryption = keys.encryption, let decryption = keys.decryption,
      let outgoing = AuthenticatedEncryption(.aes128GCM, key: decryption),
      let incoming = AuthenticatedEncryption(.aes128GCM, key: encryption)
    {
      sealer = MessageSealer(outgoing: outgoing, incoming: incoming, sessionID: 0x77)
    }
    var answer = answer(to: try SMBMessage(request), SessionSetupResponse(securityToken: [2]))
    try signer?.sign(&answer)
    mutation(&answer)
    guard let received = try client.receive(answer).answer else { throw ByteError.malformed(offset: 0, reason: "none") }
    _ = try SessionSetupResponse(received.message)
    _ = try client.establish(key, negotiation, last: received.message, encrypts: encrypts)
  }

  private mutating func negotiate(_ mutation: (inout [UInt8]) -> Void) throws -> SMBNegotiation {
    let request = try sent(client.send(SMBRequest(Samples.negotiateRequest), ticket: 1))
    hash.update(request)
    var answer = answer(to: try SMBMessage(request), Samples.negotiateResponse)
    hash.update(answer)
    mutation(&answer)
    guard let received = try client.receive(answer).answer else { throw ByteError.malformed(offset: 0, reason: "none") }
    let response = try NegotiateResponse(received.message)
    let negotiation = try SMBNegotiation(response, to: Samples.negotiateRequest, server: "dc1")
    client.negotiated(negotiation.dialect)
    return negotiation
  }

  /// Sends a READ and returns the genuine, protected answer to it.
  mutating func answerToRead() throws -> [UInt8] {
    let read = SMBRequest(ReadRequest(file: Samples.file, length: 100), treeID: 7)
    let frame = try sent(client.send(read, ticket: 3))
    let plain = encrypts ? try sealer?.open(frame) ?? [] : frame
    var answer = answer(to: try SMBMessage(plain), ReadResponse(data: [1, 2, 3]))
    if encrypts { return try sealer?.seal(answer) ?? [] }
    try signer?.sign(&answer)
    return answer
  }

  private func sent(_ frames: [[UInt8]]) throws -> [UInt8] {
    guard let frame = frames.first, frames.count == 1 else {
      throw ByteError.malformed(offset: 0, reason: "\(frames.count) frames")
    }
    return frame
  }

  private func answer(to request: SMBMessage, _ body: some SMBBody) -> [UInt8] {
    var header = request.header
    header.flags = .response
    header.credits = 10
    header.sessionID = request.header.command == .negotiate ? 0 : 0x77
    return SMBMessage(header, body).bytes
  }
}
