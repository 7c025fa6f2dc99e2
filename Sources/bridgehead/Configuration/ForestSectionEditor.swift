// SPDX-License-Identifier: Apache-2.0

import Wire
import Yams

/// Adds a forest to the text of a configuration file, or changes keys of one that is there. Every other line stays as it
/// is, comments included.
struct ForestSectionEditor {
  /// One key of the section with the lines that say it, as if it stood at the margin.
  struct Entry {
    let key: String
    let lines: [String]

    init(_ key: String, _ lines: [String]) {
      self.key = key
      self.lines = lines
    }
  }

  private let file: String
  private let root: Node
  /// Without their line feeds.
  private let lines: [String]
  private let lineEnd: String

  init(_ text: String, file: String) throws(ConfigurationError) {
    self.file = file
    do {
      guard let node = try Yams.compose(yaml: text) else {
        throw ConfigurationError(file, "the file is empty", "start from 'bridgehead config init'")
      }
      root = node
    } catch let error as ConfigurationError {
      throw error
    } catch {
      throw ConfigurationError(file, "not valid YAML: \(error)", "run 'bridgehead config validate'")
    }
    lines = text.utf8.split(separator: 0x0a, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
    lineEnd = text.utf8.contains(0x0d) ? "\r" : ""
  }

  private var forests: Node? { root["connect"]?["forests"] }

  /// The forest's section as it stands.
  func section(_ name: String) -> Node? {
    forests?.sequence?.first { $0["name"]?.string?.lowercased() == name.lowercased() }
  }

  /// The text with the forest in it: a new section at the end of the list, or these keys of the section that is there.
  ///
  /// - Throws: `ConfigurationError` where the place is written in braces: there is no line to work on.
  func text(with entries: [Entry], for name: String) throws(ConfigurationError) -> String {
    var result = lines
    if let section = section(name) {
      try change(section, entries, &result)
    } else {
      try append(entries, &result)
    }
    return result.joined(separator: "\n")
  }

  // MARK: - A new section

  private func append(_ entries: [Entry], _ result: inout [String]) throws(ConfigurationError) {
    guard let connect = root["connect"]?.mapping, let first = connect.first?.key.mark else {
      throw ConfigurationError(
        file, "there is no connect section", "add one with database and target; 'bridgehead config init' shows it")
    }
    guard !isInBraces(root["connect"]) else { throw inBraces("connect") }
    guard let (key, value) = connect.first(where: { $0.key.string == "forests" }), let mark = key.mark else {
      let margin = String(repeating: " ", count: first.column - 1)
      result.insert(
        contentsOf: [margin + "forests:" + lineEnd] + item(entries, margin + "  "), at: first.line - 1)
      return
    }
    let margin = String(repeating: " ", count: mark.column - 1)
    guard let sequence = value.sequence else {
      // The key without a value.
      result.insert(contentsOf: item(entries, margin + "  "), at: mark.line)
      return
    }
    if sequence.isEmpty, let start = value.mark,
      let open = result[start.line - 1].range(of: "[", from: start.column - 1),
      let close = result[start.line - 1].range(of: "]", from: start.column - 1), open.lowerBound < close.lowerBound
    {
      let line = result[start.line - 1]
      let colon = line[..<open.lowerBound].lastIndex { $0 != " " } ?? open.lowerBound
      result[start.line - 1] = String(line[...colon] + line[close.upperBound...])
      result.insert(contentsOf: item(entries, margin + "  "), at: start.line)
      return
    }
    guard !isInBraces(value), let last = sequence.last, let dash = dash(of: last) else {
      throw inBraces("forests")
    }
    let end = endOfBlock(from: dash.line, indent: dash.indent, isItem: true)
    result.insert(contentsOf: item(entries, String(repeating: " ", count: dash.indent)), at: end)
  }

  private func item(_ entries: [Entry], _ margin: String) -> [String] {
    entries.flatMap(\.lines).enumerated().map { index, line in margin + (index == 0 ? "- " : "  ") + line + lineEnd }
  }

  // MARK: - A section that is there

  private func change(_ section: Node, _ entries: [Entry], _ result: inout [String]) throws(ConfigurationError) {
    guard let mapping = section.mapping, !isInBraces(section), let dash = dash(of: section),
      let column = mapping.first?.key.mark?.column
    else { throw inBraces("forests") }
    let margin = String(repeating: " ", count: column - 1)
    let new = entries.filter { mapping[$0.key] == nil }.flatMap(\.lines)
    result.insert(
      contentsOf: new.map { margin + $0 + lineEnd }, at: endOfBlock(from: dash.line, indent: dash.indent, isItem: true))
    let changed = entries.compactMap { entry -> (line: Int, entry: Entry)? in
      guard let (key, value) = mapping.first(where: { $0.key.string == entry.key }), let mark = key.mark,
        (try? Yams.compose(yaml: entry.lines.joined(separator: "\n")))?[entry.key] != value
      else { return nil }
      return (mark.line - 1, entry)
    }
    // From the last to the first, so that line numbers stay right.
    for (line, entry) in changed.sorted(by: { $0.line > $1.line }) {
      let end = endOfBlock(from: line, indent: column - 1, isItem: false)
      // What stands before the first key of an item is its dash.
      let before = String(lines[line].unicodeScalars.prefix(column - 1))
      let text = entry.lines.filter { !$0.hasPrefix("#") }.enumerated().map { index, line in
        (index == 0 ? before : margin) + line + lineEnd
      }
      result.replaceSubrange(line..<end, with: text)
    }
  }

  // MARK: - Lines

  /// Where an item's dash stands: its line as an index, its indent in characters.
  private func dash(of item: Node) -> (line: Int, indent: Int)? {
    guard let mark = item.mapping?.first?.key.mark ?? item.mark, lines.indices.contains(mark.line - 1) else {
      return nil
    }
    let before = Array(lines[mark.line - 1].unicodeScalars.prefix(mark.column - 1))
    guard let dash = before.lastIndex(of: "-"), before[..<dash].allSatisfy({ $0 == " " }) else { return nil }
    return (mark.line - 1, dash)
  }

  /// One past the last line of a block that begins on a line: blank lines and comments after it that are not indented
  /// like its content belong to what follows.
  private func endOfBlock(from start: Int, indent: Int, isItem: Bool) -> Int {
    var end = start + 1
    for index in lines.indices.dropFirst(start + 1) {
      let line = lines[index].unicodeScalars
      let depth = line.prefix { $0 == " " }.count
      guard let first = line.dropFirst(depth).first, first != "\r" else { continue }
      // A list may stand as deep as its key.
      let isInside = depth > indent || (!isItem && depth == indent && first == "-")
      if isInside {
        end = index + 1
      } else if first != "#" {
        break
      }
    }
    return end
  }

  /// YAML 1.2 7.4, flow collections: what the text says counts, also for collections that are one inside another.
  private func isInBraces(_ node: Node?) -> Bool {
    guard let mark = node?.mark, lines.indices.contains(mark.line - 1) else { return false }
    return lines[mark.line - 1].unicodeScalars.dropFirst(mark.column - 1).first.map { "{[".unicodeScalars.contains($0) }
      ?? false
  }

  private func inBraces(_ place: String) -> ConfigurationError {
    ConfigurationError(
      file, "\(place) is written in braces or brackets", "write it as indented lines; then it can be changed here")
  }
}

extension String {
  fileprivate func range(of text: Character, from offset: Int) -> Range<String.Index>? {
    guard let start = unicodeScalars.index(startIndex, offsetBy: offset, limitedBy: endIndex),
      let found = self[start...].firstIndex(of: text)
    else { return nil }
    return found..<index(after: found)
  }
}
