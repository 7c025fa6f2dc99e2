// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import NIOCore
import NIOHTTP1
import TCP
import Wire

/// Opens connections: resolve, connect, ask the proxy for a tunnel, TLS, then HTTP.
struct HTTPConnector: Sendable {
  let configuration: HTTPClientConfiguration
  let tls: TLSClientPolicy?
  let resolver: any NameResolver
  let group: any EventLoopGroup

  /// Opens a connection to the URL's origin. No byte of a request has been sent when this returns.
  func open(_ url: HTTPURL, deadline: NIODeadline) async throws(HTTPError) -> HTTPConnection {
    let proxy = configuration.proxy.flatMap { $0.applies(to: url.endpoint) ? $0 : nil }
    let channel = try await connect(to: proxy?.endpoint ?? url.endpoint, deadline: deadline, viaProxy: proxy != nil)
    do throws(HTTPError) {
      guard url.scheme == .https else {
        return try await install(
          on: channel, url, protection: "none", flow: nil, proxy: proxy, usesAbsoluteForm: proxy != nil)
      }
      guard let tls else {
        throw HTTPError(.badRequest, "\(url.endpoint) needs https, which this client does not offer.")
      }
      if let proxy {
        try await Self.tunnel(
          through: proxy, to: url.endpoint, on: channel, within: min(configuration.proxyDeadline, deadline - .now()))
      }
      let peer: TLSPeer
      do throws(TrustError) {
        peer = try await tls.secure(channel, host: url.host, within: deadline - .now())
      } catch {
        throw Task.isCancelled
          ? HTTPError(.cancelled, "The connection to \(url.endpoint) was cancelled.") : HTTPError(error)
      }
      return try await install(
        on: channel, url, protection: peer.protection, flow: configuration.flows.https, proxy: proxy,
        usesAbsoluteForm: false)
    } catch {
      channel.close(promise: nil)
      throw error
    }
  }

  private func connect(
    to endpoint: Endpoint, deadline: NIODeadline, viaProxy: Bool
  ) async throws(HTTPError) -> any Channel {
    let addresses = try await addresses(of: endpoint.host, deadline: deadline)
    guard !addresses.isEmpty else { throw HTTPError(.nameNotFound, "The name \(endpoint.host) has no address.") }
    var failure: HTTPError?
    for address in addresses.prefix(HTTPClientConfiguration.maximumAddresses) {
      let remaining = deadline - .now()
      guard remaining > .zero else { break }
      guard !Task.isCancelled else {
        throw HTTPError(.cancelled, "The connection to \(endpoint) was cancelled.")
      }
      do {
        let limit = min(configuration.connectDeadline, remaining)
        return try await TCPConnector(
          peer: endpoint.description, address: address, port: endpoint.port, timeout: .nanoseconds(limit.nanoseconds),
          group: group
        ).open { $0 }
      } catch let error as TCPFailure {
        failure = failure ?? Self.translate(error, endpoint, address, viaProxy)
      } catch {
        throw HTTPError(.cancelled, "The connection to \(endpoint) was cancelled.")
      }
    }
    throw failure ?? HTTPError(.timedOut, "No time was left to connect to \(endpoint).")
  }

  /// A resolver may take longer than the request has: its late answer is then dropped.
  private func addresses(of host: String, deadline: NIODeadline) async throws(HTTPError) -> [String] {
    // An address is its own answer.
    if (try? SocketAddress(ipAddress: host, port: 0)) != nil { return [host] }
    let loop = group.any()
    let promise = loop.makePromise(of: [String].self)
    let timer = loop.scheduleTask(deadline: deadline) {
      promise.fail(HTTPError(.timedOut, "The name \(host) was not resolved in time."))
    }
    let lookUp = promise.completeWithTask { try await resolver.addresses(of: host) }
    defer { timer.cancel() }
    do {
      return try await withTaskCancellationHandler {
        try await promise.futureResult.get()
      } onCancel: {
        lookUp.cancel()
        promise.fail(HTTPError(.cancelled, "The look-up of \(host) was cancelled."))
      }
    } catch {
      if let known = error as? HTTPError { throw known }
      let remedy = (error as? any DiagnosableError)?.remedy
      throw HTTPError(.nameNotFound, "The name \(host) cannot be resolved: \(error).", remedy: remedy)
    }
  }

  private static func translate(
    _ failure: TCPFailure, _ endpoint: Endpoint, _ address: String, _ viaProxy: Bool
  ) -> HTTPError {
    let whom = "\(viaProxy ? "the proxy " : "")\(endpoint) (\(address))"
    return switch failure.kind {
    case .timeout: HTTPError(.timedOut, "The connection to \(whom) was not answered.")
    case .refused: HTTPError(.refused, "The connection to \(whom) was refused.")
    case .reset: HTTPError(.reset, "The connection to \(whom) was reset.")
    case .noAddress, .unreachable: HTTPError(.unreachable, failure.message, remedy: failure.remedy)
    }
  }

  static func tunnel(
    through proxy: HTTPProxy, to endpoint: Endpoint, on channel: any Channel, within limit: TimeAmount
  ) async throws(HTTPError) {
    let future = channel.eventLoop.flatSubmit { () -> EventLoopFuture<Void> in
      let promise = channel.eventLoop.makePromise(of: Void.self)
      let handler = ProxyConnectHandler(proxy: proxy, destination: endpoint, deadline: limit, promise: promise)
      do {
        try channel.pipeline.syncOperations.addHandler(handler)
      } catch {
        promise.fail(HTTPError(.proxyFailed, "The proxy \(proxy.endpoint) closed the connection: \(error)."))
      }
      return promise.futureResult
    }
    do {
      try await withTaskCancellationHandler {
        try await future.get()
      } onCancel: {
        channel.close(promise: nil)
      }
    } catch {
      if Task.isCancelled { throw HTTPError(.cancelled, "The connection to \(endpoint) was cancelled.") }
      throw error as? HTTPError ?? HTTPError(.proxyFailed, "The proxy \(proxy.endpoint) failed: \(error).")
    }
  }

  /// Adds HTTP to the channel, records the flow of a TLS connection, and lets a plain one be recorded at its first response.
  private func install(
    on channel: any Channel, _ url: HTTPURL, protection: String, flow: Flow?, proxy: HTTPProxy?, usesAbsoluteForm: Bool
  ) async throws(HTTPError) -> HTTPConnection {
    let through = proxy.map { " through the proxy \($0.endpoint)" } ?? ""
    let peerAddress = channel.remoteAddress
    let record: @Sendable (Flow) -> Void = { flow in
      flow.established(
        .tcp, host: url.host, address: peerAddress?.ipAddress ?? "", port: peerAddress?.port ?? url.port,
        protection: protection + through)
    }
    var onFirstResponse: (@Sendable () -> Void)?
    if url.scheme == .http, let plain = configuration.flows.http { onFirstResponse = { record(plain) } }
    let connection = try await Self.install(
      on: channel, url, idleLimit: configuration.idleLimit, onFirstResponse: onFirstResponse,
      proxy: usesAbsoluteForm ? proxy : nil)
    if let flow { record(flow) }
    return connection
  }

  /// Adds HTTP to the channel.
  ///
  /// - Parameter proxy: set when requests go to it in the absolute form.
  static func install(
    on channel: any Channel, _ url: HTTPURL, idleLimit: TimeAmount, onFirstResponse: (@Sendable () -> Void)?,
    proxy: HTTPProxy?
  ) async throws(HTTPError) -> HTTPConnection {
    do {
      let handler = try await channel.eventLoop.submit {
        let exchange = ExchangeHandler(
          peer: url.endpoint.description, idleLimit: idleLimit, onFirstResponse: onFirstResponse)
        let decoder = HTTPResponseDecoder(
          leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .drop,
          limitConfiguration: HTTPClientConfiguration.decoderLimits)
        try channel.pipeline.syncOperations.addHandlers([
          HTTPRequestEncoder(), ByteToMessageHandler(decoder), exchange,
        ])
        return NIOLoopBound(exchange, eventLoop: channel.eventLoop)
      }.get()
      return HTTPConnection(
        channel: channel, handler: handler, usesAbsoluteForm: proxy != nil, proxyAuthorization: proxy?.authorization)
    } catch {
      throw HTTPError(.closedEarly, "\(url.endpoint) closed the connection: \(error).")
    }
  }
}
