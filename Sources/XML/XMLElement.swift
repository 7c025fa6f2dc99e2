// SPDX-License-Identifier: Apache-2.0

/// An element of a document with namespaces resolved (Namespaces in XML 1.0). Comments, processing instructions and the
/// order of text among children are dropped: for protocol messages, not for documents.
package struct XMLElement: Sendable, Hashable {
  package struct Name: Sendable, Hashable, CustomStringConvertible {
    /// Empty for none.
    package var namespace: String
    package var local: String

    package init(_ namespace: String, _ local: String) {
      self.namespace = namespace
      self.local = local
    }

    package var description: String { namespace.isEmpty ? local : "{\(namespace)}\(local)" }
  }

  package var name: Name
  package var attributes: [Name: String] = [:]
  package var children: [XMLElement] = []
  /// The element's own character data, all pieces joined.
  package var text = ""

  package init(_ name: Name) { self.name = name }

  package func first(_ namespace: String, _ local: String) -> XMLElement? {
    children.first { $0.name == Name(namespace, local) }
  }

  package func all(_ namespace: String, _ local: String) -> [XMLElement] {
    children.filter { $0.name == Name(namespace, local) }
  }

  /// An attribute without a namespace.
  package func attribute(_ local: String) -> String? { attributes[Name("", local)] }

  /// The text without white space around it.
  package var trimmedText: String {
    let isSpace: (Unicode.Scalar) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" }
    let scalars = text.unicodeScalars.drop(while: isSpace)
    guard let last = scalars.lastIndex(where: { !isSpace($0) }) else { return "" }
    return String(scalars[...last])
  }

  /// Escapes a text for element content and for attributes in double quotes.
  package static func escape(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "\t", "\n", "\r": escaped += "&#\(scalar.value);"
      case "\0"..<" ": escaped += "\u{fffd}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
