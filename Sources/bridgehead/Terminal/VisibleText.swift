// SPDX-License-Identifier: Apache-2.0

/// Text from elsewhere, such as a name in a directory or a peer's message, as it may stand on a terminal or in a log.
enum VisibleText {
  /// Line breaks, tabs and the styles of ``Terminal`` stay. Every other control character, with which a text could move the
  /// cursor, rewrite what stands there or tell the terminal to do something (ECMA-48), and every character that turns the
  /// direction of what follows (UAX #9 2), is written as JSON would write it, so that JSON stays what it was.
  static func of(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isHidden) else { return text }
    var result = String.UnicodeScalarView()
    var rest = Substring(text).unicodeScalars
    while let scalar = rest.first {
      if let style = Terminal.sequences.first(where: { rest.starts(with: $0.unicodeScalars) }) {
        result.append(contentsOf: style.unicodeScalars)
        rest.removeFirst(style.unicodeScalars.count)
        continue
      }
      rest.removeFirst()
      let endsLine = scalar == "\r" && rest.first == "\n"
      if isHidden(scalar), !endsLine {
        result.append(contentsOf: escape(scalar).unicodeScalars)
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }

  /// `\u001b`; RFC 8259 7.
  static func escape(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16)
    return "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0a: false
    case 0..<0x20, 0x7f...0x9f: true
    // Bidirectional embeddings, overrides and isolates.
    case 0x202a...0x202e, 0x2066...0x2069: true
    default: false
    }
  }
}

/// Writes a result to standard output.
func print(_ text: String, terminator: String = "\n") {
  Swift.print(VisibleText.of(text), terminator: terminator)
}
