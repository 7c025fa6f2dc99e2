// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import PasswordWriteback
package import SCIM
import Wire

/// The way to a tenant: outbound only.
package protocol WritebackChannel: Sendable {
  /// The next message; nil when none came in that time.
  ///
  /// - Parameter held: the identifiers of those that are in hand: what was handed out and is not among them was lost on its
  ///   way, and comes again.
  func next(waiting seconds: Int, holding held: [String]) async throws -> WritebackMessage?
  /// Tells an outcome; doing it twice is the same as doing it once. A tenant that does not know the request any more is told
  /// nothing.
  func answer(_ id: String, _ outcome: WritebackOutcome) async throws
}

/// The tenant of this project: a long poll with a token of the scope `writeback`.
package struct TenantWritebackChannel: WritebackChannel {
  private let client: SCIMClient

  /// - Parameter client: with the tenant's origin as its base URL, and a deadline above the longest poll.
  package init(client: SCIMClient) { self.client = client }

  package func next(waiting seconds: Int, holding held: [String]) async throws -> WritebackMessage? {
    let answer = try await client.post(
      extension: "/tenant/writeback/next",
      ["wait": .integer(Int64(seconds)), "held": .array(held.map { .string($0) })])
    guard let answer else { return nil }
    guard let message = try? JSONDecoder().decode(WritebackMessage.self, from: Data(answer.serialized())) else {
      throw ConnectError(
        .targetRefused, "The tenant handed out something that is no request of password writeback.",
        remedy: "Check that the address is the tenant's, and its version.")
    }
    return message
  }

  package func answer(_ id: String, _ outcome: WritebackOutcome) async throws {
    let body = try JSONValue.parse(Array(try JSONEncoder().encode(outcome)))
    do throws(SCIMClientError) {
      _ = try await client.post(extension: "/tenant/writeback/requests/\(id)", body)
    } catch {
      guard error.code == .notFound else { throw error }
    }
  }
}
