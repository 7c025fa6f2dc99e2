// SPDX-License-Identifier: Apache-2.0

import WebIdentity

/// Why the pipeline ends early, in words for whoever sees the answer. The log has the detail.
enum SignInRefusal: Error {
  /// For a program; with a challenge where the specification wants one.
  case client(OAuthError, challenge: String?)
  /// For a person who can do nothing about it.
  case page(status: Int, title: String, text: String)
  case other(status: Int, headers: [(name: String, value: String)])

  static func client(_ error: OAuthError) -> SignInRefusal { .client(error, challenge: nil) }
}
