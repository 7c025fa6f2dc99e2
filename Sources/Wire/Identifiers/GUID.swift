// SPDX-License-Identifier: Apache-2.0

/// A globally unique identifier in its packet form.
///
/// MS-DTYP 2.3.4.2: `Data1`, `Data2` and `Data3` are little-endian on the wire, `Data4` is a byte string; the text
/// form (RFC 4122) prints all of them most significant digit first. The value keeps the wire's bytes, so that equality,
/// hashing and base64 (Entra's source anchor) are those of `objectGUID`.
package struct GUID: Hashable, Sendable, CustomStringConvertible, Comparable {
  private let low: UInt64
  private let high: UInt64

  /// The nil UUID.
  package static let zero = GUID(words: 0, 0)

  /// The 16 bytes as they travel, in two words, most significant byte first: for identifiers known beforehand.
  package init(words high: UInt64, _ low: UInt64) {
    self.high = high
    self.low = low
  }

  /// The 16 bytes as they travel; nil for any other length.
  package init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 16 else { return nil }
    // Other modules call this unspecialised, where each step of an iteration looks types up: arrays are read in place.
    let words =
      bytes.withContiguousStorageIfAvailable { Self.words($0) } ?? Array(bytes).withUnsafeBufferPointer(Self.words)
    (high, low) = words
  }

  private static func words(_ bytes: UnsafeBufferPointer<UInt8>) -> (UInt64, UInt64) {
    var words: (UInt64, UInt64) = (0, 0)
    for index in 0..<8 {
      words.0 = words.0 << 8 | UInt64(bytes[index])
      words.1 = words.1 << 8 | UInt64(bytes[index + 8])
    }
    return words
  }

  /// The text form with or without braces, in either case.
  package init?(_ text: String) {
    var digits = Substring(text)
    if digits.first == "{", digits.last == "}" { digits = digits.dropFirst().dropLast() }
    let groups = digits.split(separator: "-", omittingEmptySubsequences: false)
    guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12], let bytes = Hex.decode(groups.joined()) else {
      return nil
    }
    self.init(Self.swapped(bytes))
  }

  /// The 16 bytes as they travel.
  package var bytes: [UInt8] {
    withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { Array($0) }
  }

  package var description: String {
    let hex = Array(Hex.encode(Self.swapped(bytes)))
    return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(hex[$0]) }.joined(separator: "-")
  }

  private static func swapped(_ bytes: [UInt8]) -> [UInt8] {
    [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].map { bytes[$0] }
  }

  package static func < (left: GUID, right: GUID) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }
}
