// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import Kerberos
package import SCIM
import Wire

/// A key as the tenant tells of it; the key itself it never tells.
package struct SSOTenantKey: Sendable, Hashable, Codable {
  package var id: String
  package var forest: String
  package var account: String
  package var version: Int64
  /// The identifiers of the domains that it speaks for.
  package var domains: [String] = []
  package var created: Date
  /// Nil until it takes the place of those before it.
  package var activated: Date?
  /// When tickets made with it are refused; nil for the present one.
  package var retires: Date?
}

/// What the tenant says of Seamless SSO.
package struct SSOTenantState: Sendable, Hashable {
  /// Its initial domain.
  package var tenant: String
  /// `HTTP/autologon.…`
  package var service: String
  package var keys: [SSOTenantKey]
}

/// The tenant of this project: `/tenant/sso`, with a token whose scope is `sso`.
package struct SSOTenant: Sendable {
  private let client: SCIMClient
  let host: String

  /// - Parameters:
  ///   - client: with the tenant's origin as its base URL.
  ///   - host: the host of that.
  package init(client: SCIMClient, host: String) {
    self.client = client
    self.host = host
  }

  func state() async throws -> SSOTenantState {
    let answer = try await client.request("GET", extension: "/tenant/sso")?.object
    guard let tenant = answer?["tenant"]?.string, let service = answer?["service"]?.string,
      let keys = answer?["keys"]?.array
    else { throw Self.malformed }
    return SSOTenantState(tenant: tenant, service: service, keys: try keys.map(Self.key))
  }

  /// Hands a key over, over HTTPS and to this tenant only.
  /// - Returns: its identifier there.
  func add(
    _ keys: [ServiceKey], forest: String, realm: String, account: String, version: Int64, domains: [SecurityIdentifier]
  ) async throws -> String {
    var values = JSONObject()
    for key in keys {
      values[key.encryptionType.description] = .string(key.bytes.withBytes { Hex.encode(Array($0)) })
    }
    let body: JSONValue = [
      "forest": .string(forest), "realm": .string(realm), "account": .string(account), "version": .integer(version),
      "domains": .array(domains.map { .string($0.description) }), "keys": .object(values),
    ]
    let answer = try await client.request("POST", extension: "/tenant/sso/keys", body, isRepeatable: false)
    guard let id = answer?.object?["id"]?.string else { throw Self.malformed }
    return id
  }

  /// The forest's other keys retire after the overlap, in seconds.
  func activate(_ id: String, overlap: Int) async throws {
    _ = try await client.request(
      "PATCH", extension: "/tenant/sso/keys/\(Self.encoded(id))", ["overlap": .integer(Int64(overlap))])
  }

  func remove(_ id: String) async throws {
    _ = try await client.request("DELETE", extension: "/tenant/sso/keys/\(Self.encoded(id))")
  }

  /// The keys of a forest retire after the overlap, in seconds; at once when it is 0.
  func retire(forest: String, overlap: Int) async throws {
    let path = "/tenant/sso/forests/\(Self.encoded(forest))"
    _ =
      overlap == 0
      ? try await client.request("DELETE", extension: path)
      : try await client.request("PATCH", extension: path, ["overlap": .integer(Int64(overlap))])
  }

  private static func key(_ value: JSONValue) throws -> SSOTenantKey {
    guard let object = value.object, let id = object["id"]?.string, let forest = object["forest"]?.string,
      let account = object["account"]?.string, let version = object["version"]?.integer,
      let created = object["created"]?.string.flatMap(SCIMDateTime.parse)
    else { throw malformed }
    return SSOTenantKey(
      id: id, forest: forest, account: account, version: version,
      domains: (object["domains"]?.array ?? []).compactMap(\.string), created: created,
      activated: object["activated"]?.string.flatMap(SCIMDateTime.parse),
      retires: object["retires"]?.string.flatMap(SCIMDateTime.parse))
  }

  /// Only letters, digits, dots and hyphens reach a path.
  private static func encoded(_ text: String) -> String {
    String(
      text.unicodeScalars.filter {
        $0.isASCII && ($0.properties.isAlphabetic || "0123456789.-".unicodeScalars.contains($0))
      }
      .map(Character.init))
  }

  private static let malformed = ConnectError(
    .targetRefused, "The tenant's answer about Seamless SSO is malformed.",
    remedy: "Check that the address is the tenant's, and its version.")
}
