// SPDX-License-Identifier: Apache-2.0

/// MS-NLMP 3.3.1 `NTOWFv1`: what Active Directory keeps of a password, and proves knowledge of it with.
package enum NTHash {
  package static let length = 16

  /// The hash of a password; the caller wipes what it gets.
  package static func of(_ password: String) -> [UInt8] {
    var bytes = password.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
    defer { Zeroing.wipe(&bytes) }
    return LegacyCiphers.md4(bytes)
  }
}
