// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1

/// The end of a connection's pipeline: carries one request and its response at a time.
///
/// Confined to the channel's event loop.
final class ExchangeHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  /// A response and whether the connection may carry another request.
  struct Outcome: Sendable {
    var response: HTTPResponse
    var keepsAlive: Bool
  }

  private struct Exchange {
    var promise: EventLoopPromise<Outcome>
    var limit: Int
    var timer: Scheduled<Void>
    var head: HTTPResponseHead?
    var body: [UInt8] = []
  }

  private let peer: String
  /// Called once, at the first response head of the connection.
  private var onFirstResponse: (() -> Void)?
  private let idleLimit: TimeAmount
  private var exchange: Exchange?
  private var idleTimer: Scheduled<Void>?
  private var closed = false
  private var context: ChannelHandlerContext?

  init(peer: String, idleLimit: TimeAmount, onFirstResponse: (() -> Void)?) {
    self.peer = peer
    self.idleLimit = idleLimit
    self.onFirstResponse = onFirstResponse
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    closed = !context.channel.isActive
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    closed = true
    idleTimer?.cancel()
    self.context = nil
    fail(HTTPError(.closedEarly, "The connection to \(peer) was closed."))
  }

  /// Sends a request whose framing fields are set. The deadline is an instant.
  func send(
    _ head: HTTPRequestHead, _ body: [UInt8], limit: Int, deadline: NIODeadline, promise: EventLoopPromise<Outcome>
  ) {
    guard let context, !closed, exchange == nil else {
      var error = HTTPError(.closedEarly, "\(peer) closed the kept-alive connection.")
      error.withoutResponse = true
      return promise.fail(error)
    }
    idleTimer?.cancel()
    let timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
      let what = self.exchange?.head == nil ? "did not answer" : "did not finish its response"
      self.fail(HTTPError(.timedOut, "\(self.peer) \(what) in time.", mayHaveReachedServer: true))
      context.close(promise: nil)
    }
    exchange = Exchange(promise: promise, limit: limit, timer: timer)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if !body.isEmpty {
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
    }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
  }

  /// Ends an exchange that nobody waits for any more. TLS says farewell for some seconds where the peer is silent; the caller
  /// does not wait for that.
  func abandon(_ error: HTTPError) {
    fail(error)
    closed = true
    context?.close(promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard exchange != nil else {
      // A response that nobody asked for: the connection is out of step.
      closed = true
      return context.close(promise: nil)
    }
    switch unwrapInboundIn(data) {
    case .head(let head):
      onFirstResponse?()
      onFirstResponse = nil
      exchange?.head = head
      if let length = head.headers.first(name: "content-length").flatMap(Int.init), length > exchange?.limit ?? 0 {
        tooLarge(context)
      }
    case .body(let buffer):
      // Without a copy of the exchange in hand: the body would be copied for every part that is added to it.
      guard let room = exchange.map({ $0.limit - $0.body.count }), buffer.readableBytes <= room else {
        return tooLarge(context)
      }
      exchange?.body.append(contentsOf: buffer.readableBytesView)
    case .end:
      complete(context)
    }
  }

  private func tooLarge(_ context: ChannelHandlerContext) {
    fail(
      HTTPError(
        .tooLarge, "The response of \(peer) is larger than \(exchange?.limit ?? 0) bytes.", mayHaveReachedServer: true))
    context.close(promise: nil)
  }

  private func complete(_ context: ChannelHandlerContext) {
    guard let done = exchange, let head = done.head else { return }
    exchange = nil
    done.timer.cancel()
    // 101 would mean another protocol, which nobody asked for.
    let keepsAlive = head.isKeepAlive && head.status != .switchingProtocols && context.channel.isActive && !closed
    if keepsAlive {
      idleTimer = context.eventLoop.assumeIsolated().scheduleTask(in: idleLimit) { context.close(promise: nil) }
    } else {
      closed = true
      context.close(promise: nil)
    }
    var fields = HTTPFields()
    for (name, value) in head.headers { fields.add(name, value) }
    let response = HTTPResponse(status: Int(head.status.code), fields: fields, body: done.body)
    done.promise.succeed(Outcome(response: response, keepsAlive: keepsAlive))
  }

  func channelInactive(context: ChannelHandlerContext) {
    closed = true
    let before = exchange?.head == nil ? "before it answered" : "in the middle of its response"
    fail(HTTPError(.closedEarly, "\(peer) closed the connection \(before).", mayHaveReachedServer: true))
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    closed = true
    fail(translate(error))
    context.close(promise: nil)
  }

  private func translate(_ error: any Error) -> HTTPError {
    switch error {
    case HTTPParserError.headerOverflow:
      HTTPError(.tooLarge, "The header of \(peer)'s response is too large.", mayHaveReachedServer: true)
    case HTTPParserError.invalidEOFState:
      HTTPError(
        .closedEarly, "\(peer) closed the connection in the middle of its response.", mayHaveReachedServer: true)
    case is HTTPParserError:
      HTTPError(.malformedResponse, "\(peer) sent a malformed response: \(error).", mayHaveReachedServer: true)
    case is IOError:
      HTTPError(.reset, "The connection to \(peer) was reset: \(error).", mayHaveReachedServer: true)
    default:
      HTTPError(.closedEarly, "The connection to \(peer) broke: \(error).", mayHaveReachedServer: true)
    }
  }

  private func fail(_ error: HTTPError) {
    guard let failed = exchange else { return }
    exchange = nil
    failed.timer.cancel()
    var error = error
    error.withoutResponse = failed.head == nil && (error.code == .closedEarly || error.code == .reset)
    failed.promise.fail(error)
  }
}
