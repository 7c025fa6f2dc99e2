// SPDX-License-Identifier: Apache-2.0

/// A value that only one object of a directory may hold: a sign-in name or an address.
package struct Claim: Hashable, Sendable {
  package enum Space: String, Sendable { case userName, address }
  package var space: Space
  /// The value without the distinctions that targets ignore.
  package var folded: String

  package init(_ space: Space, _ value: String) {
    self.space = space
    folded = value.lowercased()
  }
}
