// SPDX-License-Identifier: Apache-2.0

import Wire

/// RFC 4511 4.5.1:
///
///     SearchRequest ::= [APPLICATION 3] SEQUENCE {
///          baseObject      LDAPDN,
///          scope           ENUMERATED { baseObject (0), singleLevel (1), wholeSubtree (2) },
///          derefAliases    ENUMERATED { neverDerefAliases (0), ... derefAlways (3) },
///          sizeLimit       INTEGER (0 ..  maxInt),
///          timeLimit       INTEGER (0 ..  maxInt),
///          typesOnly       BOOLEAN,
///          filter          Filter,
///          attributes      AttributeSelection }
package struct SearchRequest: Sendable, Hashable {
  /// How far below the base a search goes (RFC 4511 4.5.1.2).
  package enum Scope: Int32, Sendable {
    case base = 0
    case oneLevel = 1
    case subtree = 2
  }

  package var base: String
  package var scope: Scope
  package var filter: Filter
  /// The attributes to return; empty asks for all user attributes, `1.1` for none (RFC 4511 4.5.1.8).
  package var attributes: [String]
  /// Entries at most; 0 leaves it to the server.
  package var sizeLimit: Int32
  /// Seconds at most; 0 leaves it to the server.
  package var timeLimit: Int32
  package var typesOnly: Bool

  package init(
    base: String, scope: Scope, filter: Filter, attributes: [String], sizeLimit: Int32 = 0, timeLimit: Int32 = 0,
    typesOnly: Bool = false
  ) {
    self.base = base
    self.scope = scope
    self.filter = filter
    self.attributes = attributes
    self.sizeLimit = sizeLimit
    self.timeLimit = timeLimit
    self.typesOnly = typesOnly
  }

  init(_ reader: inout BERReader) throws(ByteError) {
    base = try reader.readString()
    let scope = try reader.readCount(BERTag.enumerated)
    guard let scope = Scope(rawValue: scope) else {
      throw .malformed(offset: reader.position, reason: "scope \(scope)")
    }
    self.scope = scope
    _ = try reader.readCount(BERTag.enumerated)
    sizeLimit = try reader.readCount()
    timeLimit = try reader.readCount()
    typesOnly = try reader.readBoolean()
    filter = try Filter(&reader)
    var list = try reader.enter()
    attributes = []
    while !list.isAtEnd { attributes.append(try list.readString()) }
  }

  /// Aliases are never followed: Active Directory has none (MS-ADTS 3.1.1.3.1.3).
  func encode(into writer: inout BERWriter) {
    writer.string(base)
    writer.integer(scope.rawValue, BERTag.enumerated)
    writer.integer(0, BERTag.enumerated)
    writer.integer(sizeLimit)
    writer.integer(timeLimit)
    writer.boolean(typesOnly)
    filter.encode(into: &writer)
    writer.constructed { for attribute in attributes { $0.string(attribute) } }
  }
}
