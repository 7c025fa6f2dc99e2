// SPDX-License-Identifier: Apache-2.0

/// Builds basic-encoding-rules elements; the counterpart of ``BERReader``. Lengths are definite and minimal.
package struct BERWriter: Sendable {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  /// A constructed element whose content `body` writes.
  package mutating func constructed(_ tag: UInt8 = BERTag.sequence, _ body: (inout BERWriter) -> Void) {
    bytes.append(tag)
    bytes.append(0)
    let start = bytes.count
    body(&self)
    let length = bytes.count - start
    if length < 0x80 {
      bytes[start - 1] = UInt8(length)
    } else {
      let octets = Self.lengthOctets(length)
      bytes[start - 1] = 0x80 | UInt8(octets.count)
      bytes.insert(contentsOf: octets, at: start)
    }
  }

  package mutating func octetString(_ value: some Collection<UInt8>, _ tag: UInt8 = BERTag.octetString) {
    bytes.append(tag)
    if value.count < 0x80 {
      bytes.append(UInt8(value.count))
    } else {
      let octets = Self.lengthOctets(value.count)
      bytes.append(0x80 | UInt8(octets.count))
      bytes.append(contentsOf: octets)
    }
    bytes.append(contentsOf: value)
  }

  package mutating func string(_ value: String, _ tag: UInt8 = BERTag.octetString) {
    octetString(value.utf8, tag)
  }

  /// The fewest octets of two's complement (X.690 8.3.2).
  package mutating func integer(_ value: some BinaryInteger, _ tag: UInt8 = BERTag.integer) {
    let value = Int64(value)
    var octets = 8
    while octets > 1 {
      let head = value >> (8 * (octets - 1) - 1)
      guard head == 0 || head == -1 else { break }
      octets -= 1
    }
    bytes.append(tag)
    bytes.append(UInt8(octets))
    for shift in (0..<octets).reversed() { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * shift))) }
  }

  package mutating func boolean(_ value: Bool, _ tag: UInt8 = BERTag.boolean) {
    bytes.append(contentsOf: [tag, 1, value ? 0xFF : 0])
  }

  /// Elements that were encoded before.
  package mutating func raw(_ encoded: some Sequence<UInt8>) {
    bytes.append(contentsOf: encoded)
  }

  private static func lengthOctets(_ length: Int) -> [UInt8] {
    var octets: [UInt8] = []
    var rest = length
    while rest > 0 {
      octets.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
    return octets.reversed()
  }
}
