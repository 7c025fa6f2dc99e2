// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// A server on loopback whose answers a test decides: over TCP for each piece that comes, over UDP for each datagram.
final class ScriptedPeer: Sendable {
  enum Answer: Sendable {
    case send([UInt8])
    /// Then hang up.
    case sendAndClose([UInt8])
    case silence
    case reset
    /// Without end, until the client hangs up.
    case endless([UInt8])
  }

  let port: Int
  private let channel: any Channel
  private let counter: Counter
  /// Datagrams or pieces that came.
  var received: Int { counter.value }

  private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add() { count.withLock { $0 += 1 } }
  }

  private init(_ channel: any Channel, _ counter: Counter) {
    self.channel = channel
    self.counter = counter
    port = channel.localAddress?.port ?? 0
  }

  static func tcp(_ answer: @escaping @Sendable ([UInt8]) -> Answer) async throws -> ScriptedPeer {
    let counter = Counter()
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.backlog, value: 256)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(StreamHandler(counter, answer))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    return ScriptedPeer(channel, counter)
  }

  /// - Parameter answer: the datagrams to send back.
  static func udp(_ answer: @escaping @Sendable ([UInt8]) -> [[UInt8]]) async throws -> ScriptedPeer {
    let counter = Counter()
    let channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(DatagramHandler(counter, answer))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    return ScriptedPeer(channel, counter)
  }

  func stop() async { try? await channel.close() }

  private final class StreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let counter: Counter
    private let answer: @Sendable ([UInt8]) -> Answer

    init(_ counter: Counter, _ answer: @escaping @Sendable ([UInt8]) -> Answer) {
      self.counter = counter
      self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      counter.add()
      switch answer(Array(unwrapInboundIn(data).readableBytesView)) {
      case .silence: break
      case .send(let bytes): context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
      case .sendAndClose(let bytes):
        let channel = NIOLoopBound(context.channel, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)))
          .assumeIsolated().whenComplete { _ in channel.value.close(promise: nil) }
      case .reset:
        // A linger time of zero turns the close into a reset.
        let channel = NIOLoopBound(context.channel, eventLoop: context.eventLoop)
        let option = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        option?.assumeIsolated().whenComplete { _ in channel.value.close(promise: nil) }
      case .endless(let bytes): pour(ByteBuffer(bytes: bytes), context.channel)
      }
    }

    private func pour(_ buffer: ByteBuffer, _ channel: any Channel) {
      guard channel.isActive else { return }
      channel.writeAndFlush(buffer).whenSuccess {
        channel.eventLoop.scheduleTask(in: .milliseconds(1)) { Self.pourOn(buffer, channel) }
      }
    }

    private static func pourOn(_ buffer: ByteBuffer, _ channel: any Channel) {
      guard channel.isActive else { return }
      channel.writeAndFlush(buffer).whenSuccess {
        channel.eventLoop.scheduleTask(in: .milliseconds(1)) { pourOn(buffer, channel) }
      }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }

  private final class DatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>
    private let counter: Counter
    private let answer: @Sendable ([UInt8]) -> [[UInt8]]

    init(_ counter: Counter, _ answer: @escaping @Sendable ([UInt8]) -> [[UInt8]]) {
      self.counter = counter
      self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      counter.add()
      let question = unwrapInboundIn(data)
      for bytes in answer(Array(question.data.readableBytesView)) {
        let envelope = AddressedEnvelope(remoteAddress: question.remoteAddress, data: ByteBuffer(bytes: bytes))
        context.writeAndFlush(wrapOutboundOut(envelope), promise: nil)
      }
    }
  }
}
