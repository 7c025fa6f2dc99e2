// SPDX-License-Identifier: Apache-2.0

/// How messages are encrypted (MS-SMB2 2.2.3.1.2). SMB 3.0 and 3.0.2 know AES-128-CCM only.
package enum Cipher: UInt16, Sendable, CaseIterable, CustomStringConvertible {
  case aes128CCM = 1
  case aes128GCM = 2
  case aes256CCM = 3
  case aes256GCM = 4

  package var description: String {
    switch self {
    case .aes128CCM: "AES-128-CCM"
    case .aes128GCM: "AES-128-GCM"
    case .aes256CCM: "AES-256-CCM"
    case .aes256GCM: "AES-256-GCM"
    }
  }

  var keyBits: UInt32 {
    switch self {
    case .aes128CCM, .aes128GCM: 128
    case .aes256CCM, .aes256GCM: 256
    }
  }

  /// MS-SMB2 2.2.41: how much of the Nonce field is used, in bytes.
  var nonceSize: Int {
    switch self {
    case .aes128CCM, .aes256CCM: 11
    case .aes128GCM, .aes256GCM: 12
    }
  }

  static let tagSize = 16
}
