// SPDX-License-Identifier: Apache-2.0

import Wire

/// One change of a ``ModifyRequest``: the operation, the attribute and its values.
package struct Modification: Sendable, Hashable {
  /// The operation of a change (RFC 4511 4.6; increment: RFC 4525 3).
  package enum Operation: Int32, Sendable {
    case add = 0
    case delete = 1
    case replace = 2
    /// RFC 4525.
    case increment = 3
  }

  package var operation: Operation
  package var attribute: Attribute

  package init(_ operation: Operation, _ attribute: Attribute) {
    self.operation = operation
    self.attribute = attribute
  }

  package static func add(_ name: String, _ values: [String]) -> Modification {
    Modification(.add, Attribute(name, values))
  }
  /// Without values the whole attribute goes.
  package static func delete(_ name: String, _ values: [String] = []) -> Modification {
    Modification(.delete, Attribute(name, values))
  }
  /// Without values the attribute is cleared.
  package static func replace(_ name: String, _ values: [String]) -> Modification {
    Modification(.replace, Attribute(name, values))
  }
  /// Resets a password (MS-ADTS 3.1.1.3.1.5.1): in quotation marks, as UTF-16. Servers take it over sealed connections only.
  package static func password(_ new: String) -> Modification {
    Modification(.replace, Attribute("unicodePwd", [UTF16Text.encode("\"\(new)\"")[...]]))
  }
}

/// RFC 4511 4.6:
///
///     ModifyRequest ::= [APPLICATION 6] SEQUENCE {
///          object          LDAPDN,
///          changes         SEQUENCE OF change SEQUENCE {
///               operation       ENUMERATED { add (0), delete (1), replace (2) },
///               modification    PartialAttribute } }
package struct ModifyRequest: Sendable, Hashable {
  package var dn: String
  package var changes: [Modification]

  package init(dn: String, changes: [Modification]) {
    self.dn = dn
    self.changes = changes
  }

  init(_ reader: inout BERReader, limits: LDAPLimits) throws(ByteError) {
    dn = try reader.readString()
    var list = try reader.enter()
    var budget = limits.elementCount
    changes = []
    while !list.isAtEnd {
      var change = try list.enter()
      let code = try change.readCount(BERTag.enumerated)
      guard let operation = Modification.Operation(rawValue: code) else {
        throw .malformed(offset: change.position, reason: "modify operation \(code)")
      }
      changes.append(Modification(operation, try Attribute(&change, budget: &budget)))
    }
  }

  func encode(into writer: inout BERWriter) {
    writer.string(dn)
    writer.constructed { list in
      for change in changes {
        list.constructed {
          $0.integer(change.operation.rawValue, BERTag.enumerated)
          change.attribute.encode(into: &$0)
        }
      }
    }
  }
}
