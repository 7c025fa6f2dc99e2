// SPDX-License-Identifier: Apache-2.0

import CKerberos
package import Wire

/// A long-term key of a service, as it shares it with the KDC.
package struct ServiceKey: Sendable {
  package var encryptionType: EncryptionType
  package var bytes: SecretBytes

  package init(encryptionType: EncryptionType, bytes: SecretBytes) {
    self.encryptionType = encryptionType
    self.bytes = bytes
  }

  /// What Active Directory makes of passwords for AES (MS-KILE 2.2.7).
  package static let types: [EncryptionType] = [.aes256, .aes128]

  /// Bytes of a key of this type; nil for those that no service key of ours has.
  package static func byteCount(of type: EncryptionType) -> Int? {
    switch type {
    case .aes256: 32
    case .aes128: 16
    case .aes256SHA2, .aes128SHA2, .rc4: nil
    }
  }

  /// The AES keys of a computer account (RFC 3962 4), derived by libkrb5. Takes some milliseconds.
  ///
  /// The salt is MS-KILE 3.1.1.2's: the realm in upper case, `host`, and the computer's full name in lower case.
  /// - Parameters:
  ///   - computer: the account's name without the `$` at its end.
  ///   - realm: the DNS name of its domain.
  package static func ofComputer(
    _ computer: String, realm: String, password: SecretBytes
  ) throws(SecurityError) -> [ServiceKey] {
    let library = try KerberosLibrary(KerberosConfiguration(realm: realm.uppercased(), principal: computer))
    let salt = Array("\(realm.uppercased())host\(computer.lowercased()).\(realm.lowercased())".utf8)
    var keys: [ServiceKey] = []
    for type in types { keys.append(try derive(library, type, password, salt)) }
    return keys
  }

  private static func derive(
    _ library: KerberosLibrary, _ type: EncryptionType, _ password: SecretBytes, _ salt: [UInt8]
  ) throws(SecurityError) -> ServiceKey {
    var block = krb5_keyblock()
    defer { krb5_free_keyblock_contents(library.context, &block) }
    let code = password.withBytes { password in
      salt.withUnsafeBytes { salt in
        var (text, salt) = (data(password), data(salt))
        return krb5_c_string_to_key(library.context, type.rawValue, &text, &salt, &block)
      }
    }
    try library.check(code, "Deriving a key")
    let bytes = SecretBytes(UnsafeRawBufferPointer(start: block.contents, count: Int(block.length)))
    guard bytes.count == byteCount(of: type) else {
      throw SecurityError(
        .internalFailure, "The Kerberos library derived a key of \(bytes.count) bytes for \(type).",
        remedy: "Check that libkrb5-3 is installed completely.")
    }
    return ServiceKey(encryptionType: type, bytes: bytes)
  }

  /// The library only reads it.
  private static func data(_ bytes: UnsafeRawBufferPointer) -> krb5_data {
    krb5_data(
      magic: 0, length: UInt32(bytes.count),
      data: UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: CChar.self))
  }
}
