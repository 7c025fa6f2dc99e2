// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc

/// One run at a time on one database: an advisory lock that ends with the process, however that ends. The file says who
/// holds it.
final class RunLock: Sendable {
  private let descriptor: Int32

  /// - Parameter purpose: the command that takes the lock, for whoever is refused meanwhile.
  init(_ database: String, purpose: String) throws {
    let path = database + ".lock"
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else {
      throw CommandError(
        "connect.lock", "\(path) cannot be opened: \(String(cString: strerror(errno))).",
        remedy: "check that the folder exists and that this user may write it.")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let holder = Self.text(descriptor)
      close(descriptor)
      throw CommandError(
        "connect.running", "Another run is at work on \(database)\(holder.isEmpty ? "" : ": \(holder)").",
        remedy: "wait until it has ended, or stop it; 'fuser \(path)' names it, too.")
    }
    let holder = "process \(getpid()), bridgehead \(purpose), since \(Date.now.formatted(.iso8601))"
    // Only a courtesy: the lock itself does not depend on the text.
    _ = ftruncate(descriptor, 0)
    _ = Array(holder.utf8).withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
  }

  private static func text(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 200)
    let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    return String(validating: bytes.prefix(max(0, count)), as: UTF8.self) ?? ""
  }

  /// Lets the next run in.
  func release() { flock(descriptor, LOCK_UN) }

  deinit { close(descriptor) }
}
