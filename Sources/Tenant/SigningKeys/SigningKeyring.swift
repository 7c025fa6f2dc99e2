// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Synchronization
import WebIdentity
import Wire

/// Hands out the key that signs now. It looks into the store each time, so that a rotation by another process counts at
/// once, and keeps only what is costly: the private key taken apart.
final class SigningKeyring: Sendable {
  private let directory: TenantDirectory
  private let opened = Mutex<TokenSigningKey?>(nil)

  init(directory: TenantDirectory) { self.directory = directory }

  /// - Throws: ``TenantError`` `sealingKey`, `StoreError`.
  func current() async throws -> TokenSigningKey {
    let now = directory.environment.now()
    var record = try await directory.signingKeys().last { $0.active <= now }
    if record == nil { record = try await directory.firstSigningKey(by: Actor(who: "server")) }
    if let known = opened.withLock({ $0 }), known.publicKey.keyID == record?.id { return known }
    guard let id = record?.id, let key = try await directory.privateKey(id) else {
      throw TenantError(
        .sealingKey, "The signing key was removed while it was read.", remedy: "Try again.")
    }
    opened.withLock { $0 = key }
    return key
  }

  /// All published keys: a token may be signed by any.
  func published() async throws -> [JSONWebKey] {
    _ = try await current()
    return try await directory.signingKeys().map(\.publicKey)
  }
}
