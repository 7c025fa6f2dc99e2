// SPDX-License-Identifier: Apache-2.0

/// RFC 5280 5.3.1 `CRLReason ::= ENUMERATED`. Value 7 is not used.
package enum RevocationReason: Int, Sendable, CaseIterable {
  case unspecified = 0
  case keyCompromise = 1
  case caCompromise = 2
  case affiliationChanged = 3
  case superseded = 4
  case cessationOfOperation = 5
  case certificateHold = 6
  case removeFromCRL = 8
  case privilegeWithdrawn = 9
  case aaCompromise = 10

  package var name: String { "\(self)" }
}

/// RFC 5280 4.2.1.13 `ReasonFlags ::= BIT STRING`: the reasons that a distribution point or a list covers.
struct ReasonFlags: OptionSet, Sendable, Hashable {
  /// Bit n of the named bit list is bit n here.
  let rawValue: UInt16

  /// Every reason: bits 1 (keyCompromise) to 8 (aACompromise). Bit 0 is unused in the specification.
  static let all = ReasonFlags(rawValue: 0b1_1111_1110)

  init(rawValue: UInt16) { self.rawValue = rawValue }

  /// Reads the bytes of a named bit list, most significant bit first (X.690 8.6).
  init(bitString: some Sequence<UInt8>) {
    var value: UInt16 = 0
    for (index, byte) in bitString.prefix(2).enumerated() {
      for bit in 0..<8 where byte & (0x80 >> UInt8(bit)) != 0 {
        value |= 1 << UInt16(index * 8 + bit)
      }
    }
    self.init(rawValue: value & Self.all.rawValue)
  }
}
