// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A small secret in a page of its own that is never swapped, never part of a core, and overwritten at the end of its
/// life. It cannot be copied: there is one owner.
///
/// `@unchecked Sendable` proof: the page is written by `make` before the value exists for others and by `deinit`, and only
/// read in between.
package struct LockedSecret: ~Copyable, @unchecked Sendable {
  private let page: UnsafeMutableRawPointer
  private let pageSize: Int
  package let count: Int

  /// - Parameters:
  ///   - count: bytes, at most a page.
  ///   - fill: writes the secret; the bytes are zero before.
  /// - Throws: `SecurityError` where the system gives no page that it keeps in memory; whatever `fill` throws.
  package static func make(
    count: Int, _ fill: (UnsafeMutableRawBufferPointer) throws -> Void
  ) throws -> LockedSecret {
    let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))
    let page = try lockedPage(pageSize, for: count)
    let secret = LockedSecret(page: page, pageSize: pageSize, count: count)
    // An error of the closure's runs deinit.
    try fill(UnsafeMutableRawBufferPointer(start: page, count: count))
    return secret
  }

  private init(page: UnsafeMutableRawPointer, pageSize: Int, count: Int) {
    self.page = page
    self.pageSize = pageSize
    self.count = count
  }

  private static func lockedPage(_ pageSize: Int, for count: Int) throws(SecurityError) -> UnsafeMutableRawPointer {
    let mapped = mmap(nil, pageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard (0...pageSize).contains(count), let page = mapped, page != MAP_FAILED else {
      throw SecurityError(
        .internalFailure, "The system gives no memory for a secret.", remedy: "Free memory on this machine.")
    }
    guard mlock(page, pageSize) == 0, madvise(page, pageSize, MADV_DONTDUMP) == 0 else {
      let reason = String(cString: strerror(errno))
      munmap(page, pageSize)
      throw SecurityError(
        .internalFailure, "Memory for a secret cannot be kept out of swap and cores: \(reason).",
        remedy: "Raise the limit on locked memory (LimitMEMLOCK in the unit, ulimit -l in a shell).")
    }
    return page
  }

  deinit {
    Zeroing.wipe(UnsafeMutableRawBufferPointer(start: page, count: pageSize))
    munmap(page, pageSize)
  }

  package borrowing func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try body(UnsafeRawBufferPointer(start: page, count: count))
  }
}
