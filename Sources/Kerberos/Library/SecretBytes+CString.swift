// SPDX-License-Identifier: Apache-2.0

import Wire

extension SecretBytes {
  /// The bytes with a zero behind them, in a copy that is overwritten afterwards, for a library that takes a C string.
  func withCString<R>(_ body: (UnsafePointer<CChar>?) -> R) -> R {
    withBytes { bytes in
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count + 1, alignment: 1)
      defer {
        Zeroing.wipe(copy)
        copy.deallocate()
      }
      copy.copyBytes(from: bytes)
      copy[bytes.count] = 0
      return body(copy.baseAddress.map { UnsafePointer($0.assumingMemoryBound(to: CChar.self)) })
    }
  }
}
