// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file with a secret that cannot be used.
package struct SecretFileError: DiagnosableError {
  package enum Cause: Sendable {
    case missing, unreadable, notRegular, exposed, tooLarge, empty
  }

  package let cause: Cause
  package let message: String
  package let remedy: String
  package var identifier: String { "secret.file" }
}

/// Reads secrets from files that only their owner (and perhaps a group) can read.
package enum SecretFile {
  /// No secret of the product is longer.
  package static let maximumBytes = 65_536

  /// Reads the file; final line breaks are not part of the secret.
  package static func read(_ path: String) throws(SecretFileError) -> SecretBytes {
    let descriptor = try open(path, "secret file")
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: maximumBytes + 1)
    defer { Zeroing.wipe(&buffer) }
    var count = 0
    while count < buffer.count {
      let (got, code) = buffer.withUnsafeMutableBytes { memory in
        (Glibc.read(descriptor, memory.baseAddress! + count, memory.count - count), errno)
      }
      if got < 0 && code == EINTR { continue }
      guard got >= 0 else {
        throw SecretFileError(
          cause: .unreadable, message: "The secret file \(path) cannot be read: \(String(cString: strerror(code))).",
          remedy: "check the disk or file system that holds it.")
      }
      if got == 0 { break }
      count += got
    }
    guard count <= maximumBytes else {
      throw SecretFileError(
        cause: .tooLarge, message: "\(path) is larger than a secret can be.",
        remedy: "name the file that holds the secret.")
    }
    while count > 0, buffer[count - 1] == 0x0a || buffer[count - 1] == 0x0d { count -= 1 }
    guard count > 0 else {
      throw SecretFileError(
        cause: .empty, message: "The secret file \(path) is empty.", remedy: "write the secret into it.")
    }
    return SecretBytes(buffer[..<count])
  }

  /// Examines a file that a library reads by itself.
  ///
  /// - Parameter what: the file in words, for the error.
  package static func examine(_ path: String, _ what: String) throws(SecretFileError) {
    close(try open(path, what))
  }

  /// - Returns: the descriptor of a regular file that not everybody can read; it is the caller's.
  private static func open(_ path: String, _ what: String) throws(SecretFileError) -> CInt {
    // Without waiting for the other end of a pipe.
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      let code = errno
      let isMissing = code == ENOENT || code == ENOTDIR
      throw SecretFileError(
        cause: isMissing ? .missing : .unreadable,
        message: isMissing
          ? "The \(what) \(path) does not exist."
          : "The \(what) \(path) cannot be opened: \(String(cString: strerror(code))).",
        remedy: "check the path and that this user may read it.")
    }
    do throws(SecretFileError) {
      try examine(descriptor, path, what)
      return descriptor
    } catch {
      close(descriptor)
      throw error
    }
  }

  private static func examine(_ descriptor: CInt, _ path: String, _ what: String) throws(SecretFileError) {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw SecretFileError(
        cause: .notRegular, message: "The \(what) \(path) is no regular file.",
        remedy: "name the file that holds the secret.")
    }
    guard status.st_mode & 0o007 == 0 else {
      let mode = String(status.st_mode & 0o777, radix: 8)
      throw SecretFileError(
        cause: .exposed, message: "The \(what) \(path) is open to everyone on this machine (mode \(mode)).",
        remedy: "run: chmod 600 \(path)")
    }
  }
}
