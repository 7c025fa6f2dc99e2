// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials

/// A browser in which a person has signed in.
package struct Session: Sendable, Hashable {
  /// For people and logs; what the browser holds is another text.
  package let id: String
  let user: Int64
  package let userID: String
  package let userName: String
  package let created: Date
  package let expires: Date
  /// The address that the person signed in from.
  package let source: String
  /// What the browser calls itself.
  package let agent: String
  package let method: SignInMethod
}
