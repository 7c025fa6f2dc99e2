// SPDX-License-Identifier: Apache-2.0

import Wire

/// A configuration file that cannot be used: every issue with its line.
struct ConfigurationError: DiagnosableError {
  let file: String
  let issues: [ConfigurationIssue]
  /// Nil for the configuration file itself.
  let hint: String?

  init(file: String, issues: [ConfigurationIssue], remedy hint: String? = nil) {
    self.file = file
    self.issues = issues
    self.hint = hint
  }

  var identifier: String { "configuration.invalid" }
  var message: String { issues.map { $0.text(in: file) }.joined(separator: "\n") }
  var remedy: String {
    hint.map { "correct the file, or \($0)." }
      ?? "correct the file, then run 'bridgehead config validate --config \(file)'."
  }
  var description: String { message }
}

extension ConfigurationError {
  /// An error of the file as a whole.
  init(_ file: String, _ message: String, _ remedy: String) {
    self.init(
      file: file, issues: [ConfigurationIssue(line: 1, column: 1, path: "", message: message, remedy: remedy)])
  }
}
