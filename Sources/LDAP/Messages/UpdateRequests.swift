// SPDX-License-Identifier: Apache-2.0

import Wire

/// RFC 4511 4.7:
///
///     AddRequest ::= [APPLICATION 8] SEQUENCE {
///          entry           LDAPDN,
///          attributes      AttributeList }
package struct AddRequest: Sendable, Hashable {
  package var dn: String
  package var attributes: [Attribute]

  package init(dn: String, attributes: [Attribute]) {
    self.dn = dn
    self.attributes = attributes
  }

  init(_ reader: inout BERReader, limits: LDAPLimits) throws(ByteError) {
    let entry = try SearchEntry(&reader, limits: limits)
    self.init(dn: entry.dn, attributes: entry.attributes)
  }

  func encode(into writer: inout BERWriter) {
    SearchEntry(dn: dn, attributes: attributes).encode(into: &writer)
  }
}

/// RFC 4511 4.9:
///
///     ModifyDNRequest ::= [APPLICATION 12] SEQUENCE {
///          entry           LDAPDN,
///          newrdn          RelativeLDAPDN,
///          deleteoldrdn    BOOLEAN,
///          newSuperior     [0] LDAPDN OPTIONAL }
package struct ModifyDNRequest: Sendable, Hashable {
  package var dn: String
  package var newRDN: String
  package var deleteOldRDN: Bool
  package var newSuperior: String?

  package init(dn: String, newRDN: String, deleteOldRDN: Bool = true, newSuperior: String? = nil) {
    self.dn = dn
    self.newRDN = newRDN
    self.deleteOldRDN = deleteOldRDN
    self.newSuperior = newSuperior
  }

  init(_ reader: inout BERReader) throws(ByteError) {
    dn = try reader.readString()
    newRDN = try reader.readString()
    deleteOldRDN = try reader.readBoolean()
    newSuperior = reader.nextTag == BERTag.context(0) ? try reader.readString(BERTag.context(0)) : nil
  }

  func encode(into writer: inout BERWriter) {
    writer.string(dn)
    writer.string(newRDN)
    writer.boolean(deleteOldRDN)
    if let newSuperior { writer.string(newSuperior, BERTag.context(0)) }
  }
}

/// RFC 4511 4.10:
///
///     CompareRequest ::= [APPLICATION 14] SEQUENCE {
///          entry           LDAPDN,
///          ava             AttributeValueAssertion }
package struct CompareRequest: Sendable, Hashable {
  package var dn: String
  package var attribute: String
  package var value: [UInt8]

  package init(dn: String, attribute: String, value: [UInt8]) {
    self.dn = dn
    self.attribute = attribute
    self.value = value
  }

  init(_ reader: inout BERReader) throws(ByteError) {
    dn = try reader.readString()
    var assertion = try reader.enter()
    attribute = try assertion.readString()
    value = Array(try assertion.readOctetString())
  }

  func encode(into writer: inout BERWriter) {
    writer.string(dn)
    writer.constructed {
      $0.string(attribute)
      $0.octetString(value)
    }
  }
}
