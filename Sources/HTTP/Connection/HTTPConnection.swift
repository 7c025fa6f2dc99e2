// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1

/// One open connection to an origin, or through a proxy to it.
struct HTTPConnection: Sendable {
  let channel: any Channel
  private let handler: NIOLoopBound<ExchangeHandler>
  /// The absolute form is needed on a connection to a proxy without a tunnel.
  let usesAbsoluteForm: Bool
  let proxyAuthorization: String?

  init(
    channel: any Channel, handler: NIOLoopBound<ExchangeHandler>, usesAbsoluteForm: Bool, proxyAuthorization: String?
  ) {
    self.channel = channel
    self.handler = handler
    self.usesAbsoluteForm = usesAbsoluteForm
    self.proxyAuthorization = proxyAuthorization
  }

  var isOpen: Bool { channel.isActive }
  var id: ObjectIdentifier { ObjectIdentifier(channel) }
  func close() { channel.close(promise: nil) }

  func perform(_ request: HTTPRequest, userAgent: String, deadline: NIODeadline) async throws(HTTPError)
    -> ExchangeHandler.Outcome
  {
    var headers = HTTPHeaders()
    // RFC 9110 7.2: Host first.
    headers.add(name: "Host", value: request.url.authority)
    if request.fields["User-Agent"] == nil { headers.add(name: "User-Agent", value: userAgent) }
    for field in request.fields.fields where !Self.ownFields.contains(field.name.lowercased()) {
      headers.add(name: field.name, value: field.value)
    }
    if !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method) {
      headers.add(name: "Content-Length", value: String(request.body.count))
    }
    if let proxyAuthorization { headers.add(name: "Proxy-Authorization", value: proxyAuthorization) }
    let head = HTTPRequestHead(
      version: .http1_1, method: HTTPMethod(rawValue: request.method),
      uri: usesAbsoluteForm ? request.url.description : request.url.target, headers: headers)
    let promise = channel.eventLoop.makePromise(of: ExchangeHandler.Outcome.self)
    channel.eventLoop.execute {
      handler.value.send(
        head, request.body, limit: request.maximumResponseBytes, deadline: deadline, promise: promise)
    }
    let cancelled = HTTPError(
      .cancelled, "The request to \(request.url.endpoint) was cancelled.", mayHaveReachedServer: true)
    do {
      return try await withTaskCancellationHandler {
        try await promise.futureResult.get()
      } onCancel: {
        channel.eventLoop.execute { handler.value.abandon(cancelled) }
      }
    } catch {
      if Task.isCancelled { throw cancelled }
      throw error as? HTTPError ?? HTTPError(.reset, "The connection broke: \(error).", mayHaveReachedServer: true)
    }
  }

  /// Fields that the connection sets: framing and routing are not a caller's.
  private static let ownFields: Set<String> = [
    "host", "content-length", "transfer-encoding", "connection", "proxy-authorization", "expect", "upgrade",
  ]
}
