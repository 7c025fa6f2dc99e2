// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import NIOPosix
import PasswordHash
import SCIM
import Store
import Wire

/// A user whose password was right.
package struct VerifiedUser: Sendable, Hashable {
  let sequence: Int64
  package let id: String
  package let policy: CredentialPolicy

  /// Whether the password has to be changed before anything else.
  func mustChange(at now: Date) -> Bool { policy.mustChange || policy.expires.map { $0 <= now } ?? false }
}

/// Compares passwords with what the tenant keeps of them.
///
/// Every answer costs one derivation, whether the user exists, has a password, may sign in, or is locked out, so that time
/// tells nothing. Derivations run on NIO's pool of threads: an event loop and a cooperative thread have better things to do.
struct PasswordVerifier: Sendable {
  let directory: TenantDirectory
  /// What users without a password are compared with; no password derives to it, because the hash is random.
  private let nobody: DerivedPassword?

  init(directory: TenantDirectory) {
    self.directory = directory
    let random = directory.environment.random
    nobody = NTHash(random(NTHash.byteCount)).flatMap {
      try? DerivedPassword($0, salt: random(DerivedPassword.saltBytes))
    }
  }

  /// - Parameter isRefused: whatever the password is, the answer is no.
  /// - Returns: nil when the name or the password is wrong, or the user may not sign in; nothing tells which.
  /// - Throws: `StoreError`, ``TenantError`` `sealingKey`, `CancellationError`.
  func verify(name: String, password: String, isRefused: Bool = false) async throws -> VerifiedUser? {
    let found = try await find(name)
    guard let value = found?.value ?? nobody else { return nil }
    let matches = try await NIOThreadPool.singleton.runIfActive {
      // A text that is no password takes the time of one.
      let hash = NTHash(ofPassword: password)
      let matches = try (hash ?? NTHash(ofPassword: "")).map { try value.matches($0) } ?? false
      return matches && hash != nil
    }
    guard matches, !isRefused, let found, found.value != nil, found.isActive else { return nil }
    return found.user
  }

  private struct Found: Sendable {
    let user: VerifiedUser
    let isActive: Bool
    let value: DerivedPassword?
  }

  private func find(_ name: String) async throws -> Found? {
    let folded = SCIMText.folded(name)
    let key = directory.environment.sealingKey
    let row = try await directory.store.read { transaction in
      try transaction.first(
        """
        SELECT r.seq, r.id, r.active, c.sealed, c.last_set, c.must_change, c.expires
        FROM resource r JOIN credential c ON c.resource = r.seq
        WHERE r.user_name = ? AND r.kind = 1 AND r.deleted IS NULL
        """, [.text(folded)]
      ) { row in
        (
          user: VerifiedUser(
            sequence: try row[0], id: try row[1],
            policy: CredentialPolicy(
              lastSet: (try row[4] as Int64?).map(Date.init(milliseconds:)), mustChange: try row[5],
              expires: (try row[6] as Int64?).map(Date.init(milliseconds:)))),
          isActive: (try row[2] as Bool?) ?? false, sealed: try row[3] as [UInt8]?
        )
      }
    }
    guard let row else { return nil }
    let value = try row.sealed.map { sealed in
      try key.open(sealed, for: .credential, of: row.user.id).withBytes { bytes in
        try DerivedPassword(parsing: String(decoding: bytes, as: UTF8.self))
      }
    }
    return Found(user: row.user, isActive: row.isActive, value: value)
  }
}
