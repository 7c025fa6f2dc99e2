// SPDX-License-Identifier: Apache-2.0

import Wire

/// A body of StructureSize (4) and Reserved only. Requests and responses of LOGOFF (MS-SMB2 2.2.7, 2.2.8) and
/// TREE_DISCONNECT (2.2.11, 2.2.12), and CANCEL (2.2.30), which has no response.
struct EmptyBody: SMBBody, Hashable {
  private static let structureSize: UInt16 = 4

  init() {}

  init(_ message: SMBMessage) throws(ByteError) {
    var reader = try message.body(structureSize: Self.structureSize)
    try reader.skip(2)
  }

  func encode(into writer: inout ByteWriter) {
    writer.writeLittleEndian(Self.structureSize)
    writer.writeLittleEndian(UInt16(0))
  }
}
