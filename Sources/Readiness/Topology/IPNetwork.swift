// SPDX-License-Identifier: Apache-2.0

import Wire

/// An address or a network, IPv4 or IPv6, as firewalls write it: `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`.
package struct IPNetwork: Hashable, Sendable, Comparable, CustomStringConvertible {
  package enum Family: String, CaseIterable, Sendable, Codable, Comparable {
    case ipv4, ipv6

    package var bits: Int { self == .ipv4 ? 32 : 128 }
    package static func < (left: Family, right: Family) -> Bool { left.bits < right.bits }
  }

  package let family: Family
  /// In host order, in the low 32 or all 128 bits; no bit behind the prefix is set.
  package let address: UInt128
  package let prefix: Int

  /// - Returns: nil for anything else, and where bits behind the prefix are set: it cannot be told what was meant.
  package init?(parsing text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let (family, address) = Self.address(String(parts[0])) else { return nil }
    var prefix = family.bits
    if parts.count == 2 {
      guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(parts[1]),
        (0...family.bits).contains(number)
      else { return nil }
      prefix = number
    }
    self.family = family
    self.address = address
    self.prefix = prefix
    guard address & ~mask == 0 else { return nil }
  }

  private static func address(_ text: String) -> (Family, UInt128)? {
    NumericAddress.bytes(of: text).map { bytes in
      (bytes.count == 4 ? .ipv4 : .ipv6, bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) })
    }
  }

  package var isSingle: Bool { prefix == family.bits }
  /// All addresses of the family.
  package var isAny: Bool { prefix == 0 }

  private var mask: UInt128 { Self.mask(prefix, family) }

  private static func mask(_ prefix: Int, _ family: Family) -> UInt128 {
    let all = family == .ipv4 ? UInt128(UInt32.max) : UInt128.max
    return prefix == 0 ? 0 : all & (all << UInt128(family.bits - prefix))
  }

  package func contains(_ other: IPNetwork) -> Bool {
    family == other.family && prefix <= other.prefix && other.address & mask == address
  }

  package func overlaps(_ other: IPNetwork) -> Bool { contains(other) || other.contains(self) }

  /// The address alone, in the text form of RFC 5952.
  package var addressText: String { Self.text(address, family) }
  /// Always with its prefix length.
  package var cidr: String { "\(addressText)/\(prefix)" }
  /// With its prefix length where it is a network.
  package var description: String { isSingle ? addressText : cidr }
  /// IPv4: `255.255.255.0`.
  package var netmask: String { Self.text(mask, family) }
  /// IPv4: `0.0.0.255`, as router access lists want it.
  package var wildcardMask: String { Self.text(mask ^ Self.mask(family.bits, family), family) }

  static func text(_ value: UInt128, _ family: Family) -> String {
    let bytes = (0..<family.bits / 8).map { UInt8(truncatingIfNeeded: value >> UInt128(family.bits - 8 - 8 * $0)) }
    // 4 or 16 bytes always have a text.
    return NumericAddress.text(bytes) ?? ""
  }

  package static func < (left: IPNetwork, right: IPNetwork) -> Bool {
    (left.family, left.address, left.prefix) < (right.family, right.address, right.prefix)
  }
}

extension IPNetwork: Codable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let network = IPNetwork(parsing: text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no address or network")
    }
    self = network
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
