// SPDX-License-Identifier: Apache-2.0

import Foundation
package import NIOCore
import NIOPosix
package import NIOSSL
import Synchronization

/// A server on loopback that plays a script and remembers what it was told, in plain text, after TLS.
package final class LoopbackServer: Sendable {
  /// What the server does once it has a whole request.
  package enum Step: Sendable {
    case send([UInt8])
    /// One byte in each flush.
    case trickle([UInt8])
    /// Nothing more, for as long as the client waits.
    case stall
    case close
    /// Ends the connection with a TCP reset.
    case reset

    package static func send(_ text: String) -> Step { .send(Array(text.utf8)) }
  }

  package struct Received: Sendable {
    package var requests: [[UInt8]] = []
    package var connections = 0
    /// Bytes of all connections, whether they made a request or not.
    package var bytes = 0
    package var texts: [String] { requests.map { String(decoding: $0, as: UTF8.self) } }
  }

  private let state = Mutex(Received())
  private let channel: any Channel

  package var port: Int { channel.localAddress?.port ?? 0 }
  package var received: Received { state.withLock { $0 } }

  /// - Parameters:
  ///   - tls: nil for a plain server.
  ///   - stallsHandshake: accepts and never says a word.
  ///   - script: what to do for the request with this number, counted over all connections.
  package init(
    tls: TLSConfiguration? = nil, stallsHandshake: Bool = false,
    script: @escaping @Sendable (_ number: Int, _ request: String) -> [Step]
  ) async throws {
    let context = try tls.map { try NIOSSLContext(configuration: $0) }
    let box = Box()
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          box.server?.state.withLock { $0.connections += 1 }
          if stallsHandshake { return }
          if let context { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context)) }
          try channel.pipeline.syncOperations.addHandler(
            ScriptedHandler(script: script) { bytes, whole in
              box.server?.state.withLock { state -> Int in
                state.bytes += bytes
                if let whole { state.requests.append(whole) }
                return state.requests.count - 1
              } ?? 0
            })
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    box.set(self)
  }

  package func stop() async { try? await channel.close().get() }

  private final class Box: Sendable {
    private let value = Mutex<Weak>(Weak())
    private struct Weak: Sendable { weak var server: LoopbackServer? }
    var server: LoopbackServer? { value.withLock { $0.server } }
    func set(_ server: LoopbackServer) { value.withLock { $0.server = server } }
  }
}

/// Collects requests (head, and the body that Content-Length announces) and plays the steps of each.
private final class ScriptedHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let script: @Sendable (Int, String) -> [LoopbackServer.Step]
  private let note: @Sendable (_ bytes: Int, _ whole: [UInt8]?) -> Int
  private var bytes: [UInt8] = []

  init(
    script: @escaping @Sendable (Int, String) -> [LoopbackServer.Step],
    note: @escaping @Sendable (Int, [UInt8]?) -> Int
  ) {
    self.script = script
    self.note = note
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let received = Array(unwrapInboundIn(data).readableBytesView)
    _ = note(received.count, nil)
    bytes += received
    while let length = requestLength {
      let request = Array(bytes.prefix(length))
      bytes.removeFirst(length)
      let number = note(0, request)
      StepPlayer.play(script(number, String(decoding: request, as: UTF8.self))[...], context)
    }
  }

  private var requestLength: Int? {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.range(of: "\r\n\r\n") else { return nil }
    let head = text[..<end.upperBound]
    var body = 0
    for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix("content-length:") {
      body = Int(line.dropFirst(15).filter { $0.isNumber }) ?? 0
    }
    let total = head.utf8.count + body
    return bytes.count >= total ? total : nil
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// Plays steps at the first byte that comes, whatever it is.
package final class StepPlayer: ChannelInboundHandler {
  package typealias InboundIn = ByteBuffer
  package typealias OutboundOut = ByteBuffer
  private var steps: [LoopbackServer.Step]

  package init(_ steps: [LoopbackServer.Step]) { self.steps = steps }

  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let todo = steps
    steps = []
    Self.play(todo[...], context)
  }

  package func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  static func play(_ steps: ArraySlice<LoopbackServer.Step>, _ context: ChannelHandlerContext) {
    guard let step = steps.first, context.channel.isActive else { return }
    let rest = steps.dropFirst()
    switch step {
    case .send(let bytes):
      context.writeAndFlush(NIOAny(ByteBuffer(bytes: bytes)), promise: nil)
      play(rest, context)
    case .trickle(let bytes):
      guard let first = bytes.first else { return play(rest, context) }
      context.writeAndFlush(NIOAny(ByteBuffer(bytes: [first])), promise: nil)
      context.eventLoop.assumeIsolated().execute {
        play([.trickle(Array(bytes.dropFirst()))] + rest, context)
      }
    case .stall: break
    case .close: context.close(promise: nil)
    case .reset:
      // A linger time of zero turns the close into a reset.
      let channel = context.channel
      let option = (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
      option?.whenComplete { _ in channel.close(promise: nil) }
    }
  }
}
