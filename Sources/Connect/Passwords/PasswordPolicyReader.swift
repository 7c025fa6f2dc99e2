// SPDX-License-Identifier: Apache-2.0

import LDAP
import Wire

/// When passwords expire, as the controller computes it: from `pwdLastSet`, the flags of the account, and the fine-grained
/// policy that applies to it, or else the domain's (MS-ADTS 3.1.1.4.5.36 `msDS-UserPasswordExpiryTimeComputed`).
///
/// It is a constructed attribute: replication does not carry it, any account that may read the user gets it by LDAP. The
/// connection is made when it is first needed: a pass that sends nothing asks nothing.
actor PasswordPolicyReader {
  /// Objects in one search: a filter of some 3 kB.
  static let identifiersPerSearch = 100
  static let expiry = "msDS-UserPasswordExpiryTimeComputed"

  private let context: String
  private let connect: @Sendable () async throws -> LDAPConnection
  private var connection: LDAPConnection?

  /// - Parameter context: the domain's naming context.
  init(context: String, connect: @escaping @Sendable () async throws -> LDAPConnection) {
    self.context = context
    self.connect = connect
  }

  func expiries(of identifiers: [GUID]) async throws -> [GUID: FileTime] {
    guard !identifiers.isEmpty else { return [:] }
    let connection = try await open()
    var expiries: [GUID: FileTime] = [:]
    for slice in identifiers.chunks(of: Self.identifiersPerSearch) {
      let search = connection.search(
        base: context, filter: .or(slice.map { .equal("objectGUID", $0) }), attributes: ["objectGUID", Self.expiry])
      for try await entry in search {
        if let identifier = entry.guid("objectGUID") { expiries[identifier] = entry.fileTime(Self.expiry) }
      }
    }
    return expiries
  }

  func policy() async throws -> PasswordPolicy {
    let connection = try await open()
    let maximumAge = try await connection.entry(context, attributes: ["maxPwdAge"])?.integer("maxPwdAge")
    return PasswordPolicy(maximumAge: maximumAge, fineGrained: try await fineGrained(connection))
  }

  private func fineGrained(_ connection: LDAPConnection) async throws -> String? {
    var found: [SearchEntry] = []
    do {
      let search = connection.search(
        base: FineGrainedPolicy.container(of: context), filter: .equal("objectClass", FineGrainedPolicy.objectClass),
        attributes: FineGrainedPolicy.attributes)
      for try await entry in search { found.append(entry) }
    } catch let error as LDAPError where error.code == .noSuchObject {
      // It may not be seen.
    }
    return FineGrainedPolicy.fingerprint(of: found)
  }

  func close() async {
    await connection?.close()
    connection = nil
  }

  private func open() async throws -> LDAPConnection {
    if let connection { return connection }
    let opened = try await connect()
    // A second caller may have been as quick; only one connection is kept.
    if let connection {
      await opened.close()
      return connection
    }
    connection = opened
    return opened
  }
}
