// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NIOCore
import NIOPosix

/// Opens the TCP connections of all protocols, with the same options.
package struct TCPConnector: Sendable {
  /// The peer in words, for messages.
  package var peer: String
  package var address: SocketAddress
  package var timeout: Duration
  package var group: any EventLoopGroup
  /// One that is connected already; it belongs to the connection.
  package var socket: CInt?
  /// Whether the channel reads before it is asked to.
  package var readsByItself = true

  /// Seconds without traffic after which TCP asks whether the peer is there, between questions, and their number: a
  /// silently vanished peer is noticed within two minutes, and firewalls' idle timeouts are not reached.
  private static let keepAlive: (idle: Int, interval: Int, count: Int) = (60, 15, 4)

  package init(
    peer: String, address: SocketAddress, socket: CInt? = nil, timeout: Duration, group: any EventLoopGroup
  ) {
    self.peer = peer
    self.address = address
    self.socket = socket
    self.timeout = timeout
    self.group = group
  }

  /// - Parameter address: a numeric address.
  package init(
    peer: String, address: String, port: Int, socket: CInt? = nil, timeout: Duration, group: any EventLoopGroup
  ) throws(TCPFailure) {
    let numeric: SocketAddress
    do {
      numeric = try SocketAddress(ipAddress: address, port: port)
    } catch {
      if let socket { close(socket) }
      throw TCPFailure(noAddress: address, of: peer)
    }
    self.init(peer: peer, address: numeric, socket: socket, timeout: timeout, group: group)
  }

  /// Opens the connection, and closes it again if the task was cancelled meanwhile.
  ///
  /// - Parameter install: fills the channel's pipeline, on its event loop, before anything is read.
  /// - Throws: ``TCPFailure``, what `install` throws, or `CancellationError`.
  package func open<Link: Sendable>(
    _ install: @escaping @Sendable (any Channel) throws -> Link
  ) async throws -> Link {
    let loop = group.next()
    let made = loop.makePromise(of: Link.self)
    let bootstrap = bootstrap(on: loop).channelInitializer { channel in
      channel.eventLoop.makeCompletedFuture { made.succeed(try install(channel)) }
    }
    do {
      let channel = try await (socket.map { bootstrap.withConnectedSocket($0) } ?? bootstrap.connect(to: address)).get()
      if Task.isCancelled {
        channel.close(promise: nil)
        throw CancellationError()
      }
      return try await made.futureResult.get()
    } catch {
      made.fail(error)
      if error is CancellationError { throw error }
      throw TCPFailure(error, peer: peer, address: address)
    }
  }

  private func bootstrap(on loop: any EventLoop) -> ClientBootstrap {
    let base = ClientBootstrap(group: loop)
      .connectTimeout(TimeAmount(timeout))
      .channelOption(.autoRead, value: readsByItself)
    guard address.protocol != .unix else { return base }
    return
      base
      .channelOption(.socketOption(.so_keepalive), value: 1)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: Self.keepAlive.idle)
      .channelOption(.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: Self.keepAlive.interval)
      .channelOption(.tcpOption(.init(rawValue: TCP_KEEPCNT)), value: Self.keepAlive.count)
  }
}
