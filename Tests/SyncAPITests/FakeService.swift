// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An HTTP server on loopback that answers the n-th request as the test says.
final class FakeService: Sendable {
  struct Answer: Sendable {
    var status: Int
    var fields: [String: String] = [:]
    var body: [UInt8] = []
  }

  struct Request: Sendable {
    var fields: [String: String]
    var body: [UInt8]
  }

  private let seen = Mutex<[Request]>([])
  private let react: @Sendable (Int, Request) -> Answer

  init(_ react: @escaping @Sendable (Int, Request) -> Answer) { self.react = react }

  var requests: [Request] { seen.withLock { $0 } }

  /// Serves while the body runs.
  func serve<R: Sendable>(_ body: (Int) async throws -> R) async throws -> R {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { child in
        child.eventLoop.makeCompletedFuture {
          try child.pipeline.syncOperations.configureHTTPServerPipeline()
          try child.pipeline.syncOperations.addHandler(Handler(self))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let result: Result<R, any Error>
    do { result = .success(try await body(server.localAddress?.port ?? 0)) } catch { result = .failure(error) }
    try await server.close()
    return try result.get()
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let service: FakeService
    private var request = Request(fields: [:], body: [])

    init(_ service: FakeService) { self.service = service }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head):
        request = Request(
          fields: Dictionary(head.headers.map { ($0.name.lowercased(), $0.value) }) { $1 }, body: [])
      case .body(let part): request.body += part.readableBytesView
      case .end:
        let number = service.seen.withLock { seen in
          seen.append(request)
          return seen.count - 1
        }
        let answer = service.react(number, request)
        var head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: answer.status))
        for (name, value) in answer.fields { head.headers.add(name: name, value: value) }
        head.headers.add(name: "content-length", value: "\(answer.body.count)")
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
      }
    }
  }
}
