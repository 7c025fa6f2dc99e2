// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NIOCore
import NIOPosix
import Synchronization

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

  /// Opens the connection. A task that is cancelled does not wait for the peer any longer, and leaves no connection behind.
  ///
  /// - Parameter install: fills the channel's pipeline, on its event loop, before anything is read.
  /// - Throws: ``TCPFailure``, what `install` throws, or `CancellationError`.
  package func open<Link: Sendable>(
    _ install: @escaping @Sendable (any Channel) throws -> Link
  ) async throws -> Link {
    let attempt = Attempt<Link>()
    let bootstrap = bootstrap(on: group.next()).channelInitializer { channel in
      channel.eventLoop.makeCompletedFuture { try attempt.install(in: channel, install) }
    }
    return try await withTaskCancellationHandler {
      do {
        _ = try await (socket.map { bootstrap.withConnectedSocket($0) } ?? bootstrap.connect(to: address)).get()
      } catch {
        throw attempt.failure ?? TCPFailure(error, peer: peer, address: address)
      }
      return try attempt.link()
    } onCancel: {
      attempt.cancel()
    }
  }

  /// One connection while it is opened.
  private final class Attempt<Link: Sendable>: Sendable {
    private struct State {
      var channel: (any Channel)?
      var link: Link?
      /// Why it cannot succeed whatever the peer does: a cancellation, or what `install` threw.
      var failure: (any Error)?
    }

    private let state = Mutex(State())

    var failure: (any Error)? { state.withLock { $0.failure } }

    func install(in channel: any Channel, _ install: (any Channel) throws -> Link) throws {
      try state.withLock { state in
        if let failure = state.failure { throw failure }
        state.channel = channel
      }
      let result = Result { try install(channel) }
      try state.withLock { state in
        switch result {
        case .success(let link): state.link = link
        case .failure(let error):
          state.failure = state.failure ?? error
          throw error
        }
      }
    }

    /// What was installed in a channel that is connected.
    func link() throws -> Link {
      try state.withLock { state in
        guard state.failure == nil, let link = state.link else {
          state.channel?.close(promise: nil)
          throw state.failure ?? ChannelError.alreadyClosed
        }
        // From here on it belongs to the caller, also when the task is cancelled.
        state = State()
        return link
      }
    }

    func cancel() {
      let channel = state.withLock { state in
        state.failure = state.failure ?? CancellationError()
        return state.channel
      }
      channel?.close(promise: nil)
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
