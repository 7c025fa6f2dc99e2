// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix
import Wire

/// Publishes the lab's revocation list on HTTP port 80, as the certificates say. It serves this one file and nothing else.
package struct LabCRLServer: Sendable {
  package static let port = 80
  /// Requests that a connection may make before it is closed.
  static let requestsPerConnection = 100

  private let file: String
  private let addresses: [String]
  private let port: Int

  /// - Parameters:
  ///   - file: read anew for each request, so that a revocation shows at once.
  ///   - addresses: numeric, one for each forest.
  package init(file: String, addresses: [String], port: Int = Self.port) {
    self.file = file
    self.addresses = addresses
    self.port = port
  }

  /// The server of the lab in a directory.
  package init(directory: String) throws {
    let plans = ForestPlan.all(try LabEnvironment.options(directory))
    self.init(
      file: LabDirectory(path: directory).authority + "/" + LabCertificateAuthority.crlFileName,
      addresses: plans.map(\.crl.address))
  }

  /// Serves until the task is cancelled.
  /// - Parameter ready: called with the port of each address once it accepts connections.
  package func run(ready: @Sendable ([Int]) -> Void = { _ in }) async throws {
    typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>
    var listeners: [NIOAsyncChannel<Connection, Never>] = []
    for address in addresses {
      let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .bind(host: address, port: port) { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.configureHTTPServerPipeline()
            return try Connection(wrappingChannelSynchronously: channel)
          }
        }
      listeners.append(listener)
    }
    ready(listeners.compactMap { $0.channel.localAddress?.port })
    try await withThrowingTaskGroup(of: Void.self) { group in
      for listener in listeners {
        group.addTask {
          try await listener.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
              for try await connection in connections {
                // A client that breaks off concerns nobody else.
                group.addTask { try? await serve(connection) }
              }
            }
          }
        }
      }
      try await group.waitForAll()
    }
  }

  private func serve(_ connection: NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>) async throws {
    try await connection.executeThenClose { requests, responses in
      var head: HTTPRequestHead?
      var count = 0
      for try await part in requests {
        switch part {
        case .head(let received): head = received
        case .body: break
        case .end:
          guard let request = head else { return }
          count += 1
          let keepAlive = request.isKeepAlive && count < Self.requestsPerConnection
          try await answer(request, keepAlive, responses)
          if !keepAlive { return }
        }
      }
    }
  }

  private func answer(
    _ request: HTTPRequestHead, _ keepAlive: Bool, _ responses: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
  ) async throws {
    let path = request.uri.split(separator: "?", omittingEmptySubsequences: false).first ?? ""
    var status = HTTPResponseStatus.ok
    var body: [UInt8] = []
    if request.method != .GET && request.method != .HEAD {
      status = .methodNotAllowed
    } else if path != "/\(LabCertificateAuthority.crlFileName)" {
      status = .notFound
    } else if let bytes = try? await DetachedThread.run({ [file] in try Files.read(file) }) {
      body = bytes
    } else {
      status = .internalServerError
    }
    var headers: HTTPHeaders = [
      "content-length": String(body.count), "content-type": status == .ok ? "application/pkix-crl" : "text/plain",
      "cache-control": "no-store",
    ]
    if status == .methodNotAllowed { headers.add(name: "allow", value: "GET, HEAD") }
    if !keepAlive { headers.add(name: "connection", value: "close") }
    try await responses.write(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers)))
    if request.method != .HEAD, !body.isEmpty { try await responses.write(.body(.byteBuffer(ByteBuffer(bytes: body)))) }
    try await responses.write(.end(nil))
  }
}
