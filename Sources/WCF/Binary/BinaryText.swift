// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Wire

/// MC-NBFX 2.2.3: content as the characters that it stands for. Record types are even; the next odd one is the same with an
/// end of the element.
///
/// Deviations, where 2.2.3's prose and section 3's examples differ: as .NET does and the examples show, a duration is an XML
/// Schema `duration`, a date has its time, and the length of UnicodeChars32Text has four bytes. A local time is written
/// without an offset, which only the sender knows.
enum BinaryText {
  static let startList: UInt8 = 0xa4
  private static let endList: UInt8 = 0xa6

  /// Bytes of a value that an array may hold (2.3.3); nil for all others.
  static func arraySize(_ type: UInt8) -> Int? {
    switch type {
    case 0xb4: 1
    case 0x8a: 2
    case 0x8c, 0x90: 4
    case 0x8e, 0x92, 0x96, 0xae: 8
    case 0x94, 0xb0: 16
    default: nil
    }
  }

  /// - Parameter type: even.
  static func read(
    _ type: UInt8, _ reader: inout ByteReader, _ dictionary: BinaryDictionary
  ) throws(ByteError) -> String {
    let start = reader.position
    switch type {
    case 0x80: return "0"
    case 0x82: return "1"
    case 0x84: return "false"
    case 0x86: return "true"
    case 0x88: return "\(try reader.readLittleEndian(Int8.self))"
    case 0x8a: return "\(try reader.readLittleEndian(Int16.self))"
    case 0x8c: return "\(try reader.readLittleEndian(Int32.self))"
    case 0x8e: return "\(try reader.readLittleEndian(Int64.self))"
    case 0x90: return number(Float(bitPattern: try reader.readLittleEndian()))
    case 0x92: return number(Double(bitPattern: try reader.readLittleEndian()))
    case 0x94: return try decimal(&reader)
    case 0x96: return try date(try reader.readLittleEndian(), start)
    case 0x98: return try reader.readUTF8(Int(try reader.readByte()))
    case 0x9a: return try reader.readUTF8(Int(try reader.readLittleEndian(UInt16.self)))
    case 0x9c: return try reader.readUTF8(try length(&reader))
    case 0x9e: return base64(try reader.read(Int(try reader.readByte())))
    case 0xa0: return base64(try reader.read(Int(try reader.readLittleEndian(UInt16.self))))
    case 0xa2: return base64(try reader.read(try length(&reader)))
    case startList: return try list(&reader, dictionary)
    case 0xa8: return ""
    case 0xaa: return try dictionary.string(UInt32(try reader.readMultiByteInt31()), at: start)
    case 0xac: return "urn:uuid:\(try uuid(&reader))"
    case 0xae: return duration(try reader.readLittleEndian())
    case 0xb0: return try uuid(&reader)
    case 0xb2: return "\(try reader.readLittleEndian(UInt64.self))"
    case 0xb4:
      let value = try reader.readByte()
      guard value <= 1 else { throw .malformed(offset: start, reason: "the truth value \(value)") }
      return value == 1 ? "true" : "false"
    case 0xb6: return try utf16(try reader.read(Int(try reader.readByte())), start)
    case 0xb8: return try utf16(try reader.read(Int(try reader.readLittleEndian(UInt16.self))), start)
    case 0xba: return try utf16(try reader.read(try length(&reader)), start)
    case 0xbc:
      let prefix = try reader.readByte()
      guard prefix < 26 else { throw .malformed(offset: start, reason: "the prefix \(prefix)") }
      let name = try dictionary.string(UInt32(try reader.readMultiByteInt31()), at: start)
      return "\(Unicode.Scalar(UInt8(ascii: "a") + prefix)):\(name)"
    default: throw .malformed(offset: start, reason: "the record type 0x\(Hex.encode([type]))")
    }
  }

  private static func length(_ reader: inout ByteReader) throws(ByteError) -> Int {
    let start = reader.position
    let value: Int32 = try reader.readLittleEndian()
    guard value >= 0 else { throw .malformed(offset: start, reason: "a negative length") }
    return Int(value)
  }

  /// 2.2.3.19.
  private static func list(_ reader: inout ByteReader, _ dictionary: BinaryDictionary) throws(ByteError) -> String {
    let start = reader.position
    var items: [String] = []
    while true {
      let type = try reader.readByte()
      if type == endList { return items.joined(separator: " ") }
      guard type != startList, type.isMultiple(of: 2), items.count < BinaryLimits.listItems else {
        throw .malformed(offset: start, reason: "a list within a list, or one that is too long")
      }
      items.append(try read(type, &reader, dictionary))
    }
  }

  private static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

  private static func utf16(_ bytes: [UInt8], _ offset: Int) throws(ByteError) -> String {
    var reader = ByteReader(bytes)
    var units: [UInt16] = []
    while !reader.isAtEnd { units.append(try reader.readLittleEndian()) }
    guard let text = String(validating: units, as: UTF16.self) else {
      throw .malformed(offset: offset, reason: "text that is not UTF-16")
    }
    return text
  }

  private static func uuid(_ reader: inout ByteReader) throws(ByteError) -> String {
    let start = reader.position
    guard let value = GUID(try reader.read(16)) else { throw .malformed(offset: start, reason: "no UUID") }
    return value.description
  }

  /// 2.2.3.9, 2.2.3.10: the least digits that say the same number.
  private static func number<Value: BinaryFloatingPoint & CustomStringConvertible>(_ value: Value) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value.sign == .minus ? "-INF" : "INF" }
    let text = value.description.uppercased()
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// MS-OAUT 2.2.26: `wReserved` (2), `scale` (1), `sign` (1), `Hi32` (4), `Lo64` (8).
  private static func decimal(_ reader: inout ByteReader) throws(ByteError) -> String {
    let start = reader.position
    try reader.skip(2)
    let scale = Int(try reader.readByte())
    let sign = try reader.readByte()
    let high: UInt32 = try reader.readLittleEndian()
    let low: UInt64 = try reader.readLittleEndian()
    guard scale <= 28, sign == 0 || sign == 0x80 else { throw .malformed(offset: start, reason: "no decimal number") }
    var digits = Array(String(UInt128(high) << 64 | UInt128(low)).utf8)
    while digits.count <= scale { digits.insert(UInt8(ascii: "0"), at: 0) }
    let whole = digits.prefix(digits.count - scale)
    var fraction = digits.suffix(scale)
    while fraction.last == UInt8(ascii: "0") { fraction.removeLast() }
    let text = String(decoding: whole, as: UTF8.self)
    return (sign == 0 ? "" : "-") + (fraction.isEmpty ? text : "\(text).\(String(decoding: fraction, as: UTF8.self))")
  }

  /// 2.2.3.12: 62 bits of 100 nanoseconds since 0001-01-01, two of the time zone.
  private static func date(_ value: UInt64, _ offset: Int) throws(ByteError) -> String {
    let ticks = value & (1 << 62 - 1)
    guard ticks < 3_155_378_976_000_000_000, value >> 62 < 3 else {
      throw .malformed(offset: offset, reason: "no date")
    }
    let time = CivilTime(unixSeconds: Int64(ticks / 10_000_000) + secondsTo0001)
    let text =
      "\(padded(time.year, 4))-\(padded(time.month, 2))-\(padded(time.day, 2))T\(padded(time.hour, 2)):"
      + "\(padded(time.minute, 2)):\(padded(time.second, 2))"
    return text + fraction(Int(ticks % 10_000_000)) + (value >> 62 == 1 ? "Z" : "")
  }

  /// From 1970-01-01 to 0001-01-01.
  private static let secondsTo0001: Int64 = -62_135_596_800

  private static func duration(_ ticks: Int64) -> String {
    let magnitude = ticks.magnitude
    let seconds = magnitude / 10_000_000
    let parts = fraction(Int(magnitude % 10_000_000))
    let days = seconds / 86_400
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60)
    var clock = (hour > 0 ? "\(hour)H" : "") + (minute > 0 ? "\(minute)M" : "")
    if second > 0 || !parts.isEmpty { clock += "\(second)\(parts)S" }
    if days == 0 && clock.isEmpty { return "PT0S" }
    return (ticks < 0 ? "-" : "") + "P" + (days > 0 ? "\(days)D" : "") + (clock.isEmpty ? "" : "T\(clock)")
  }

  /// A fraction of a second with its point, in units of 100 nanoseconds, without trailing zeros.
  private static func fraction(_ ticks: Int) -> String {
    guard ticks > 0 else { return "" }
    var digits = Substring(padded(ticks, 7))
    while digits.last == "0" { digits.removeLast() }
    return ".\(digits)"
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
  }
}
