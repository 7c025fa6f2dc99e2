// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TCP

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
    _ server: RPCServer, timeout: Duration, over socket: CInt? = nil, group: any EventLoopGroup
  ) async throws -> TCPChannel {
    do {
      return try await open(
        TCPConnector(
          peer: server.description, address: server.address, port: server.port, socket: socket, timeout: timeout,
          group: group))
    } catch let failure as TCPFailure {
      throw RPCError(failure.isTimeout ? .timeout : .unreachable, failure.message, remedy: failure.remedy)
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
    do {
      return try await open(TCPConnector(peer: socketPath, address: address, timeout: timeout, group: group))
    } catch let failure as TCPFailure {
      throw RPCError(failure.isTimeout ? .timeout : .unreachable, failure.message, remedy: failure.remedy)
    }
  }

  private static func open(_ connector: TCPConnector) async throws -> TCPChannel {
    var connector = connector
    connector.readsByItself = false
    let peer = connector.peer
    return try await connector.open { channel in
      let handler = FragmentHandler(peer: peer)
      try channel.pipeline.syncOperations.addHandler(handler)
      return TCPChannel(peer: peer, channel, NIOLoopBound(handler, eventLoop: channel.eventLoop))
    }
  }

  func send(_ fragment: [UInt8], answered: Bool) async throws {
    try await closingWhenCancelled {
      do {
        try await channel.writeAndFlush(ByteBuffer(bytes: fragment)).get()
      } catch {
        throw RPCError(
          .closed, "The connection to \(peer) broke: \(TCPFailure.reason(error)).", remedy: "Connect again.")
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
