// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Kerberos
import SCIM
import Store
import Wire

extension TenantDirectory {
  /// Live keys of one forest: the present one, the next, and those of earlier rolls whose tickets live.
  static let maximumServiceKeys = 4
  /// A key that was handed over and never activated is forgotten after a day.
  static let pendingServiceKey: TimeInterval = 86_400
  /// How long an earlier key can go on, in seconds: tickets live for hours.
  static let overlapSeconds = 0...7 * 86_400

  /// The keys whose tickets are taken now, the newest of each forest first.
  package func serviceKeys() async throws -> [ServiceKeyRecord] {
    let now = environment.now().milliseconds
    return try await store.read { try Self.serviceKeys(at: now, $0) }
  }

  /// Takes a key; tickets made with it are accepted from now on. The keys before it go on until one is activated.
  ///
  /// - Throws: `SCIMError` 409 when too many live.
  func addServiceKey(_ handover: ServiceKeyHandover, by actor: Actor) async throws -> ServiceKeyRecord {
    let now = Date(milliseconds: environment.now().milliseconds)
    let id = Identifier.make(environment.random)
    let sealed = try environment.sealingKey.seal(StoredServiceKeys.text(handover.keys), for: .serviceKey, of: id)
    return try await store.write(durability: .full) { transaction in
      let live = try Self.serviceKeys(at: now.milliseconds, transaction).filter { $0.forest == handover.forest }
      guard live.count < Self.maximumServiceKeys else {
        throw SCIMError(
          status: 409,
          detail:
            "\(handover.forest) has \(live.count) keys that tickets in use may be made with; the next can be taken "
            + "when one of them has retired.")
      }
      try transaction.run(
        """
        INSERT INTO service_key (id, forest, realm, account, version, domains, sealed, created)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
          .text(id), .text(handover.forest), .text(handover.realm), .text(handover.account), .integer(handover.version),
          .text(handover.domains.joined(separator: " ")), .blob(sealed), .integer(now.milliseconds),
        ])
      try Self.audit(.create, id, handover.forest, by: actor, at: now, transaction)
      return ServiceKeyRecord(
        id: id, forest: handover.forest, realm: handover.realm, account: handover.account, version: handover.version,
        domains: handover.domains, created: now, activated: nil, retires: nil)
    }
  }

  /// Makes a key the forest's present one. The others retire after the overlap, unless they do so sooner.
  ///
  /// - Parameter overlap: in seconds.
  /// - Throws: `SCIMError` 404.
  func activateServiceKey(_ id: String, overlap: Int, by actor: Actor) async throws {
    let now = environment.now()
    let retires = now.milliseconds + Int64(overlap) * 1000
    try await store.write(durability: .full) { transaction in
      let forest: String? = try transaction.value(
        "SELECT forest FROM service_key WHERE id = ? AND (retires IS NULL OR retires > ?)",
        [.text(id), .integer(now.milliseconds)])
      guard let forest else { throw SCIMError.notFound("There is no such key.") }
      try transaction.run(
        "UPDATE service_key SET activated = ?, retires = NULL WHERE id = ?", [.integer(now.milliseconds), .text(id)])
      try transaction.run(
        "UPDATE service_key SET retires = ?1 WHERE forest = ?2 AND id <> ?3 AND (retires IS NULL OR retires > ?1)",
        [.integer(retires), .text(forest), .text(id)])
      try Self.audit(.replace, id, forest, by: actor, at: now, transaction)
    }
  }

  /// All keys of a forest retire after the overlap, unless they do so sooner: what tickets were made goes on, and no more.
  func retireServiceKeys(of forest: String, overlap: Int, by actor: Actor) async throws {
    let now = environment.now()
    let forest = forest.lowercased()
    try await store.write(durability: .full) { transaction in
      let retired = try transaction.run(
        "UPDATE service_key SET retires = ?1 WHERE forest = ?2 AND (retires IS NULL OR retires > ?1)",
        [.integer(now.milliseconds + Int64(overlap) * 1000), .text(forest)])
      if retired > 0 { try Self.audit(.replace, forest, forest, by: actor, at: now, transaction) }
    }
  }

  /// Forgets one key at once. - Throws: `SCIMError` 404.
  func removeServiceKey(_ id: String, by actor: Actor) async throws {
    let now = environment.now()
    try await store.write(durability: .full) { transaction in
      let forest: String? = try transaction.value("SELECT forest FROM service_key WHERE id = ?", [.text(id)])
      guard let forest else { throw SCIMError.notFound("There is no such key.") }
      try transaction.run("DELETE FROM service_key WHERE id = ?", [.text(id)])
      try Self.audit(.remove, id, forest, by: actor, at: now, transaction)
    }
  }

  /// Forgets all keys of a forest at once: no ticket of it is taken any more.
  /// - Returns: how many.
  func removeServiceKeys(of forest: String, by actor: Actor) async throws -> Int {
    let now = environment.now()
    return try await store.write(durability: .full) { transaction in
      let ids = try transaction.query("SELECT id FROM service_key WHERE forest = ?", [.text(forest.lowercased())]) {
        try $0[0] as String
      }
      for id in ids {
        try transaction.run("DELETE FROM service_key WHERE id = ?", [.text(id)])
        try Self.audit(.remove, id, forest.lowercased(), by: actor, at: now, transaction)
      }
      return ids.count
    }
  }

  /// The keys of a record. - Throws: ``TenantError`` `sealingKey`, `StoreError` `corrupt`.
  func serviceKeys(of record: ServiceKeyRecord) async throws -> [ServiceKey] {
    let sealed = try await store.read {
      try $0.value("SELECT sealed FROM service_key WHERE id = ?", [.text(record.id)], as: [UInt8].self)
    }
    return try sealed.map {
      try StoredServiceKeys.parse(try environment.sealingKey.open($0, for: .serviceKey, of: record.id), of: record.id)
    } ?? []
  }

  /// - Returns: how many rows can serve nobody any more and are gone.
  static func purgeServiceKeys(at now: Int64, _ transaction: any Transaction) throws -> Int {
    try transaction.run("DELETE FROM ticket_code WHERE expires <= ?", [.integer(now)])
      + transaction.run(
        "DELETE FROM service_key WHERE retires <= ? OR activated IS NULL AND created <= ?",
        [.integer(now), .integer(now - Int64(pendingServiceKey * 1000))])
  }

  private static func serviceKeys(at now: Int64, _ transaction: any Transaction) throws -> [ServiceKeyRecord] {
    try transaction.query(
      """
      SELECT \(ServiceKeyRecord.columns) FROM service_key WHERE retires IS NULL OR retires > ?
      ORDER BY forest, created DESC, id
      """, [.integer(now)]
    ) { row in
      ServiceKeyRecord(
        id: try row[0], forest: try row[1], realm: try row[2], account: try row[3], version: try row[4],
        domains: (try row[5] as String).split(separator: " ").map(String.init), created: Date(milliseconds: try row[6]),
        activated: (try row[7] as Int64?).map(Date.init(milliseconds:)),
        retires: (try row[8] as Int64?).map(Date.init(milliseconds:)))
    }
  }

  private static func audit(
    _ action: AuditEntry.Action, _ id: String, _ forest: String, by actor: Actor, at now: Date,
    _ transaction: any Transaction
  ) throws {
    try AuditEntry(
      actor: actor, at: now, action: action, kind: "ServiceKey", target: id,
      after: action == .remove ? nil : JSONValue.object(["forest": .string(forest)]).text
    ).insert(transaction)
  }
}
