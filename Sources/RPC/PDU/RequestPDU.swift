// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The body of a request (C706 12.6.4.9).
///
///     u_int32 alloc_hint;           /* 16:04 allocation hint: bytes of stub from here on */
///     p_context_id_t p_cont_id;     /* 20:02 */
///     u_int16 opnum;                /* 22:02 */
///     uuid_t object;                /* 24:16 where PFC_OBJECT_UUID is set */
///     /* stub data */
package struct RequestPDU: Sendable, Hashable {
  /// Bytes from the PDU's start to the stub where no object is named.
  static let stubOffset = 24

  package var allocationHint: UInt32
  package var contextID: UInt16
  package var operation: UInt16
  package var object: GUID?
  package var stub: [UInt8]

  package init(
    allocationHint: UInt32, contextID: UInt16, operation: UInt16, object: GUID? = nil, stub: [UInt8]
  ) {
    self.allocationHint = allocationHint
    self.contextID = contextID
    self.operation = operation
    self.object = object
    self.stub = stub
  }

  package init(_ body: [UInt8], flags: PDUFlags) throws(ByteError) {
    var reader = ByteReader(body)
    allocationHint = try reader.readLittleEndian()
    contextID = try reader.readLittleEndian()
    operation = try reader.readLittleEndian()
    if flags.contains(.object) { object = GUID(try reader.read(16)) }
    stub = reader.readRemaining()
  }

  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.writeLittleEndian(allocationHint)
    writer.writeLittleEndian(contextID)
    writer.writeLittleEndian(operation)
    if let object { writer.write(object.bytes) }
    writer.write(stub)
    return writer.bytes
  }
}
