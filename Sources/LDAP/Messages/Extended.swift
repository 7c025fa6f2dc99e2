// SPDX-License-Identifier: Apache-2.0

import Wire

/// RFC 4511 4.12:
///
///     ExtendedRequest ::= [APPLICATION 23] SEQUENCE {
///          requestName      [0] LDAPOID,
///          requestValue     [1] OCTET STRING OPTIONAL }
package struct ExtendedRequest: Sendable, Hashable {
  package var name: String
  package var value: [UInt8]?

  package init(_ name: String, value: [UInt8]? = nil) {
    self.name = name
    self.value = value
  }

  /// Who am I (RFC 4532).
  package static let whoAmI = ExtendedRequest("1.3.6.1.4.1.4203.1.11.3")

  init(_ reader: inout BERReader) throws(ByteError) {
    name = try reader.readString(BERTag.context(0))
    value = reader.nextTag == BERTag.context(1) ? Array(try reader.readOctetString(BERTag.context(1))) : nil
  }

  func encode(into writer: inout BERWriter) {
    writer.string(name, BERTag.context(0))
    if let value { writer.octetString(value, BERTag.context(1)) }
  }
}

/// RFC 4511 4.12:
///
///     ExtendedResponse ::= [APPLICATION 24] SEQUENCE {
///          COMPONENTS OF LDAPResult,
///          responseName     [10] LDAPOID OPTIONAL,
///          responseValue    [11] OCTET STRING OPTIONAL }
package struct ExtendedResponse: Sendable, Hashable {
  package var result: LDAPResult
  package var name: String?
  package var value: [UInt8]?

  package init(_ result: LDAPResult, name: String? = nil, value: [UInt8]? = nil) {
    self.result = result
    self.name = name
    self.value = value
  }

  /// RFC 4511 4.4.1: the unsolicited notification before a server closes.
  package static let noticeOfDisconnection = "1.3.6.1.4.1.1466.20036"

  init(_ reader: inout BERReader) throws(ByteError) {
    result = try LDAPResult(&reader)
    name = reader.nextTag == BERTag.context(10) ? try reader.readString(BERTag.context(10)) : nil
    value = reader.nextTag == BERTag.context(11) ? Array(try reader.readOctetString(BERTag.context(11))) : nil
  }

  func encode(into writer: inout BERWriter) {
    result.encode(into: &writer)
    if let name { writer.string(name, BERTag.context(10)) }
    if let value { writer.octetString(value, BERTag.context(11)) }
  }
}

/// RFC 4511 4.13:
///
///     IntermediateResponse ::= [APPLICATION 25] SEQUENCE {
///          responseName     [0] LDAPOID OPTIONAL,
///          responseValue    [1] OCTET STRING OPTIONAL }
package struct IntermediateResponse: Sendable, Hashable {
  package var name: String?
  package var value: [UInt8]?

  package init(name: String?, value: [UInt8]?) {
    self.name = name
    self.value = value
  }

  init(_ reader: inout BERReader) throws(ByteError) {
    name = reader.nextTag == BERTag.context(0) ? try reader.readString(BERTag.context(0)) : nil
    value = reader.nextTag == BERTag.context(1) ? Array(try reader.readOctetString(BERTag.context(1))) : nil
  }

  func encode(into writer: inout BERWriter) {
    if let name { writer.string(name, BERTag.context(0)) }
    if let value { writer.octetString(value, BERTag.context(1)) }
  }
}
