// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Wire

/// A secret that cannot be read.
struct SecretError: DiagnosableError {
  let message: String
  let remedy: String
  var identifier: String { "configuration.secret" }
}

extension SecretReference {
  /// No secret of the product is longer.
  static let maximumBytes = 65_536

  /// Reads the secret; a final line break is not part of it.
  func read(_ environment: [String: String]) throws(SecretError) -> SecretBytes {
    if let name = self.environment {
      guard let value = environment[name], !value.isEmpty else {
        throw SecretError(
          message: "The environment variable \(name) is not set.", remedy: "set it for this process, or name a file.")
      }
      return SecretBytes(Array(value.utf8))
    }
    if let credential {
      guard let directory = environment["CREDENTIALS_DIRECTORY"] else {
        throw SecretError(
          message: "The systemd credential \(credential) is not there: CREDENTIALS_DIRECTORY is not set.",
          remedy: "add LoadCredential=\(credential):PATH to the unit.")
      }
      guard !credential.contains("/") else {
        throw SecretError(message: "\(credential) is not the name of a credential.", remedy: "name it without a path.")
      }
      return try Self.readFile(directory + "/" + credential)
    }
    return try Self.readFile(file ?? "")
  }

  private static func readFile(_ path: String) throws(SecretError) -> SecretBytes {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw SecretError(
        message: "The secret file \(path) cannot be opened: \(String(cString: strerror(errno))).",
        remedy: "check the path and that this user may read it.")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw SecretError(message: "\(path) is not a regular file.", remedy: "name the file that holds the secret.")
    }
    guard status.st_mode & 0o007 == 0 else {
      throw SecretError(
        message: "The secret file \(path) can be read by everyone on this machine.", remedy: "run: chmod 600 \(path)")
    }
    var buffer = [UInt8](repeating: 0, count: maximumBytes + 1)
    var count = 0
    while count < buffer.count {
      let read = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + count, $0.count - count) }
      if read <= 0 { break }
      count += read
    }
    defer { buffer.withUnsafeMutableBytes { explicit_bzero($0.baseAddress!, $0.count) } }
    guard count <= maximumBytes else {
      throw SecretError(
        message: "\(path) is larger than a secret can be.", remedy: "name the file that holds the secret.")
    }
    while count > 0, buffer[count - 1] == 0x0a || buffer[count - 1] == 0x0d { count -= 1 }
    guard count > 0 else {
      throw SecretError(message: "The secret file \(path) is empty.", remedy: "write the secret into it.")
    }
    return SecretBytes(buffer[..<count])
  }
}
