// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
package import Wire

/// The key under which the tenant keeps what must not be read from its database alone: derived passwords and the private
/// keys that sign tokens. It stays in a file of its own, so that a copy of the database is of no use without it.
///
/// AES-256-GCM with a random nonce. Each use has a key of its own (HKDF, RFC 5869) and names what it seals as associated
/// data, so that a sealed value cannot be moved to another row.
package struct SealingKey: Sendable {
  package static let byteCount = 32

  private let key: SecretBytes

  /// - Throws: ``TenantError`` `sealingKey` unless the text is 64 hexadecimal digits, as ``text(random:)`` makes it.
  package init(text: SecretBytes) throws {
    let bytes = text.withBytes { Hex.decode(String(decoding: $0, as: UTF8.self)) }
    guard let bytes, bytes.count == Self.byteCount else {
      throw TenantError(
        .sealingKey, "The sealing key is not \(Self.byteCount * 2) hexadecimal digits.",
        remedy: "Restore the key file that was made with the database.")
    }
    key = SecretBytes(bytes)
  }

  /// A new key as its file holds it.
  package static func text(random: (Int) -> [UInt8]) -> String { Hex.encode(random(byteCount)) }

  func seal(_ bytes: some Collection<UInt8>, for purpose: Purpose, of name: String) throws -> [UInt8] {
    do {
      let box = try AES.GCM.seal(Array(bytes), using: derived(purpose), authenticating: Array(name.utf8))
      // Nil only for nonces of another size than the default.
      if let combined = box.combined { return Array(combined) }
    } catch {}
    throw unusable(purpose, name)
  }

  /// - Throws: ``TenantError`` `sealingKey` for what was not sealed with this key, for this purpose and of this name.
  func open(_ sealed: [UInt8], for purpose: Purpose, of name: String) throws -> SecretBytes {
    do {
      let box = try AES.GCM.SealedBox(combined: sealed)
      return SecretBytes(try AES.GCM.open(box, using: derived(purpose), authenticating: Array(name.utf8)))
    } catch {
      throw unusable(purpose, name)
    }
  }

  /// A key for message authentication, for what is handed out and comes back.
  func authenticationKey(for purpose: Purpose) -> SymmetricKey { derived(purpose) }

  /// What a key serves; the raw values are part of every derivation.
  enum Purpose: String {
    case credential, signingKey, formToken, accountName, serviceKey
  }

  private func derived(_ purpose: Purpose) -> SymmetricKey {
    key.withBytes { bytes in
      HKDF<SHA256>.deriveKey(
        inputKeyMaterial: SymmetricKey(data: bytes), info: Array("bridgehead tenant \(purpose.rawValue)".utf8),
        outputByteCount: Self.byteCount)
    }
  }

  private func unusable(_ purpose: Purpose, _ name: String) -> TenantError {
    TenantError(
      .sealingKey, "The stored \(purpose.rawValue) of \(name) cannot be opened with this sealing key.",
      remedy: "Restore the key file that belongs to the database; without it, let Connect send all passwords again.")
  }
}
