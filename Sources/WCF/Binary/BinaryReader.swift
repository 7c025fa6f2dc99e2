// SPDX-License-Identifier: Apache-2.0

import Wire

/// Steps through a binary document (MC-NBFX 2; MC-NBFS; MC-NBFSE). Nothing is allocated by a length alone, and an array is
/// expanded one element at a time.
package struct BinaryReader: Sendable {
  /// A run of equal elements (2.3.3) that is being expanded.
  private struct Run: Sendable {
    var start: BinaryEvent
    var type: UInt8
    var remaining: Int
    var step = 0
  }

  private var reader: ByteReader
  private let dictionary: BinaryDictionary
  private var depth = 0
  private var run: Run?
  /// The odd record type said that the element ends, too.
  private var endsElement = false
  private var isOver = false

  /// - Parameter dictionary: with the strings of the session, the document's own table included.
  package init(_ document: [UInt8], dictionary: BinaryDictionary = BinaryDictionary()) {
    reader = ByteReader(document)
    self.dictionary = dictionary
  }

  /// The next step; nil at the end of the document.
  ///
  /// - Throws: ``WCFError`` with code `malformed`.
  package mutating func next() throws(WCFError) -> BinaryEvent? {
    do throws(ByteError) {
      return try step()
    } catch {
      isOver = true
      throw WCFError(error, in: "binary document (MC-NBFX)")
    }
  }

  private mutating func step() throws(ByteError) -> BinaryEvent? {
    guard !isOver else { return nil }
    if run != nil { return try expand() }
    if endsElement {
      endsElement = false
      return try close()
    }
    while true {
      guard !reader.isAtEnd else {
        guard depth == 0 else { throw .malformed(offset: reader.position, reason: "\(depth) elements that do not end") }
        isOver = true
        return nil
      }
      let start = reader.position
      let type = try reader.readByte()
      switch type {
      case 0x01: return try close()
      case 0x02: _ = try reader.readString()
      case 0x03: return try beginRun()
      case 0x40...0x77:
        guard depth < BinaryLimits.depth else {
          throw .malformed(offset: start, reason: "more than \(BinaryLimits.depth) elements within each other")
        }
        depth += 1
        return try element(type)
      case 0x80...0xbd:
        guard depth > 0 else { throw .malformed(offset: start, reason: "text outside of an element") }
        endsElement = !type.isMultiple(of: 2)
        return .text(try BinaryText.read(type & 0xfe, &reader, dictionary))
      default: throw .malformed(offset: start, reason: "the record type 0x\(Hex.encode([type]))")
      }
    }
  }

  private mutating func close() throws(ByteError) -> BinaryEvent {
    guard depth > 0 else {
      throw .malformed(offset: reader.position, reason: "the end of an element that did not begin")
    }
    depth -= 1
    return .endElement
  }

  // MARK: Elements and attributes

  /// 2.2.1: the record, then its attributes.
  private mutating func element(_ type: UInt8) throws(ByteError) -> BinaryEvent {
    let name: BinaryName
    switch type {
    case 0x40: name = BinaryName("", try reader.readString())
    case 0x41: name = BinaryName(try reader.readString(), try reader.readString())
    case 0x42: name = BinaryName("", try dictionaryString())
    case 0x43: name = BinaryName(try reader.readString(), try dictionaryString())
    case 0x44...0x5d: name = BinaryName(Self.letter(type - 0x44), try dictionaryString())
    default: name = BinaryName(Self.letter(type - 0x5e), try reader.readString())
    }
    var attributes: [BinaryAttribute] = []
    while !reader.isAtEnd, (0x04...0x3f).contains(reader.bytes[reader.position]) {
      guard attributes.count < BinaryLimits.attributes else {
        throw .malformed(offset: reader.position, reason: "an element of too many attributes")
      }
      attributes.append(try attribute(try reader.readByte()))
    }
    return .startElement(name, attributes)
  }

  /// 2.2.2.
  private mutating func attribute(_ type: UInt8) throws(ByteError) -> BinaryAttribute {
    switch type {
    case 0x04: return .attribute(BinaryName("", try reader.readString()), try value())
    case 0x05: return .attribute(BinaryName(try reader.readString(), try reader.readString()), try value())
    case 0x06: return .attribute(BinaryName("", try dictionaryString()), try value())
    case 0x07: return .attribute(BinaryName(try reader.readString(), try dictionaryString()), try value())
    case 0x08: return .namespace(prefix: "", uri: try reader.readString())
    case 0x09: return .namespace(prefix: try reader.readString(), uri: try reader.readString())
    case 0x0a: return .namespace(prefix: "", uri: try dictionaryString())
    case 0x0b: return .namespace(prefix: try reader.readString(), uri: try dictionaryString())
    case 0x0c...0x25: return .attribute(BinaryName(Self.letter(type - 0x0c), try dictionaryString()), try value())
    default: return .attribute(BinaryName(Self.letter(type - 0x26), try reader.readString()), try value())
    }
  }

  private mutating func value() throws(ByteError) -> String {
    let start = reader.position
    let type = try reader.readByte()
    // 2.2.3.31: an attribute's value never ends an element.
    guard type >= 0x80, type.isMultiple(of: 2) else {
      throw .malformed(offset: start, reason: "0x\(Hex.encode([type])) as an attribute's value")
    }
    return try BinaryText.read(type, &reader, dictionary)
  }

  private mutating func dictionaryString() throws(ByteError) -> String {
    let start = reader.position
    return try dictionary.string(UInt32(try reader.readMultiByteInt31()), at: start)
  }

  private static func letter(_ index: UInt8) -> String { String(Unicode.Scalar(UInt8(ascii: "a") + index)) }

  // MARK: Arrays

  private mutating func beginRun() throws(ByteError) -> BinaryEvent? {
    let start = reader.position
    let type = try reader.readByte()
    guard (0x40...0x77).contains(type), depth < BinaryLimits.depth else {
      throw .malformed(offset: start, reason: "an array of no element")
    }
    let element = try element(type)
    guard try reader.readByte() == 0x01 else {
      throw .malformed(offset: start, reason: "an array whose element goes on")
    }
    let content = try reader.readByte()
    let count = try reader.readMultiByteInt31()
    guard !content.isMultiple(of: 2), let size = BinaryText.arraySize(content & 0xfe), count > 0,
      count <= reader.remaining / size
    else { throw .malformed(offset: start, reason: "an array of \(count) values of type 0x\(Hex.encode([content]))") }
    run = Run(start: element, type: content & 0xfe, remaining: count)
    return try expand()
  }

  private mutating func expand() throws(ByteError) -> BinaryEvent? {
    guard var current = run else { return nil }
    defer { run = current.remaining == 0 ? nil : current }
    current.step = (current.step + 1) % 3
    switch current.step {
    case 1: return current.start
    case 2: return .text(try BinaryText.read(current.type, &reader, dictionary))
    default:
      current.remaining -= 1
      return .endElement
    }
  }
}
