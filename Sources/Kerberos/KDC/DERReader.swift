// SPDX-License-Identifier: Apache-2.0

import Wire

/// The little of X.690 that a KRB-ERROR needs: one-byte tags and definite lengths, nothing recursive.
struct DERReader {
  private var reader: ByteReader

  init(_ bytes: [UInt8]) { reader = ByteReader(bytes) }

  var isAtEnd: Bool { reader.isAtEnd }

  /// The next element's tag and content.
  mutating func next() throws(ByteError) -> (tag: UInt8, content: [UInt8]) {
    let offset = reader.position
    let tag = try reader.readByte()
    guard tag & 0x1f != 0x1f else { throw .malformed(offset: offset, reason: "a tag of several bytes") }
    return (tag, try reader.read(readLength()))
  }

  /// The next element's content, which must have the tag.
  mutating func next(_ tag: UInt8) throws(ByteError) -> [UInt8] {
    let offset = reader.position
    let element = try next()
    guard element.tag == tag else {
      throw .malformed(offset: offset, reason: "tag \(element.tag) where \(tag) belongs")
    }
    return element.content
  }

  private mutating func readLength() throws(ByteError) -> Int {
    let offset = reader.position
    let first = try reader.readByte()
    guard first >= 0x80 else { return Int(first) }
    let width = Int(first & 0x7f)
    guard width >= 1, width <= 4 else { throw .malformed(offset: offset, reason: "a length of \(width) bytes") }
    var length = 0
    for _ in 0..<width { length = length << 8 | Int(try reader.readByte()) }
    return length
  }

  /// An INTEGER of at most eight bytes, two's complement.
  static func integer(_ content: [UInt8]) throws(ByteError) -> Int64 {
    guard !content.isEmpty, content.count <= 8 else {
      throw .malformed(offset: 0, reason: "an integer of \(content.count) bytes")
    }
    var value: Int64 = content[0] >= 0x80 ? -1 : 0
    for byte in content { value = value << 8 | Int64(byte) }
    return value
  }
}

enum DERTag {
  static let integer: UInt8 = 0x02
  static let octetString: UInt8 = 0x04
  static let generalString: UInt8 = 0x1b
  static let generalizedTime: UInt8 = 0x18
  static let sequence: UInt8 = 0x30
}
