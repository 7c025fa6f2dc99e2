// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Wire
import Yams

/// Reads `bridgehead.yaml`: size, syntax, schema, then what only the whole can tell.
enum ConfigurationLoader {
  /// A configuration larger than this is surely not one.
  static let maximumBytes = 1 << 20

  static func load(_ path: String) throws(ConfigurationError) -> Configuration {
    try parse(
      read(path, hint: "name the file with --config, or make one with 'bridgehead config init'"), file: path)
  }

  /// Reads a YAML file of another kind and holds it against its schema.
  static func document(_ path: String, _ schema: Schema, hint: String) throws(ConfigurationError) -> Node {
    try compose(read(path, hint: "name the right file, or \(hint)"), schema, file: path, hint: hint)
  }

  private static func compose(
    _ text: String, _ schema: Schema, file: String, hint: String?
  ) throws(ConfigurationError) -> Node {
    let root: Node
    do {
      guard let node = try Yams.compose(yaml: text) else {
        throw ConfigurationError(file, "the file is empty", hint ?? "start from 'bridgehead config init'")
      }
      root = node
    } catch let error as ConfigurationError {
      throw error
    } catch {
      throw syntaxError(error, file)
    }
    var validator = Validator()
    validator.validate(root, schema)
    guard validator.issues.isEmpty else {
      throw ConfigurationError(
        file: file, issues: validator.issues.sorted { ($0.line, $0.column) < ($1.line, $1.column) }, remedy: hint)
    }
    return root
  }

  static func parse(_ text: String, file: String) throws(ConfigurationError) -> Configuration {
    let root = try compose(text, .configuration, file: file, hint: nil)
    do {
      let configuration = try YAMLDecoder().decode(Configuration.self, from: root)
      let issues = configuration.inconsistencies(root)
      guard issues.isEmpty else { throw ConfigurationError(file: file, issues: issues) }
      return configuration
    } catch let error as ConfigurationError {
      throw error
    } catch {
      throw ConfigurationError(file, "cannot be read: \(error)", "compare it with 'bridgehead config init'")
    }
  }

  static func read(_ path: String, hint: String) throws(ConfigurationError) -> String {
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: path))
    } catch {
      let why = FileManager.default.fileExists(atPath: path) ? "the file cannot be read" : "there is no such file"
      throw ConfigurationError(path, why, hint)
    }
    guard data.count <= maximumBytes else {
      throw ConfigurationError(
        path, "the file has \(data.count) bytes, more than \(maximumBytes)", "name the right file")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw ConfigurationError(path, "the file is not UTF-8 text", "save it as UTF-8")
    }
    return text
  }

  private static func syntaxError(_ error: any Error, _ file: String) -> ConfigurationError {
    let remedy = "check indentation, colons and quotes around this place"
    switch error as? YamlError {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return ConfigurationError(
        file: file,
        issues: [
          ConfigurationIssue(
            line: mark.line, column: mark.column, path: "", message: "not valid YAML: \(problem)", remedy: remedy)
        ])
    case .duplicatedKeysInMapping(let duplicates, let context):
      let names = duplicates.map { "\($0)" }.joined(separator: ", ")
      return ConfigurationError(
        file: file,
        issues: [
          ConfigurationIssue(
            line: context.mark.line, column: context.mark.column, path: "",
            message: "the same key stands twice: \(names)", remedy: "keep one of them")
        ])
    default:
      return ConfigurationError(file, "not valid YAML: \(error)", remedy)
    }
  }
}
