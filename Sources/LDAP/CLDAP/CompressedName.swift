// SPDX-License-Identifier: Apache-2.0

import Wire

/// MS-ADTS 6.3.7: names as RFC 1035 4.1.4 compresses them, with offsets from the start of the structure.
enum CompressedName {
  /// RFC 1035 2.3.4: a name has at most 255 octets.
  static let maximumLength = 255
  /// RFC 1035 2.3.4: a label has at most 63 octets.
  static let maximumLabelLength = 63

  /// Reads a name and leaves the reader behind its first part. Each pointer must lead before the last one, so that a
  /// loop cannot be written.
  static func read(_ reader: inout ByteReader) throws(ByteError) -> String {
    var labels: [String] = []
    var length = 0
    var barrier = reader.position
    var cursor = reader
    var resume: ByteReader?
    while true {
      let offset = cursor.position
      let octet = Int(try cursor.readByte())
      switch octet & 0xC0 {
      case 0x00 where octet == 0:
        reader = resume ?? cursor
        return labels.joined(separator: ".")
      case 0x00:
        length += octet + 1
        guard length <= maximumLength else { throw .malformed(offset: offset, reason: "name beyond 255 octets") }
        labels.append(String(decoding: try cursor.read(octet), as: UTF8.self))
      case 0xC0:
        let target = (octet & 0x3F) << 8 | Int(try cursor.readByte())
        guard target < barrier else { throw .malformed(offset: offset, reason: "name pointer does not lead back") }
        barrier = target
        if resume == nil { resume = cursor }
        try cursor.seek(to: target)
      default: throw .malformed(offset: offset, reason: "label type \(octet >> 6)")
      }
    }
  }

  /// - Parameter known: the offsets of the suffixes written so far.
  static func write(_ name: String, _ writer: inout ByteWriter, _ known: inout [String: Int]) {
    var rest = name.split(separator: ".").map { $0.utf8.prefix(maximumLabelLength) }[...]
    while let label = rest.first {
      let suffix = rest.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ".")
      if let offset = known[suffix] {
        writer.writeBigEndian(UInt16(0xC000 | offset))
        return
      }
      if writer.count < 0x4000 { known[suffix] = writer.count }
      writer.write([UInt8(label.count)])
      writer.write(label)
      rest = rest.dropFirst()
    }
    writer.write([0])
  }
}
