// SPDX-License-Identifier: Apache-2.0

/// A piece of a page. Text that is put into it is escaped, always: only another ``HTML`` goes in as it is, and the only
/// other way in is a literal of the source.
///
/// ```swift
/// let greeting: HTML = "<p>Welcome, \(name)</p>"
/// ```
package struct HTML: Sendable, Hashable, ExpressibleByStringInterpolation {
  package let text: String

  package init(stringLiteral value: String) { text = value }

  package init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

  init(text: String) { self.text = text }

  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    package init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity) }

    package mutating func appendLiteral(_ literal: String) { text += literal }
    package mutating func appendInterpolation(_ value: String) { text += HTML.escape(value) }
    package mutating func appendInterpolation(_ value: Int) { text += String(value) }
    package mutating func appendInterpolation(_ value: HTML) { text += value.text }
    package mutating func appendInterpolation(_ value: HTML?) { text += value?.text ?? "" }
    package mutating func appendInterpolation(_ values: [HTML]) { for value in values { text += value.text } }
  }

  /// For text and for attribute values in double quotes alike (WHATWG HTML 13.3). Characters that no document may have
  /// (13.2.3.5: controls and noncharacters) become U+FFFD, and so do those that turn the direction of what follows: what
  /// one value holds must not change how another one reads.
  package static func escape(_ text: String) -> String {
    var escaped = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
      case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
      case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
      case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
      case "'": escaped.append(contentsOf: "&#39;".unicodeScalars)
      case "\t", "\n", "\r": escaped.append(scalar)
      case _ where isUnwanted(scalar): escaped.append("\u{fffd}")
      default: escaped.append(scalar)
      }
    }
    return String(escaped)
  }

  private static func isUnwanted(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f...0x9f: true
    // Bidirectional overrides, embeddings and isolates.
    case 0x202a...0x202e, 0x2066...0x2069: true
    // Noncharacters.
    case 0xfdd0...0xfdef: true
    default: scalar.value & 0xfffe == 0xfffe
    }
  }
}
