// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Wire

/// Cuts what a TCP connection delivers into fragments. It reads only while somebody waits for one, so that a peer cannot
/// fill memory, and lives on the channel's event loop.
final class FragmentHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let peer: String
  private var assembler = FragmentAssembler()
  private var waiting: EventLoopPromise<[UInt8]>?
  private var failure: (any Error)?
  private var context: ChannelHandlerContext?
  private var hasSpoken = false

  init(peer: String) { self.peer = peer }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    end(with: closed)
    self.context = nil
  }

  /// Completes the promise with the next fragment.
  func next(_ promise: EventLoopPromise<[UInt8]>) {
    guard waiting == nil else {
      return promise.fail(
        RPCError(.notOpen, "Two calls wait on one connection to \(peer).", remedy: "Report this as a defect."))
    }
    waiting = promise
    deliver()
    if waiting != nil { context?.read() }
  }

  /// Closes the connection; whoever waits gets the error.
  /// - Parameter last: what the peer is told before, if the connection still takes it at once.
  func end(with error: any Error, saying last: [UInt8]? = nil) {
    if failure == nil { failure = error }
    if let waiting {
      self.waiting = nil
      waiting.fail(failure ?? error)
    }
    if let last, let context, context.channel.isActive {
      context.writeAndFlush(NIOAny(ByteBuffer(bytes: last)), promise: nil)
    }
    context?.close(promise: nil)
  }

  private func deliver() {
    guard let promise = waiting else { return }
    do {
      if let fragment = try assembler.next() {
        waiting = nil
        hasSpoken = true
        return promise.succeed(fragment)
      }
    } catch {
      return end(with: hasSpoken ? RPCError.malformed(peer, "\(error)") : stranger(error))
    }
    if let failure {
      waiting = nil
      promise.fail(failure)
    }
  }

  /// The first bytes of the connection are no DCE/RPC.
  private func stranger(_ error: any Error) -> RPCError {
    let start = assembler.pending.prefix(16)
    let text = String(decoding: start.map { (0x20..<0x7f).contains($0) ? $0 : UInt8(ascii: ".") }, as: UTF8.self)
    var stranger = RPCError(
      .notRPC, "\(peer) does not speak DCE/RPC: it sent 0x\(Hex.encode(start)) (\(text)), \(error).",
      remedy: "Check which service listens on that port, and what stands between this machine and the server.")
    stranger.received = Array(start)
    return stranger
  }

  private var closed: RPCError {
    RPCError(
      .closed,
      hasSpoken
        ? "\(peer) closed the connection where an answer was due."
        : "\(peer) closed the connection without a word.",
      remedy: "Connect again; if it persists, look into the server's log and for a firewall that inspects RPC.")
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var buffer = unwrapInboundIn(data)
    assembler.append(buffer.readBytes(length: buffer.readableBytes) ?? [])
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    deliver()
    if waiting != nil { context.read() }
  }

  func channelInactive(context: ChannelHandlerContext) {
    deliver()
    end(with: closed)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    end(with: RPCError.broken(peer, error))
  }
}
