// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import SCIM
import Synchronization

/// What is known of a request beside itself: where it came from.
struct TenantRequestContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// A numeric address.
  let source: String?
  /// The connection, or the HTTP/2 stream.
  let channel: any Channel

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    self.source = source.channel.remoteAddress?.ipAddress
    channel = source.channel
  }
}

/// Hands Hummingbird's requests to the service and its answers back.
struct TenantResponder: HTTPResponder {
  typealias Context = TenantRequestContext

  let service: TenantService

  func respond(to request: Request, context: TenantRequestContext) async throws -> Response {
    var headers: [String: String] = [:]
    for field in request.headers {
      let name = field.name.canonicalName
      headers[name] = headers[name].map { "\($0), \(field.value)" } ?? field.value
    }
    let body = request.body
    let wasRead = Mutex(false)
    let answer = await service.answer(
      TenantRequest(
        method: request.method.rawValue, target: request.head.path ?? "/", headers: headers,
        authority: request.head.authority, source: context.source,
        isPeerThere: { [channel = context.channel] in await RequestDeadlineHandler.isPeerThere(channel) },
        body: { maximum in
          wasRead.withLock { $0 = true }
          return try await Self.read(body, upTo: maximum)
        }))
    // Nobody reads the rest of a connection that ends with this answer: a client that still sends would never see it.
    if headers["connection"] == "close", !wasRead.withLock({ $0 }) { _ = try? await Self.read(body, upTo: 0) }
    var response = Response(status: .init(code: answer.status))
    for (name, value) in answer.headers {
      guard let name = HTTPField.Name(name) else { continue }
      response.headers.append(HTTPField(name: name, value: value))
    }
    // RFC 9110 9.3.2: the answer to HEAD has no content, also when it is a refusal.
    if request.method != .head, let body = answer.body {
      response.body = ResponseBody(byteBuffer: ByteBuffer(bytes: body))
    }
    return response
  }

  /// Reads a body to its end, also one that is refused, so that the client gets to read the answer instead of waiting with
  /// the rest of it (RFC 9112 9.6). ``RequestDeadlineHandler`` ends one that does not end.
  private static func read(_ body: RequestBody, upTo maximum: Int) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    var count = 0
    for try await part in body {
      count += part.readableBytes
      if count <= maximum { bytes += part.readableBytesView }
    }
    guard count <= maximum else {
      throw SCIMError.payloadTooLarge("The body is larger than \(maximum) bytes.")
    }
    return bytes
  }
}
