// SPDX-License-Identifier: Apache-2.0

/// Where a secret is, never the secret itself. Exactly one of the places is given.
package struct SecretReference: Codable, Sendable, Hashable {
  package var file: String?
  package var environment: String?
  /// A systemd credential: a file of that name in `$CREDENTIALS_DIRECTORY`.
  package var credential: String?

  package init(file: String? = nil, environment: String? = nil, credential: String? = nil) {
    self.file = file
    self.environment = environment
    self.credential = credential
  }
}
