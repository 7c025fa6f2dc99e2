// SPDX-License-Identifier: Apache-2.0

import Wire

/// The name of something opened (MS-SMB2 2.2.14.1): a persistent and a volatile half.
struct FileID: Hashable, Sendable {
  var persistent: UInt64
  var volatile: UInt64

  /// Used where an operation concerns no file (MS-SMB2 2.2.31).
  static let none = FileID(persistent: .max, volatile: .max)

  init(persistent: UInt64, volatile: UInt64) {
    self.persistent = persistent
    self.volatile = volatile
  }

  init(_ reader: inout ByteReader) throws(ByteError) {
    persistent = try reader.readLittleEndian()
    volatile = try reader.readLittleEndian()
  }

  func encode(into writer: inout ByteWriter) {
    writer.writeLittleEndian(persistent)
    writer.writeLittleEndian(volatile)
  }
}
