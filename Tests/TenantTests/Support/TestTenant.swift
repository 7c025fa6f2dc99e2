// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import SCIM
import Store
import Testing
import TestSupport
import Wire

@testable import Tenant

extension TestClock {
  func advance(seconds: Double) { advance(by: seconds) }
  func advance(days: Double) { advance(by: days * 86_400) }
}

/// A tenant on a temporary file, with its service in process.
struct TestTenant {
  static let actor = Actor(who: "test")

  let clock: TestClock
  let directory: TenantDirectory
  let service: TenantService
  /// All scopes.
  let token: String

  struct Answer {
    let status: Int
    let headers: [String: String]
    let text: String

    var json: JSONObject { get throws { try #require(try JSONValue.parse(text).object) } }
    var id: String { get throws { try #require(try json["id"]?.string) } }
    var total: Int { get throws { Int(try #require(try json["totalResults"]?.integer)) } }
    var resources: [JSONObject] { get throws { try #require(try json["Resources"]?.array).compactMap(\.object) } }
    var scimType: String? { get throws { try json["scimType"]?.string } }
    var detail: String { get throws { try json["detail"]?.string ?? "" } }
  }

  /// Makes a tenant of contoso.example, lends it, and removes it.
  static func with(
    limits: TenantLimits = TestTenant.unlimited, wrap: (any Store) -> any Store = { $0 },
    _ body: (TestTenant) async throws -> Void
  ) async throws {
    let path = NSTemporaryDirectory() + "bridgehead-tenant-\(UUID().uuidString).db"
    defer { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) } }
    let clock = TestClock()
    let environment = TenantEnvironment(
      now: { clock.now }, random: SystemRandom.bytes, sealingKey: try TestTenant.newSealingKey())
    let store = try await SQLiteStore.open(path: path, migrations: TenantDirectory.migrations)
    let directory = try await TenantDirectory.initialise(
      store: wrap(store), domain: "contoso.example", environment: environment, limits: limits)
    let token = try await directory.createToken(
      name: "test", scopes: [.administer], lifetime: 86_400 * 365, by: actor)
    let service = TenantService(
      directory: directory, logger: .silent,
      base: { "https://tenant.example" })
    try await body(TestTenant(clock: clock, directory: directory, service: service, token: token.text))
    try await store.close()
  }

  static func newSealingKey() throws -> SealingKey {
    try SealingKey(text: SecretBytes(SealingKey.text(random: SystemRandom.bytes).utf8))
  }

  /// Tests of other things shall not meet the rate limit.
  static var unlimited: TenantLimits {
    var limits = TenantLimits()
    limits.requestBurst = 1_000_000
    return limits
  }

  func send(
    _ method: String, _ target: String, _ body: String? = nil, headers: [String: String] = [:], token: String? = nil
  ) async -> Answer {
    var fields = headers
    if fields["authorization"] == nil { fields["authorization"] = "Bearer \(token ?? self.token)" }
    let bytes = Array((body ?? "").utf8)
    return await send(method, target, bytes, fields)
  }

  func send(
    _ method: String, _ target: String, _ body: [UInt8], _ headers: [String: String], source: String? = nil
  ) async -> Answer {
    let answer = await service.answer(
      TenantRequest(method: method, target: target, headers: headers, source: source) { maximum in
        guard body.count <= maximum else { throw SCIMError.payloadTooLarge("too large") }
        return body
      })
    return Answer(
      status: answer.status, headers: Dictionary(answer.headers.map { ($0.name, $0.value) }) { $0 + ", " + $1 },
      text: String(decoding: answer.body ?? [], as: UTF8.self))
  }

  /// A user of the initial domain.
  @discardableResult
  func makeUser(_ name: String, _ more: String = "") async throws -> String {
    let answer = await send(
      "POST", "/Users",
      """
      {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "\(name)@contoso.example" \(more)}
      """)
    try #require(answer.status == 201, "\(answer.text)")
    return try answer.id
  }

  @discardableResult
  func makeGroup(_ name: String, members: [String] = []) async throws -> String {
    let list = members.map { "{\"value\": \"\($0)\"}" }.joined(separator: ",")
    let answer = await send(
      "POST", "/Groups",
      """
      {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "\(name)", "members": [\(list)]}
      """)
    try #require(answer.status == 201, "\(answer.text)")
    return try answer.id
  }

  func patch(_ target: String, _ operations: String, headers: [String: String] = [:]) async -> Answer {
    await send(
      "PATCH", target,
      "{\"schemas\": [\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"], \"Operations\": [\(operations)]}",
      headers: headers)
  }

  func members(_ group: String) async throws -> [String] {
    try await send("GET", "/Groups/\(group)").json["members"]?.array?.compactMap { $0.object?["value"]?.string } ?? []
  }
}
