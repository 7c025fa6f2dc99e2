// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// A request with its whole body.
package struct HTTPRequest: Sendable {
  /// A request's time from its first step to the response's last byte.
  package static let defaultDeadline = TimeAmount.seconds(60)
  /// The response body that is collected when the caller asks for no other limit: 16 MiB.
  package static let defaultMaximumResponseBytes = 16 << 20

  /// RFC 9110 9: `GET`, `POST`, …
  package var method: String
  package var url: HTTPURL
  package var fields: HTTPFields
  package var body: [UInt8]
  package var deadline: TimeAmount = defaultDeadline
  package var maximumResponseBytes = defaultMaximumResponseBytes
  /// How many redirects are followed, for GET and HEAD only; none unless asked.
  package var maximumRedirects = 0
  /// Whether the request may be sent a second time when a kept-alive connection ends before any response. The default is
  /// RFC 9110 9.2.2's: what is idempotent may.
  package var isReplayable: Bool

  package init(_ method: String = "GET", _ url: HTTPURL, fields: HTTPFields = [:], body: [UInt8] = []) {
    self.method = method
    self.url = url
    self.fields = fields
    self.body = body
    isReplayable = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"].contains(method)
  }

  /// - Throws: ``HTTPError`` with code `badRequest` for what HTTP cannot carry.
  func validate() throws(HTTPError) {
    guard !method.isEmpty, method.utf8.allSatisfy(HTTPFields.isTokenByte) else {
      throw HTTPError(.badRequest, "'\(method)' is no request method.")
    }
    if let name = fields.firstInvalid() {
      throw HTTPError(.badRequest, "The header field '\(name)' has a name or a value that HTTP cannot carry.")
    }
  }
}

/// A response with its whole body.
package struct HTTPResponse: Sendable {
  package var status: Int
  package var fields: HTTPFields
  package var body: [UInt8]

  package init(status: Int, fields: HTTPFields = [:], body: [UInt8] = []) {
    self.status = status
    self.fields = fields
    self.body = body
  }
}
