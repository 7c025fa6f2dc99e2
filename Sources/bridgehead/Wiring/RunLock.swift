// SPDX-License-Identifier: Apache-2.0

import Glibc

/// One run at a time on one database: an advisory lock that ends with the process, however that ends.
final class RunLock: Sendable {
  private let descriptor: Int32

  init(_ database: String) throws {
    let path = database + ".lock"
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else {
      throw CommandError(
        "connect.lock", "\(path) cannot be opened: \(String(cString: strerror(errno))).",
        remedy: "check that the folder exists and that this user may write it.")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw CommandError(
        "connect.running", "Another run is at work on \(database).",
        remedy: "wait until it has ended; 'fuser \(path)' names it.")
    }
  }

  /// Lets the next run in.
  func release() { flock(descriptor, LOCK_UN) }

  deinit { close(descriptor) }
}
