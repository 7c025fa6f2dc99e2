// SPDX-License-Identifier: Apache-2.0

/// An error that can be shown to an administrator: it names the cause and the remedy.
///
/// Each target has its own error type (code, message, cause); this is what the command line and the log need of it.
package protocol DiagnosableError: Error, CustomStringConvertible, Sendable {
  /// A stable dotted name for logs, metrics and tests, for example `ldap.strongerAuthRequired`.
  var identifier: String { get }
  /// What happened and to whom, in one sentence.
  var message: String { get }
  /// What the reader can do about it, in one sentence.
  var remedy: String { get }
}

extension DiagnosableError {
  package var description: String { "\(message) Remedy: \(remedy)" }
}

extension Error {
  /// What happened, in the error's own words where it has some, for a sentence of another error or for the log.
  package var explanation: String { (self as? any DiagnosableError)?.message ?? "\(self)" }
}
