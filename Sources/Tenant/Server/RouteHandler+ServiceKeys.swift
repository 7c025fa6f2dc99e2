// SPDX-License-Identifier: Apache-2.0

import SCIM

/// The keys of Seamless SSO, for Connect, with a token of the scope `sso`:
///
/// | request | body | answer |
/// |---|---|---|
/// | `GET /tenant/sso` | | 200 `{"tenant", "service", "keys": [{"id", "forest", …}]}` |
/// | `POST /tenant/sso/keys` | ``ServiceKeyHandover`` | 201 the key's record; 409 when too many live |
/// | `PATCH /tenant/sso/keys/{id}` | `{"overlap": seconds}` | 204: it is the present one, the others retire |
/// | `DELETE /tenant/sso/keys/{id}` | | 204 |
/// | `PATCH /tenant/sso/forests/{name}` | `{"overlap": seconds}` | 204: all of its keys retire |
/// | `DELETE /tenant/sso/forests/{name}` | | 200 `{"ended": 2}` |
extension RouteHandler {
  func seamlessSSO() async throws -> TenantAnswer {
    let keys = try await directory.serviceKeys()
    return TenantAnswer(
      json: [
        "tenant": .string(directory.initialDomain), "service": .string(SignInService.ticketService(of: origin)),
        "keys": .array(keys.map(\.json)),
      ], mediaType: Self.json)
  }

  func addServiceKey(_ body: JSONValue) async throws -> TenantAnswer {
    let record = try await directory.addServiceKey(try ServiceKeyHandover(body), by: call.actor)
    return TenantAnswer(status: 201, json: record.json, mediaType: Self.json)
  }

  func activateServiceKey(_ id: String, _ body: JSONValue) async throws -> TenantAnswer {
    try await directory.activateServiceKey(id, overlap: try Self.overlap(body), by: call.actor)
    return TenantAnswer(status: 204)
  }

  func retireServiceKeys(of forest: String, _ body: JSONValue) async throws -> TenantAnswer {
    try await directory.retireServiceKeys(of: forest, overlap: try Self.overlap(body), by: call.actor)
    return TenantAnswer(status: 204)
  }

  func removeServiceKey(_ id: String) async throws -> TenantAnswer {
    try await directory.removeServiceKey(id, by: call.actor)
    return TenantAnswer(status: 204)
  }

  func removeServiceKeys(of forest: String) async throws -> TenantAnswer {
    let ended = try await directory.removeServiceKeys(of: forest, by: call.actor)
    return TenantAnswer(json: ["ended": .integer(Int64(ended))], mediaType: Self.json)
  }

  private static func overlap(_ body: JSONValue) throws(SCIMError) -> Int {
    guard let overlap = body.object?["overlap"]?.integer, let seconds = Int(exactly: overlap),
      TenantDirectory.overlapSeconds.contains(seconds)
    else {
      throw .invalidValue("overlap must be a number of seconds up to \(TenantDirectory.overlapSeconds.upperBound).")
    }
    return seconds
  }

  private static let json = "application/json"

  private var origin: String {
    call.base.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).prefix(3).joined(separator: "/")
  }
}
