// SPDX-License-Identifier: Apache-2.0

import Yams

/// Files of rules, in YAML: `extends: standard` and `rules:`, as docs/rules.md describes them.
package enum RuleFile {
  /// A file larger than this surely holds no rules.
  package static let maximumBytes = 1 << 20
  static let maximumRules = 1_000

  /// - Parameter file: the name for messages.
  package static func parse(_ text: String, file: String) throws(RuleFileError) -> RuleSet {
    RuleSet(try rules(in: text, file: file, standard: StandardRules.rules))
  }

  static func rules(
    in text: String, file: String, standard: [SynchronisationRule]
  ) throws(RuleFileError) -> [SynchronisationRule] {
    guard text.utf8.count <= maximumBytes else {
      throw RuleFileError(
        file: file,
        issues: [
          .init(
            line: 1, column: 1, message: "The file has more than \(maximumBytes) bytes", remedy: "name the right file")
        ])
    }
    var reader = RuleReader(text)
    guard let root = compose(text, &reader) else { throw RuleFileError(file: file, issues: reader.issues) }
    let rules = reader.read(root, standard: standard)
    guard reader.issues.isEmpty else {
      throw RuleFileError(file: file, issues: reader.issues.sorted { ($0.line, $0.column) < ($1.line, $1.column) })
    }
    return rules
  }

  private static func compose(_ text: String, _ reader: inout RuleReader) -> Node? {
    do {
      if let node = try Yams.compose(yaml: text) { return node }
      reader.report(nil, "The file is empty", "write 'extends: standard' for the standard rules")
    } catch YamlError.duplicatedKeysInMapping(let duplicates, let context) {
      let names = duplicates.map { "\($0)" }.joined(separator: ", ")
      reader.report(context.mark, "The same key stands twice: \(names)", "keep one of them")
    } catch YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
      YamlError.composer(_, let problem, let mark, _)
    {
      reader.report(mark, "Not valid YAML: \(problem)", "check indentation, colons and quotes around this place")
    } catch {
      reader.report(nil, "Not valid YAML: \(error)", "check indentation, colons and quotes")
    }
    return nil
  }
}
