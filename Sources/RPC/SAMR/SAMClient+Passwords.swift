// SPDX-License-Identifier: Apache-2.0

import Crypto
package import Wire

/// How a password is protected on its way.
package enum PasswordProtection: Sendable, CaseIterable {
  /// Level 31 of `SamrSetInformationUser2`: AES. Newer servers accept nothing else.
  case aes
  /// Level 26: RC4.
  case rc4
}

extension SAMClient {
  /// Resets a password (`SamrSetInformationUser2`, 3.1.5.6.4), with AES where the server knows it and else with RC4. Whether
  /// history and age count is the server's choice: resets usually pass them by.
  /// - Parameters:
  ///   - password: UTF-8.
  ///   - mustChange: whether it has to be changed at the next logon.
  ///   - key: the pipe's session key.
  ///   - random: as many bytes from the system's generator as asked for.
  /// - Returns: how it was protected.
  @discardableResult
  package func setPassword(
    _ password: SecretBytes, of user: Object, mustChange: Bool = false, key: SecretBytes,
    protections: [PasswordProtection] = [.aes, .rc4], random: @Sendable (Int) -> [UInt8]
  ) async throws -> PasswordProtection {
    var last: (any Error)?
    for protection in protections {
      do {
        try await setPassword(password, of: user, mustChange, key, protection, random)
        return protection
      } catch let error as RPCError
        where protection != protections.last && Self.meansUnknownLevel(error)
      {
        last = error
      }
    }
    throw last ?? RPCError(.refused, "No way to protect a password is allowed.", remedy: "Allow AES.")
  }

  /// An older server cannot decode the levels for AES (a fault), or says that it does not know them.
  private static func meansUnknownLevel(_ error: RPCError) -> Bool {
    switch error.code {
    case .fault: error.status != FaultStatus.accessDenied
    case .refused:
      [NTStatus.invalidInfoClass, .invalidParameter, .notSupported].contains { $0.rawValue == error.status }
    default: false
    }
  }

  private func setPassword(
    _ password: SecretBytes, of user: Object, _ mustChange: Bool, _ key: SecretBytes,
    _ protection: PasswordProtection, _ random: (Int) -> [UInt8]
  ) async throws {
    var plain = try EncryptedPassword.encode(password)
    defer { Zeroing.wipe(&plain) }
    let expired: UInt8 = mustChange ? 1 : 0
    switch protection {
    case .aes:
      let encrypted = try EncryptedPassword.aes(
        plain, key: key.withBytes { SymmetricKey(data: $0) }, salt: random(16), iterations: 0, random: random)
      // SAMPR_USER_INTERNAL7_INFORMATION (2.2.6.30): the password, BOOLEAN PasswordExpired.
      try await set(user, .internal7) { writer in
        encrypted.write(to: &writer) { $0.write(expired) }
      }
    case .rc4:
      let encrypted = EncryptedPassword.rc4(plain, key: key, random: random)
      // SAMPR_USER_INTERNAL5_INFORMATION_NEW (2.2.6.25): the password, UCHAR PasswordExpired.
      try await set(user, .internal5New) { writer in
        writer.writeBytes(encrypted)
        writer.write(expired)
      }
    }
  }

  /// Rounds of the key derivation, MS-SAMR 3.2.2.5: 5,000 at least. More cost both sides time, and an attacker who recorded
  /// the call.
  private static let changeIterations = 10_000

  /// Changes a password with the old one (`SamrUnicodeChangePasswordUser4`, operation 73, 3.1.5.10.4): policy, history and
  /// age count.
  ///
  ///     long SamrUnicodeChangePasswordUser4([in] handle_t BindingHandle, [in, unique] PRPC_UNICODE_STRING ServerName,
  ///       [in] PRPC_UNICODE_STRING UserName, [in] PSAMPR_ENCRYPTED_PASSWORD_AES EncryptedPassword);
  package static func changePassword(
    of account: String, from old: SecretBytes, to new: SecretBytes, host: String, over association: RPCAssociation,
    random: @Sendable (Int) -> [UInt8]
  ) async throws {
    var (oldPlain, newPlain) = (try EncryptedPassword.encode(old), try EncryptedPassword.encode(new))
    defer {
      Zeroing.wipe(&oldPlain)
      Zeroing.wipe(&newPlain)
    }
    let salt = random(16)
    let key = try EncryptedPassword.changeKey(oldPassword: oldPlain, salt: salt, iterations: changeIterations)
    let encrypted = try EncryptedPassword.aes(
      newPlain, key: key, salt: salt, iterations: UInt64(changeIterations), random: random)
    var writer = NDRWriter()
    writer.writePointer()
    writer.writeHeader(of: "\\\\" + host)
    writer.writeText(of: "\\\\" + host)
    writer.writeHeader(of: account)
    writer.writeText(of: account)
    encrypted.write(to: &writer)
    _ = try await RemoteStatus.call(association, 73, "SamrUnicodeChangePasswordUser4", writer) {
      _ throws(ByteError) in
    }
  }
}
