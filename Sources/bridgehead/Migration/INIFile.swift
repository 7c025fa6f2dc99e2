// SPDX-License-Identifier: Apache-2.0

/// A file as Python's configparser reads it: sections, `key = value` or `key: value`, whole-line comments with `;` or `#`,
/// values that go on in indented lines. Keys have no case.
struct INIFile {
  struct Entry {
    let line: Int
    var value: String
  }

  private(set) var sections: [String: [String: Entry]] = [:]

  /// - Throws: ``CommandError`` for a line that is none of these, and for a key that stands twice.
  init(_ text: String, file: String) throws {
    var section: String?
    var key: String?
    for (number, raw) in zip(1..., text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)) {
      let line = Self.trimmed(raw)
      if line.isEmpty || line.hasPrefix(";") || line.hasPrefix("#") { continue }
      if let section, let key, raw.first?.isWhitespace == true {
        sections[section]?[key]?.value += "\n" + line
        continue
      }
      if line.hasPrefix("["), line.hasSuffix("]") {
        let name = String(line.dropFirst().dropLast())
        if sections[name] == nil { sections[name] = [:] }
        (section, key) = (name, nil)
        continue
      }
      guard let section else {
        throw MigrationFault.error(
          file, number, "there is no section above this line",
          remedy: "name an azure.conf that begins with [common], or the JSON that Entra Connect exports.")
      }
      guard let separator = line.firstIndex(where: { $0 == "=" || $0 == ":" }) else {
        throw MigrationFault.error(file, number, "this line has no '='", remedy: "write it as 'key = value'.")
      }
      let name = Self.trimmed(line[..<separator]).lowercased()
      guard sections[section]?[name] == nil else {
        throw MigrationFault.error(file, number, "'\(name)' stands here a second time", remedy: "keep one of the two.")
      }
      sections[section]?[name] = Entry(line: number, value: Self.trimmed(line[line.index(after: separator)...]))
      key = name
    }
  }

  private static func trimmed(_ text: Substring) -> String {
    let start = text.drop(while: \.isWhitespace)
    return String(start[..<(start.lastIndex { !$0.isWhitespace }.map(start.index(after:)) ?? start.startIndex)])
  }
}
