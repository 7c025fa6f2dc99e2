// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization
import Wire

/// Counts the connections at a port.
final class Admission: Sendable {
  private let limit: Int
  private let count = Mutex(0)

  init(limit: Int) { self.limit = limit }

  func enter() -> Bool {
    count.withLock { count in
      guard count < limit else { return false }
      count += 1
      return true
    }
  }

  func leave() { count.withLock { $0 -= 1 } }
}

/// One connection to a stand-in. Confined to its channel's event loop.
final class StandInStreamHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let port: StandInPort
  private let responder: StandInResponder
  private let events: AsyncStream<StandInEvent>.Continuation
  private var received: [UInt8] = []
  private var timer: Scheduled<Void>?
  private var isOver = false

  init(port: StandInPort, responder: StandInResponder, events: AsyncStream<StandInEvent>.Continuation) {
    self.port = port
    self.responder = responder
    self.events = events
  }

  func channelActive(context: ChannelHandlerContext) {
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: StandInServer.patience) { context.close(promise: nil) }
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isOver else { return }
    let bytes = unwrapInboundIn(data)
    // More than one message cannot be expected: a stranger's bytes are cut, and end the conversation.
    received += bytes.readableBytesView.prefix(StandInFrame.maximumBytes + 1 - received.count)
    let peer = context.channel.remoteAddress
    guard let answer = responder.answer(received, from: peer?.ipAddress ?? "", at: port) else { return }
    received = []
    isOver = answer.isLast
    if let outcome = answer.outcome {
      events.yield(StandInEvent(outcome: outcome, port: port, peer: peer?.endpointText ?? ""))
    }
    let sent = context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: answer.bytes)))
    if isOver {
      // The end of this side first: unread bytes of a stranger would turn a close into a reset that swallows the answer.
      let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
      sent.whenComplete { _ in bound.value.close(mode: .output, promise: nil) }
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// One UDP port of a stand-in. Confined to its channel's event loop.
final class StandInDatagramHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>

  private let port: StandInPort
  private let responder: StandInResponder
  private let events: AsyncStream<StandInEvent>.Continuation

  init(port: StandInPort, responder: StandInResponder, events: AsyncStream<StandInEvent>.Continuation) {
    self.port = port
    self.responder = responder
    self.events = events
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    let bytes = Array(envelope.data.readableBytesView)
    let peer = envelope.remoteAddress
    // A message in part is none: a datagram arrives whole.
    guard let answer = responder.answer(bytes, from: peer.ipAddress ?? "", at: port), !answer.bytes.isEmpty else {
      return
    }
    if let outcome = answer.outcome {
      events.yield(StandInEvent(outcome: outcome, port: port, peer: peer.endpointText))
    }
    context.writeAndFlush(
      wrapOutboundOut(AddressedEnvelope(remoteAddress: peer, data: ByteBuffer(bytes: answer.bytes))), promise: nil)
  }

  /// A peer that has gone (ICMP) is no reason to stop answering the others.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}

extension SocketAddress {
  fileprivate var endpointText: String { Endpoint(host: ipAddress ?? "", port: port ?? 0).description }
}
