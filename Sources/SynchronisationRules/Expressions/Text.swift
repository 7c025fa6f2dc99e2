// SPDX-License-Identifier: Apache-2.0

extension UInt8 {
  /// A blank as directories know it: space, tab, line feed, carriage return.
  var isBlank: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0D }
}

extension String {
  /// Without blanks at the chosen ends.
  package func trimmingBlanks(left: Bool = true, right: Bool = true) -> String {
    let bytes = utf8
    guard let first = bytes.first, let last = bytes.last, left && first.isBlank || right && last.isBlank else {
      return self
    }
    var (start, end) = (bytes.startIndex, bytes.endIndex)
    while left, start < end, bytes[start].isBlank { start = bytes.index(after: start) }
    while right, start < end, bytes[bytes.index(before: end)].isBlank { end = bytes.index(before: end) }
    return String(self[start..<end])
  }

  /// Case does not matter; for ASCII without making copies.
  func equalsIgnoringCase(_ other: String) -> Bool {
    var (left, right) = (utf8.makeIterator(), other.utf8.makeIterator())
    while true {
      switch (left.next(), right.next()) {
      case (nil, nil): return true
      case (let one?, let two?):
        if one >= 0x80 || two >= 0x80 { return lowercased() == other.lowercased() }
        if one != two, one.foldedASCII != two.foldedASCII { return false }
      case (let rest?, nil), (nil, let rest?):
        // What follows may still be a matter of composition when it is not ASCII.
        return rest < 0x80 ? false : lowercased() == other.lowercased()
      }
    }
  }

  /// Byte by byte, so that `SMTP:` and `smtp:` differ and no grapheme hides a prefix.
  func startsExactly(with prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }
  func endsExactly(with suffix: String) -> Bool { utf8.reversed().starts(with: suffix.utf8.reversed()) }

  /// The texts between the occurrences of a separator; the whole text where it is empty.
  func pieces(separator: String) -> [String] {
    guard !separator.isEmpty else { return [self] }
    var result: [String] = []
    var start = startIndex
    while let range = self.range(of: separator, from: start) {
      result.append(String(self[start..<range.lowerBound]))
      start = range.upperBound
    }
    result.append(String(self[start...]))
    return result
  }

  /// The longest text that is searched for, in bytes: longer ones are not found.
  static let maximumPattern = 1_024

  /// The first occurrence of a text at or after a position.
  func range(of pattern: String, from start: String.Index) -> Range<String.Index>? {
    let (bytes, wanted) = (utf8, pattern.utf8)
    guard let head = wanted.first, wanted.count <= Self.maximumPattern else { return nil }
    var position = start
    while position < bytes.endIndex {
      guard let next = bytes[position...].firstIndex(of: head) else { return nil }
      if bytes[next...].starts(with: wanted) { return next..<bytes.index(next, offsetBy: wanted.count) }
      position = bytes.index(after: next)
    }
    return nil
  }
}

extension Substring {
  /// Where a text occurs for the last time.
  func lastOccurrence(of pattern: String) -> Index? {
    let wanted = Array(pattern.utf8)
    guard !wanted.isEmpty, wanted.count <= String.maximumPattern else { return nil }
    let bytes = utf8
    guard var position = bytes.index(bytes.endIndex, offsetBy: -wanted.count, limitedBy: bytes.startIndex) else {
      return nil
    }
    while true {
      if bytes[position...].starts(with: wanted) { return position }
      if position == bytes.startIndex { return nil }
      position = bytes.index(before: position)
    }
  }
}

extension UInt8 {
  fileprivate var foldedASCII: UInt8 { (0x41...0x5A).contains(self) ? self | 0x20 : self }
}
