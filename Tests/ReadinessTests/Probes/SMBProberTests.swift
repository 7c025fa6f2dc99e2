// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Logging
import NIOCore
import NIOPosix
import PortReference
import Synchronization
import Testing
import TestSupport
import Wire

@testable import Readiness
@testable import SMB

/// What the prober of SMB makes of servers, of other programs and of garbage. Without credentials: sessions are tried against
/// Samba.
@Suite struct SMBProberTests {
  @Test func aServer() async throws {
    let seen = try await probe([.answer(Self.negotiation())])
    #expect(seen.depth == .service)
    // A busy machine may read the answer, and the time in it, seconds later.
    let others = seen.observations.filter { if case .clockSkew = $0 { false } else { true } }
    #expect(others == [.note("SMB 3.1.1, signing AES-GMAC, encryption AES-128-GCM, signing required")])
    #expect(seen.phases.map(\.name) == [.connect, .request])
  }

  @Test func aWrongClock() async throws {
    let seen = try await probe([.answer(Self.negotiation(secondsAhead: 400))])
    #expect(
      seen.observations.contains {
        if case .clockSkew(let seconds, _) = $0 { (340...401).contains(seconds) } else { false }
      })
  }

  @Test func aServerWithoutSigning() async throws {
    let seen = try await probe([.answer(Self.negotiation(securityMode: []))])
    #expect(seen.depth == .port && seen.observations == [.signingUnavailable])
  }

  /// A server of SMB 1 hangs up on SMB 2, and answers in its own language.
  @Test func onlySMB1() async throws {
    let older = DirectTCPFramer.framed(SMBHeader.olderProtocolIdentifier + [UInt8](repeating: 0, count: 60))
    let seen = try await probe([.answer([]), .answer(older)])
    #expect(seen.depth == .port && seen.observations.contains(.smb1Only))
    let direct = try await probe([.answer(older)])
    #expect(direct.depth == .port && direct.observations == [.smb1Only])
    // One that would speak SMB 2 after all is no server of SMB 1.
    let newer = try await probe([.answer([]), .answer(Self.negotiation())])
    #expect(newer.observations == [.closedAfterData(received: 0)] && newer.depth == .port)
  }

  @Test func otherPrograms() async throws {
    let web = try await probe([.answer(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))])
    #expect(web.depth == .port)
    #expect(web.observations.contains { if case .wrongAnswer("HTTP", _) = $0 { true } else { false } })
    let silent = try await probe([.silence], seconds: 3)
    #expect(silent.depth == .port)
    #expect(silent.observations.contains { if case .silenceAfterData = $0 { true } else { false } })
    let half = try await probe([.answer(Array(Self.negotiation().prefix(40)))])
    #expect(half.depth == .port && half.observations.contains(.closedAfterData(received: 40)))
  }

  /// Samba refuses every dialect of SMB 2 where SMB 1 is all that it may speak.
  @Test func aServerThatRefuses() async throws {
    var header = SMBHeader(.negotiate, messageID: 0)
    header.flags = .response
    header.status = .notSupported
    let refusal = DirectTCPFramer.framed(SMBMessage(header, ErrorResponse()).bytes)
    let older = DirectTCPFramer.framed(SMBHeader.olderProtocolIdentifier + [UInt8](repeating: 0, count: 60))
    let seen = try await probe([.answer(refusal), .answer(older)])
    #expect(seen.depth == .port && seen.observations == [.smb1Only])
    let other = try await probe([.answer(refusal), .answer([])])
    #expect(other.depth == .port && other.observations.count == 1)
    #expect(other.observations.contains { if case .serviceUnavailable = $0 { true } else { false } })
  }

  /// Garbage is never a service, and ends every conversation with something seen.
  @Test func garbage() async throws {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<60 {
      let count = Int(random.next() % 300)
      let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      let seen = try await probe([.answer(bytes), .answer(bytes)])
      #expect(seen.depth == .port && !seen.observations.isEmpty, "\(Hex.encode(bytes))")
    }
  }

  /// Answers with a few changed bytes: the conversation ends, and is only deep where the answer could still be read whole.
  @Test func mutatedAnswers() async throws {
    var random = SeededGenerator(seed: 11)
    var deep = 0
    for _ in 0..<150 {
      var bytes = Self.negotiation()
      for _ in 0...Int(random.next() % 3) {
        let index = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 4 {
        case 0: bytes.removeSubrange(index...)
        case 1: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: index)
        default: bytes[index] = UInt8(truncatingIfNeeded: random.next())
        }
        if bytes.isEmpty { bytes = [0] }
      }
      let seen = try await probe([.answer(bytes), .answer(bytes)])
      #expect(seen.depth == .port || seen.depth == .service)
      #expect(!seen.observations.isEmpty)
      if seen.depth == .service {
        deep += 1
        // The parts that tell SMB from anything else are untouched.
        #expect(Array(bytes[4..<8]) == SMBHeader.protocolIdentifier && bytes[8] == 64)
      }
    }
    #expect(deep > 0 && deep < 150)
  }

  // MARK: - Support

  enum Reply: Sendable {
    /// Sent when something was received; then the connection is closed.
    case answer([UInt8])
    case silence
  }

  private static func negotiation(
    securityMode: SecurityMode = [.signingEnabled, .signingRequired], secondsAhead: Int64 = 0
  ) -> [UInt8] {
    var header = SMBHeader(.negotiate, messageID: 0)
    header.flags = .response
    header.credits = 1
    let now = Int64(Date().timeIntervalSince1970) + secondsAhead
    let response = NegotiateResponse(
      securityMode: securityMode, dialect: Dialect.smb311.rawValue,
      serverGUID: GUID([UInt8](repeating: 1, count: 16)) ?? GUID("00000000-0000-0000-0000-000000000000")!,
      systemTime: FileTime(unixSeconds: now), securityToken: [0x60, 0],
      contexts: [.preauthenticationIntegrity(hashes: [1], salt: [1, 2]), .encryption([2]), .signing([2])])
    return DirectTCPFramer.framed(SMBMessage(header, response).bytes)
  }

  /// Probes a server whose n-th connection gives the n-th reply.
  private func probe(_ replies: [Reply], seconds: Double = 30) async throws -> Conversation {
    let number = Counter()
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        let index = number.next()
        return channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            Answerer(index < replies.count ? replies[index] : .answer([])))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let context = ProbeContext(
      sockets: ProbeSockets(), group: MultiThreadedEventLoopGroup.singleton, deadline: .now + .seconds(seconds),
      now: { Date() }, credentials: nil, trust: { _ in nil }, standIns: nil, logger: Logger(label: "test"))
    let target = ProbeTarget(
      role: .activeDirectory, host: "dc1.corp.example", address: "127.0.0.1", port: server.localAddress?.port ?? 0)
    let log = ConversationLog()
    await SMBProber().converse(with: target, context, log)
    try await server.close()
    return log.snapshot
  }

  private final class Counter: Sendable {
    private let value = Mutex(0)
    func next() -> Int {
      value.withLock { value in
        defer { value += 1 }
        return value
      }
    }
  }

  private final class Answerer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let reply: Reply
    init(_ reply: Reply) { self.reply = reply }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      guard case .answer(let bytes) = reply else { return }
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
      context.close(promise: nil)
    }
  }
}
