// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SCIM
import Store
import Wire

extension TenantDirectory {
  /// All domains, the initial one first.
  package func domains() async throws -> [TenantDomain] {
    try await store.read { transaction in try Self.domains(transaction) }
  }

  /// Adds a domain that is not verified yet.
  ///
  /// - Throws: ``TenantError`` `invalidDomain`, `domainExists`.
  package func addDomain(_ domain: String, by actor: Actor) async throws -> TenantDomain {
    let name = try DomainName(domain).text
    let proof = "bridgehead-domain-verification=" + Hex.encode(environment.random(16))
    let now = environment.now()
    return try await store.write(durability: .full) { transaction in
      let added = try transaction.run(
        "INSERT INTO domain (name, initial, proof, added) VALUES (?, 0, ?, ?) ON CONFLICT DO NOTHING",
        [.text(name), .text(proof), .integer(now.milliseconds)])
      guard added == 1 else {
        throw TenantError(
          .domainExists, "The domain \(name) was added before.", remedy: "Verify it, or list the domains.")
      }
      try AuditEntry(actor: actor, at: now, action: .add, kind: "Domain", target: name).insert(transaction)
      return TenantDomain(name: name, isInitial: false, proof: proof, added: now, verified: nil)
    }
  }

  /// Verifies a domain, so that user names may end in it. Verifying it twice changes nothing.
  ///
  /// - Throws: ``TenantError`` `unknownDomain`, `domainNotProved`.
  package func verifyDomain(_ domain: String, proof: DomainProof, by actor: Actor) async throws -> TenantDomain {
    let name = try DomainName(domain).text
    let now = environment.now()
    return try await store.write(durability: .full) { transaction in
      guard let known = try Self.domains(transaction).first(where: { $0.name == name }) else {
        throw Self.unknownDomain(name)
      }
      if known.verified != nil { return known }
      if case .records(let records) = proof, !records.contains(known.proof) {
        throw TenantError(
          .domainNotProved, "No TXT record of \(name) is \(known.proof).",
          remedy: "Publish that TXT record at \(name), wait for its time to live, and verify again.")
      }
      try transaction.run("UPDATE domain SET verified = ? WHERE name = ?", [.integer(now.milliseconds), .text(name)])
      try AuditEntry(actor: actor, at: now, action: .verify, kind: "Domain", target: name).insert(transaction)
      return TenantDomain(name: name, isInitial: false, proof: known.proof, added: known.added, verified: now)
    }
  }

  /// Removes a domain that no user's name ends in.
  ///
  /// - Throws: ``TenantError`` `unknownDomain`, `domainInUse` (also for the initial domain).
  package func removeDomain(_ domain: String, by actor: Actor) async throws {
    let name = try DomainName(domain).text
    let now = environment.now()
    try await store.write(durability: .full) { transaction in
      guard let known = try Self.domains(transaction).first(where: { $0.name == name }) else {
        throw Self.unknownDomain(name)
      }
      let suffix = "@" + name
      let users: Int? = try transaction.value(
        "SELECT count(*) FROM resource WHERE deleted IS NULL AND substr(user_name, -length(?)) = ?",
        [.text(suffix), .text(suffix)])
      guard !known.isInitial, users == 0 else {
        throw TenantError(
          .domainInUse,
          known.isInitial ? "\(name) is the initial domain." : "\(users ?? 0) users have names in \(name).",
          remedy: known.isInitial ? "It stays as long as the tenant." : "Rename or delete them first.")
      }
      try transaction.run("DELETE FROM domain WHERE name = ?", [.text(name)])
      try AuditEntry(actor: actor, at: now, action: .remove, kind: "Domain", target: name).insert(transaction)
    }
  }

  private static func unknownDomain(_ name: String) -> TenantError {
    TenantError(.unknownDomain, "The tenant does not know the domain \(name).", remedy: "Add it first.")
  }

  static func domains(_ transaction: any Transaction) throws -> [TenantDomain] {
    try transaction.query("SELECT name, initial, proof, added, verified FROM domain ORDER BY initial DESC, name", []) {
      row in
      TenantDomain(
        name: try row[0], isInitial: try row[1], proof: try row[2], added: Date(milliseconds: try row[3]),
        verified: (try row[4] as Int64?).map(Date.init(milliseconds:)))
    }
  }

  /// Refuses a user name whose suffix is no verified domain. A name without a suffix is no principal name and passes.
  static func requireVerifiedDomain(of userName: String, _ transaction: any Transaction) throws {
    guard let at = userName.lastIndex(of: "@") else { return }
    let suffix = userName[userName.index(after: at)...].lowercased()
    let verified: Int? = try transaction.value(
      "SELECT 1 FROM domain WHERE name = ? AND verified IS NOT NULL", [.text(suffix)])
    guard verified != nil else {
      throw SCIMError.invalidValue(
        "The userName's domain \(suffix.prefix(253)) is not verified in this tenant. Use a name of a verified domain "
          + "(GET /tenant/domains lists them), or have an administrator add and verify the domain.")
    }
  }
}
