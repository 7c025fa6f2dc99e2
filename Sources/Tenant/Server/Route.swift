// SPDX-License-Identifier: Apache-2.0

import SCIM

/// What a request asks for. `find` is the table of all endpoints (RFC 7644 3.2, table 2).
enum Route: Sendable {
  case list(ResourceKind)
  case create(ResourceKind)
  case get(ResourceKind, String)
  case replace(ResourceKind, String)
  case patch(ResourceKind, String)
  case delete(ResourceKind, String)
  case search([ResourceKind])
  case bulk
  case schemas(String?)
  case resourceTypes(String?)
  case serviceProviderConfig
  case domains
  case deleted(ResourceKind)
  case restore(ResourceKind, String)
  case credentials
  case seamlessSSO
  case addServiceKey
  case activateServiceKey(String)
  case removeServiceKey(String)
  case retireServiceKeys(forest: String)
  case removeServiceKeys(forest: String)
  case writebackNext
  case writebackOutcome(String)

  /// The scope that a token needs.
  var scope: TokenScope {
    switch self {
    case .credentials: .credentials
    case .seamlessSSO, .addServiceKey, .activateServiceKey, .removeServiceKey, .retireServiceKeys, .removeServiceKeys:
      .sso
    case .writebackNext, .writebackOutcome: .writeback
    case .create, .replace, .patch, .delete, .bulk, .restore: .write
    default: .read
    }
  }

  /// One path with what each method means there.
  struct Place: Sendable {
    /// For logs and metrics: without identifiers.
    let template: String
    let methods: [(name: String, route: Route)]
  }

  /// Where the SCIM endpoints are, as RFC 7644 3.13 suggests; they also answer without it.
  private static let scimBase = ["scim", "v2"]

  /// - Throws: `SCIMError` 404 for an unknown path, 501 for `/Me`.
  static func find(_ path: [String]) throws(SCIMError) -> Place {
    let segments = path.starts(with: scimBase) ? Array(path.dropFirst(scimBase.count)) : path
    switch (segments.count, segments.first.map { $0.lowercased() } ?? "") {
    case (1, ".search"): return Place(template: "/.search", methods: [("POST", .search(ResourceKind.allCases))])
    case (1, "bulk"): return Place(template: "/Bulk", methods: [("POST", .bulk)])
    case (1, "schemas"): return Place(template: "/Schemas", methods: [("GET", .schemas(nil))])
    case (2, "schemas"): return Place(template: "/Schemas/{id}", methods: [("GET", .schemas(segments[1]))])
    case (1, "resourcetypes"): return Place(template: "/ResourceTypes", methods: [("GET", .resourceTypes(nil))])
    case (2, "resourcetypes"):
      return Place(template: "/ResourceTypes/{id}", methods: [("GET", .resourceTypes(segments[1]))])
    case (1, "serviceproviderconfig"):
      return Place(template: "/ServiceProviderConfig", methods: [("GET", .serviceProviderConfig)])
    case (2, "tenant") where segments[1] == "domains":
      return Place(template: "/tenant/domains", methods: [("GET", .domains)])
    case (2, "tenant") where segments[1] == "credentials":
      return Place(template: "/tenant/credentials", methods: [("PATCH", .credentials)])
    case (2...4, "tenant") where segments[1] == "sso": return try serviceKeys(Array(segments.dropFirst(2)))
    case (3, "tenant") where segments[1] == "writeback" && segments[2] == "next":
      return Place(template: "/tenant/writeback/next", methods: [("POST", .writebackNext)])
    case (4, "tenant") where segments[1] == "writeback" && segments[2] == "requests":
      return Place(
        template: "/tenant/writeback/requests/{id}", methods: [("POST", .writebackOutcome(segments[3]))])
    case (3, "tenant") where segments[1] == "deleted":
      guard let kind = ResourceKind(endpoint: segments[2]) else { break }
      return Place(template: "/tenant/deleted\(kind.definition.endpoint)", methods: [("GET", .deleted(kind))])
    case (4, "tenant") where segments[1] == "deleted":
      guard let kind = ResourceKind(endpoint: segments[2]) else { break }
      return Place(
        template: "/tenant/deleted\(kind.definition.endpoint)/{id}", methods: [("POST", .restore(kind, segments[3]))])
    case (_, "me"):
      throw .notImplemented("A bearer token stands for no user here, so /Me names nobody. Use /Users.")
    default: break
    }
    guard let first = segments.first, let kind = ResourceKind(endpoint: first), segments.count <= 2 else {
      throw .notFound("There is no such endpoint.")
    }
    let endpoint = kind.definition.endpoint
    guard segments.count == 2 else {
      return Place(template: endpoint, methods: [("GET", .list(kind)), ("POST", .create(kind))])
    }
    if segments[1] == ".search" {
      return Place(template: "\(endpoint)/.search", methods: [("POST", .search([kind]))])
    }
    let id = segments[1]
    return Place(
      template: "\(endpoint)/{id}",
      methods: [
        ("GET", .get(kind, id)), ("PUT", .replace(kind, id)), ("PATCH", .patch(kind, id)),
        ("DELETE", .delete(kind, id)),
      ])
  }

  private static func serviceKeys(_ path: [String]) throws(SCIMError) -> Place {
    switch (path.count, path.first) {
    case (0, _): Place(template: "/tenant/sso", methods: [("GET", .seamlessSSO)])
    case (1, "keys"): Place(template: "/tenant/sso/keys", methods: [("POST", .addServiceKey)])
    case (2, "keys"):
      Place(
        template: "/tenant/sso/keys/{id}",
        methods: [("PATCH", .activateServiceKey(path[1])), ("DELETE", .removeServiceKey(path[1]))])
    case (2, "forests"):
      Place(
        template: "/tenant/sso/forests/{name}",
        methods: [("PATCH", .retireServiceKeys(forest: path[1])), ("DELETE", .removeServiceKeys(forest: path[1]))])
    default: throw .notFound("There is no such endpoint.")
    }
  }
}
