// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The strings that records name by number: even ones by MC-NBFS 2.1, odd ones by what a session has sent so far (MC-NBFSE
/// 2.1). Each direction of a session has its own.
package struct BinaryDictionary: Sendable {
  private var session: [String] = []
  private var sessionBytes = 0
  private static let identifiers = Dictionary(
    uniqueKeysWithValues: StaticStrings.all.enumerated().map { ($0.element, UInt32($0.offset) * 2) })

  package init() {}

  /// - Throws: ``ByteError`` `malformed` for a number that stands for nothing.
  func string(_ identifier: UInt32, at offset: Int) throws(ByteError) -> String {
    let index = Int(identifier / 2)
    let table = identifier.isMultiple(of: 2) ? StaticStrings.all : session
    guard table.indices.contains(index) else {
      throw .malformed(offset: offset, reason: "the unknown string \(identifier)")
    }
    return table[index]
  }

  /// The number of a string that every reader knows.
  static func identifier(of string: String) -> UInt32? { identifiers[string] }

  /// Reads the table that precedes a document of a session (MC-NBFSE 2.1):
  /// ```
  /// Size (MultiByteInt31, bytes of the strings)   Strings, each with its length
  /// ```
  /// - Throws: ``ByteError``.
  package mutating func readTable(_ reader: inout ByteReader) throws(ByteError) {
    let size = try reader.readMultiByteInt31()
    guard size <= reader.remaining else {
      throw .truncated(offset: reader.position, wanted: size, available: reader.remaining)
    }
    let end = reader.position + size
    while reader.position < end {
      let start = reader.position
      let string = try reader.readString()
      sessionBytes += reader.position - start
      guard reader.position <= end else { throw .malformed(offset: start, reason: "a string beyond its table") }
      guard session.count < BinaryLimits.sessionStrings, sessionBytes <= BinaryLimits.sessionBytes else {
        throw .malformed(offset: start, reason: "a table of too many strings")
      }
      session.append(string)
    }
  }
}

extension ByteReader {
  /// MC-NBFX 2.1.2: at most 31 bits, seven an octet.
  mutating func readMultiByteInt31() throws(ByteError) -> Int {
    let start = position
    let value = try RecordSize.decode(&self)
    guard value <= UInt32(Int32.max) else { throw .malformed(offset: start, reason: "a number beyond 31 bits") }
    return Int(value)
  }

  /// MC-NBFX 2.1.3 `String`: a length in bytes and UTF-8.
  mutating func readString() throws(ByteError) -> String { try readUTF8(try readMultiByteInt31()) }

  mutating func readUTF8(_ count: Int) throws(ByteError) -> String {
    let start = position
    guard let text = String(validating: try read(count), as: UTF8.self) else {
      throw .malformed(offset: start, reason: "text that is not UTF-8")
    }
    return text
  }
}
