// SPDX-License-Identifier: Apache-2.0

package import HTTP
package import Logging
package import Wire

/// A client of a SCIM 2.0 service (RFC 7644).
///
/// Requests that are harmless to repeat are repeated after 429, 502, 503, 504, resets and timeouts, with growing waits
/// and the service's Retry-After. A creation is repeated only when the service certainly has not taken it; otherwise it
/// ends with `outcomeUnknown`, and the caller looks the resource up by its `externalId`.
package struct SCIMClient: Sendable {
  package let configuration: SCIMClientConfiguration
  private let transport: SCIMTransport

  /// - Parameter token: asked before every request, so that it may renew the token; after a 401 the request is repeated
  ///   once if another token comes.
  package init(
    _ configuration: SCIMClientConfiguration, http: HTTPClient, timing: SCIMClientTiming, logger: Logger,
    token: @escaping @Sendable () async throws -> SecretBytes
  ) {
    self.configuration = configuration
    transport = SCIMTransport(
      configuration: configuration, http: http, token: token, timing: timing, logger: logger,
      throttle: Throttle(timing: timing))
  }

  /// What the service supports.
  package func serviceProviderConfig() async throws(SCIMClientError) -> ServiceProviderConfig {
    let answer = try await send("GET", "/ServiceProviderConfig")
    return ServiceProviderConfig(try Self.resource(answer).attributes)
  }

  // MARK: One resource

  /// - Parameter endpoint: for example `/Users`.
  /// - Returns: the resource as the service made it, with its `id`.
  /// - Throws: `outcomeUnknown` when it may have been made.
  package func create(_ endpoint: String, _ resource: SCIMResource) async throws(SCIMClientError) -> SCIMResource {
    let answer = try await send("POST", endpoint, body: resource.json, repetition: .unsafe)
    let created: SCIMResource
    do throws(SCIMClientError) { created = try Self.resource(answer) } catch {
      throw error.withUnknownOutcome("POST \(endpoint)")
    }
    guard created.id != nil else {
      throw SCIMClientError(.malformedAnswer, "The service made a resource without an id.")
        .withUnknownOutcome("POST \(endpoint)")
    }
    return created
  }

  /// - Parameter ifNoneMatch: the version that is known already.
  /// - Returns: nil when the resource is still at the known version.
  package func get(
    _ endpoint: String, id: String, attributes: [String] = [], excludedAttributes: [String] = [],
    ifNoneMatch: EntityTag? = nil
  ) async throws(SCIMClientError) -> SCIMResource? {
    var query = ListQuery()
    query.attributes = attributes
    query.excludedAttributes = excludedAttributes
    let answer = try await send("GET", Self.path(endpoint, id) + Self.encoded(query), ifNoneMatch: ifNoneMatch)
    return answer.status == 304 ? nil : try Self.resource(answer)
  }

  /// - Returns: the resource as it is now; nil when the service does not say (204).
  package func patch(
    _ endpoint: String, id: String, _ request: PatchRequest, ifMatch: EntityTag? = nil,
    excludedAttributes: [String] = []
  ) async throws(SCIMClientError) -> SCIMResource? {
    var query = ListQuery()
    query.excludedAttributes = excludedAttributes
    let path = Self.path(endpoint, id) + Self.encoded(query)
    return try Self.optionalResource(try await send("PATCH", path, body: request.json, ifMatch: ifMatch))
  }

  package func replace(
    _ endpoint: String, id: String, _ resource: SCIMResource, ifMatch: EntityTag? = nil
  ) async throws(SCIMClientError) -> SCIMResource? {
    try Self.optionalResource(
      try await send("PUT", Self.path(endpoint, id), body: resource.json, ifMatch: ifMatch))
  }

  package func delete(_ endpoint: String, id: String, ifMatch: EntityTag? = nil) async throws(SCIMClientError) {
    _ = try await send("DELETE", Self.path(endpoint, id), ifMatch: ifMatch)
  }

  // MARK: Lists

  /// Queries longer than this go as POST to `/.search`; many servers refuse lines above 8 kB.
  private static let maximumQueryLength = 4000

  /// One page.
  package func list(_ endpoint: String, _ query: ListQuery = ListQuery()) async throws(SCIMClientError) -> ListResponse
  {
    let encoded = Self.encoded(query)
    let answer =
      encoded.utf8.count <= Self.maximumQueryLength
      ? try await send("GET", endpoint + encoded)
      : try await send("POST", "\(endpoint)/.search", body: query.searchRequest)
    do throws(SCIMError) { return try ListResponse(answer.body ?? .null) } catch {
      throw SCIMClientError(.malformedAnswer, "The answer to the query of \(endpoint) is no list: \(error.detail)")
    }
  }

  /// Every resource that a query finds, page by page; a page is asked for when it is wanted. The sequence ends without
  /// an error only when all pages were read.
  package func pages(
    _ endpoint: String, _ query: ListQuery = ListQuery()
  ) -> AsyncThrowingStream<[SCIMResource], any Error> {
    let reader = PageReader(client: self, endpoint: endpoint, query: query)
    return AsyncThrowingStream { try await reader.next() }
  }

  // MARK: Bulk

  /// - Parameter isRepeatable: whether doing all operations twice is harmless.
  package func bulk(
    _ request: BulkRequest, isRepeatable: Bool = false
  ) async throws(SCIMClientError) -> BulkResponse {
    let answer = try await send(
      "POST", "/Bulk", body: request.json, repetition: isRepeatable ? .safe : .unsafe)
    do throws(SCIMError) { return try BulkResponse(answer.body ?? .null) } catch {
      throw SCIMClientError(.malformedAnswer, "The answer to the bulk request is malformed: \(error.detail)")
        .withUnknownOutcome("POST /Bulk")
    }
  }

  // MARK: Common to all

  func send(
    _ method: String, _ path: String, body: JSONValue? = nil, ifMatch: EntityTag? = nil,
    ifNoneMatch: EntityTag? = nil, repetition: SCIMTransport.Repetition = .safe
  ) async throws(SCIMClientError) -> SCIMTransport.Answer {
    try await transport.send(
      SCIMTransport.Request(
        method: method, path: path, body: body, ifMatch: ifMatch, ifNoneMatch: ifNoneMatch, repetition: repetition))
  }

  static func path(_ endpoint: String, _ id: String) -> String { "\(endpoint)/\(PercentEncoding.encode(id))" }

  private static func encoded(_ query: ListQuery) -> String {
    let parameters = query.parameters.map { "\($0.name)=\(PercentEncoding.encode($0.value))" }
    return parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&")
  }

  private static func resource(_ answer: SCIMTransport.Answer) throws(SCIMClientError) -> SCIMResource {
    guard var resource = try optionalResource(answer) else {
      throw SCIMClientError(.malformedAnswer, "The service answered \(answer.status) without a resource.")
    }
    if let tag = answer.fields["ETag"], resource.meta?.version == nil {
      var meta = resource.meta ?? SCIMMeta()
      meta.version = tag
      resource.meta = meta
    }
    return resource
  }

  private static func optionalResource(_ answer: SCIMTransport.Answer) throws(SCIMClientError) -> SCIMResource? {
    guard let body = answer.body else { return nil }
    guard let object = body.object else {
      throw SCIMClientError(.malformedAnswer, "The service answered \(body.kind) instead of a resource.")
    }
    return SCIMResource(object)
  }
}
