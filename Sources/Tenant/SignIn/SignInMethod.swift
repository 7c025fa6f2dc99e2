// SPDX-License-Identifier: Apache-2.0

/// How a person signed in, as an Authentication Method Reference (RFC 8176 2).
package enum SignInMethod: String, Sendable, CaseIterable {
  case password = "pwd"
  /// Windows Integrated Authentication: a Kerberos ticket.
  case ticket = "wia"
}
