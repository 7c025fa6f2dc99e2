// SPDX-License-Identifier: Apache-2.0

/// The passwords of a forest, each in a file that only its owner reads.
struct Secrets: Sendable {
  struct Secret: Sendable {
    var password: String
    var passwordFile: String
    var keytab: String
  }

  let administrator: Secret
  let service: Secret
  let plain: Secret
  let passwords: Secret
  let writeback: Secret
  let users: Secret

  /// Makes new passwords and writes them.
  init(directory: String, userPassword: String) throws(LabError) {
    try Files.createDirectory(directory, mode: 0o700)
    func make(_ name: String, _ password: String) throws(LabError) -> Secret {
      let secret = Secret(
        password: password, passwordFile: "\(directory)/\(name).password", keytab: "\(directory)/\(name).keytab")
      try Files.write(password + "\n", to: secret.passwordFile, mode: 0o600)
      return secret
    }
    administrator = try make("administrator", Self.randomPassword())
    service = try make(LabEnvironment.serviceAccount, Self.randomPassword())
    plain = try make(LabEnvironment.plainAccount, Self.randomPassword())
    passwords = try make(LabEnvironment.passwordAccount, Self.randomPassword())
    writeback = try make(LabEnvironment.writebackAccount, Self.randomPassword())
    users = try make("users", userPassword)
  }

  /// 24 letters and digits (142 bits), with a mark that satisfies every complexity rule.
  static func randomPassword() -> String {
    let alphabet = Array("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789")
    var generator = SystemRandomNumberGenerator()
    let body = (0..<24).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
    return "Aa1-" + String(body)
  }
}
