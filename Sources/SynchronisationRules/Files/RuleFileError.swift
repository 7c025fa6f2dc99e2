// SPDX-License-Identifier: Apache-2.0

import Wire

/// A file of rules that cannot be used: every issue with its place.
package struct RuleFileError: DiagnosableError {
  package struct Issue: Sendable, Equatable {
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
  package var message: String {
    issues.map { issue in
      let remedy = issue.remedy.hasSuffix("?") || issue.remedy.hasSuffix(".") ? issue.remedy : issue.remedy + "."
      return "\(file):\(issue.line):\(issue.column): \(issue.message). Remedy: \(remedy)"
    }.joined(separator: "\n")
  }
  package var remedy: String { "correct the file; docs/rules.md describes it." }
  package var description: String { message }
}
