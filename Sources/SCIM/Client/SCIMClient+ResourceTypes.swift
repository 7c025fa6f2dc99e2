// SPDX-License-Identifier: Apache-2.0

extension SCIMClient {
  /// What a service says of one of its resource types (RFC 7643 6), as far as a client needs it.
  package struct OfferedResourceType: Sendable, Hashable {
    /// For example `/Users`.
    package var endpoint: String
    /// The URI of the core schema.
    package var schema: String
    /// The URIs of the extensions.
    package var extensions: [String]

    package func hasExtension(_ uri: String) -> Bool { extensions.contains { SCIMText.namesMatch($0, uri) } }

    /// Whether it is the resource type of this definition, at the place where requests look for it.
    package func isSame(as definition: ResourceTypeDefinition) -> Bool {
      SCIMText.namesMatch(schema, definition.schema.id) && SCIMText.namesMatch(endpoint, definition.endpoint)
    }
  }

  /// More than any service has; what lies beyond is not asked for.
  private static let maximumResourceTypes = 1000

  /// The resource types that the service offers; nil when it does not tell.
  package func resourceTypes() async throws(SCIMClientError) -> [OfferedResourceType]? {
    let answer: SCIMTransport.Answer
    do throws(SCIMClientError) { answer = try await send("GET", "/ResourceTypes") } catch {
      if [.notFound, .notSupported, .forbidden, .refused].contains(error.code) { return nil }
      throw error
    }
    // A list response (RFC 7644 4); services of older drafts answer with a bare array.
    guard let resources = answer.body?.object?.value(named: "Resources")?.array ?? answer.body?.array else {
      throw SCIMClientError(.malformedAnswer, "The service's list of resource types is malformed.")
    }
    return resources.prefix(Self.maximumResourceTypes).compactMap { resource in
      guard let object = resource.object, let endpoint = object.value(named: "endpoint")?.string,
        let schema = object.value(named: "schema")?.string
      else { return nil }
      let extensions = object.value(named: "schemaExtensions")?.array ?? []
      return OfferedResourceType(
        endpoint: endpoint.hasPrefix("/") ? endpoint : "/" + endpoint, schema: schema,
        extensions: extensions.compactMap { $0.object?.value(named: "schema")?.string })
    }
  }
}
