// SPDX-License-Identifier: Apache-2.0

import Wire

/// The body of every response whose status is an error (MS-SMB2 2.2.2): StructureSize (9), ErrorContextCount, Reserved,
/// ByteCount, ErrorData. What happened stands in the header.
struct ErrorResponse: SMBBody, Hashable {
  private static let structureSize: UInt16 = 9

  var data: [UInt8]

  init(data: [UInt8] = []) { self.data = data }

  init(_ message: SMBMessage) throws(ByteError) {
    var reader = try message.body(structureSize: Self.structureSize)
    try reader.skip(2)
    let count: UInt32 = try reader.readLittleEndian()
    data = try reader.read(Int(count))
  }

  func encode(into writer: inout ByteWriter) {
    writer.writeLittleEndian(Self.structureSize)
    writer.writeLittleEndian(UInt16(0))
    writer.writeLittleEndian(UInt32(clamping: data.count))
    // One byte stands there even without data.
    writer.write(data.isEmpty ? [0] : data)
  }
}
