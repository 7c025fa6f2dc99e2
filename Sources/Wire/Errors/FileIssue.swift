// SPDX-License-Identifier: Apache-2.0

/// A mistake in a file that a person wrote, with its place.
package protocol FileIssue: Sendable {
  /// Both count from 1.
  var line: Int { get }
  var column: Int { get }
  var message: String { get }
  var remedy: String { get }
}

extension FileIssue {
  /// One line, in the form that editors lead to the place.
  package func text(in file: String) -> String {
    let remedy = remedy.hasSuffix("?") || remedy.hasSuffix(".") ? remedy : remedy + "."
    return "\(file):\(line):\(column): \(message). Remedy: \(remedy)"
  }
}
