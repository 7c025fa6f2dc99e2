// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import SCIM

/// Hands Hummingbird's requests to the service and its answers back.
struct TenantResponder: HTTPResponder {
  typealias Context = BasicRequestContext

  let service: TenantService

  func respond(to request: Request, context: Context) async throws -> Response {
    var headers: [String: String] = [:]
    for field in request.headers {
      let name = field.name.canonicalName
      headers[name] = headers[name].map { "\($0), \(field.value)" } ?? field.value
    }
    let body = request.body
    let answer = await service.answer(
      TenantRequest(method: request.method.rawValue, target: request.head.path ?? "/", headers: headers) { maximum in
        do {
          return Array(buffer: try await body.collect(upTo: maximum))
        } catch is NIOTooManyBytesError {
          throw SCIMError.payloadTooLarge("The body is larger than \(maximum) bytes.")
        }
      })
    var response = Response(status: .init(code: answer.status))
    for (name, value) in answer.headers {
      guard let name = HTTPField.Name(name) else { continue }
      response.headers[name] = value
    }
    // RFC 9110 9.3.2: the answer to HEAD has no content, also when it is a refusal.
    if request.method != .head, let body = answer.body {
      response.body = ResponseBody(byteBuffer: ByteBuffer(bytes: body))
    }
    return response
  }
}
