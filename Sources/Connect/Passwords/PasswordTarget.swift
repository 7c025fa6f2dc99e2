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
    let body = JSONValue.object(["credentials": .array(updates.map { .object(Self.object($0)) })])
    let answer = try await client.patch(extension: "/tenant/credentials", body)
    let results = answer?.object?["results"]?.array ?? []
    guard results.count == updates.count else {
      throw ConnectError(
        .targetRefused, "\(name) told \(results.count) results for \(updates.count) passwords.",
        remedy: "Check that the address is the tenant's, and its version.")
    }
    return results.map { Self.outcome($0.object ?? [:]) }
  }

  private static func object(_ update: PasswordUpdate) -> JSONObject {
    [
      "externalId": .string(update.anchor), "value": .string(update.value),
      "version": .integer(Int64(update.version.number)),
      "originated": .string(time(update.version.originated)),
      "invocationId": .string(update.version.invocation.description),
      "passwordLastSet": update.lastSet.flatMap { $0.ticks > 0 ? .string(time($0.unixSeconds)) : nil } ?? .null,
      "mustChange": .bool(update.mustChange), "passwordExpires": .null,
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
