// SPDX-License-Identifier: Apache-2.0

import Wire

extension RuleFunction {
  /// Times: numbers as Active Directory keeps them (100 ns since 1601), its generalised times (`20261124041500.0Z`), and
  /// ISO 8601 (`2026-11-24`, `2026-11-24T04:15:00Z`). All are UTC. 0 and the largest number mean never.
  static let timeFunctions: [RuleFunction] = [
    RuleFunction(
      "IsPast", [.init("time")], returns: .boolean,
      "Whether a time has come; the object is looked at again when it does. Never is not past.",
      example: (#"IsPast("2001-01-01")"#, "True"),
      .eager { arguments, scene in
        guard let moment = Moment(arguments[0]) else { return .boolean(false) }
        if Double(moment.seconds) <= scene.context.now { return .boolean(true) }
        scene.note(change: Double(moment.seconds))
        return .boolean(false)
      }),
    RuleFunction(
      "DateFromNum", aliases: ["CDate"], [.init("time")], returns: .text, "A time, however it is written, in ISO 8601.",
      example: ("DateFromNum(133781040000000000)", #""2024-12-08T04:00:00Z""#),
      .eager { arguments, _ in
        arguments.map { time in Moment(time).map { .text($0.formatted("yyyy-MM-ddTHH:mm:ssZ")) } ?? .null }
      }),
    RuleFunction(
      "NumFromDate", [.init("time")], returns: .number, "A time as Active Directory's number.",
      example: (#"NumFromDate("2024-12-08T04:00:00Z")"#, "133781040000000000"),
      .eager { arguments, _ in
        arguments.map { time in Moment(time).map { .integer(FileTime(unixSeconds: $0.seconds).ticks) } ?? .null }
      }),
    RuleFunction(
      "DateAdd", [.init("unit", .text), .init("number", .number), .init("time")], returns: .text,
      "A time moved by days (d), hours (h), minutes (n) or seconds (s), in ISO 8601.",
      example: (#"DateAdd("d", 30, "2026-01-15")"#, #""2026-02-14T00:00:00Z""#),
      .eager { arguments, _ in
        let units: [String: Int64] = ["d": 86_400, "h": 3_600, "n": 60, "s": 1]
        guard let unit = arguments.text(0).flatMap({ units[$0.lowercased()] }), let number = arguments.number(1) else {
          return .null
        }
        let (distance, overflow) = number.multipliedReportingOverflow(by: unit)
        if overflow { return .null }
        return arguments[2].map { time in
          guard let moment = Moment(time) else { return .null }
          let (seconds, overflow) = moment.seconds.addingReportingOverflow(distance)
          guard !overflow, let moved = Moment(seconds: seconds) else { return .null }
          return .text(moved.formatted("yyyy-MM-ddTHH:mm:ssZ"))
        }
      }),
    RuleFunction(
      "FormatDateTime", [.init("time"), .init("format", .text)], returns: .text,
      "A time as a pattern says: yyyy, MM, dd, HH, mm, ss; everything else stands for itself.",
      example: (#"FormatDateTime("20241208080000.0Z", "dd.MM.yyyy")"#, #""08.12.2024""#),
      .eager { arguments, _ in
        guard let format = arguments.text(1), format.utf8.count <= 256 else { return .null }
        return arguments.map { time in Moment(time).map { .text($0.formatted(format)) } ?? .null }
      }),
  ]
}

/// A second between the years 1 and 9999.
struct Moment {
  /// Since 1970-01-01 00:00 UTC.
  let seconds: Int64

  /// 0001-01-01 and the end of 9999-12-31.
  private static let range: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

  init?(seconds: Int64) {
    guard Self.range.contains(seconds) else { return nil }
    self.seconds = seconds
  }

  /// Nil where the value is no time, or means never.
  init?(_ value: RuleValue) {
    switch value.first {
    case .integer(let ticks): self.init(ticks: ticks)
    case .text(let text):
      let text = text.trimmingBlanks()
      if let ticks = Int64(text) { self.init(ticks: ticks) } else { self.init(text) }
    default: return nil
    }
  }

  private init?(ticks: Int64) {
    let time = FileTime(ticks: ticks)
    guard !time.isNever else { return nil }
    self.init(seconds: time.unixSeconds)
  }

  /// `yyyyMMddHHmmss[.f]Z` (X.680 GeneralizedTime as MS-ADTS 3.1.1.2.2.2.11 writes it), `yyyy-MM-dd`,
  /// `yyyy-MM-ddTHH:mm:ss[.f][Z]`.
  private init?(_ text: String) {
    var bytes = Array(text.utf8)
    guard (10...40).contains(bytes.count) else { return nil }
    if bytes.last == UInt8(ascii: "Z") { bytes.removeLast() }
    if let point = bytes.firstIndex(where: { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ",") }) {
      guard bytes[(point + 1)...].allSatisfy(Self.isDigit) else { return nil }
      bytes.removeSubrange(point...)
    }
    let isISO = bytes.count == 10 || bytes.count == 19
    if isISO {
      let separators: [(Int, UInt8)] = [
        (4, UInt8(ascii: "-")), (7, UInt8(ascii: "-")), (10, UInt8(ascii: "T")), (13, UInt8(ascii: ":")),
        (16, UInt8(ascii: ":")),
      ]
      for (index, separator) in separators where index < bytes.count {
        guard bytes[index] == separator || index == 10 && bytes[index] == 0x20 else { return nil }
      }
      bytes = bytes.enumerated().filter { ![4, 7, 10, 13, 16].contains($0.offset) }.map(\.element)
      if bytes.count == 8 { bytes += Array("000000".utf8) }
    }
    guard bytes.count == 14, bytes.allSatisfy(Self.isDigit) else { return nil }
    func number(_ range: Range<Int>) -> Int64 { bytes[range].reduce(0) { $0 * 10 + Int64($1 - 0x30) } }
    let (year, month, day) = (number(0..<4), number(4..<6), number(6..<8))
    let (hour, minute, second) = (number(8..<10), number(10..<12), number(12..<14))
    guard (1...9999).contains(year), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
      second < 60
    else { return nil }
    let days = Self.days(year, month, day)
    let date = Self.date(days)
    guard date.year == year, date.month == month, date.day == day else { return nil }
    self.init(seconds: days * 86_400 + hour * 3_600 + minute * 60 + second)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  func formatted(_ format: String) -> String {
    let (days, rest) = (Self.floor(seconds, 86_400), seconds - Self.floor(seconds, 86_400) * 86_400)
    let date = Self.date(days)
    let fields: [(String, Int64, Int)] = [
      ("yyyy", date.year, 4), ("MM", date.month, 2), ("dd", date.day, 2), ("HH", rest / 3_600, 2),
      ("mm", rest / 60 % 60, 2), ("ss", rest % 60, 2),
    ]
    var (result, pattern) = ("", Substring(format))
    while let character = pattern.first {
      if let field = fields.first(where: { pattern.hasPrefix($0.0) }) {
        let digits = String(field.1)
        result += String(repeating: "0", count: max(0, field.2 - digits.count)) + digits
        pattern = pattern.dropFirst(field.0.count)
      } else {
        result.append(character)
        pattern = pattern.dropFirst()
      }
    }
    return result
  }

  // MARK: The Gregorian calendar

  private static func floor(_ value: Int64, _ divisor: Int64) -> Int64 {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }

  /// Days from 1970-01-01 to a date. Years are counted from March, so that the leap day is their last.
  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let shifted = month > 2 ? year : year - 1
    let yearDay = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return shifted * 365 + floor(shifted, 4) - floor(shifted, 100) + floor(shifted, 400) + yearDay - 719_468
  }

  /// The date of a day since 1970-01-01.
  private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = floor(shifted, 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let yearDay = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * yearDay + 2) / 153
    let day = yearDay - (153 * month + 2) / 5 + 1
    return (yearOfEra + era * 400 + (month < 10 ? 0 : 1), month < 10 ? month + 3 : month - 9, day)
  }
}
