// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import NIOTLS

/// HTTP over TLS, with a deadline for the handshake: until it is over no other limit applies.
///
/// The name that a client asks for (SNI, RFC 6066 3) decides before TLS begins: the host that takes tickets has longer header
/// fields, and speaks HTTP/1.1 only, because HTTP/2 has one limit for all hosts, which such a ticket is beyond. Everybody else
/// gets HTTP/1.1 or 2, as ALPN decides.
struct TimedTLSChannel: ServerChildChannel {
  let base: HTTP2UpgradeChannel
  let tickets: TLSChannel<HTTP1Channel>
  /// Nil where none is known.
  let ticketHost: String?
  let handshakeSeconds: Int

  enum Chosen: Sendable {
    case base(HTTP2UpgradeChannel.Value)
    case tickets(HTTP1Channel.Value)
  }

  struct Value: ServerChildChannelValue {
    /// Fails when the connection ends before a name was told.
    let chosen: EventLoopFuture<Chosen>
    let channel: any Channel
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    let promise = channel.eventLoop.makePromise(of: Chosen.self)
    let deadline = channel.eventLoop.scheduleTask(in: .seconds(Int64(handshakeSeconds))) { channel.close(promise: nil) }
    channel.closeFuture.whenComplete { _ in
      deadline.cancel()
      promise.fail(ChannelError.ioOnClosedChannel)
    }
    return channel.eventLoop.makeCompletedFuture {
      let names = SNIHandler { name in
        let chosen = choose(name, channel, deadline, logger)
        chosen.cascade(to: promise)
        return chosen.map { _ in }
      }
      try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(names))
      return Value(chosen: promise.futureResult, channel: channel)
    }
  }

  private func choose(
    _ name: SNIResult, _ channel: any Channel, _ deadline: Scheduled<Void>, _ logger: Logger
  ) -> EventLoopFuture<Chosen> {
    let isTicketHost =
      if case .hostname(let host) = name { host.lowercased() == ticketHost } else { false }
    let chosen =
      isTicketHost
      ? tickets.setup(channel: channel, logger: logger).map { Chosen.tickets($0) }
      : base.setup(channel: channel, logger: logger).map { Chosen.base($0) }
    do {
      let tls = try channel.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
      try channel.pipeline.syncOperations.addHandler(HandshakeDeadlineHandler(deadline), position: .after(tls))
    } catch {
      return channel.eventLoop.makeFailedFuture(error)
    }
    return chosen
  }

  func handle(value: Value, logger: Logger) async {
    do {
      switch try await value.chosen.get() {
      case .base(let value): await base.handle(value: value, logger: logger)
      case .tickets(let value): await tickets.handle(value: value, logger: logger)
      }
    } catch {
      logger.debug("a connection ended before its handshake", metadata: ["cause": "\(error)"])
    }
  }
}

/// Takes the deadline away from a connection that has finished its TLS handshake in time.
private final class HandshakeDeadlineHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny
  typealias InboundOut = NIOAny

  private let deadline: Scheduled<Void>

  init(_ deadline: Scheduled<Void>) { self.deadline = deadline }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case TLSUserEvent.handshakeCompleted = event { deadline.cancel() }
    context.fireUserInboundEventTriggered(event)
  }
}
