// SPDX-License-Identifier: Apache-2.0

/// What an expression computes with. Attributes of a directory come as text where their bytes are UTF-8, otherwise as
/// bytes; conversions are made where a function wants another type, and what cannot be converted is ``null``.
package enum RuleValue: Sendable, Hashable {
  /// No value: the flow has nothing to say and leaves the attribute to the next rule.
  case null
  /// The value is that there is none: wins over every rule of lower precedence.
  case authoritativeNull
  /// The flow has nothing to say, and does not take away what the attribute has.
  case ignored
  case boolean(Bool)
  case integer(Int64)
  case text(String)
  case bytes([UInt8])
  /// Several values; never nested and never fewer than two.
  case list([RuleValue])

  /// The largest text or byte string that an expression makes, in bytes; what would be larger is ``null``.
  package static let maximumBytes = 65_536
  /// The most values that an expression makes, and their bytes together; what would be more is ``null``.
  package static let maximumItems = 10_000
  package static let maximumTotalBytes = 1 << 20
}

// MARK: Making values

extension RuleValue {
  /// A value of a directory.
  init(directory bytes: [UInt8]) {
    self = String(validating: bytes, as: UTF8.self).map(RuleValue.text) ?? .bytes(bytes)
  }

  /// Several values as one; without those that are null.
  init(items: [RuleValue]) {
    let flat = items.contains { !$0.isPlain } ? items.flatMap(\.items) : items
    switch flat.count {
    case 0: self = .null
    case 1: self = flat[0]
    default:
      let isTooMuch = flat.count > Self.maximumItems || flat.reduce(0) { $0 + $1.size } > Self.maximumTotalBytes
      self = isTooMuch ? .null : .list(flat)
    }
  }

  /// Text of a bounded size.
  init(bounded text: String) { self = text.utf8.count > Self.maximumBytes ? .null : .text(text) }
  init(bounded text: Substring) { self.init(bounded: String(text)) }
  init(bounded bytes: [UInt8]) { self = bytes.count > Self.maximumBytes ? .null : .bytes(bytes) }
  init(number: Int64?) { self = number.map(RuleValue.integer) ?? .null }
  init(count: Int) { self = .integer(Int64(count)) }

  private var isPlain: Bool {
    switch self {
    case .null, .authoritativeNull, .ignored, .list: false
    default: true
    }
  }

  /// In bytes; those of several values together.
  var size: Int {
    switch self {
    case .text(let text): text.utf8.count
    case .bytes(let bytes): bytes.count
    case .list(let items): items.reduce(0) { $0 + $1.size }
    default: 8
    }
  }
}

// MARK: Reading values

extension RuleValue {
  package var isNull: Bool {
    switch self {
    case .null, .authoritativeNull, .ignored: true
    default: false
    }
  }

  /// Whether there is nothing but empty text.
  package var isNullOrEmpty: Bool {
    switch self {
    case .null, .authoritativeNull, .ignored: true
    case .text(let text): text.isEmpty
    case .bytes(let bytes): bytes.isEmpty
    case .list(let items): items.allSatisfy(\.isNullOrEmpty)
    default: false
    }
  }

  package var items: [RuleValue] {
    switch self {
    case .null, .authoritativeNull, .ignored: []
    case .list(let items): items
    default: [self]
    }
  }

  /// The value, or the first of several.
  package var first: RuleValue {
    if case .list(let items) = self { return items.first ?? .null }
    return self
  }

  /// As text: the first of several values; numbers in decimal, truth as True or False; nil for bytes that are none.
  package var text: String? {
    switch self {
    case .null, .authoritativeNull, .ignored, .bytes: nil
    case .boolean(let value): value ? "True" : "False"
    case .integer(let number): String(number)
    case .text(let text): text
    case .list(let items): items.first?.text
    }
  }

  /// Every value that can be text.
  package var texts: [String] { items.compactMap(\.text) }

  /// As a number: text in decimal, or in hexadecimal after `0x`; blanks around it do not matter.
  package var number: Int64? {
    switch self {
    case .integer(let number): number
    case .boolean(let value): value ? 1 : 0
    case .text(let text): Self.number(text)
    case .list(let items): items.first?.number
    default: nil
    }
  }

  private static func number(_ text: String) -> Int64? {
    if let number = Int64(text) { return number }
    let text = text.trimmingBlanks()
    if text.hasPrefix("0x") || text.hasPrefix("0X") { return Int64(text.dropFirst(2), radix: 16) }
    return Int64(text)
  }

  /// As truth: True and False in any case, numbers other than zero; null where it is neither.
  package var boolean: Bool? {
    switch self {
    case .boolean(let value): value
    case .integer(let number): number != 0
    case .text(let text):
      switch text.utf8.count {
      case 4: text.lowercased() == "true" ? true : nil
      case 5: text.lowercased() == "false" ? false : nil
      case 1: text == "1" ? true : text == "0" ? false : nil
      default: nil
      }
    case .list(let items): items.first?.boolean
    default: nil
    }
  }

  /// As bytes: those of the text where it is text.
  package var bytes: [UInt8]? {
    switch self {
    case .bytes(let bytes): bytes
    case .list(let items): items.first?.bytes
    default: text.map { Array($0.utf8) }
    }
  }

  /// Each value computed anew; several stay several, without those that give none.
  func map(_ transform: (RuleValue) -> RuleValue) -> RuleValue {
    guard case .list(let items) = self else { return transform(self) }
    var results: [RuleValue] = []
    var size = 0
    for item in items {
      let result = transform(item)
      size += result.size
      // Nothing is made that would be too much in the end.
      if size > Self.maximumTotalBytes { return .null }
      results.append(result)
    }
    return RuleValue(items: results)
  }

  /// Each value that is text replaced.
  func mapTexts(_ transform: (String) -> String?) -> RuleValue {
    map { item in item.text.flatMap(transform).map { RuleValue(bounded: $0) } ?? .null }
  }
}

// MARK: Comparing

extension RuleValue {
  /// Whether the first values are equal: numbers and truth by value where either side is one, texts without regard to
  /// case, bytes exactly. Null equals null only.
  func equals(_ other: RuleValue) -> Bool {
    switch (first, other.first) {
    case (.null, let right), (.authoritativeNull, let right), (.ignored, let right): right.isNull
    case (let left, .null), (let left, .authoritativeNull), (let left, .ignored): left.isNull
    case (.boolean(let left), let right): right.boolean == left
    case (let left, .boolean(let right)): left.boolean == right
    case (.integer(let left), let right): right.number == left
    case (let left, .integer(let right)): left.number == right
    case (.text(let left), .text(let right)): left.equalsIgnoringCase(right)
    case (let left, let right): left.bytes == right.bytes
    }
  }

  /// Negative, zero or positive; nil where the two have no order: null, bytes. Texts that both are numbers, say of a
  /// directory, compare as numbers.
  func compare(_ other: RuleValue) -> Int? {
    if let left = number, let right = other.number { return left < right ? -1 : left == right ? 0 : 1 }
    guard let left = text, let right = other.text else { return nil }
    let (leftFolded, rightFolded) = (left.lowercased(), right.lowercased())
    return leftFolded < rightFolded ? -1 : leftFolded == rightFolded ? 0 : 1
  }
}

// MARK: Printing

extension RuleValue: CustomStringConvertible {
  /// As an expression would write it; bytes in hexadecimal, several values in braces.
  package var description: String {
    switch self {
    case .null: "Null"
    case .authoritativeNull: "AuthoritativeNull"
    case .ignored: "IgnoreThisFlow"
    case .boolean(let value): value ? "True" : "False"
    case .integer(let number): String(number)
    case .text(let text): Self.quoted(text)
    case .bytes(let bytes): "0x" + bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
    case .list(let items): "{" + items.map(\.description).joined(separator: ", ") + "}"
    }
  }

  /// In double quotes; a quote in it is written twice.
  static func quoted(_ text: String) -> String {
    "\""
      + String(
        text.unicodeScalars.flatMap { $0 == "\"" ? ["\"", "\""] : [$0] }.reduce(into: String.UnicodeScalarView()) {
          $0.append($1)
        }) + "\""
  }
}
