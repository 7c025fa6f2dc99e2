// SPDX-License-Identifier: Apache-2.0

import Wire

extension SecretReference {
  /// Reads the secret.
  ///
  /// - Throws: ``SecretFileError``, or ``CommandError`` when the variable or the credential is not there.
  func read(_ environment: [String: String]) throws -> SecretBytes {
    if let name = self.environment {
      guard let value = environment[name], !value.isEmpty else {
        throw CommandError(
          "secret.environment", "The environment variable \(name) is not set.",
          remedy: "set it for this process, or name a file.", status: .configuration)
      }
      return SecretBytes(Array(value.utf8))
    }
    guard let credential else { return try SecretFile.read(file ?? "") }
    guard let directory = environment["CREDENTIALS_DIRECTORY"], !credential.contains("/") else {
      throw CommandError(
        "secret.credential", "The systemd credential \(credential) is not there.",
        remedy: "add LoadCredential=\(credential):PATH to the unit; a credential is named without a path.",
        status: .configuration)
    }
    return try SecretFile.read(directory + "/" + credential)
  }
}
