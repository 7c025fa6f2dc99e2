// SPDX-License-Identifier: Apache-2.0

/// A piece of HTML. There is no way to put text into it that is not escaped: names of elements and attributes are literals
/// of the program, everything else passes ``escape(_:)``.
struct HTML: Sendable, Hashable {
  /// The markup.
  private(set) var text: String

  private init(markup: String) { text = markup }

  /// Text, from wherever it came.
  init(_ text: String) { self.text = Self.escape(text) }

  static let empty = HTML(markup: "")

  /// Elements without content (HTML 13.1.2).
  private static let void: Set = ["br", "hr", "img", "input", "link", "meta"]

  /// Names of attributes are literals of the program; a value of nil leaves the attribute out.
  typealias Attributes = KeyValuePairs<StaticString, String?>

  static func element(
    _ name: StaticString, _ attributes: Attributes = [:], _ content: [HTML] = []
  ) -> HTML {
    var markup = "<\(name)"
    for (attribute, value) in attributes {
      guard let value else { continue }
      markup += " \(attribute)=\"\(escape(value))\""
    }
    markup += ">"
    guard !void.contains("\(name)") else { return HTML(markup: markup) }
    for piece in content { markup += piece.text }
    return HTML(markup: markup + "</\(name)>")
  }

  static func element(_ name: StaticString, _ attributes: Attributes = [:], _ text: String)
    -> HTML
  {
    element(name, attributes, [HTML(text)])
  }

  static func + (left: HTML, right: HTML) -> HTML { HTML(markup: left.text + right.text) }

  static func joined(_ pieces: [HTML], by separator: String = "") -> HTML {
    HTML(markup: pieces.map(\.text).joined(separator: escape(separator)))
  }

  /// For text and for attribute values in double quotes (HTML 13.3). Characters that no HTML may have (Unicode's other
  /// control characters) become U+FFFD, and those that turn the direction of text lose that power.
  static func escape(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      case _ where isUnwanted(scalar): result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static func isUnwanted(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0: true
    // Bidirectional overrides, embeddings and isolates.
    case 0x202A...0x202E, 0x2066...0x2069: true
    // Noncharacters.
    case 0xFDD0...0xFDEF: true
    default: scalar.value & 0xFFFE == 0xFFFE
    }
  }
}
