// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Replaces a file as a whole, with its owner and mode: whoever reads it sees the old text or the new one, also after a crash.
enum AtomicFile {
  static func replace(_ path: String, with text: String) throws {
    var status = stat()
    guard stat(path, &status) == 0 else { throw failure(path) }
    let temporary = "\(path).\(getpid()).new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw failure(temporary) }
    defer { close(descriptor) }
    do {
      var rest = Array(text.utf8)[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { throw failure(temporary) }
        rest = rest.dropFirst(count)
      }
      // Its owner first: a change of the owner may clear bits of the mode.
      if fchown(descriptor, status.st_uid, status.st_gid) != 0, geteuid() == 0 { throw failure(temporary) }
      guard fchmod(descriptor, status.st_mode & 0o7777) == 0, fsync(descriptor) == 0, rename(temporary, path) == 0
      else {
        throw failure(temporary)
      }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  private static func failure(_ path: String) -> CommandError {
    CommandError(
      "file.write", "\(path) cannot be written: \(String(cString: strerror(errno))).",
      remedy: "check the folder's permissions and the space on the disk; the file is as it was.")
  }
}
