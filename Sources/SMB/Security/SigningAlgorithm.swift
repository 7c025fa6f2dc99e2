// SPDX-License-Identifier: Apache-2.0

/// How messages are signed (MS-SMB2 2.2.3.1.7). HMAC-SHA256 belongs to SMB 2, AES-CMAC to SMB 3, AES-GMAC to servers since
/// Windows Server 2022 and Samba 4.15.
package enum SigningAlgorithm: UInt16, Sendable, CaseIterable, CustomStringConvertible {
  case hmacSHA256 = 0
  case aesCMAC = 1
  case aesGMAC = 2

  package var description: String {
    switch self {
    case .hmacSHA256: "HMAC-SHA256"
    case .aesCMAC: "AES-CMAC"
    case .aesGMAC: "AES-GMAC"
    }
  }
}
