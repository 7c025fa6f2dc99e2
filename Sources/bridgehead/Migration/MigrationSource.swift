// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Yams

/// The file or folder that another product wrote.
enum MigrationSource {
  /// The largest exports, with some hundred rules for each of a dozen forests, have a few megabytes.
  static let maximumBytes = 64 << 20

  /// Reads it in whichever of the three forms it has.
  ///
  /// - Throws: ``CommandError`` that names file, line and remedy.
  static func read(_ path: String) throws -> Migration {
    var isFolder = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw MigrationFault.error(
        path, nil, "there is no such file", remedy: "name the exported file, the exported folder or an azure.conf.")
    }
    if isFolder { return try EntraConnectObjects.read(folder: path) }
    let text = try text(of: path)
    switch text.first(where: { !$0.isWhitespace }) {
    case "{":
      return try EntraConnectPolicy.read(json(text, file: path), file: path)
    case "<":
      throw MigrationFault.error(
        path, 1, "this is XML, as old versions of Entra Connect wrote it",
        remedy:
          "export JSON: 'View or export current configuration' in the Entra Connect wizard, version 1.5.42 or later.")
    default: return try SambaConnectFile.read(INIFile(text, file: path), file: path)
    }
  }

  /// PowerShell's Out-File writes UTF-16 with a byte order mark, the wizard UTF-8.
  static func text(of path: String) throws -> String {
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: path))
    } catch {
      throw MigrationFault.error(path, nil, "the file cannot be read", remedy: "make it readable for this user.")
    }
    guard data.count <= maximumBytes else {
      throw MigrationFault.error(
        path, nil, "the file has \(data.count) bytes, more than \(maximumBytes)", remedy: "name the right file.")
    }
    let marks: [([UInt8], String.Encoding)] = [([0xFF, 0xFE], .utf16LittleEndian), ([0xFE, 0xFF], .utf16BigEndian)]
    for (mark, encoding) in marks where data.starts(with: mark) {
      if let text = String(bytes: data.dropFirst(mark.count), encoding: encoding) { return text }
    }
    let bytes = data.starts(with: [0xEF, 0xBB, 0xBF]) ? data.dropFirst(3) : data
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw MigrationFault.error(
        path, nil, "the file is neither UTF-8 nor UTF-16 text with a byte order mark", remedy: "save it as UTF-8.")
    }
    return text
  }

  /// JSON is read as the YAML that it is, for the sake of line numbers.
  static func json(_ text: String, file: String) throws -> Node {
    do {
      if let node = try Yams.compose(yaml: text), node.mapping != nil || node.sequence != nil { return node }
    } catch YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
      YamlError.composer(_, let problem, let mark, _)
    {
      throw MigrationFault.error(
        file, mark.line, "not valid JSON: \(problem)", remedy: "export it again; do not edit the file.")
    } catch YamlError.duplicatedKeysInMapping(let duplicates, let context) {
      throw MigrationFault.error(
        file, context.mark.line, "the same name stands twice: \(duplicates.map { "\($0)" }.joined(separator: ", "))",
        remedy: "keep one of them.")
    } catch {
      throw MigrationFault.error(file, nil, "not valid JSON", remedy: "export it again; do not edit the file.")
    }
    throw MigrationFault.error(
      file, 1, "not a JSON object", remedy: "name the file that Entra Connect exported.")
  }
}

/// What is wrong with a file of another product.
enum MigrationFault {
  static func error(_ file: String, _ line: Int?, _ what: String, remedy: String) -> CommandError {
    CommandError(
      "migration.source", "\(line.map { "\(file):\($0)" } ?? file): \(what).", remedy: remedy, status: .configuration)
  }
}

extension Node {
  /// A member by its name without regard to case: the wizard and PowerShell write different ones.
  func member(_ name: String) -> Node? {
    mapping?.first { $0.key.scalar?.string.lowercased() == name.lowercased() }?.value
  }

  /// Text of a scalar that is neither null nor empty.
  var text: String? {
    guard let scalar, null == nil, !scalar.string.isEmpty else { return nil }
    return scalar.string
  }

  /// A list; PowerShell writes a list of one element as that element.
  var elements: [Node] {
    if let sequence { return Array(sequence) }
    return null != nil || (scalar?.string.isEmpty ?? false) ? [] : [self]
  }

  var texts: [String] { elements.compactMap(\.text) }
}
