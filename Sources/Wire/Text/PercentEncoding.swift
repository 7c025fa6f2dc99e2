// SPDX-License-Identifier: Apache-2.0

/// RFC 3986 2.1.
package enum PercentEncoding {
  /// Everything but the unreserved characters of RFC 3986 2.3 is encoded: right for a path segment, a query's value and a
  /// form's.
  /// - Parameter alsoPlain: further characters that stay as they are.
  package static func encode(_ text: String, alsoPlain: String = "") -> String {
    var encoded: [UInt8] = []
    for byte in text.utf8 {
      if isUnreserved(byte) || alsoPlain.utf8.contains(byte) {
        encoded.append(byte)
      } else {
        encoded += "%\(Hex.encode([byte]).uppercased())".utf8
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }

  /// Nil for an incomplete encoding, and for octets that are no UTF-8.
  /// - Parameter plusIsSpace: as in a query and a form (WHATWG URL 5.1).
  package static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
      case UInt8(ascii: "%"):
        guard let high = rest.popFirst().flatMap(Hex.nibble), let low = rest.popFirst().flatMap(Hex.nibble) else {
          return nil
        }
        bytes.append(high << 4 | low)
      default: bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "~"):
      true
    default: false
    }
  }
}
