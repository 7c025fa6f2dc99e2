// SPDX-License-Identifier: Apache-2.0

/// What the embedded directory offers beyond RFC 7644: deleted resources can be seen and restored for a time.
extension SCIMClient {
  /// How a service says that a deleted resource is privileged and not brought back for a client.
  package static let privilegedType = SCIMErrorType.mutability.rawValue

  /// A deleted resource that can be restored.
  package struct Deleted: Sendable, Hashable {
    package var id: String
    package var externalId: String?
    /// Whether it holds an administrative role: only an administrator of the service brings it back.
    package var isPrivileged: Bool
  }

  /// The deleted resources of an endpoint such as `/Users`, the latest first; nil when the service cannot tell.
  package func deleted(_ endpoint: String) async throws(SCIMClientError) -> [Deleted]? {
    let answer: SCIMTransport.Answer
    do throws(SCIMClientError) {
      answer = try await send("GET", "/tenant/deleted\(endpoint)")
    } catch {
      if error.code == .notFound || error.code == .notSupported { return nil }
      throw error
    }
    guard let resources = answer.body?.object?["resources"]?.array else {
      throw SCIMClientError(.malformedAnswer, "The service's list of deleted resources is malformed.")
    }
    return resources.compactMap { resource in
      guard let object = resource.object, let id = object["id"]?.string else { return nil }
      return Deleted(
        id: id, externalId: object["externalId"]?.string, isPrivileged: object["privileged"]?.bool ?? false)
    }
  }

  /// Brings a deleted resource back as it was.
  ///
  /// - Throws: `notFound` when it is not among the deleted ones, `conflict` when another holds its name, and, with the
  ///   `scimType` ``privilegedType``, when it is privileged.
  package func restore(_ endpoint: String, id: String) async throws(SCIMClientError) {
    _ = try await send("POST", Self.path("/tenant/deleted\(endpoint)", id), body: .object(JSONObject()))
  }
}
