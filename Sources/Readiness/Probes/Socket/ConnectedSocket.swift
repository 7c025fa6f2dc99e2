// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NIOCore
import NIOPosix
import Synchronization
import Wire

/// A TCP connection that stands. Whoever takes the descriptor owns it; an untaken one is closed with the last reference.
package final class ConnectedSocket: Sendable {
  package let localAddress: String
  package let interface: String?
  private let descriptor: Mutex<CInt>

  init(_ descriptor: CInt) {
    localAddress = NumericAddress.local(descriptor)?.host ?? ""
    interface = LocalInterfaces.name(of: localAddress)
    self.descriptor = Mutex(descriptor)
  }

  deinit { descriptor.withLock { if $0 >= 0 { close($0) } } }

  /// Hands the descriptor over.
  /// - Returns: -1 when somebody has it already.
  package func take() -> CInt {
    descriptor.withLock { held in
      defer { held = -1 }
      return held
    }
  }

  /// Goes on as a NIO channel, for ``ProbeStream`` or for a client of a protocol's own.
  ///
  /// - Parameter initializer: runs on the channel's event loop before anything is read.
  package func channel(
    on group: any EventLoopGroup,
    _ initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Void> = {
      $0.eventLoop.makeSucceededVoidFuture()
    }
  ) async throws -> any Channel {
    try await ClientBootstrap(group: group)
      .channelInitializer(initializer)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .withConnectedSocket(take()).get()
  }

  /// Goes on as a stream that keeps what the peer says before it is asked.
  package func stream(on group: any EventLoopGroup) async throws -> ProbeStream {
    let early = EarlyBytes()
    return ProbeStream(try await channel(on: group) { $0.pipeline.addHandler(early.handler()) }, early: early)
  }

  /// Sends one question and waits for its one answer, as ``ProbeStream/exchange(_:limit:phase:sent:_:_:read:)``; then the
  /// connection is closed.
  package func exchange(
    _ question: [UInt8], limit: Int, phase: Phase.Name = .request, sent: String, _ context: ProbeContext,
    _ log: ConversationLog, read: @escaping @Sendable ([UInt8]) -> ProbeStream.Progress
  ) async -> [UInt8]? {
    do {
      let stream = try await stream(on: context.group)
      defer { stream.close() }
      return await stream.exchange(question, limit: limit, phase: phase, sent: sent, context, log, read: read)
    } catch {
      log.observe(.systemError("\(error)"))
      return nil
    }
  }
}
