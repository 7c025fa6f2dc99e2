// SPDX-License-Identifier: Apache-2.0

package import Wire

extension LDAPConnection {
  /// The `invocationId` of the server's database (MS-ADTS 3.1.1.1.9): it changes when the database is restored, and its
  /// update sequence numbers mean something only together with it.
  ///
  /// - Throws: ``LDAPError`` `noSuchObject` when the server is no domain controller or its settings may not be read.
  package func invocationID(of root: RootDSE) async throws -> GUID {
    let name = root.dsServiceName ?? ""
    let settings = name.isEmpty ? nil : try await entry(name, attributes: ["invocationId"])
    guard let id = settings?.guid("invocationId") else {
      throw LDAPError(
        .noSuchObject, "\(server) does not show the invocationId of its database.",
        remedy: "Check that it is a domain controller and that the account may read the configuration partition.")
    }
    return id
  }
  /// How long a forest keeps what was deleted, in days (MS-ADTS 6.1.1.2.4.1.1): a reader that was away for longer has
  /// missed deletions. Without a value it is 60.
  package func tombstoneLifetime(of root: RootDSE) async throws -> Int {
    guard let configuration = root.configurationNamingContext else { return Self.defaultTombstoneLifetime }
    let service = try await entry(
      "CN=Directory Service,CN=Windows NT,CN=Services,\(configuration)", attributes: ["tombstoneLifetime"])
    return service?.integer("tombstoneLifetime").map { Int($0) } ?? Self.defaultTombstoneLifetime
  }

  private static let defaultTombstoneLifetime = 60
}
