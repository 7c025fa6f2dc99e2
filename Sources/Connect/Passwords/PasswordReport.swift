// SPDX-License-Identifier: Apache-2.0

/// What one pass over the passwords did.
package struct PasswordReport: Sendable, Codable, Equatable {
  /// Changes that the controllers told.
  package var read = 0
  package var sent = 0
  /// Sent or due, and of a version that the target has.
  package var unchanged = 0
  package var refused = 0
  /// Passwords that targets were made to forget: cleared ones, and those of users that left.
  package var forgotten = 0
  /// Left for a later pass.
  package var due = 0
  /// What went wrong, in words; the rest was done.
  package var errors: [String] = []
}
