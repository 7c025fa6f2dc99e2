// SPDX-License-Identifier: Apache-2.0

import Wire

/// RFC 4511 4.1.11:
///
///     Control ::= SEQUENCE {
///          controlType             LDAPOID,
///          criticality             BOOLEAN DEFAULT FALSE,
///          controlValue            OCTET STRING OPTIONAL }
package struct Control: Sendable, Hashable {
  package var type: ControlType
  package var isCritical: Bool
  package var value: [UInt8]?

  package init(_ type: ControlType, isCritical: Bool, value: [UInt8]? = nil) {
    self.type = type
    self.isCritical = isCritical
    self.value = value
  }

  init(_ reader: inout BERReader) throws(ByteError) {
    var content = try reader.enter()
    type = ControlType(rawValue: try content.readString())
    isCritical = content.nextTag == BERTag.boolean ? try content.readBoolean() : false
    value = content.nextTag == BERTag.octetString ? Array(try content.readOctetString()) : nil
  }

  func encode(into writer: inout BERWriter) {
    writer.constructed {
      $0.string(type.rawValue)
      if isCritical { $0.boolean(true) }
      if let value { $0.octetString(value) }
    }
  }
}

/// Object identifiers of controls, with the place that defines each.
package struct ControlType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  package var rawValue: String
  package init(rawValue: String) { self.rawValue = rawValue }
  package var description: String { rawValue }

  /// Simple paged results (RFC 2696).
  package static let pagedResults = ControlType(rawValue: "1.2.840.113556.1.4.319")
  /// LDAP_SERVER_DIRSYNC_OID (MS-ADTS 3.1.1.3.4.1.3).
  package static let dirSync = ControlType(rawValue: "1.2.840.113556.1.4.841")
  /// LDAP_SERVER_EXTENDED_DN_OID (MS-ADTS 3.1.1.3.4.1.5).
  package static let extendedDN = ControlType(rawValue: "1.2.840.113556.1.4.529")
  /// LDAP_SERVER_SHOW_DELETED_OID (MS-ADTS 3.1.1.3.4.1.14).
  package static let showDeleted = ControlType(rawValue: "1.2.840.113556.1.4.417")
  /// LDAP_SERVER_DOMAIN_SCOPE_OID (MS-ADTS 3.1.1.3.4.1.4): no referrals to other domains.
  package static let domainScope = ControlType(rawValue: "1.2.840.113556.1.4.1339")
}
