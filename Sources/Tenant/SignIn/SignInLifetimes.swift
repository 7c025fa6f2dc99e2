// SPDX-License-Identifier: Apache-2.0

/// How long what is issued is valid, in seconds.
enum SignInLifetime {
  /// A browser's session, as AD FS has it.
  static let session = 8 * 3600
  /// RFC 6749 4.1.2 recommends at most ten minutes; a client redeems a code at once.
  static let code = 60
  /// As AD FS and Entra ID: what revocation cannot reach ends by itself.
  static let accessToken = 3600
  /// A grant with its refresh tokens, as Entra ID.
  static let grant = 90 * 86_400
  /// RFC 8628 3.2: for a person to fetch another device.
  static let deviceCode = 15 * 60
  /// Between two questions of a device (RFC 8628 3.5).
  static let deviceInterval = 5
  /// A page that waits to be filled in.
  static let form = 3600
  /// How long a browser is known to have tickets.
  static let ticketMemory = 180 * 86_400
  /// A signing key, from when it signs.
  static let signingKey = 90 * 86_400
  /// A new signing key is published so long before it signs, and an old one so long after: clients keep key sets for a day.
  static let keyOverlap = 86_400
}
