// SPDX-License-Identifier: Apache-2.0

import SynchronisationRules

extension ConfigurationLoader {
  /// The synchronisation rules: those of the file that the configuration names, else the standard ones.
  ///
  /// - Throws: ``ConfigurationError`` that names the file of rules, with every mistake's place.
  static func rules(of configuration: Configuration) throws(ConfigurationError) -> RuleSet {
    guard let path = configuration.connect?.rules else { return StandardRules.ruleSet }
    return try rules(path)
  }

  static func rules(_ path: String) throws(ConfigurationError) -> RuleSet {
    let hint = "see them with 'bridgehead connect rules test --rules \(path)'"
    let text = try read(path, hint: "name the right file under connect.rules, or leave it out for the standard rules")
    do throws(RuleFileError) {
      return try RuleFile.parse(text, file: path)
    } catch {
      throw ConfigurationError(
        file: path,
        issues: error.issues.map {
          ConfigurationIssue(line: $0.line, column: $0.column, path: "rules", message: $0.message, remedy: $0.remedy)
        }, remedy: hint)
    }
  }
}
