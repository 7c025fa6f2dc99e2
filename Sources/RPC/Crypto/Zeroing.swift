// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Overwriting what held a secret, in a way that no optimiser leaves out.
enum Zeroing {
  static func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
    if let address = bytes.baseAddress { explicit_bzero(address, bytes.count) }
  }

  static func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { wipe($0) }
  }
}
