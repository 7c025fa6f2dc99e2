// SPDX-License-Identifier: Apache-2.0

import Wire

/// Writes a binary document: names and texts that every reader knows (MC-NBFS 2.1) as numbers, all others as they are.
package struct BinaryWriter: Sendable {
  private var writer = ByteWriter()
  private var depth = 0

  package init() {}

  /// The document so far; whole once every element has ended.
  package var bytes: [UInt8] { writer.bytes }
  package var isComplete: Bool { depth == 0 }

  package mutating func start(_ name: BinaryName, _ attributes: [BinaryAttribute] = []) {
    write(name, short: 0x40, long: 0x41, letter: 0x5e, letterOfDictionary: 0x44)
    for attribute in attributes {
      switch attribute {
      case .attribute(let name, let value):
        write(name, short: 0x04, long: 0x05, letter: 0x26, letterOfDictionary: 0x0c)
        text(value)
      case .namespace(let prefix, let uri):
        let known = BinaryDictionary.identifier(of: uri)
        writer.write([(known == nil ? 0x08 : 0x0a) + (prefix.isEmpty ? 0 : 1)])
        if !prefix.isEmpty { string(prefix) }
        if let known { number(known) } else { string(uri) }
      }
    }
    depth += 1
  }

  package mutating func text(_ text: String) {
    if text.isEmpty { return writer.write([0xa8]) }
    if let known = BinaryDictionary.identifier(of: text) {
      writer.write([0xaa])
      return number(known)
    }
    sized(Array(text.utf8), 0x98, 0x9a, 0x9c)
  }

  /// Bytes that the document's reader sees as base64.
  package mutating func data(_ bytes: [UInt8]) {
    if bytes.isEmpty { return writer.write([0xa8]) }
    sized(bytes, 0x9e, 0xa0, 0xa2)
  }

  /// Ends the innermost element; nothing when none is open.
  package mutating func end() {
    guard depth > 0 else { return }
    depth -= 1
    writer.write([0x01])
  }

  private mutating func write(
    _ name: BinaryName, short: UInt8, long: UInt8, letter: UInt8, letterOfDictionary: UInt8
  ) {
    let known = BinaryDictionary.identifier(of: name.local)
    let single = Array(name.prefix.utf8)
    if single.count == 1, (0x61...0x7a).contains(single[0]) {
      writer.write([(known == nil ? letter : letterOfDictionary) + (single[0] - 0x61)])
    } else {
      // The dictionary's forms follow two later.
      writer.write([(name.prefix.isEmpty ? short : long) + (known == nil ? 0 : 2)])
      if !name.prefix.isEmpty { string(name.prefix) }
    }
    if let known { number(known) } else { string(name.local) }
  }

  private mutating func sized(_ bytes: [UInt8], _ small: UInt8, _ medium: UInt8, _ large: UInt8) {
    if let count = UInt8(exactly: bytes.count) {
      writer.write([small, count])
    } else if let count = UInt16(exactly: bytes.count) {
      writer.write([medium])
      writer.writeLittleEndian(count)
    } else {
      writer.write([large])
      writer.writeLittleEndian(Int32(clamping: bytes.count))
    }
    writer.write(bytes)
  }

  private mutating func number(_ value: UInt32) { writer.write(RecordSize.encode(value)) }

  private mutating func string(_ text: String) {
    let bytes = Array(text.utf8)
    number(UInt32(clamping: bytes.count))
    writer.write(bytes)
  }
}
