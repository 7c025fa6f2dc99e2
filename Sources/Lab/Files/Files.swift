// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc

/// Small files of a lab. Secrets are never readable by others, not even for a moment.
enum Files {
  static func read(_ path: String) throws(LabError) -> [UInt8] {
    do { return [UInt8](try Data(contentsOf: URL(filePath: path))) } catch {
      throw LabError(
        .file, "The file \(path) cannot be read: \(error).", remedy: "Check that it exists and is readable.")
    }
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  static func createDirectory(_ path: String, mode: Int = 0o755) throws(LabError) {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: mode])
    } catch {
      throw LabError(
        .file, "The directory \(path) cannot be made: \(error).", remedy: "Check its parent's permissions.")
    }
  }

  static func remove(_ path: String) throws(LabError) {
    guard exists(path) else { return }
    do { try FileManager.default.removeItem(atPath: path) } catch {
      throw LabError(.file, "\(path) cannot be removed: \(error).", remedy: "Check its permissions.")
    }
  }

  static func write(_ text: String, to path: String, mode: mode_t = 0o644) throws(LabError) {
    try write(Array(text.utf8), to: path, mode: mode)
  }

  /// Replaces a file at once: readers see the old content or the new.
  static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o644) throws(LabError) {
    func failure(_ step: String) -> LabError {
      LabError(
        .file, "\(path) cannot be written (\(step): \(String(cString: strerror(errno)))).",
        remedy: "Check the directory's permissions and free space.")
    }
    let temporary = "\(path).\(getpid()).new"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
    guard descriptor >= 0 else { throw failure("open") }
    fchmod(descriptor, mode)
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        let error = failure("write")
        close(descriptor)
        unlink(temporary)
        throw error
      }
      written += count
    }
    close(descriptor)
    try rename(temporary, to: path)
  }

  /// Replaces the target if there is one.
  static func rename(_ path: String, to target: String) throws(LabError) {
    guard Glibc.rename(path, target) == 0 else {
      throw LabError(
        .file, "\(path) cannot be renamed to \(target): \(String(cString: strerror(errno))).",
        remedy: "Check the directory's permissions.")
    }
  }
}
