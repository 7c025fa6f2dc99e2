// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The body of a fault (C706 12.6.4.7).
///
///     u_int32 alloc_hint;           /* 16:04 */
///     p_context_id_t p_cont_id;     /* 20:02 */
///     u_int8 cancel_count;          /* 22:01 */
///     u_int8 reserved;              /* 23:01 MS-RPCE 2.2.2.6: flags */
///     u_int32 status;               /* 24:04 run-time fault code or zero */
///     u_int8 reserved2[4];          /* 28:04 */
///     /* stub data where status is zero */
package struct FaultPDU: Sendable, Hashable {
  package var contextID: UInt16
  package var status: UInt32

  package init(contextID: UInt16 = 0, status: UInt32) {
    self.contextID = contextID
    self.status = status
  }

  package init(_ body: [UInt8]) throws(ByteError) {
    var reader = ByteReader(body)
    try reader.skip(4)
    contextID = try reader.readLittleEndian()
    try reader.skip(2)
    status = try reader.readLittleEndian()
  }

  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.writeLittleEndian(UInt32(0))
    writer.writeLittleEndian(contextID)
    writer.write([0, 0])
    writer.writeLittleEndian(status)
    writer.writeLittleEndian(UInt32(0))
    return writer.bytes
  }
}
