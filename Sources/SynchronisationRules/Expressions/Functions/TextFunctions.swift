// SPDX-License-Identifier: Apache-2.0

extension RuleFunction {
  /// What changes or looks at texts, each of several values. Positions count from one, lengths are in characters;
  /// capitals matter. A condition looks at the first value.
  static let textFunctions: [RuleFunction] = [
    mapping(
      "Trim", "Without blanks at both ends; of several values, empty ones are left out.",
      example: (#"Trim("  Ann ")"#, #""Ann""#)
    ) { $0.trimmingBlanks() },
    mapping("LTrim", "Without blanks at the beginning.", example: (#"LTrim("  Ann ")"#, #""Ann ""#)) {
      $0.trimmingBlanks(right: false)
    },
    mapping("RTrim", "Without blanks at the end.", example: (#"RTrim("  Ann ")"#, #""  Ann""#)) {
      $0.trimmingBlanks(left: false)
    },
    mapping("Lower", aliases: ["LCase", "ToLower"], "In lower case.", example: (#"Lower("MÜLLER")"#, #""müller""#)) {
      $0.lowercased()
    },
    mapping("Upper", aliases: ["UCase", "ToUpper"], "In upper case.", example: (#"Upper("müller")"#, #""MÜLLER""#)) {
      $0.uppercased()
    },
    mapping(
      "PCase", "Each word with a capital and otherwise small letters.",
      example: (#"PCase("ANNA maria")"#, #""Anna Maria""#)
    ) { text in
      var isStart = true
      var result = ""
      for character in text {
        result += isStart ? character.uppercased() : character.lowercased()
        isStart = !(character.isLetter || character.isNumber || character == "'")
      }
      return result
    },
    mapping(
      "NormalizeDiacritics", "Latin letters without accents and other marks.",
      example: (#"NormalizeDiacritics("Jürgen Ångström Łoś")"#, #""Jurgen Angstrom Los""#)
    ) { Diacritics.removed(from: $0) },

    RuleFunction(
      "Left", [.init("text", .text), .init("length", .number)], returns: .text, "The first characters.",
      example: (#"Left("Müller", 3)"#, #""Mül""#),
      .eager { arguments, _ in
        guard let length = arguments.length(1) else { return .null }
        return arguments[0].mapTexts { String($0.prefix(length)) }
      }),
    RuleFunction(
      "Right", [.init("text", .text), .init("length", .number)], returns: .text, "The last characters.",
      example: (#"Right("Müller", 3)"#, #""ler""#),
      .eager { arguments, _ in
        guard let length = arguments.length(1) else { return .null }
        return arguments[0].mapTexts { String($0.suffix(length)) }
      }),
    RuleFunction(
      "Mid", [.init("text", .text), .init("start", .number), .init("length", .number, optional: true)], returns: .text,
      "The characters from a position on.", example: (#"Mid("Müller", 2, 3)"#, #""üll""#),
      .eager { arguments, _ in
        guard let start = arguments.number(1), start >= 1, let skipped = arguments.length(1) else { return .null }
        let length = arguments.length(2)
        if arguments.count > 2, length == nil { return .null }
        return arguments[0].mapTexts { text in
          let rest = text.dropFirst(skipped - 1)
          return String(length.map { rest.prefix($0) } ?? rest)
        }
      }),
    RuleFunction(
      "Len", [.init("text", .text)], returns: .number, "The number of characters; 0 without a value.",
      example: (#"Len("Müller")"#, "6"),
      .eager { arguments, _ in arguments.map { RuleValue(count: $0.text?.count ?? 0) } }),
    RuleFunction(
      "Replace", [.init("text", .text), .init("search", .text), .init("replacement", .text)], returns: .text,
      "Every occurrence of a text replaced.", example: (#"Replace("a.b.c", ".", "-")"#, #""a-b-c""#),
      .eager { arguments, _ in
        guard let search = arguments.text(1), !search.isEmpty else { return arguments[0].mapTexts { $0 } }
        let replacement = arguments.text(2) ?? ""
        return arguments[0].mapTexts { text in replaced(text, search, replacement) }
      }),
    RuleFunction(
      "ReplaceChars", [.init("text", .text), .init("pattern", .text)], returns: .text,
      "Characters replaced as a list says: `ä=ae,ö=oe`; nothing after the sign removes the character.",
      example: (#"ReplaceChars("Jörg Weiß", "ö=oe,ß=ss, =.")"#, #""Joerg.Weiss""#),
      .eager { arguments, _ in
        var replacements: [Character: Substring] = [:]
        for pair in (arguments.text(1) ?? "").prefix(4_096).split(separator: ",") {
          if let from = pair.first, pair.dropFirst().first == "=" { replacements[from] = pair.dropFirst(2) }
        }
        return arguments[0].mapTexts { text in
          guard text.utf8.count * 8 <= RuleValue.maximumBytes || replacements.values.allSatisfy({ $0.count <= 1 })
          else {
            return bounded(text.lazy.map { replacements[$0].map(String.init) ?? String($0) })
          }
          return text.reduce(into: "") { $0 += replacements[$1].map(String.init) ?? String($1) }
        }
      }),
    RuleFunction(
      "InStr", [.init("text", .text), .init("search", .text), .init("start", .number, optional: true)],
      returns: .number, "The position of the first occurrence of a text; 0 when it does not occur.",
      example: (#"InStr("ann@corp.example", "@")"#, "4"),
      .eager { arguments, _ in
        guard let search = arguments.text(1), !search.isEmpty else { return .integer(0) }
        let skipped = max(1, arguments.length(2) ?? 1) - 1
        return arguments.map { value in
          guard let text = value.text,
            let start = text.index(text.startIndex, offsetBy: skipped, limitedBy: text.endIndex),
            let range = text.range(of: search, from: start)
          else { return .integer(0) }
          return RuleValue(count: text.distance(from: text.startIndex, to: range.lowerBound) + 1)
        }
      }),
    RuleFunction(
      "InStrRev", [.init("text", .text), .init("search", .text), .init("end", .number, optional: true)],
      returns: .number,
      "The position of the last occurrence of a text, at all or within the first characters; 0 when it does not occur.",
      example: (#"InStrRev("abbcdbbbef", "bb")"#, "7"),
      .eager { arguments, _ in
        guard let search = arguments.text(1), !search.isEmpty else { return .integer(0) }
        let end = arguments.length(2)
        return arguments.map { value in
          guard let text = value.text, let start = text.prefix(end ?? .max).lastOccurrence(of: search) else {
            return .integer(0)
          }
          return RuleValue(count: text.distance(from: text.startIndex, to: start) + 1)
        }
      }),
    RuleFunction(
      "StartsWith", [.init("text", .text), .init("prefix", .text)], returns: .boolean,
      "Whether a text begins with another one.", example: (#"StartsWith("SMTP:ann@corp.example", "SMTP:")"#, "True"),
      .eager { arguments, _ in
        guard let text = arguments.text(0), let prefix = arguments.text(1) else { return .boolean(false) }
        return .boolean(text.startsExactly(with: prefix))
      }),
    RuleFunction(
      "EndsWith", [.init("text", .text), .init("suffix", .text)], returns: .boolean,
      "Whether a text ends with another one.", example: (#"EndsWith("ann@corp.example", "@corp.example")"#, "True"),
      .eager { arguments, _ in
        guard let text = arguments.text(0), let suffix = arguments.text(1) else { return .boolean(false) }
        return .boolean(text.endsExactly(with: suffix))
      }),
    RuleFunction(
      "Word", [.init("text", .text), .init("number", .number), .init("separators", .text, optional: true)],
      returns: .text, "One of the words between separators, blanks unless others are given.",
      example: (#"Word("Anna Maria Müller", 2)"#, #""Maria""#),
      .eager { arguments, _ in
        guard let number = arguments.length(1), number >= 1 else { return .null }
        let separators = Set(arguments.text(2) ?? " ")
        return arguments[0].mapTexts { text in
          let words = text.split(maxSplits: number, omittingEmptySubsequences: true) { separators.contains($0) }
          return number <= words.count ? String(words[number - 1].prefix { !separators.contains($0) }) : nil
        }
      }),
    padding(
      "PadLeft", "Filled up at the beginning to a length, with blanks unless another text is given.",
      example: (#"PadLeft("42", 6, "0")"#, #""000042""#)
    ) { $1 + $0 },
    padding(
      "PadRight", "Filled up at the end to a length, with blanks unless another text is given.",
      example: (#"PadRight("42", 4, "-")"#, #""42--""#)
    ) { $0 + $1 },
  ]

  private static func mapping(
    _ name: String, aliases: [String] = [], _ summary: String, example: (String, String),
    _ transform: @escaping @Sendable (String) -> String
  ) -> RuleFunction {
    RuleFunction(
      name, aliases: aliases, [.init("text", .text)], returns: .text, summary, example: example,
      .eager { arguments, _ in
        guard case .list = arguments[0] else { return arguments[0].mapTexts(transform) }
        return arguments[0].mapTexts { text in
          let result = transform(text)
          return result.isEmpty ? nil : result
        }
      })
  }

  private static func padding(
    _ name: String, _ summary: String, example: (String, String),
    _ join: @escaping @Sendable (_ text: String, _ filling: String) -> String
  ) -> RuleFunction {
    RuleFunction(
      name, [.init("text", .text), .init("length", .number), .init("filling", .text, optional: true)], returns: .text,
      summary, example: example,
      .eager { arguments, _ in
        guard let length = arguments.length(1), let unit = arguments.count > 2 ? arguments.text(2)?.first : " " else {
          return .null
        }
        return arguments[0].mapTexts { text in
          let missing = max(0, length - text.count)
          guard missing * String(unit).utf8.count <= RuleValue.maximumBytes else { return nil }
          return join(text, String(repeating: unit, count: missing))
        }
      })
  }

  /// Nil when the result would be too large.
  private static func replaced(_ text: String, _ search: String, _ replacement: String) -> String? {
    let pieces = text.pieces(separator: search)
    let size = text.utf8.count + (pieces.count - 1) * (replacement.utf8.count - search.utf8.count)
    return size > RuleValue.maximumBytes ? nil : pieces.joined(separator: replacement)
  }

  private static func bounded(_ parts: some Sequence<String>) -> String? {
    var result = ""
    for part in parts {
      result += part
      if result.utf8.count > RuleValue.maximumBytes { return nil }
    }
    return result
  }
}

/// Latin letters without their marks, by their Unicode names: LATIN SMALL LETTER U WITH DIAERESIS is a U.
enum Diacritics {
  static func removed(from text: String) -> String {
    guard text.utf8.contains(where: { $0 >= 0x80 }) else { return text }
    return text.unicodeScalars.reduce(into: "") { $0 += plain($1) }
  }

  private static let ligatures: [Unicode.Scalar: String] = [
    "ß": "ss", "Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Þ": "Th", "þ": "th", "Ð": "D", "ð": "d", "ı": "i",
  ]

  private static func plain(_ scalar: Unicode.Scalar) -> String {
    if scalar.isASCII { return String(scalar) }
    if let letters = ligatures[scalar] { return letters }
    if scalar.properties.generalCategory == .nonspacingMark { return "" }
    let words = scalar.properties.name?.split(separator: " ") ?? []
    guard words.count > 5, words[0] == "LATIN", words[2] == "LETTER", words[3].count == 1, words[4] == "WITH" else {
      return String(scalar)
    }
    return words[1] == "SMALL" ? words[3].lowercased() : String(words[3])
  }
}
