// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
package import Wire

/// Connect's public key (X25519, RFC 7748): what a tenant encrypts to. The administrator carries it there by hand, which is
/// what makes it genuine.
package struct ConnectorKey: Sendable, Hashable {
  package static let byteCount = 32

  package let bytes: [UInt8]

  /// - Throws: ``WritebackError`` `invalidKey` unless the text is 64 hexadecimal digits.
  package init(text: String) throws(WritebackError) {
    guard let bytes = Hex.decode(text), bytes.count == Self.byteCount else {
      throw WritebackError(
        .invalidKey, "This is no connector key: it must be \(Self.byteCount * 2) hexadecimal digits.",
        remedy: "Copy the key that 'bridgehead connect writeback key' shows.")
    }
    self.bytes = bytes
  }

  package init(bytes: [UInt8]) throws(WritebackError) { try self.init(text: Hex.encode(bytes)) }

  package var text: String { Hex.encode(bytes) }

  /// What people compare: the first 16 bytes of SHA-256 in groups of four digits.
  package var fingerprint: String {
    let digits = Hex.encode(Array(SHA256.hash(data: bytes)).prefix(16))
    return stride(from: 0, to: digits.count, by: 4).map { start in
      String(digits.dropFirst(start).prefix(4))
    }.joined(separator: "-")
  }
}

/// The private half, which never leaves Connect's machine.
package struct ConnectorPrivateKey: Sendable {
  let key: Curve25519.KeyAgreement.PrivateKey

  package init() { key = Curve25519.KeyAgreement.PrivateKey() }

  /// Reads what ``text`` wrote.
  ///
  /// - Throws: ``WritebackError`` `invalidKey`; the message never repeats the text.
  package init(text: SecretBytes) throws(WritebackError) {
    let bytes = text.withBytes { Hex.decode(String(decoding: $0, as: UTF8.self)) }
    guard let bytes, let key = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: bytes) else {
      throw WritebackError(
        .invalidKey, "The file with the private key of password writeback does not hold one.",
        remedy: "Restore it, or make another with 'bridgehead connect writeback key' and pin it at the tenant.")
    }
    self.key = key
  }

  /// What the key's file holds.
  package var text: String { Hex.encode([UInt8](key.rawRepresentation)) }

  package var publicKey: ConnectorKey {
    get throws(WritebackError) { try ConnectorKey(bytes: [UInt8](key.publicKey.rawRepresentation)) }
  }
}
