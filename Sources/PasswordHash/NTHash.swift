// SPDX-License-Identifier: Apache-2.0

import CNettle
package import Wire

/// The hash that Active Directory keeps of a password in `unicodePwd` (MS-SAMR 3.1.1.8.7): MD4 of its UTF-16LE form, 16
/// bytes. It is as good as the password itself, so it lives only in memory that is overwritten.
package struct NTHash: Sendable {
  package static let byteCount = 16

  /// MS-SAMR 2.2.6.21: a password has at most 256 UTF-16 units, so a longer text is none.
  package static let maximumPasswordUnits = 256

  package let bytes: SecretBytes

  /// Nil unless there are 16 bytes.
  package init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = SecretBytes(bytes)
  }

  /// - Returns: nil when the text is longer than a password can be.
  package init?(ofPassword password: String) {
    var units = Array(password.utf16.prefix(Self.maximumPasswordUnits + 1))
    defer { Zeroing.wipe(&units) }
    guard units.count <= Self.maximumPasswordUnits else { return nil }
    for index in units.indices { units[index] = units[index].littleEndian }
    var digest = [UInt8](repeating: 0, count: Self.byteCount)
    defer { Zeroing.wipe(&digest) }
    var context = md4_ctx()
    defer { withUnsafeMutableBytes(of: &context) { Zeroing.wipe($0) } }
    nettle_md4_init(&context)
    units.withUnsafeBytes { raw in
      nettle_md4_update(&context, raw.count, raw.bindMemory(to: UInt8.self).baseAddress)
    }
    digest.withUnsafeMutableBufferPointer { nettle_md4_digest(&context, $0.count, $0.baseAddress) }
    bytes = SecretBytes(digest)
  }
}
