// SPDX-License-Identifier: Apache-2.0

import Foundation
import Wire

/// A request in JSON, as the tenant hands it out. Bytes are in hexadecimal digits.
///
/// ```json
/// {"id": "…", "tenant": "corp.tenant.example", "operation": "change", "anchor": "vGmHQrvYPkO…", "expires": 1800000000000,
///  "key": "…", "ciphertext": "…", "fingerprint": "0123-…"}
/// ```
package struct WritebackMessage: Sendable, Codable {
  package var id: String
  package var tenant: String
  package var operation: String
  package var anchor: String
  package var expires: Int64
  package var key: String
  package var ciphertext: String
  package var fingerprint: String

  /// From its parts.
  package init(
    id: String, tenant: String, operation: String, anchor: String, expires: Int64, key: [UInt8], ciphertext: [UInt8],
    fingerprint: String
  ) {
    self.id = id
    self.tenant = tenant
    self.operation = operation
    self.anchor = anchor
    self.expires = expires
    self.key = Hex.encode(key)
    self.ciphertext = Hex.encode(ciphertext)
    self.fingerprint = fingerprint
  }

  package init(_ envelope: WritebackEnvelope) {
    id = envelope.header.identifier
    tenant = envelope.header.tenant
    operation = envelope.header.operation.rawValue
    anchor = envelope.header.anchor
    expires = envelope.header.expires
    key = Hex.encode(envelope.encapsulatedKey)
    ciphertext = Hex.encode(envelope.ciphertext)
    fingerprint = envelope.fingerprint
  }

  /// - Throws: ``WritebackError`` `malformed`.
  package func envelope() throws(WritebackError) -> WritebackEnvelope {
    guard let nonce = Hex.decode(id), nonce.count == WritebackHeader.nonceBytes, id == Hex.encode(nonce) else {
      throw .malformed("its identifier is not \(WritebackHeader.nonceBytes) bytes in hexadecimal digits")
    }
    guard let operation = WritebackOperation(rawValue: operation) else {
      throw .malformed("it asks for an unknown operation")
    }
    guard let key = Hex.decode(key), let ciphertext = Hex.decode(ciphertext) else {
      throw .malformed("its content is not in hexadecimal digits")
    }
    guard [tenant, anchor, fingerprint].allSatisfy({ $0.utf8.count <= WritebackHeader.maximumTextBytes }) else {
      throw .malformed("one of its texts is too long")
    }
    return WritebackEnvelope(
      header: WritebackHeader(
        tenant: tenant, nonce: nonce, operation: operation, anchor: anchor, expires: expires),
      encapsulatedKey: key, ciphertext: ciphertext, fingerprint: fingerprint)
  }
}

/// `{"status": "refused", "reason": "tooShort", "number": 12, "version": 7}`; a reason that is not known is none.
extension WritebackOutcome: Codable {
  private enum Key: String, CodingKey {
    case status, reason, version, number
  }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    let name = try values.decode(String.self, forKey: .status)
    guard let status = Status(rawValue: name) else {
      throw DecodingError.dataCorruptedError(forKey: .status, in: values, debugDescription: "an unknown status")
    }
    self.init(
      status, try values.decodeIfPresent(String.self, forKey: .reason).flatMap(Reason.init),
      version: try values.decodeIfPresent(UInt32.self, forKey: .version),
      number: try values.decodeIfPresent(Int.self, forKey: .number))
  }

  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(status.rawValue, forKey: .status)
    try values.encodeIfPresent(reason?.rawValue, forKey: .reason)
    try values.encodeIfPresent(version, forKey: .version)
    try values.encodeIfPresent(number, forKey: .number)
  }
}
