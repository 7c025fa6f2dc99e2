// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TCP
import Wire

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

  static func connect(
    _ server: ServerAddress, timeout: Duration, over socket: CInt? = nil, group: any EventLoopGroup
  ) async throws -> TCPChannel {
    try await open {
      try TCPConnector(
        peer: server.description, address: server.address, port: server.port, socket: socket, timeout: timeout,
        group: group)
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
    return try await open { TCPConnector(peer: socketPath, address: address, timeout: timeout, group: group) }
  }

  private static func open(_ make: () throws -> TCPConnector) async throws -> TCPChannel {
    do {
      var connector = try make()
      connector.readsByItself = false
      let peer = connector.peer
      return try await connector.open { channel in
        let handler = FragmentHandler(peer: peer)
        try channel.pipeline.syncOperations.addHandler(handler)
        return TCPChannel(peer: peer, channel, NIOLoopBound(handler, eventLoop: channel.eventLoop))
      }
    } catch let failure as TCPFailure {
      throw RPCError(failure.isTimeout ? .timeout : .unreachable, failure.message, remedy: failure.remedy)
    }
  }

  func send(_ fragment: [UInt8], answered: Bool, cancel: [UInt8]?) async throws {
    try await closing(cancel) {
      do {
        try await channel.writeAndFlush(ByteBuffer(bytes: fragment)).get()
      } catch {
        throw RPCError.broken(peer, error)
      }
    }
  }

  func receive(cancel: [UInt8]?) async throws -> [UInt8] {
    try await closing(cancel) {
      let promise = channel.eventLoop.makePromise(of: [UInt8].self)
      channel.eventLoop.execute { [handler] in handler.value.next(promise) }
      return try await promise.futureResult.get()
    }
  }

  /// Runs the body; when the task is cancelled, sends the last word and closes.
  private func closing<R: Sendable>(_ last: [UInt8]?, _ body: () async throws -> R) async throws -> R {
    try await withTaskCancellationHandler(operation: body) {
      channel.eventLoop.execute { [handler] in handler.value.end(with: CancellationError(), saying: last) }
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
