// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file with a secret that cannot be used.
package struct SecretFileError: DiagnosableError {
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
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw SecretFileError(
        message: "The secret file \(path) cannot be opened: \(String(cString: strerror(errno))).",
        remedy: "check the path and that this user may read it.")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw SecretFileError(message: "\(path) is not a regular file.", remedy: "name the file that holds the secret.")
    }
    guard status.st_mode & 0o007 == 0 else {
      throw SecretFileError(
        message: "The secret file \(path) can be read by everyone on this machine.", remedy: "run: chmod 600 \(path)")
    }
    var buffer = [UInt8](repeating: 0, count: maximumBytes + 1)
    defer { buffer.withUnsafeMutableBytes { explicit_bzero($0.baseAddress!, $0.count) } }
    var count = 0
    while count < buffer.count {
      let got = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + count, $0.count - count) }
      if got < 0 && errno == EINTR { continue }
      if got <= 0 { break }
      count += got
    }
    guard count <= maximumBytes else {
      throw SecretFileError(
        message: "\(path) is larger than a secret can be.", remedy: "name the file that holds the secret.")
    }
    while count > 0, buffer[count - 1] == 0x0a || buffer[count - 1] == 0x0d { count -= 1 }
    guard count > 0 else {
      throw SecretFileError(message: "The secret file \(path) is empty.", remedy: "write the secret into it.")
    }
    return SecretBytes(buffer[..<count])
  }
}
