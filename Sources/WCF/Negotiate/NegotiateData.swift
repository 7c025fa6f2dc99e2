// SPDX-License-Identifier: Apache-2.0

package import Wire

/// MS-NNS 2.2.2: a message of protected data: `PayloadSize` (4, little-endian), then what `GSS_Wrap` made.
package enum NegotiateData {
  /// - Throws: ``WCFError`` when the payload is larger than the specification allows.
  package static func frame(_ payload: [UInt8]) throws(WCFError) -> [UInt8] {
    guard !payload.isEmpty, payload.count <= FramingLimits.protectedPayload else {
      throw WCFError(.tooLarge, "\(payload.count) protected bytes do not fit into one message (MS-NNS 2.2.2).")
    }
    var writer = ByteWriter()
    writer.writeLittleEndian(UInt32(payload.count))
    writer.write(payload)
    return writer.bytes
  }

  /// Reads one payload.
  ///
  /// - Throws: ``WCFError``; ``ByteError`` `truncated` when the message has not arrived whole.
  package static func payload(_ reader: inout ByteReader) throws -> [UInt8] {
    let size: UInt32 = try reader.readLittleEndian()
    guard size > 0, size <= FramingLimits.protectedPayload else {
      throw WCFError(
        .malformed,
        "The peer announces \(size) protected bytes; MS-NNS 2.2.2 allows 1 to \(FramingLimits.protectedPayload).")
    }
    return try reader.read(Int(size))
  }
}
