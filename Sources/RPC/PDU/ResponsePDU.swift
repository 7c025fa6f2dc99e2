// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The body of a response (C706 12.6.4.10).
///
///     u_int32 alloc_hint;           /* 16:04 */
///     p_context_id_t p_cont_id;     /* 20:02 */
///     u_int8 cancel_count;          /* 22:01 */
///     u_int8 reserved;              /* 23:01 */
///     /* stub data */
package struct ResponsePDU: Sendable, Hashable {
  /// Bytes from the PDU's start to the stub.
  static let stubOffset = 24

  package var allocationHint: UInt32
  package var contextID: UInt16
  package var stub: [UInt8]

  package init(allocationHint: UInt32, contextID: UInt16, stub: [UInt8]) {
    self.allocationHint = allocationHint
    self.contextID = contextID
    self.stub = stub
  }

  package init(_ body: [UInt8]) throws(ByteError) {
    var reader = ByteReader(body)
    allocationHint = try reader.readLittleEndian()
    contextID = try reader.readLittleEndian()
    try reader.skip(2)
    stub = reader.readRemaining()
  }

  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.writeLittleEndian(allocationHint)
    writer.writeLittleEndian(contextID)
    writer.write([0, 0])
    writer.write(stub)
    return writer.bytes
  }
}
