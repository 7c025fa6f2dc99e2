// SPDX-License-Identifier: Apache-2.0

import SCIM

/// A request as the service sees it, whichever HTTP version carried it.
struct TenantRequest: Sendable {
  var method: String
  /// Path and query as they were sent.
  var target: String
  /// By lower-case name; repeated fields are joined by commas (RFC 9110 5.3).
  var headers: [String: String]
  /// The host that the client means, and a port where it is not the usual one (RFC 9110 7.2).
  var authority: String?
  /// The address that the connection comes from; nil when it is not known.
  var source: String?
  /// Whether the client still waits for the answer.
  var isPeerThere: @Sendable () async -> Bool = { true }
  /// Reads the body whole.
  ///
  /// - Throws: `SCIMError` 413 when it is larger than the argument, 408 when it does not arrive.
  var body: @Sendable (_ maximumBytes: Int) async throws -> [UInt8]
}

/// What is sent back.
struct TenantAnswer: Sendable {
  var status: Int
  var headers: [(name: String, value: String)] = []
  var body: [UInt8]?

  init(status: Int) { self.status = status }

  init(status: Int = 200, json: JSONValue, mediaType: String = SCIMURI.mediaType) {
    self.status = status
    headers = [("content-type", mediaType)]
    body = json.serialized()
  }

  /// A resource with its entity tag; a new one also with its place.
  init(status: Int = 200, resource: SCIMResource, tag: EntityTag?, location: String? = nil) {
    self.init(status: status, json: resource.json)
    if let tag { headers.append(("etag", tag.description)) }
    if let location { headers.append(("location", location)) }
  }

  init(error: SCIMError) { self.init(status: error.status, json: SCIMErrorBody(error).json) }

  func with(_ name: String, _ value: String) -> TenantAnswer {
    var answer = self
    answer.headers.append((name, value))
    return answer
  }
}
