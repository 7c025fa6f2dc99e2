// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import Logging
import NIOCore
import NIOSSL
import NIOTLS

/// HTTP/1.1 or 2 over TLS, as ALPN decides, with a deadline for the handshake: until it is over no other limit applies.
struct TimedTLSChannel: ServerChildChannel {
  let base: HTTP2UpgradeChannel
  let handshakeSeconds: Int

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP2UpgradeChannel.Value> {
    let value = base.setup(channel: channel, logger: logger)
    do {
      let tls = try channel.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
      let handler = HandshakeDeadlineHandler(seconds: handshakeSeconds)
      try channel.pipeline.syncOperations.addHandler(handler, position: .after(tls))
    } catch {
      return channel.eventLoop.makeFailedFuture(error)
    }
    return value
  }

  func handle(value: HTTP2UpgradeChannel.Value, logger: Logger) async {
    await base.handle(value: value, logger: logger)
  }
}

/// Closes a connection that has not finished its TLS handshake in time.
private final class HandshakeDeadlineHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny
  typealias InboundOut = NIOAny

  private let seconds: Int
  private var deadline: Scheduled<Void>?

  init(seconds: Int) { self.seconds = seconds }

  func handlerAdded(context: ChannelHandlerContext) {
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    deadline = context.eventLoop.scheduleTask(in: .seconds(Int64(seconds))) { bound.value.close(promise: nil) }
  }

  func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

  func channelInactive(context: ChannelHandlerContext) {
    deadline?.cancel()
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case TLSUserEvent.handshakeCompleted = event { deadline?.cancel() }
    context.fireUserInboundEventTriggered(event)
  }
}
