// SPDX-License-Identifier: Apache-2.0

/// The encryption types that Bridgehead knows by name (the IANA registry "Kerberos Encryption Type Numbers").
package enum EncryptionType: Int32, Sendable, CaseIterable, CustomStringConvertible {
  case aes128 = 17
  case aes256 = 18
  case aes128SHA2 = 19
  case aes256SHA2 = 20
  /// RFC 4757, deprecated by RFC 8429: only on request, for accounts of old forests.
  case rc4 = 23

  /// AES, strongest first. The SHA-1 variants of RFC 3962 are what Active Directory has; those of RFC 8009 are for others.
  package static let aes: [EncryptionType] = [.aes256, .aes128, .aes256SHA2, .aes128SHA2]

  /// The registry's name, which MIT's profile uses too.
  package var description: String {
    switch self {
    case .aes128: "aes128-cts-hmac-sha1-96"
    case .aes256: "aes256-cts-hmac-sha1-96"
    case .aes128SHA2: "aes128-cts-hmac-sha256-128"
    case .aes256SHA2: "aes256-cts-hmac-sha384-192"
    case .rc4: "arcfour-hmac"
    }
  }

  static func name(_ number: Int32) -> String {
    EncryptionType(rawValue: number)?.description ?? "encryption type \(number)"
  }
}
