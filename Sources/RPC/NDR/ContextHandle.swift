// SPDX-License-Identifier: Apache-2.0

import Wire

/// C706 14.2.16.6 `ndr_context_handle`: an object that the server keeps for this association.
package struct ContextHandle: Sendable, Hashable {
  static let length = 20
  let bytes: [UInt8]

  static let null = ContextHandle(bytes: [UInt8](repeating: 0, count: length))

  private init(bytes: [UInt8]) { self.bytes = bytes }

  init(_ reader: inout NDRReader) throws(ByteError) {
    try reader.align(4)
    bytes = try reader.readBytes(Self.length)
  }

  func write(to writer: inout NDRWriter) {
    writer.align(4)
    writer.writeBytes(bytes)
  }
}
