// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Wire

/// Asks a proxy for a tunnel (RFC 9110 9.3.6) and removes itself when it stands.
///
/// Confined to the channel's event loop.
final class ProxyConnectHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// The longest response head that is read from a proxy; error pages behind it are not read.
  static let maximumHeadBytes = 16 << 10

  private let proxy: HTTPProxy
  private let destination: Endpoint
  private let deadline: TimeAmount
  private let promise: EventLoopPromise<Void>
  private var head: [UInt8] = []
  private var timer: Scheduled<Void>?
  private var finished = false

  init(proxy: HTTPProxy, destination: Endpoint, deadline: TimeAmount, promise: EventLoopPromise<Void>) {
    self.proxy = proxy
    self.destination = destination
    self.deadline = deadline
    self.promise = promise
  }

  func handlerAdded(context: ChannelHandlerContext) {
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: deadline) {
      self.fail(HTTPError(.timedOut, "The proxy \(self.proxy.endpoint) did not answer CONNECT."), context)
    }
    var request = "CONNECT \(destination) HTTP/1.1\r\nHost: \(destination)\r\n"
    if let authorization = proxy.authorization { request += "Proxy-Authorization: \(authorization)\r\n" }
    request += "\r\n"
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: request)), promise: nil)
  }

  func handlerRemoved(context: ChannelHandlerContext) { closed(context) }
  func channelInactive(context: ChannelHandlerContext) {
    closed(context)
    context.fireChannelInactive()
  }
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard !finished else { return context.fireErrorCaught(error) }
    fail(HTTPError(.proxyFailed, "The connection to the proxy \(proxy.endpoint) broke: \(error)."), context)
  }

  private func closed(_ context: ChannelHandlerContext) {
    fail(
      HTTPError(.proxyFailed, "The proxy \(proxy.endpoint) closed the connection without answering CONNECT."), context)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !finished else { return context.fireChannelRead(data) }
    for byte in unwrapInboundIn(data).readableBytesView {
      if head.suffix(4).elementsEqual([13, 10, 13, 10]) {
        // Whoever is at the other end of the tunnel has not been spoken to yet.
        return fail(
          HTTPError(.proxyFailed, "The proxy \(proxy.endpoint) sent data before the tunnel was used."), context)
      }
      guard head.count < Self.maximumHeadBytes else {
        return fail(
          HTTPError(.proxyFailed, "The proxy \(proxy.endpoint) answered CONNECT with an endless header."), context)
      }
      head.append(byte)
      // A refusal may carry a page: its head is enough.
      if head.suffix(4).elementsEqual([13, 10, 13, 10]), status.map({ !(200...299).contains($0) }) ?? true { break }
    }
    if head.suffix(4).elementsEqual([13, 10, 13, 10]) { answered(context) }
  }

  /// `HTTP-version SP status-code SP [ reason-phrase ]`
  private var status: Int? {
    let parts = String(decoding: head.prefix { $0 != 13 }, as: UTF8.self).split(separator: " ", maxSplits: 2)
    guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), parts[1].utf8.count == 3 else { return nil }
    return Int(parts[1])
  }

  private func answered(_ context: ChannelHandlerContext) {
    switch status {
    case .some(200...299):
      finished = true
      timer?.cancel()
      context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
      promise.succeed()
    // Some proxies (tinyproxy) answer a wrong password with 401: before the tunnel stands only the proxy can answer.
    case .some(401), .some(407):
      refuse(
        HTTPError(
          .proxyAuthenticationRequired,
          proxy.credentials == nil
            ? "The proxy \(proxy.endpoint) asks for authentication for \(destination)."
            : "The proxy \(proxy.endpoint) refuses the user name or password for \(destination)."), context)
    case 403:
      refuse(
        HTTPError(.proxyForbidden, "The proxy \(proxy.endpoint) does not allow a tunnel to \(destination) (403)."),
        context)
    case .some(let status):
      refuse(HTTPError(.proxyFailed, "The proxy \(proxy.endpoint) answered \(status) for \(destination)."), context)
    case nil:
      fail(HTTPError(.proxyFailed, "What answers at \(proxy.endpoint) is no HTTP proxy."), context)
    }
  }

  /// The header fields of the answer.
  private var fields: HTTPFields {
    var fields = HTTPFields()
    for line in String(decoding: head, as: UTF8.self).split(separator: "\r\n").dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      fields.add(String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }))
    }
    return fields
  }

  private func refuse(_ error: HTTPError, _ context: ChannelHandlerContext) {
    var error = error
    error.refusal = status.map {
      ProxyRefusal(
        status: $0, schemes: AuthenticationChallenge.all("Proxy-Authenticate", in: fields).map(\.scheme),
        hadCredentials: proxy.credentials != nil)
    }
    fail(error, context)
  }

  private func fail(_ error: HTTPError, _ context: ChannelHandlerContext) {
    guard !finished else { return }
    finished = true
    timer?.cancel()
    promise.fail(error)
    context.close(promise: nil)
  }
}
