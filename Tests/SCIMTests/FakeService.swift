// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOPosix
import SCIM
import Synchronization

/// An HTTP server on loopback that does to each request what the test says, faults included.
final class FakeService: Sendable {
  struct Request: Sendable {
    var method: String
    var target: String
    var fields: [String: String]
    var body: [UInt8]

    var json: JSONValue { (try? JSONValue.parse(body)) ?? .null }
  }

  enum Reaction: Sendable {
    case answer(Int, _ fields: [String: String] = [:], _ body: JSONValue? = nil)
    case bytes(Int, [String: String], [UInt8])
    /// Closes with a reset before answering.
    case reset
    /// The head and half of the body, then the end.
    case truncate(JSONValue)
    /// The head, then nothing more.
    case stall
    /// A body that does not end.
    case endless
  }

  private struct State {
    var requests: [Request] = []
  }

  private let state = Mutex(State())
  private let react: @Sendable (Int, Request) -> Reaction
  private let channel = Mutex<(any Channel)?>(nil)

  /// - Parameter react: gets the request's number from 0.
  init(_ react: @escaping @Sendable (Int, Request) -> Reaction) { self.react = react }

  var requests: [Request] { state.withLock { $0.requests } }

  func start() async throws -> Int {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { child in
        child.eventLoop.makeCompletedFuture {
          try child.pipeline.syncOperations.addHandler(Handler(self))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    channel.withLock { $0 = server }
    return server.localAddress?.port ?? 0
  }

  func stop() async throws {
    let server = channel.withLock { channel in
      defer { channel = nil }
      return channel
    }
    try await server?.close()
  }

  private func next(_ request: Request) -> Reaction {
    let number = state.withLock { state in
      state.requests.append(request)
      return state.requests.count - 1
    }
    return react(number, request)
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let service: FakeService
    private var received: [UInt8] = []

    init(_ service: FakeService) { self.service = service }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      received += unwrapInboundIn(data).readableBytesView
      while let request = takeRequest() { perform(service.next(request), context) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func takeRequest() -> Request? {
      let text = String(decoding: received, as: UTF8.self)
      guard let end = text.range(of: "\r\n\r\n") else { return nil }
      let head = text[..<end.lowerBound]
      var lines = head.split(separator: "\r\n")
      guard !lines.isEmpty else { return nil }
      let first = lines.removeFirst().split(separator: " ")
      var fields: [String: String] = [:]
      for line in lines {
        guard let colon = line.firstIndex(of: ":") else { continue }
        fields[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
      }
      let start = head.utf8.count + 4
      let length = fields["content-length"].flatMap { Int($0) } ?? 0
      guard first.count == 3, received.count >= start + length else { return nil }
      let body = Array(received[start..<(start + length)])
      received.removeFirst(start + length)
      return Request(method: String(first[0]), target: String(first[1]), fields: fields, body: body)
    }

    private func perform(_ reaction: Reaction, _ context: ChannelHandlerContext) {
      switch reaction {
      case .answer(let status, let fields, let body): write(status, fields, body?.serialized() ?? [], context)
      case .bytes(let status, let fields, let body): write(status, fields, body, context)
      case .reset:
        if let socket = context.channel as? any SocketOptionProvider {
          socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in }
        }
        context.close(promise: nil)
      case .truncate(let body):
        let bytes = body.serialized()
        send("HTTP/1.1 200 OK\r\ncontent-length: \(bytes.count)\r\n\r\n", Array(bytes.prefix(bytes.count / 2)), context)
        context.close(promise: nil)
      case .stall: send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", [], context)
      case .endless:
        send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", [], context)
        pour(context)
      }
    }

    private func pour(_ context: ChannelHandlerContext) {
      guard context.channel.isActive else { return }
      let chunk = ByteBuffer(string: "10000\r\n" + String(repeating: "[", count: 65_536) + "\r\n")
      let done = context.writeAndFlush(wrapOutboundOut(chunk)).assumeIsolated()
      done.whenSuccess { self.pour(context) }
    }

    private func write(_ status: Int, _ fields: [String: String], _ body: [UInt8], _ context: ChannelHandlerContext) {
      var head = "HTTP/1.1 \(status) X\r\n"
      for (name, value) in fields { head += "\(name): \(value)\r\n" }
      if status != 204, status != 304 { head += "content-length: \(body.count)\r\n" }
      send(head + "\r\n", body, context)
    }

    private func send(_ head: String, _ body: [UInt8], _ context: ChannelHandlerContext) {
      var buffer = ByteBuffer(string: head)
      buffer.writeBytes(body)
      context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }
  }
}

extension String {
  /// The first occurrence of a text.
  func range(of text: String) -> Range<Index>? { firstRange(of: text) }
}
