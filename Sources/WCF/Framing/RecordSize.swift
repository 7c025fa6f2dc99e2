// SPDX-License-Identifier: Apache-2.0

import Wire

/// MC-NMF 2.2.2: the size of a variable-sized record, seven bits an octet, least significant first; the high bit says
/// that another octet follows. At most five octets, and never zero (3.1.1.2 `EncodedSize`).
enum RecordSize {
  static let maximumOctets = 5

  static func encode(_ size: UInt32) -> [UInt8] {
    var rest = size
    var octets: [UInt8] = []
    while rest > 0x7f {
      octets.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    octets.append(UInt8(rest))
    return octets
  }

  /// Reads a size, zero included: the terminator of an unsized envelope looks like one.
  static func decode(_ reader: inout ByteReader) throws(ByteError) -> UInt32 {
    let start = reader.position
    var value: UInt64 = 0
    for index in 0..<maximumOctets {
      let octet = try reader.readByte()
      value |= UInt64(octet & 0x7f) << (7 * UInt64(index))
      guard octet & 0x80 != 0 else {
        guard let size = UInt32(exactly: value) else { break }
        return size
      }
    }
    throw .malformed(offset: start, reason: "a size beyond 32 bits")
  }
}
