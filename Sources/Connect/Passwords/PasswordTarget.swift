// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import SCIM
package import Wire

/// A cloud directory that takes derived passwords.
package protocol PasswordTarget: Sendable {
  /// The name of the target that takes the users.
  var name: String { get }
  /// The most that one request carries.
  var batchSize: Int { get }

  /// Sends them; doing it twice is the same as doing it once.
  /// - Returns: an outcome for each, in their order.
  func send(_ updates: [PasswordUpdate]) async throws -> [PasswordOutcome]

  /// Whether it can be told to forget a password.
  var forgets: Bool { get }

  /// Has it forget passwords, also those of users that it keeps as deleted ones. Asked only where ``forgets``.
  /// - Returns: an outcome for each, in their order.
  func forget(_ removals: [PasswordRemoval]) async throws -> [PasswordOutcome]
}

extension PasswordTarget {
  package var forgets: Bool { false }

  package func forget(_ removals: [PasswordRemoval]) async throws -> [PasswordOutcome] {
    removals.map { _ in .refused(reason: "notOffered", detail: "\(name) does not forget single passwords.") }
  }
}

/// One user's derived password.
package struct PasswordUpdate: Sendable {
  /// The user's source anchor, which is its externalId there.
  package var anchor: String
  /// The derived value: a secret of its own.
  package var value: String
  package var version: PasswordAccount.Version
  package var lastSet: FileTime?
  package var mustChange: Bool
  /// ``FileTime/never`` and nil alike mean that it does not expire.
  package var expires: FileTime?
}

/// A password that a target has to forget: it was cleared, or its user left.
package struct PasswordRemoval: Sendable, Hashable {
  /// The user's source anchor, which is its externalId there.
  package var anchor: String
  /// The write that cleared it, or the last one that the target was told; a newer one stays.
  package var version: PasswordAccount.Version
}

package enum PasswordOutcome: Sendable, Hashable {
  case stored
  /// The target has this version already.
  case unchanged
  /// The target has a newer one.
  case older
  case refused(reason: String, detail: String)
}

/// The tenant of this project: `PATCH /tenant/credentials`, with a token whose scope is `credentials`.
package struct TenantPasswordTarget: PasswordTarget {
  package let name: String
  private let client: SCIMClient
  /// What the tenant takes in one request.
  package let batchSize = 1000

  /// - Parameter client: with the tenant's origin as its base URL.
  package init(name: String, client: SCIMClient) {
    self.name = name
    self.client = client
  }

  package func send(_ updates: [PasswordUpdate]) async throws -> [PasswordOutcome] {
    try await patch(updates.map(Self.object))
  }

  package var forgets: Bool { true }

  package func forget(_ removals: [PasswordRemoval]) async throws -> [PasswordOutcome] {
    try await patch(removals.map { Self.object($0.anchor, .null, $0.version) })
  }

  private func patch(_ changes: [JSONObject]) async throws -> [PasswordOutcome] {
    let body = JSONValue.object(["credentials": .array(changes.map { .object($0) })])
    let answer = try await client.patch(extension: "/tenant/credentials", body)
    let results = answer?.object?["results"]?.array ?? []
    guard results.count == changes.count else {
      throw ConnectError(
        .targetRefused, "\(name) told \(results.count) results for \(changes.count) passwords.",
        remedy: "Check that the address is the tenant's, and its version.")
    }
    return results.map { Self.outcome($0.object ?? [:]) }
  }

  private static func object(_ update: PasswordUpdate) -> JSONObject {
    var object = object(update.anchor, .string(update.value), update.version)
    if let lastSet = update.lastSet, lastSet.ticks > 0 {
      object["passwordLastSet"] = .string(time(lastSet.unixSeconds))
    }
    object["mustChange"] = .bool(update.mustChange)
    if let expires = update.expires, !expires.isNever { object["passwordExpires"] = .string(time(expires.unixSeconds)) }
    return object
  }

  private static func object(_ anchor: String, _ value: JSONValue, _ version: PasswordAccount.Version) -> JSONObject {
    [
      "externalId": .string(anchor), "value": value, "version": .integer(Int64(version.number)),
      "originated": .string(time(version.originated)), "invocationId": .string(version.invocation.description),
    ]
  }

  private static func time(_ seconds: Int64) -> String {
    Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
  }

  private static func outcome(_ result: JSONObject) -> PasswordOutcome {
    switch result["status"]?.string {
    case "stored": .stored
    case "unchanged": .unchanged
    case "refused" where result["reason"]?.string == "older": .older
    default:
      .refused(
        reason: String((result["reason"]?.string ?? "unknown").prefix(64)),
        detail: String((result["detail"]?.string ?? "The target gave no detail.").prefix(512)))
    }
  }
}
