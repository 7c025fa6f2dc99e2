// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import PasswordWriteback
import SCIM
import Wire

/// What each route does with a request that has passed the pipeline.
struct RouteHandler: Sendable {
  let directory: TenantDirectory
  let call: Call

  func handle(_ route: Route) async throws -> TenantAnswer {
    switch route {
    case .list(let kind): return try await list([kind], ListQuery(parameters: call.target.query))
    case .search(let kinds): return try await list(kinds, ListQuery(searchRequest: try json()))
    case .create(let kind):
      let outcome = try await directory.create(kind, try json(), try selection(), by: call.actor)
      return show(outcome, status: 201, location: outcome.location)
    case .get(let kind, let id):
      let outcome = try await directory.resource(kind, id, try selection(), call.preconditions)
      return outcome.resource == nil
        ? TenantAnswer(status: 304).with("etag", outcome.tag.description) : show(outcome)
    case .replace(let kind, let id):
      return show(
        try await directory.replace(kind, id, try json(), try selection(), call.preconditions, by: call.actor))
    case .patch(let kind, let id):
      let request = try PatchRequest(try json())
      return show(try await directory.patch(kind, id, request, try selection(), call.preconditions, by: call.actor))
    case .delete(let kind, let id):
      try await directory.delete(kind, id, call.preconditions, by: call.actor)
      return TenantAnswer(status: 204)
    case .bulk:
      let request = try BulkRequest(try json(), maximumOperations: directory.limits.bulkOperations)
      return TenantAnswer(json: try await directory.bulk(request, base: call.base, by: call.actor).json)
    case .schemas(let id):
      return try discovery(id, SchemaDefinition.all.map { $0.resource(baseURI: call.base) })
    case .resourceTypes(let id):
      return try discovery(
        id,
        ResourceKind.allCases.map { kind in
          var resource = kind.definition.resource(baseURI: call.base)
          resource.id = kind.name
          return resource
        })
    case .serviceProviderConfig:
      return TenantAnswer(json: serviceProviderConfig.resource(baseURI: call.base).json)
    case .domains: return TenantAnswer(json: try await domains(), mediaType: "application/json")
    case .deleted(let kind): return TenantAnswer(json: try await deleted(kind), mediaType: "application/json")
    case .restore(let kind, let id): return try await restore(kind, id)
    case .writebackNext: return try await nextWriteback()
    case .writebackOutcome(let id): return try await answerWriteback(id)
    case .credentials:
      let results = try await directory.store(try CredentialBatch(try json()), by: call.actor)
      return TenantAnswer(json: ["results": .array(results.map(\.json))], mediaType: "application/json")
    case .seamlessSSO: return try await seamlessSSO()
    case .addServiceKey: return try await addServiceKey(try json())
    case .activateServiceKey(let id): return try await activateServiceKey(id, try json())
    case .removeServiceKey(let id): return try await removeServiceKey(id)
    case .retireServiceKeys(let forest): return try await retireServiceKeys(of: forest, try json())
    case .removeServiceKeys(let forest): return try await removeServiceKeys(of: forest)
    }
  }

  /// `{"wait": 20, "held": ["…"]}`: seconds, and the identifiers of the requests that Connect has in hand. The answer is a
  /// `WritebackMessage`, or 204 when nothing came in that time.
  private func nextWriteback() async throws -> TenantAnswer {
    let body = try json().object
    let wait = Int(clamping: body?["wait"]?.integer ?? 0)
    let held = body?["held"]?.array?.compactMap(\.string)
    guard (held?.count ?? 0) <= WritebackLimits.waiting else {
      throw SCIMError.invalidValue("There are never so many requests in hand.")
    }
    let envelope = try await WritebackDesk(directory: directory).next(
      waiting: max(0, wait), holding: held.map(Set.init), isPeerThere: call.isPeerThere)
    return envelope.map { .json(WritebackMessage($0)) } ?? TenantAnswer(status: 204)
  }

  private func answerWriteback(_ id: String) async throws -> TenantAnswer {
    // Parsed within the limits of depth and size first.
    let bytes = try json().serialized()
    guard let outcome = try? JSONDecoder().decode(WritebackOutcome.self, from: Data(bytes)) else {
      throw SCIMError.invalidSyntax("The body must be the outcome of a request.")
    }
    guard try await directory.answerWriteback(id, outcome, by: call.actor) else {
      throw SCIMError.notFound("There is no such request.")
    }
    return TenantAnswer(status: 204)
  }

  /// `{"resources": [{"id": "…", "externalId": "…", "name": "…", "privileged": true}]}`, the latest first.
  private func deleted(_ kind: ResourceKind) async throws -> JSONValue {
    let resources = try await directory.deleted(kind).map { deleted in
      var object: JSONObject = ["id": .string(deleted.id), "name": .string(deleted.name)]
      object["externalId"] = deleted.externalId.map(JSONValue.string)
      if deleted.isPrivileged { object["privileged"] = true }
      return JSONValue.object(object)
    }
    return ["resources": .array(resources)]
  }

  private func restore(_ kind: ResourceKind, _ id: String) async throws -> TenantAnswer {
    do {
      _ = try await directory.restore(kind, id, by: call.actor)
      return TenantAnswer(status: 204)
    } catch let error as TenantError {
      switch error.code {
      case .unknownResource: throw SCIMError.notFound(error.message)
      case .notDeleted, .nameTaken: throw SCIMError.uniqueness(error.message)
      case .privileged: throw SCIMError(status: 409, scimType: .mutability, detail: error.message)
      default: throw error
      }
    }
  }

  private func json() throws(SCIMError) -> JSONValue {
    try JSONValue.parse(
      call.body, limits: JSONLimits(maximumBytes: directory.limits.bodyBytes, maximumDepth: directory.limits.jsonDepth))
  }

  private func selection() throws(SCIMError) -> Selection {
    let query = try ListQuery(parameters: call.target.query.filter { $0.name.hasSuffix("attributes") })
    return Selection(base: call.base, attributes: query.attributes, excluded: query.excludedAttributes)
  }

  private func list(_ kinds: [ResourceKind], _ query: ListQuery) async throws -> TenantAnswer {
    TenantAnswer(json: try await directory.search(kinds, query, base: call.base).json)
  }

  private func show(_ outcome: ResourceOutcome, status: Int = 200, location: String? = nil) -> TenantAnswer {
    guard let resource = outcome.resource else {
      return TenantAnswer(status: 204).with("etag", outcome.tag.description)
    }
    return TenantAnswer(status: status, resource: resource, tag: outcome.tag, location: location)
  }

  /// RFC 7644 4: a discovery endpoint takes no filter.
  private func discovery(_ id: String?, _ resources: [SCIMResource]) throws(SCIMError) -> TenantAnswer {
    guard !call.target.query.contains(where: { $0.name == "filter" }) else {
      throw .forbidden("Discovery endpoints cannot be filtered.")
    }
    guard let id else {
      return TenantAnswer(json: ListResponse(totalResults: resources.count, resources: resources).json)
    }
    guard let found = resources.first(where: { $0.id.map { SCIMText.namesMatch($0, id) } ?? false }) else {
      throw .notFound("There is no \(id.prefix(128)) here.")
    }
    return TenantAnswer(json: found.json)
  }

  private var serviceProviderConfig: ServiceProviderConfig {
    let limits = directory.limits
    return ServiceProviderConfig(
      patch: true, bulk: .init(maximumOperations: limits.bulkOperations, maximumPayloadSize: limits.bodyBytes),
      filter: true, maximumResults: limits.pageSize, changePassword: false, sort: true, entityTags: true,
      authenticationSchemes: [.bearer])
  }

  /// `{"initial": "…", "domains": [{"name": "…", "initial": true, "verified": true}]}`
  private func domains() async throws -> JSONValue {
    let domains = try await directory.domains()
    return [
      "initial": domains.first(where: \.isInitial).map { .string($0.name) } ?? .null,
      "domains": .array(
        domains.map { domain in
          ["name": .string(domain.name), "initial": .bool(domain.isInitial), "verified": .bool(domain.verified != nil)]
        }),
    ]
  }
}
