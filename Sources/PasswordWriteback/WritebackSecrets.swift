// SPDX-License-Identifier: Apache-2.0

import Foundation
package import Wire

/// What only Connect may read: passwords in UTF-8, and whether the new one has to be changed at the next logon.
package struct WritebackSecrets: Sendable {
  package var old: SecretBytes?
  package var new: SecretBytes?
  package var mustChange: Bool

  package init(old: SecretBytes? = nil, new: SecretBytes? = nil, mustChange: Bool = false) {
    self.old = old
    self.new = new
    self.mustChange = mustChange
  }

  /// MS-SAMR 2.2.1.1 `SAM_MAX_PASSWORD_LENGTH`: 256 UTF-16 units, of at most three bytes each in UTF-8.
  package static let maximumPasswordBytes = 768
  /// Every request has this size, whatever is in it: its length tells nothing of a password's.
  static let paddedBytes = 2 * (2 + maximumPasswordBytes) + 1

  /// Flags, then each password with its length; zeros up to ``paddedBytes``.
  func encoded() throws(WritebackError) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.paddedBytes)
    bytes.append((old != nil ? 1 : 0) | (new != nil ? 2 : 0) | (mustChange ? 4 : 0))
    for password in [old, new] {
      let count = password?.count ?? 0
      guard count <= Self.maximumPasswordBytes, password == nil || count > 0 else {
        Zeroing.wipe(&bytes)
        throw WritebackError(
          .invalidPassword, "A password must have at least one character and at most 256.",
          remedy: "Choose another password.")
      }
      bytes.append(UInt8(truncatingIfNeeded: count >> 8))
      bytes.append(UInt8(truncatingIfNeeded: count))
      password?.withBytes { bytes.append(contentsOf: $0) }
    }
    bytes.append(contentsOf: repeatElement(0, count: Self.paddedBytes - bytes.count))
    return bytes
  }

  init(decoding bytes: UnsafeRawBufferPointer) throws(WritebackError) {
    guard bytes.count == Self.paddedBytes, let flags = bytes.first, flags < 8 else {
      throw .malformed("its content has an unknown form")
    }
    var at = 1
    func password(_ isThere: Bool) throws(WritebackError) -> SecretBytes? {
      let count = Int(bytes[at]) << 8 | Int(bytes[at + 1])
      at += 2
      guard count <= Self.maximumPasswordBytes, isThere == (count > 0) else {
        throw .malformed("a password's length is wrong")
      }
      defer { at += count }
      return isThere ? SecretBytes(bytes[at..<at + count]) : nil
    }
    // Two lengths and two passwords of the largest size fit, so no index leaves the buffer.
    old = try password(flags & 1 != 0)
    new = try password(flags & 2 != 0)
    mustChange = flags & 4 != 0
  }
}
