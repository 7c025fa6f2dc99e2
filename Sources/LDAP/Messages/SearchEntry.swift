// SPDX-License-Identifier: Apache-2.0

import Wire

/// An attribute description with its values (RFC 4511 4.1.7 `PartialAttribute`).
package struct Attribute: Sendable, Hashable {
  /// Name and options as the server wrote them, for example `member;range=0-1499`.
  package var name: String
  /// The values, slices of the one buffer that the entry arrived in; empty for a cleared attribute in a DirSync answer.
  package var values: [ArraySlice<UInt8>]

  package init(_ name: String, _ values: [ArraySlice<UInt8>]) {
    self.name = name
    self.values = values
  }

  package init(_ name: String, _ values: [String]) {
    self.init(name, values.map { ArraySlice(Array($0.utf8)) })
  }

  init(_ reader: inout BERReader, budget: inout Int) throws(ByteError) {
    var content = try reader.enter()
    name = try content.readString()
    var set = try content.enter(BERTag.set)
    values = []
    while !set.isAtEnd {
      budget -= 1
      guard budget >= 0 else { throw .malformed(offset: set.position, reason: "too many values in one message") }
      values.append(try set.readOctetString())
    }
  }

  func encode(into writer: inout BERWriter) {
    writer.constructed {
      $0.string(name)
      $0.constructed(BERTag.set) { for value in values { $0.octetString(value) } }
    }
  }
}

/// RFC 4511 4.5.2:
///
///     SearchResultEntry ::= [APPLICATION 4] SEQUENCE {
///          objectName      LDAPDN,
///          attributes      PartialAttributeList }
package struct SearchEntry: Sendable, Hashable {
  package var dn: String
  package var attributes: [Attribute]

  package init(dn: String, attributes: [Attribute]) {
    self.dn = dn
    self.attributes = attributes
  }

  init(_ reader: inout BERReader, limits: LDAPLimits) throws(ByteError) {
    dn = try reader.readString()
    var list = try reader.enter()
    var budget = limits.elementCount
    attributes = []
    while !list.isAtEnd {
      budget -= 1
      guard budget >= 0 else { throw .malformed(offset: list.position, reason: "too many attributes in one message") }
      attributes.append(try Attribute(&list, budget: &budget))
    }
  }

  func encode(into writer: inout BERWriter) {
    writer.string(dn)
    writer.constructed { for attribute in attributes { attribute.encode(into: &$0) } }
  }
}
