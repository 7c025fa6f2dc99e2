// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOPosix

/// Fragments over TCP (MS-RPCE 2.1.1.1). The last reference closes the connection.
final class TCPChannel: FragmentChannel {
  let peer: String
  private let channel: any Channel
  private let handler: NIOLoopBound<FragmentHandler>

  var maximumFragment: Int { RPCLimits.fragment }

  private init(peer: String, _ channel: any Channel, _ handler: NIOLoopBound<FragmentHandler>) {
    self.peer = peer
    self.channel = channel
    self.handler = handler
  }

  deinit { channel.close(promise: nil) }

  /// Seconds without traffic after which TCP asks whether the peer is there, between questions, and their number: a
  /// silently vanished peer is noticed within two minutes, and firewalls' idle timeouts are not reached.
  private static let keepAlive: (idle: Int, interval: Int, count: Int) = (60, 15, 4)

  static func connect(
    _ server: RPCServer, timeout: Duration, over socket: CInt? = nil, group: any EventLoopGroup
  ) async throws -> TCPChannel {
    let address: SocketAddress
    do {
      address = try SocketAddress(ipAddress: server.address, port: server.port)
    } catch {
      if let socket { Glibc.close(socket) }
      throw RPCError(
        .unreachable, "\(server.address) port \(server.port) is no address for \(server.host).",
        remedy: "Resolve the name first.")
    }
    return try await connect(
      to: address, peer: server.description, timeout: timeout, over: socket, group: group
    ) { error in
      unreachable(server, error)
    }
  }

  /// A local socket: `ncalrpc` of a server on this machine (MS-RPCE 2.1.1.6 has no wire of its own; Samba's is this).
  static func connect(socketPath: String, timeout: Duration, group: any EventLoopGroup) async throws -> TCPChannel {
    let address: SocketAddress
    do {
      address = try SocketAddress(unixDomainSocketPath: socketPath)
    } catch {
      throw RPCError(.unreachable, "\(socketPath) is no path of a socket.", remedy: "Check the path.")
    }
    return try await connect(to: address, peer: socketPath, timeout: timeout, group: group) { error in
      RPCError(
        .unreachable, "\(socketPath) cannot be reached: \(RPCError.reason(error)).",
        remedy: "Check that the server runs.")
    }
  }

  private static func connect(
    to address: SocketAddress, peer: String, timeout: Duration, over socket: CInt? = nil, group: any EventLoopGroup,
    failure: (any Error) -> RPCError
  ) async throws -> TCPChannel {
    let isLocal = address.protocol == .unix
    let loop = group.next()
    let made = loop.makePromise(of: TCPChannel.self)
    let base = ClientBootstrap(group: loop)
      .connectTimeout(TimeAmount(timeout))
      .channelOption(.autoRead, value: false)
    let bootstrap =
      isLocal
      ? base
      : base
        .channelOption(.socketOption(.so_keepalive), value: 1)
        .channelOption(.tcpOption(.tcp_nodelay), value: 1)
        .channelOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: keepAlive.idle)
        .channelOption(.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: keepAlive.interval)
        .channelOption(.tcpOption(.init(rawValue: TCP_KEEPCNT)), value: keepAlive.count)
    do {
      let initialised = bootstrap.channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let handler = FragmentHandler(peer: peer)
          try channel.pipeline.syncOperations.addHandler(handler)
          made.succeed(TCPChannel(peer: peer, channel, NIOLoopBound(handler, eventLoop: channel.eventLoop)))
        }
      }
      let connected = socket.map { initialised.withConnectedSocket($0) } ?? initialised.connect(to: address)
      let channel = try await connected.get()
      if Task.isCancelled {
        channel.close(promise: nil)
        throw CancellationError()
      }
      return try await made.futureResult.get()
    } catch {
      made.fail(error)
      if error is CancellationError { throw error }
      throw failure(error)
    }
  }

  private static func unreachable(_ server: RPCServer, _ error: any Error) -> RPCError {
    if case ChannelError.connectTimeout? = error as? ChannelError {
      return RPCError(
        .timeout, "\(server) (\(server.address)) does not accept connections.",
        remedy: "Open TCP port \(server.port) from here to there, or choose another server.")
    }
    return RPCError(
      .unreachable, "\(server) (\(server.address)) cannot be reached: \(RPCError.reason(error)).",
      remedy: "Check that the server runs and that TCP port \(server.port) is open from here to there.")
  }

  func send(_ fragment: [UInt8], answered: Bool) async throws {
    try await closingWhenCancelled {
      do {
        try await channel.writeAndFlush(ByteBuffer(bytes: fragment)).get()
      } catch {
        throw RPCError.broken(peer, error)
      }
    }
  }

  func receive() async throws -> [UInt8] {
    try await closingWhenCancelled {
      let promise = channel.eventLoop.makePromise(of: [UInt8].self)
      channel.eventLoop.execute { [handler] in handler.value.next(promise) }
      return try await promise.futureResult.get()
    }
  }

  private func closingWhenCancelled<R: Sendable>(_ body: () async throws -> R) async throws -> R {
    try await withTaskCancellationHandler(operation: body) {
      channel.eventLoop.execute { [handler] in handler.value.end(with: CancellationError()) }
    }
  }

  func close() async {
    channel.eventLoop.execute { [handler] in
      handler.value.end(
        with: RPCError(.notOpen, "The connection was closed.", remedy: "Connect again."))
    }
    try? await channel.closeFuture.get()
  }
}
