// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// What a peer says before it is asked anything. A server of another protocol often greets at once, and may hang up
/// directly after: these bytes tell what it is, and must not be lost while the pipeline is still being made.
final class EarlyBytes: Sendable {
  /// Bytes that are kept; a greeting is shorter.
  private static let limit = 4096

  private let kept = Mutex<[UInt8]>([])

  /// Hands them over; later ones are no longer early.
  func take() -> [UInt8] {
    kept.withLock { kept in
      defer { kept = [] }
      return kept
    }
  }

  fileprivate func keep(_ bytes: ByteBufferView) {
    kept.withLock { $0 += bytes.prefix(Self.limit - $0.count) }
  }

  /// The first handler of a pipeline, as long as there is no other.
  func handler() -> EarlyBytesHandler { EarlyBytesHandler(self) }
}

final class EarlyBytesHandler: ChannelInboundHandler, RemovableChannelHandler, Sendable {
  typealias InboundIn = ByteBuffer

  private let bytes: EarlyBytes

  init(_ bytes: EarlyBytes) { self.bytes = bytes }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    bytes.keep(unwrapInboundIn(data).readableBytesView)
  }
}
