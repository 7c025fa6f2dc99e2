// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Wire

/// RFC 4422 3.7: the security layer between transport and messages. Each protected buffer follows its length in four
/// octets, most significant first.
final class SASLLayerHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let context: any SecurityContext
  private let server: String
  /// The largest protected buffer that we accept.
  private let maximumReceived: Int
  /// The largest piece that is protected at once.
  private let maximumPlain: Int
  private var received = ByteBuffer()

  /// What protection adds at most: RFC 4121 4.2.4 has a header, a confounder, the header's copy and a checksum, in all
  /// below 100 octets; RFC 4757 needs less.
  private static let overhead = 128

  /// - Parameter maximumSent: the largest protected buffer that the peer accepts.
  init(_ context: any SecurityContext, server: String, maximumReceived: Int, maximumSent: Int) {
    self.context = context
    self.server = server
    self.maximumReceived = maximumReceived
    maximumPlain = max(1, maximumSent - Self.overhead)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    if received.readableBytes == 0 { received = bytes } else { received.writeBuffer(&bytes) }
    do {
      while let protected = try next() {
        let plain = try self.context.unwrap(protected)
        if !plain.isEmpty { context.fireChannelRead(wrapInboundOut(ByteBuffer(bytes: plain))) }
      }
    } catch let error as LDAPError {
      context.fireErrorCaught(error)
    } catch {
      context.fireErrorCaught(
        LDAPError(
          .weakProtection, "A message of \(server) failed its protection: \(error)",
          remedy: "Someone may be altering traffic, or the server's key changed: connect again."))
    }
    received.discardReadBytes()
  }

  private func next() throws(LDAPError) -> [UInt8]? {
    guard let length: UInt32 = received.getInteger(at: received.readerIndex) else { return nil }
    guard length <= maximumReceived else {
      throw .protocolViolation(server, "a protected buffer of \(length) bytes; \(maximumReceived) are accepted")
    }
    guard received.readableBytes >= 4 + Int(length) else { return nil }
    received.moveReaderIndex(forwardBy: 4)
    return received.readBytes(length: Int(length))
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    var plain = unwrapOutboundIn(data)
    var framed = context.channel.allocator.buffer(capacity: plain.readableBytes + Self.overhead)
    do {
      while let piece = plain.readBytes(length: min(maximumPlain, plain.readableBytes)), !piece.isEmpty {
        let protected = try self.context.wrap(piece)
        framed.writeInteger(UInt32(protected.count))
        framed.writeBytes(protected)
      }
      context.write(wrapOutboundOut(framed), promise: promise)
    } catch {
      promise?.fail(error)
      context.fireErrorCaught(LDAPError.transport(server, error))
    }
  }
}
