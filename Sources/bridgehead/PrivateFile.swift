// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A new file that only its owner can read; it is removed again when nothing was written.
final class PrivateFile {
  private let path: String
  private let descriptor: Int32
  private var written = false

  init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else {
      throw CommandError(
        "file.create", "\(path) cannot be created: \(String(cString: strerror(errno))).",
        remedy: "name a file that does not exist yet, in a folder that you may write.")
    }
  }

  func write(_ text: String) throws {
    let bytes = Array(text.utf8)
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
      throw CommandError(
        "file.write", "\(path) cannot be written: \(String(cString: strerror(errno))).", remedy: "free disk space.")
    }
    written = true
  }

  deinit {
    close(descriptor)
    if !written { unlink(path) }
  }
}
