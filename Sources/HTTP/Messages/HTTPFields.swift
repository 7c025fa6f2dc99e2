// SPDX-License-Identifier: Apache-2.0

/// Header fields in order; names compare without regard to case (RFC 9110 5.1).
package struct HTTPFields: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  package struct Field: Sendable, Hashable {
    package var name: String
    package var value: String
  }
  package private(set) var fields: [Field] = []

  package init() {}

  package init(dictionaryLiteral elements: (String, String)...) {
    fields = elements.map { Field(name: $0.0, value: $0.1) }
  }

  /// The first field with the name; setting replaces all of them.
  package subscript(name: String) -> String? {
    get { fields.first { Self.equal($0.name, name) }?.value }
    set {
      fields.removeAll { Self.equal($0.name, name) }
      if let newValue { add(name, newValue) }
    }
  }

  /// The values of every field of a name, without regard to case (RFC 9110 5.1), in order.
  package func all(_ name: String) -> [String] { fields.filter { Self.equal($0.name, name) }.map(\.value) }

  package mutating func add(_ name: String, _ value: String) { fields.append(Field(name: name, value: value)) }

  private static func equal(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count && left.lowercased() == right.lowercased()
  }

  /// RFC 9110 5.1 and 5.5: names are tokens, values hold no control characters. Nil when all are.
  func firstInvalid() -> String? {
    fields.first { field in
      field.name.isEmpty || !field.name.utf8.allSatisfy(Self.isTokenByte)
        || !field.value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
    }?.name
  }

  static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}
