// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SCIM
import Store
import SyncAPI

extension TenantDirectory {
  /// Applies objects in one transaction, each behind a savepoint of its own: one that is refused leaves nothing.
  func provision(_ objects: [SyncObject], by actor: Actor) async throws -> [SyncObjectResult] {
    try await write(by: actor) { writer in
      let transaction = writer.transaction
      let sync = SyncObjectWriter(
        writer: writer, features: try SyncSettings(transaction: transaction).features())
      return try objects.map { object in
        try transaction.run("SAVEPOINT sync_object")
        let result = try sync.apply(object)
        if !result.isSuccess { try transaction.run("ROLLBACK TO SAVEPOINT sync_object") }
        try transaction.run("RELEASE SAVEPOINT sync_object")
        return result
      }
    }
  }

  func companyConfiguration() async throws -> CompanyConfiguration {
    try await store.read { transaction in
      let settings = SyncSettings(transaction: transaction)
      var company = CompanyConfiguration()
      company.features = try settings.features()
      (company.totalExports, company.successfulExports) = try settings.lastExport()
      company.objects =
        try transaction.value("SELECT count(*) FROM resource WHERE external_id IS NOT NULL AND deleted IS NULL") ?? 0
      company.displayName = initialDomain
      company.tenant = tenantIdentifier
      company.maximumLinks = Int64(limits.membersInAnswer)
      return company
    }
  }

  /// - Throws: ``SyncAPI/SyncFault`` for what this tenant cannot do.
  func set(_ features: DirsyncFeatures, by actor: Actor) async throws {
    let unknown = features.subtracting(SyncSettings.supported)
    guard unknown.isEmpty else {
      throw SyncRefusal(
        code: "UnsupportedFeature",
        detail: "The features \(unknown.rawValue) cannot be switched on here; \(SyncSettings.supported.rawValue) can.")
    }
    let now = environment.now()
    try await store.write(durability: .full) { transaction in
      let settings = SyncSettings(transaction: transaction)
      let before = try settings.features()
      guard before != features else { return }
      try settings.set(features)
      try AuditEntry(
        actor: actor, at: now, action: .replace, kind: "SyncFeatures", target: initialDomain,
        before: String(before.rawValue), after: String(features.rawValue)
      ).insert(transaction)
    }
  }

  func finishExport(_ call: FinalizeExport) async throws {
    try await store.write { transaction in
      try SyncSettings(transaction: transaction).setLastExport(total: call.total, successful: call.successful)
    }
  }

  // MARK: Kerberos domains

  func kerberosDomain(_ name: String) async throws -> KerberosDomain? {
    try await store.read { transaction in
      try transaction.first(
        "SELECT name, display_name, id, key_version, key_updated FROM sync_kerberos_domain WHERE name = ?",
        [.text(name.lowercased())]
      ) { row in
        KerberosDomain(
          dnsDomainName: try row[0], displayName: try row[1], id: try row[2], keyVersion: try row[3],
          keyUpdatedOn: try row[4])
      }
    }
  }

  /// - Throws: ``SyncRefusal`` for what is no domain name.
  func set(_ domain: KerberosDomain, by actor: Actor) async throws {
    guard let name = try? DomainName(domain.dnsDomainName) else {
      throw SyncRefusal(code: "InvalidDomain", detail: "The domain's name is none.")
    }
    let now = environment.now()
    let id = Identifier.make(environment.random)
    try await store.write(durability: .full) { transaction in
      try transaction.run(
        """
        INSERT INTO sync_kerberos_domain (name, id, display_name, key_version, key_updated) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET display_name = excluded.display_name, key_version = excluded.key_version,
          key_updated = excluded.key_updated
        """,
        [
          .text(name.text), .text(id), SQLValue(domain.displayName), domain.keyVersion.map { .integer($0) } ?? .null,
          SQLValue(domain.keyUpdatedOn),
        ])
      try AuditEntry(actor: actor, at: now, action: .replace, kind: "KerberosDomain", target: name.text)
        .insert(transaction)
    }
  }
}

/// Why an operation as a whole was not carried out, in words for the client.
struct SyncRefusal: Error {
  var party = SyncFault.Party.sender
  let code: String
  let detail: String

  var fault: SyncFault { SyncFault(party, detail, code: code, description: detail) }
}
