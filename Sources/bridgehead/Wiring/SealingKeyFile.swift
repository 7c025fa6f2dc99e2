// SPDX-License-Identifier: Apache-2.0

import Glibc
import Tenant
import Wire

/// The file with the tenant's sealing key. It is made with the first use of the tenant and never overwritten.
enum SealingKeyFile {
  /// - Throws: `CommandError` when it cannot be made, `SecretFileError` when it cannot be read or others can read it,
  ///   `TenantError` `sealingKey` when it holds something else.
  static func open(_ path: String) throws -> SealingKey {
    if access(path, F_OK) != 0, errno == ENOENT { try make(path) }
    return try SealingKey(text: try SecretFile.read(path))
  }

  /// Writes a new key beside its place and links it there whole: of two processes that begin at once, one wins.
  private static func make(_ path: String) throws {
    let temporary = "\(path).\(getpid())"
    defer { unlink(temporary) }
    try PrivateFile(temporary).write(SealingKey.text(random: SystemRandom.bytes) + "\n")
    guard link(temporary, path) == 0 || errno == EEXIST else {
      throw CommandError(
        "file.create", "\(path) cannot be created: \(String(cString: strerror(errno))).",
        remedy: "name a file in a folder that you may write as tenant.sealingKey.")
    }
  }
}
