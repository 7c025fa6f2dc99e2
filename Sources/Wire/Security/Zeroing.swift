// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Overwriting what held a secret, in a way that no optimiser leaves out.
package enum Zeroing {
  package static func wipe(_ memory: UnsafeMutableRawBufferPointer) {
    if let address = memory.baseAddress { explicit_bzero(address, memory.count) }
  }

  /// Only this array is overwritten: a copy of it, and what it left behind where it grew, are not.
  package static func wipe<Element: BitwiseCopyable>(_ values: inout [Element]) {
    values.withUnsafeMutableBytes { wipe($0) }
  }
}
