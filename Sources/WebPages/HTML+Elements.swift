// SPDX-License-Identifier: Apache-2.0

/// Pages that are made from data are put together element by element. Names of elements and attributes are literals of the
/// program; everything else is escaped.
extension HTML {
  /// Text, from wherever it came.
  package static func plain(_ text: String) -> HTML { HTML(text: escape(text)) }

  /// A value of nil leaves the attribute out.
  package typealias Attributes = KeyValuePairs<StaticString, String?>

  /// Elements without content (HTML 13.1.2).
  private static let void: Set = ["br", "hr", "img", "input", "link", "meta"]

  package static func element(
    _ name: StaticString, _ attributes: Attributes = [:], _ content: [HTML] = []
  ) -> HTML {
    var markup = "<\(name)"
    for (attribute, value) in attributes {
      guard let value else { continue }
      markup += " \(attribute)=\"\(escape(value))\""
    }
    markup += ">"
    guard !void.contains("\(name)") else { return HTML(text: markup) }
    for piece in content { markup += piece.text }
    return HTML(text: markup + "</\(name)>")
  }

  package static func element(_ name: StaticString, _ attributes: Attributes = [:], _ text: String) -> HTML {
    element(name, attributes, [plain(text)])
  }

  package static func + (left: HTML, right: HTML) -> HTML { HTML(text: left.text + right.text) }
}
