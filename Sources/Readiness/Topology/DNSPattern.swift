// SPDX-License-Identifier: Apache-2.0

/// A DNS name that a flow goes to, or all names below one: `*.example.com`. It is never resolved while planning: what
/// a name means today says nothing about tomorrow, and a wildcard means no address at all.
package struct DNSPattern: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let text: String

  /// - Returns: nil unless it is a host name of at least two labels (RFC 1123 2.1), with `*` as the first label only.
  package init?(parsing text: String) {
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    guard labels.count >= 2, text.utf8.count <= 253,
      labels.enumerated().allSatisfy({ index, label in
        index == 0 && label == "*" && labels.count >= 3 || Self.isLabel(label)
      }), !labels[labels.count - 1].utf8.allSatisfy({ (0x30...0x39).contains($0) })
    else { return nil }
    self.text = text.lowercased()
  }

  private static func isLabel(_ label: Substring) -> Bool {
    (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
      && label.utf8.allSatisfy { byte in
        (0x61...0x7a).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == 0x2d || byte == 0x5f
      }
  }

  package var isWildcard: Bool { text.hasPrefix("*.") }
  /// Whether a wildcard stands for the name.
  func covers(_ name: DNSPattern) -> Bool { isWildcard && !name.isWildcard && name.text.hasSuffix(text.dropFirst()) }
  package var description: String { text }
  package static func < (left: DNSPattern, right: DNSPattern) -> Bool { left.text < right.text }
}

extension DNSPattern: Codable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let pattern = DNSPattern(parsing: text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no DNS name or wildcard")
    }
    self = pattern
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}
