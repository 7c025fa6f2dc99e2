// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
package import Wire

/// What a cloud directory is given instead of a password: `v1;PPH1_MD4,<salt>,1000,<hash>;`.
///
/// The NT hash is written as 32 upper-case hexadecimal digits in UTF-16LE, and derived with PBKDF2-HMAC-SHA256
/// (RFC 8018 5.2), a salt of 10 random bytes and 1000 iterations to 32 bytes: the scheme that Microsoft documents for
/// the password hash synchronisation of Entra Connect. It never prints.
package struct DerivedPassword: Sendable, CustomStringConvertible, CustomReflectable {
  package static let saltBytes = 10
  package static let hashBytes = 32
  package static let iterations = 1000
  private static let prefix = "v1;PPH1_MD4,"

  private let salt: [UInt8]
  private let hash: [UInt8]

  /// Derives the value.
  ///
  /// - Parameter salt: 10 random bytes that serve nothing else.
  /// - Throws: ``PasswordHashError`` `malformed` for another number of bytes, `derivation` when the library refuses.
  package init(_ password: NTHash, salt: [UInt8]) throws(PasswordHashError) {
    guard salt.count == Self.saltBytes else { throw .malformed("the salt has \(salt.count) bytes instead of 10") }
    self.salt = salt
    hash = try Self.derive(password, salt)
  }

  /// Reads the text form. Exactly this scheme is accepted: with other costs an observer could tell users apart by time.
  ///
  /// - Throws: ``PasswordHashError`` `malformed`; the message never repeats the value.
  package init(parsing text: String) throws(PasswordHashError) {
    guard text.utf8.count <= 128, text.hasPrefix(Self.prefix), text.hasSuffix(";") else {
      throw .malformed("it does not have the form v1;PPH1_MD4,<salt>,1000,<hash>;")
    }
    let parts = text.dropFirst(Self.prefix.count).dropLast().split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count == 3 else { throw .malformed("it does not have three parts") }
    guard parts[1] == "\(Self.iterations)" else { throw .malformed("the number of iterations is not 1000") }
    guard let salt = Hex.decode(parts[0]), salt.count == Self.saltBytes else {
      throw .malformed("the salt is not 10 bytes in hexadecimal digits")
    }
    guard let hash = Hex.decode(parts[2]), hash.count == Self.hashBytes else {
      throw .malformed("the hash is not 32 bytes in hexadecimal digits")
    }
    self.salt = salt
    self.hash = hash
  }

  /// The text form, for the wire and for storage that seals it.
  package var text: String { "\(Self.prefix)\(Hex.encode(salt)),\(Self.iterations),\(Hex.encode(hash));" }

  /// Whether this is the value of that password; in a time that does not depend on where the two differ.
  ///
  /// - Throws: ``PasswordHashError`` `derivation`.
  package func matches(_ password: NTHash) throws(PasswordHashError) -> Bool {
    ConstantTime.equal(hash, try Self.derive(password, salt))
  }

  private static func derive(_ password: NTHash, _ salt: [UInt8]) throws(PasswordHashError) -> [UInt8] {
    let passphrase = password.bytes.withBytes { bytes in
      SecretBytes(
        Hex.encode(bytes).utf8.flatMap { digit -> [UInt8] in
          let isLetter = digit >= UInt8(ascii: "a")
          return [isLetter ? digit - 0x20 : digit, 0]
        })
    }
    do {
      let key = try passphrase.withBytes { bytes in
        try KDF.Insecure.PBKDF2.deriveKey(
          from: bytes, salt: salt, using: .sha256, outputByteCount: hashBytes, unsafeUncheckedRounds: iterations)
      }
      return key.withUnsafeBytes(Array.init)
    } catch {
      throw PasswordHashError(
        .derivation, "The key derivation failed (\(error)).",
        remedy: "This is a defect of Bridgehead: please report it with the log.")
    }
  }

  package var description: String { "<derived password>" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why a value is no derived password. No message holds any part of one.
package typealias PasswordHashError = CodedError<PasswordHashErrorCode>

package enum PasswordHashErrorCode: String, ErrorCode {
  package static let domain = "passwordHash"

  case malformed, derivation
}

extension PasswordHashError {
  static func malformed(_ reason: String) -> PasswordHashError {
    PasswordHashError(
      .malformed, "This is no derived password: \(reason).",
      remedy: "Send the value that password hash synchronisation derives, v1;PPH1_MD4,<salt>,1000,<hash>;.")
  }
}
