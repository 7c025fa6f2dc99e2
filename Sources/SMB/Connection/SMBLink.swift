// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Wire

/// The channel of one connection and the way onto its event loop. The last reference closes the channel.
final class SMBLink: Sendable {
  let server: SMBServer
  let options: SMBOptions
  let channel: any Channel
  private let handler: NIOLoopBound<SMBHandler>
  private let lastTicket = Atomic<UInt64>(0)

  private init(
    _ server: SMBServer, _ options: SMBOptions, _ channel: any Channel, _ handler: NIOLoopBound<SMBHandler>
  ) {
    self.server = server
    self.options = options
    self.channel = channel
    self.handler = handler
  }

  deinit { channel.eventLoop.execute { [handler] in handler.value.close() } }

  /// Seconds without traffic after which TCP asks whether the peer is there, between questions, and their number: a
  /// silently vanished peer is noticed within two minutes.
  private static let keepAlive: (idle: Int, interval: Int, count: Int) = (60, 15, 4)

  /// Opens the TCP connection, unless `socket` is one.
  static func open(
    _ server: SMBServer, _ options: SMBOptions, over socket: CInt? = nil, _ group: any EventLoopGroup, _ logger: Logger
  ) async throws -> SMBLink {
    let address: SocketAddress
    do {
      address = try SocketAddress(ipAddress: server.address, port: server.port)
    } catch {
      throw SMBError(
        .unreachable, "\(server.address) is no numeric address for \(server).", remedy: "Resolve the name first.")
    }
    let loop = group.next()
    let made = loop.makePromise(of: SMBLink.self)
    let bootstrap = ClientBootstrap(group: loop)
      .connectTimeout(TimeAmount(options.connectTimeout))
      .channelOption(.socketOption(.so_keepalive), value: 1)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: keepAlive.idle)
      .channelOption(.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: keepAlive.interval)
      .channelOption(.tcpOption(.init(rawValue: TCP_KEEPCNT)), value: keepAlive.count)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let handler = SMBHandler(server: server.description, logger: logger)
          try channel.pipeline.syncOperations.addHandler(handler)
          made.succeed(SMBLink(server, options, channel, NIOLoopBound(handler, eventLoop: channel.eventLoop)))
        }
      }
    do {
      let connected = socket.map { bootstrap.withConnectedSocket($0) } ?? bootstrap.connect(to: address)
      let channel = try await connected.get()
      if Task.isCancelled {
        channel.close(promise: nil)
        throw CancellationError()
      }
      return try await made.futureResult.get()
    } catch {
      made.fail(error)
      if error is CancellationError { throw error }
      throw unreachable(server, error)
    }
  }

  private static func unreachable(_ server: SMBServer, _ error: any Error) -> SMBError {
    if case ChannelError.connectTimeout? = error as? ChannelError {
      return SMBError(
        .timeout, "\(server) (\(server.address)) does not accept connections.",
        remedy: "Open TCP port \(server.port) from here to there, or choose another server.")
    }
    let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
    return SMBError(
      .unreachable, "\(server) (\(server.address)) cannot be reached: \(reason).",
      remedy: "Check that the server runs and that TCP port \(server.port) is open from here to there.")
  }

  // MARK: - Requests

  /// Sends a request and waits for its answer, whatever the answer says.
  func perform(_ request: SMBRequest, timeout: Duration? = nil) async throws -> SMBMessage {
    let ticket = lastTicket.add(1, ordering: .relaxed).newValue
    let loop = channel.eventLoop
    let promise = loop.makePromise(of: SMBMessage.self)
    let time = TimeAmount(timeout ?? options.operationTimeout)
    loop.execute { [handler] in
      handler.value.perform(request, ticket: ticket, timeout: time, promise: promise)
    }
    return try await withTaskCancellationHandler {
      try await promise.futureResult.get()
    } onCancel: {
      loop.execute { [handler] in handler.value.cancel(ticket: ticket, CancellationError()) }
    }
  }

  /// Sends a request whose answer must have one of the statuses.
  /// - Parameter action: for errors, for example `Opening the pipe samr`.
  func perform(
    _ request: SMBRequest, action: String, accepting statuses: Set<NTStatus> = [.success]
  ) async throws -> SMBMessage {
    let message = try await perform(request)
    let status = message.header.status
    guard !statuses.contains(status) else { return message }
    if status.isError { _ = try decode(message, ErrorResponse.init) }
    throw SMBError(status, action: action, server: server.description)
  }

  /// Reads a body; one that cannot be read is a violation of the protocol.
  func decode<Body>(_ message: SMBMessage, _ body: (SMBMessage) throws(ByteError) -> Body) throws(SMBError) -> Body {
    do throws(ByteError) { return try body(message) } catch {
      throw .protocolViolation(server.description, "an answer to \(message.header.command), \(error)")
    }
  }

  // MARK: - The connection as a whole

  /// Runs on the event loop, where the connection's state lives.
  func onLoop<R: Sendable>(_ body: @escaping @Sendable (SMBHandler) throws -> R) async throws -> R {
    try await channel.eventLoop.submit { [handler] in try body(handler.value) }.get()
  }

  func close() async {
    channel.eventLoop.execute { [handler] in handler.value.close() }
    try? await channel.closeFuture.get()
  }
}
