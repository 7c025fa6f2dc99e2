// SPDX-License-Identifier: Apache-2.0

import Wire

/// A file of rules that cannot be used: every issue with its place.
package struct RuleFileError: DiagnosableError {
  package struct Issue: FileIssue, Equatable {
    package var line: Int
    package var column: Int
    package var message: String
    package var remedy: String
  }

  package let file: String
  package let issues: [Issue]

  package init(file: String, issues: [Issue]) {
    self.file = file
    self.issues = issues
  }

  package var identifier: String { "rules.invalid" }
  package var message: String { issues.map { $0.text(in: file) }.joined(separator: "\n") }
  package var remedy: String { "correct the file; docs/rules.md describes it." }
  package var description: String { message }
}
