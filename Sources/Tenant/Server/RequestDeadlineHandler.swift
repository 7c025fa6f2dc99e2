// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Logging
import NIOCore
import NIOHTTPTypes

/// Closes a connection (or HTTP/2 stream) whose client is too slow: the header, the body and the reading of the answer
/// each have a deadline that no trickle of bytes extends. It also ends one that keeps sending after a refusal.
final class RequestDeadlineHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let limits: TenantLimits
  private var deadline: Scheduled<Void>?
  private var bodyBytes = 0
  private var isReading = false
  private var isAnswering = false
  private var isPeerThere = true

  /// A refused body is read on so far, for the client to see the answer instead of a reset.
  private static let drainedBytes = 8 << 20

  init(limits: TenantLimits) { self.limits = limits }

  func handlerAdded(context: ChannelHandlerContext) { arm(context, limits.idleSeconds) }

  func handlerRemoved(context: ChannelHandlerContext) { disarm() }

  func channelInactive(context: ChannelHandlerContext) {
    isPeerThere = false
    disarm()
    context.fireChannelInactive()
  }

  /// A client that says no more on a connection of HTTP/1 is gone; a stream of HTTP/2 ends so after each request, and is
  /// reset when nobody waits any more (RFC 9113 8.1).
  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    let isStream = context.channel.parent?.parent != nil
    if case ChannelEvent.inputClosed = event, !isStream { isPeerThere = false }
    context.fireUserInboundEventTriggered(event)
  }

  /// Whether somebody still waits for the answer.
  static func isPeerThere(_ channel: any Channel) async -> Bool {
    let handler = channel.pipeline.handler(type: RequestDeadlineHandler.self)
    return (try? await handler.map { $0.isPeerThere }.get()) ?? false
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head:
      bodyBytes = 0
      isReading = true
      arm(context, limits.bodySeconds)
    case .body(let buffer):
      bodyBytes += buffer.readableBytes
      guard bodyBytes <= limits.bodyBytes + Self.drainedBytes else { return context.close(promise: nil) }
    case .end:
      isReading = false
      if isAnswering { arm(context, limits.answerSeconds) } else { disarm() }
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch unwrapOutboundIn(data) {
    case .head:
      isAnswering = true
      if !isReading { arm(context, limits.answerSeconds) }
      context.write(data, promise: promise)
    case .body:
      context.write(data, promise: promise)
    case .end:
      let written = promise ?? context.eventLoop.makePromise(of: Void.self)
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      written.futureResult.whenSuccess {
        let (handler, context) = bound.value
        handler.isAnswering = false
        if !handler.isReading { handler.arm(context, handler.limits.idleSeconds) }
      }
      context.write(data, promise: written)
    }
  }

  private func arm(_ context: ChannelHandlerContext, _ seconds: Int) {
    disarm()
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    deadline = context.eventLoop.scheduleTask(in: .seconds(Int64(seconds))) { bound.value.close(promise: nil) }
  }

  private func disarm() {
    deadline?.cancel()
    deadline = nil
  }
}
