// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import NIOPosix
import Store
package import WebIdentity
import Wire

/// A key that signs tokens, has signed them, or will.
package struct SigningKeyRecord: Sendable {
  package let publicKey: JSONWebKey
  package let created: Date
  /// When it begins to sign; it ends when the next one begins.
  package let active: Date

  package var id: String { publicKey.keyID }
}

extension TenantDirectory {
  /// The keys that are published, in the order in which they sign.
  package func signingKeys() async throws -> [SigningKeyRecord] {
    try await store.read { try Self.signingKeys($0) }
  }

  /// Makes the next key. It is published now and signs after a day, when every client has seen it.
  ///
  /// - Parameter immediately: it signs at once and the keys before it are gone: every token they signed is refused from
  ///   now on. For a key that somebody else may have.
  package func rotateSigningKey(immediately: Bool = false, by actor: Actor) async throws -> SigningKeyRecord {
    let key = try await NIOThreadPool.singleton.runIfActive { try TokenSigningKey() }
    let now = environment.now()
    let active = immediately ? now : now.addingTimeInterval(Double(SignInLifetime.keyOverlap))
    return try await insert(key, active: active, by: actor) { transaction in
      if immediately { try transaction.run("DELETE FROM signing_key") }
      return true
    }
  }

  /// Keeps a key that signs, makes the next in time, and drops those whose tokens have ended.
  package func maintainSigningKeys(by actor: Actor) async throws {
    let now = environment.now()
    let overlap = Double(SignInLifetime.keyOverlap)
    let keys = try await signingKeys()
    guard let last = keys.last else {
      _ = try await firstSigningKey(by: actor)
      return
    }
    if last.active.addingTimeInterval(Double(SignInLifetime.signingKey) - overlap) <= now {
      _ = try await rotateSigningKey(by: actor)
    }
    // A key has ended when the next one began.
    let ended = zip(keys, keys.dropFirst()).filter { $1.active.addingTimeInterval(overlap) <= now }.map(\.0.id)
    guard !ended.isEmpty else { return }
    try await store.write(durability: .full) { transaction in
      for id in ended {
        try transaction.run("DELETE FROM signing_key WHERE id = ?", [.text(id)])
        try AuditEntry(actor: actor, at: now, action: .remove, kind: "SigningKey", target: id).insert(transaction)
      }
    }
  }

  /// The first key of a tenant; of two that are made at once, one stays.
  func firstSigningKey(by actor: Actor) async throws -> SigningKeyRecord {
    let key = try await NIOThreadPool.singleton.runIfActive { try TokenSigningKey() }
    return try await insert(key, active: environment.now(), by: actor) { try Self.signingKeys($0).isEmpty }
  }

  /// The private key of a record.
  ///
  /// - Throws: ``TenantError`` `sealingKey` when the sealing key is another one.
  func privateKey(_ id: String) async throws -> TokenSigningKey? {
    let sealed = try await store.read {
      try $0.value("SELECT sealed FROM signing_key WHERE id = ?", [.text(id)], as: [UInt8].self)
    }
    return try sealed.map {
      try TokenSigningKey(representation: try environment.sealingKey.open($0, for: .signingKey, of: id))
    }
  }

  private func insert(
    _ key: TokenSigningKey, active: Date, by actor: Actor,
    if condition: @escaping @Sendable (any Transaction) throws -> Bool
  ) async throws -> SigningKeyRecord {
    let now = environment.now()
    let id = key.publicKey.keyID
    let sealed = try key.representation.withBytes {
      try environment.sealingKey.seal(Array($0), for: .signingKey, of: id)
    }
    let text = String(decoding: try JSONEncoder().encode(key.publicKey), as: UTF8.self)
    return try await store.write(durability: .full) { transaction in
      if try condition(transaction) {
        try transaction.run(
          "INSERT INTO signing_key (id, sealed, public, created, active) VALUES (?, ?, ?, ?, ?)",
          [.text(id), .blob(sealed), .text(text), .integer(now.milliseconds), .integer(active.milliseconds)])
        try AuditEntry(actor: actor, at: now, action: .create, kind: "SigningKey", target: id).insert(transaction)
      }
      return try Self.signingKeys(transaction).last
        ?? SigningKeyRecord(publicKey: key.publicKey, created: now, active: active)
    }
  }

  private static func signingKeys(_ transaction: any Transaction) throws -> [SigningKeyRecord] {
    try transaction.query("SELECT public, created, active FROM signing_key ORDER BY active, created", []) { row in
      SigningKeyRecord(
        publicKey: try JSONDecoder().decode(JSONWebKey.self, from: Data((row[0] as String).utf8)),
        created: Date(milliseconds: try row[1]), active: Date(milliseconds: try row[2]))
    }
  }
}
