// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import Wire

/// A request as it waits at the tenant and travels to Connect: HPKE (RFC 9180) in base mode with
/// DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20Poly1305. Whoever made it keeps nothing that opens it again.
///
/// Base mode does not tell who encrypted: the connection to the tenant and the token do, and what may be asked for is
/// decided by Connect.
package struct WritebackEnvelope: Sendable, Hashable {
  package var header: WritebackHeader
  package var encapsulatedKey: [UInt8]
  package var ciphertext: [UInt8]
  /// Of the key that it is encrypted to.
  package var fingerprint: String

  private static var suite: HPKE.Ciphersuite { .Curve25519_SHA256_ChachaPoly }
  /// RFC 9180 5.1: binds the key to what it serves.
  private static let info = Data("bridgehead password writeback 1".utf8)
  /// RFC 9180 7.1: Nenc of DHKEM(X25519), and the tag of the AEAD.
  private static let encapsulatedBytes = 32
  private static let ciphertextBytes = WritebackSecrets.paddedBytes + 16

  package init(header: WritebackHeader, encapsulatedKey: [UInt8], ciphertext: [UInt8], fingerprint: String) {
    self.header = header
    self.encapsulatedKey = encapsulatedKey
    self.ciphertext = ciphertext
    self.fingerprint = fingerprint
  }

  /// Encrypts to Connect.
  ///
  /// - Throws: ``WritebackError`` `invalidPassword`, `invalidKey`.
  package init(
    sealing secrets: WritebackSecrets, _ header: WritebackHeader, to key: ConnectorKey
  ) throws(WritebackError) {
    var plain = try secrets.encoded()
    defer { Zeroing.wipe(&plain) }
    do {
      var sender = try HPKE.Sender(
        recipientKey: try Curve25519.KeyAgreement.PublicKey(rawRepresentation: key.bytes), ciphersuite: Self.suite,
        info: Self.info)
      ciphertext = [UInt8](try sender.seal(plain, authenticating: header.bytes))
      encapsulatedKey = [UInt8](sender.encapsulatedKey)
    } catch {
      throw WritebackError(
        .invalidKey, "Nothing can be encrypted to the connector key \(key.fingerprint).",
        remedy: "Pin the key that 'bridgehead connect writeback key' shows.")
    }
    self.header = header
    fingerprint = key.fingerprint
  }

  /// - Throws: ``WritebackError`` `malformed`, `undecipherable`.
  package func open(with key: ConnectorPrivateKey) throws(WritebackError) -> WritebackSecrets {
    guard encapsulatedKey.count == Self.encapsulatedBytes, ciphertext.count == Self.ciphertextBytes else {
      throw .malformed("it has the wrong size")
    }
    var plain: Data
    do {
      var recipient = try HPKE.Recipient(
        privateKey: key.key, ciphersuite: Self.suite, info: Self.info, encapsulatedKey: Data(encapsulatedKey))
      plain = try recipient.open(ciphertext, authenticating: header.bytes)
    } catch {
      throw WritebackError(
        .undecipherable, "The request is encrypted to another key than this server's, or was changed on the way.",
        remedy: "Compare the fingerprints of 'connect writeback key' and 'tenant writeback status'.")
    }
    defer { plain.withUnsafeMutableBytes { Zeroing.wipe($0) } }
    return try plain.withUnsafeBytes { bytes in
      Result { () throws(WritebackError) in try WritebackSecrets(decoding: bytes) }
    }.get()
  }
}
