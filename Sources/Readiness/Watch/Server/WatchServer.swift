// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import TCP
package import Wire

/// The HTTP listener of `ports watch`, on a loopback address only: it shows how a network is protected and where it is not.
/// Who wants to see it from elsewhere puts a proxy with TLS and sign-in before it.
package struct WatchServer: Service {
  private let endpoints: WatchEndpoints
  private let endpoint: Endpoint
  private let onRunning: @Sendable (Int) async -> Void

  /// Connections at a time; further ones wait in the listen queue.
  private static let connections = 64
  /// Seconds between two requests of a connection, in which the next header must have arrived whole.
  private static let idleSeconds: Int64 = 30
  /// Bytes of the header fields, and their number.
  private static let headerBytes = 16 << 10
  private static let headerFields = 64

  /// - Parameter onRunning: told the port.
  /// - Throws: ``WatchError`` `notLoopback`.
  package init(
    _ endpoints: WatchEndpoints, on endpoint: Endpoint, onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
  ) throws {
    guard Self.isLoopback(endpoint.host) else {
      throw WatchError(
        .notLoopback, "The watch does not listen on \(endpoint.host): it has no sign-in and no TLS.",
        remedy: "Name a loopback address such as 127.0.0.1, and put a proxy with TLS and sign-in before it.")
    }
    self.endpoints = endpoints
    self.endpoint = endpoint
    self.onRunning = onRunning
  }

  static func isLoopback(_ host: String) -> Bool {
    if host == "::1" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts.first == "127"
      && parts.allSatisfy { part in part.allSatisfy { ("0"..."9").contains($0) } && UInt8(part) != nil }
  }

  package func run() async throws {
    let onRunning = onRunning
    let port = endpoint.port
    var http = HTTP1Channel.Configuration(idleTimeout: .seconds(Self.idleSeconds))
    http.httpDecoder = .init(
      maxHeaderFieldSize: Self.headerBytes, maxHeaderListSize: Self.headerBytes, maxHeaderFieldCount: Self.headerFields)
    let application = Application(
      responder: Responder(endpoints: endpoints),
      server: .http1(configuration: http),
      configuration: ApplicationConfiguration(
        address: .hostname(endpoint.host, port: port), serverName: nil,
        availableConnectionsDelegate: .maximum(Self.connections, logger: Self.quiet)),
      onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? port) }, logger: Self.quiet)
    do {
      try await application.run()
    } catch {
      guard let cause = ListenFailure.cause(error) else { throw error }
      throw WatchError(
        .bind, "The watch cannot listen on \(endpoint.host):\(endpoint.port) (\(cause)).",
        remedy: "Choose a port that is free with --listen; 'ss -ltnp' shows who has it.")
    }
  }

  /// Hummingbird's own lines would say twice what the service logs.
  private static let quiet: Logger = {
    var logger = Logger(label: "bridgehead.watch.http", factory: { _ in SwiftLogNoOpLogHandler() })
    logger.logLevel = .critical
    return logger
  }()

  private struct Responder: HTTPResponder {
    typealias Context = BasicRequestContext

    let endpoints: WatchEndpoints

    func respond(to request: Request, context: Context) async throws -> Response {
      let answer = await endpoints.answer(
        WatchRequest(
          method: request.method.rawValue, target: request.head.path ?? "/", host: request.head.authority))
      var response = Response(status: .init(code: answer.status))
      for (name, value) in answer.headers {
        if let name = HTTPField.Name(name) { response.headers[name] = value }
      }
      if request.method != .head { response.body = ResponseBody(byteBuffer: ByteBuffer(string: answer.body)) }
      return response
    }
  }
}
