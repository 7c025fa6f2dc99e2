// SPDX-License-Identifier: Apache-2.0

package import Wire

extension SearchEntry {
  /// The attribute of that name, compared without regard to ASCII case; options must be part of the name.
  package subscript(name: String) -> Attribute? {
    // Servers mostly write names as they were asked for.
    attributes.first { $0.name == name } ?? attributes.first { $0.name.equalsIgnoringASCIICase(name) }
  }

  /// The first value as text; nil when the attribute is absent or has no value.
  package func string(_ name: String) -> String? {
    self[name]?.values.first.map { String(decoding: $0, as: UTF8.self) }
  }
  package func strings(_ name: String) -> [String] { self[name]?.strings ?? [] }
  package func bytes(_ name: String) -> [UInt8]? { self[name]?.values.first.map { Array($0) } }
  /// Integer and LargeInteger syntaxes (MS-ADTS 3.1.1.2.2.2): decimal text.
  package func integer(_ name: String) -> Int64? { self[name]?.integer }
  package func guid(_ name: String) -> GUID? { self[name]?.values.first.flatMap { GUID($0) } }
  package func sid(_ name: String) -> SecurityIdentifier? {
    self[name]?.values.first.flatMap { try? SecurityIdentifier($0) }
  }
  package func bool(_ name: String) -> Bool? { string(name).map { $0.equalsIgnoringASCIICase("TRUE") } }
  package func fileTime(_ name: String) -> FileTime? { integer(name).map { FileTime(ticks: $0) } }
}

extension Attribute {
  package var strings: [String] { values.map { String(decoding: $0, as: UTF8.self) } }

  /// The first value read as a decimal integer; nil unless it is one that fits.
  package var integer: Int64? {
    guard let value = values.first, !value.isEmpty else { return nil }
    let negative = value.first == UInt8(ascii: "-")
    var result: Int64 = 0
    for digit in negative ? value.dropFirst() : value {
      guard (0x30...0x39).contains(digit) else { return nil }
      let (product, overflow) = result.multipliedReportingOverflow(by: 10)
      let digit = Int64(digit - 0x30)
      let (sum, overflow2) =
        negative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
      guard !overflow, !overflow2 else { return nil }
      result = sum
    }
    return value.count > (negative ? 1 : 0) ? result : nil
  }

  /// The name without options (RFC 4512 2.5).
  package var type: Substring { name[..<(name.utf8.firstIndex(of: UInt8(ascii: ";")) ?? name.endIndex)] }
  package var options: [Substring] { name.split(separator: ";").dropFirst().map { $0 } }
}

extension String {
  func equalsIgnoringASCIICase(_ other: String) -> Bool {
    let left = utf8
    let right = other.utf8
    guard left.count == right.count else { return false }
    return zip(left, right).allSatisfy { $0 == $1 || ($0 | 0x20 == $1 | 0x20 && (0x61...0x7A).contains($0 | 0x20)) }
  }
}
