// SPDX-License-Identifier: Apache-2.0

import Crypto

/// What tells whether something has changed, in the database.
enum ShortHash {
  /// Sixteen bytes of SHA-256: a directory's users choose values, so the hash has to be one that they cannot collide.
  static func of(_ bytes: [UInt8]) -> [UInt8] { SHA256.hash(data: bytes).withUnsafeBytes { Array($0.prefix(16)) } }
}
