// SPDX-License-Identifier: Apache-2.0

/// Bytes that must not be printed and do not outlive their use: they are overwritten when the last holder lets go.
///
/// `@unchecked Sendable` proof: `storage` is written by `init` before the object escapes and by `deinit` after the last
/// reference is gone; in between it is only read.
package final class SecretBytes: @unchecked Sendable, CustomStringConvertible {
  private let storage: UnsafeMutableRawBufferPointer

  package init(_ bytes: some Collection<UInt8>) {
    storage = .allocate(byteCount: bytes.count, alignment: 1)
    storage.copyBytes(from: bytes)
  }

  deinit {
    Zeroing.wipe(storage)
    storage.deallocate()
  }

  package var count: Int { storage.count }

  /// Lends the bytes; they must not be copied to where they outlive their use.
  package func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try body(UnsafeRawBufferPointer(storage))
  }

  package var description: String { "<secret>" }
}
