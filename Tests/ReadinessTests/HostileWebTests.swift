// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import NIOCore
import NIOPosix
import PortReference
import Testing

@testable import Readiness
import TestSupport
import Wire

/// Web probers against peers that send what nobody should: never a crash, never a hang, never a false `works`.
@Suite struct HostileWebTests {
  static let probers: [any Prober] = [
    WinRMProber.activeDirectory, WebServicesProber(), FederationProber.http, RevocationListProber(),
  ]

  static let identify = """
    HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml;charset=UTF-8\r\nContent-Length: 380\r\n\r\n\
    <s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><wsmid:IdentifyResponse \
    xmlns:wsmid="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"><wsmid:ProtocolVersion>\
    http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd</wsmid:ProtocolVersion><wsmid:ProductVendor>V</wsmid:ProductVendor>
    """

  /// Wrong answers of every kind, as a whole or as the start of one.
  static let wrong: [[UInt8]] = [
    [], Array("SSH-2.0-OpenSSH_9.2\r\n".utf8), Array("220 mail ready\r\n".utf8), [0x15, 3, 1, 0, 2, 2, 70],
    Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html".utf8),
    Array("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nhttp".utf8),
    Array("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n".utf8),
    Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n".utf8),
    Array("HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n".utf8), Array("HTTP/9.9 999\r\n\r\n".utf8),
    Array("HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate \u{1}\r\nContent-Length: 0\r\n\r\n".utf8),
    Array(identify.utf8), [0x0b], [0x0a, 0x0a], [0x08, 0xff, 0xff, 0xff, 0xff, 0x0f], [0x06, 0x80, 0x80],
    [UInt8](repeating: 0x41, count: 100_000), [UInt8](repeating: 0, count: 70_000),
  ]

  @Test(arguments: wrong.indices) func wrongAnswers(index: Int) async throws {
    let server = try await RawServer(Self.wrong[index])
    for prober in Self.probers {
      let seen = await Self.converse(prober, port: server.port)
      #expect(seen.depth < prober.requiredDepth(withCredentials: false), "\(prober.row): \(seen)")
    }
    await server.stop()
  }

  /// Good answers with some bytes changed, and random bytes: whatever comes out, something does.
  @Test(arguments: 0..<40) func changedAnswers(seed: UInt64) async throws {
    var random = SeededGenerator(seed: seed)
    var bytes = Self.wrong[Int.random(in: 1..<Self.wrong.count - 2, using: &random)]
    for _ in 0..<Int.random(in: 1...8, using: &random) {
      bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
    }
    let server = try await RawServer(bytes)
    for prober in Self.probers {
      let seen = await Self.converse(prober, port: server.port)
      #expect(seen.phases.first?.name == .connect)
      #expect(seen.depth < .authenticated || prober.row == .connectFederationHTTP)
    }
    await server.stop()
  }

  /// The one byte that a stand-in for AD Web Services could guess: it proves the consent and nothing more.
  @Test func theRightByte() async throws {
    let server = try await RawServer([0x0a])
    #expect(await Self.converse(WebServicesProber(), port: server.port).depth == .service)
    await server.stop()
  }

  static func converse(_ prober: any Prober, port: Int) async -> Conversation {
    let log = ConversationLog()
    let context = ProbeContext(
      sockets: ProbeSockets(), group: MultiThreadedEventLoopGroup.singleton, deadline: .now + .seconds(3),
      now: { Date(timeIntervalSince1970: 1_800_000_000) }, credentials: nil, trust: { _ in nil }, standIns: nil,
      logger: Logger(label: "test"))
    let target = ProbeTarget(role: .activeDirectory, host: "dc1.corp.example", address: "127.0.0.1", port: port)
    await prober.converse(with: target, context, log)
    return log.snapshot
  }
}

/// Answers the first bytes of each connection with the same bytes and hangs up.
final class RawServer: Sendable {
  private let channel: any Channel
  var port: Int { channel.localAddress?.port ?? 0 }

  init(_ answer: [UInt8]) async throws {
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Answer(answer)) }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  func stop() async { try? await channel.close().get() }

  private final class Answer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let bytes: [UInt8]
    private var isDone = false

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      guard !isDone else { return }
      isDone = true
      let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes))).whenComplete { _ in
        bound.value.close(mode: .output, promise: nil)
      }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }
}
