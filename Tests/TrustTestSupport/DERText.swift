// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
package import SwiftASN1

/// Writes DER by hand, so that the tests' encoder shares nothing with the product's decoder.
package enum DERText {
  package static func element(_ tag: UInt8, _ parts: [UInt8]...) -> [UInt8] {
    let content = parts.flatMap { $0 }
    var length: [UInt8] = []
    if content.count < 0x80 {
      length = [UInt8(content.count)]
    } else {
      var rest = content.count
      while rest > 0 {
        length.insert(UInt8(truncatingIfNeeded: rest), at: 0)
        rest >>= 8
      }
      length.insert(0x80 | UInt8(length.count), at: 0)
    }
    return [tag] + length + content
  }

  package static func sequence(_ parts: [UInt8]...) -> [UInt8] { element(0x30, parts.flatMap { $0 }) }

  package static func integer(_ value: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = value
    repeat {
      bytes.insert(UInt8(truncatingIfNeeded: rest), at: 0)
      rest >>= 8
    } while rest > 0
    return integer(bytes: bytes)
  }

  package static func integer(bytes: some Collection<UInt8>) -> [UInt8] {
    let trimmed = Array(bytes.drop { $0 == 0 })
    return element(0x02, (trimmed.first ?? 0x80) & 0x80 != 0 ? [0] + trimmed : trimmed)
  }

  package static func oid(_ oid: ASN1ObjectIdentifier) -> [UInt8] { encoded(oid) }

  package static func encoded(_ value: some DERSerializable) -> [UInt8] {
    var serializer = DER.Serializer()
    // The values are the test's own; one that cannot be encoded ends the test.
    try! serializer.serialize(value)
    return serializer.serializedBytes
  }

  package static func utcTime(_ date: Date) -> [UInt8] {
    let text = date.formatted(.iso8601.dateSeparator(.omitted).timeSeparator(.omitted)).filter(\.isNumber)
    return element(0x17, Array(text.dropFirst(2).utf8) + [UInt8(ascii: "Z")])
  }

  package static func `extension`(_ oid: ASN1ObjectIdentifier, critical: Bool = false, _ value: [UInt8]) -> [UInt8] {
    sequence(Self.oid(oid), critical ? [0x01, 0x01, 0xff] : [], element(0x04, value))
  }

  /// GeneralNames of URIs under a context tag.
  package static func locations(_ tag: UInt8, _ locations: [String]) -> [UInt8] {
    element(tag, locations.flatMap { element(0x86, Array($0.utf8)) })
  }
}
