// SPDX-License-Identifier: Apache-2.0

/// What a service provider supports (RFC 7643 5), for the provider to publish and for the client to read.
package struct ServiceProviderConfig: Sendable, Hashable {
  /// The limits of bulk requests (RFC 7644 3.7).
  package struct Bulk: Sendable, Hashable {
    package var maximumOperations: Int
    /// In bytes.
    package var maximumPayloadSize: Int

    package init(maximumOperations: Int, maximumPayloadSize: Int) {
      self.maximumOperations = maximumOperations
      self.maximumPayloadSize = maximumPayloadSize
    }
  }

  /// A way in which clients prove who they are.
  package struct AuthenticationScheme: Sendable, Hashable {
    /// `oauthbearertoken`, `oauth2`, `httpbasic` …
    package var type: String
    package var name: String
    package var description: String
    package var specification: String?

    package init(type: String, name: String, description: String, specification: String? = nil) {
      self.type = type
      self.name = name
      self.description = description
      self.specification = specification
    }

    package static let bearer = AuthenticationScheme(
      type: "oauthbearertoken", name: "OAuth Bearer Token",
      description: "A bearer token in the Authorization header (RFC 6750).",
      specification: "https://www.rfc-editor.org/info/rfc6750")
  }

  package var patch: Bool
  /// nil when bulk requests are not supported.
  package var bulk: Bulk?
  package var filter: Bool
  /// The most resources in one answer.
  package var maximumResults: Int
  package var changePassword: Bool
  package var sort: Bool
  package var entityTags: Bool
  package var authenticationSchemes: [AuthenticationScheme]

  package init(
    patch: Bool, bulk: Bulk?, filter: Bool, maximumResults: Int, changePassword: Bool, sort: Bool, entityTags: Bool,
    authenticationSchemes: [AuthenticationScheme]
  ) {
    self.patch = patch
    self.bulk = bulk
    self.filter = filter
    self.maximumResults = maximumResults
    self.changePassword = changePassword
    self.sort = sort
    self.entityTags = entityTags
    self.authenticationSchemes = authenticationSchemes
  }

  /// Reads what a service publishes; whatever it leaves out is not supported.
  package init(_ resource: JSONObject) {
    func supported(_ name: String) -> Bool {
      resource.value(named: name)?.object?.value(named: "supported").flatMap(AttributeNormalizer.boolean) ?? false
    }
    func number(_ name: String, _ field: String) -> Int? {
      resource.value(named: name)?.object?.value(named: field)?.integer.map { Int(clamping: $0) }
    }
    patch = supported("patch")
    filter = supported("filter")
    maximumResults = max(0, number("filter", "maxResults") ?? 0)
    changePassword = supported("changePassword")
    sort = supported("sort")
    entityTags = supported("etag")
    if supported("bulk"), let operations = number("bulk", "maxOperations"), operations > 0,
      let size = number("bulk", "maxPayloadSize"), size > 0
    {
      bulk = Bulk(maximumOperations: operations, maximumPayloadSize: size)
    }
    authenticationSchemes = (resource.value(named: "authenticationSchemes")?.array ?? []).compactMap { entry in
      guard let object = entry.object, let type = object.value(named: "type")?.string else { return nil }
      return AuthenticationScheme(
        type: type, name: object.value(named: "name")?.string ?? type,
        description: object.value(named: "description")?.string ?? "",
        specification: object.value(named: "specUri")?.string)
    }
  }

  /// The resource that `/ServiceProviderConfig` answers with.
  ///
  /// - Parameter baseURI: of the service, without a trailing slash.
  package func resource(baseURI: String) -> SCIMResource {
    func supported(_ value: Bool) -> JSONValue { ["supported": .bool(value)] }
    var resource = SCIMResource([
      "schemas": [.string(SCIMURI.serviceProviderConfig)], "patch": supported(patch),
      "bulk": [
        "supported": .bool(bulk != nil), "maxOperations": .integer(Int64(bulk?.maximumOperations ?? 0)),
        "maxPayloadSize": .integer(Int64(bulk?.maximumPayloadSize ?? 0)),
      ],
      "filter": ["supported": .bool(filter), "maxResults": .integer(Int64(maximumResults))],
      "changePassword": supported(changePassword), "sort": supported(sort), "etag": supported(entityTags),
      "authenticationSchemes": .array(
        authenticationSchemes.enumerated().map { index, scheme in
          var object: JSONObject = [
            "type": .string(scheme.type), "name": .string(scheme.name), "description": .string(scheme.description),
          ]
          object["specUri"] = scheme.specification.map(JSONValue.string)
          object["primary"] = .bool(index == 0)
          return .object(object)
        }),
    ])
    resource.meta = SCIMMeta(resourceType: "ServiceProviderConfig", location: "\(baseURI)/ServiceProviderConfig")
    return resource
  }
}
