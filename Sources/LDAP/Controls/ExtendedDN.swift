// SPDX-License-Identifier: Apache-2.0

package import Wire

/// A distinguished name as the control of ``ControlType/extendedDN`` writes it (MS-ADTS 3.1.1.3.4.1.5):
/// `<GUID=…>;<SID=…>;CN=…`, the identifiers in text or hexadecimal form. A plain name has neither.
package struct ExtendedDN: Sendable, Hashable {
  package var guid: GUID?
  package var sid: SecurityIdentifier?
  package var dn: String

  package init(guid: GUID? = nil, sid: SecurityIdentifier? = nil, dn: String) {
    self.guid = guid
    self.sid = sid
    self.dn = dn
  }

  /// Asks for extended names in text form (`ExtendedDNRequestValue ::= SEQUENCE { Flag INTEGER }` with 1).
  package static let control: Control = {
    var writer = BERWriter()
    writer.constructed { $0.integer(1) }
    return Control(.extendedDN, isCritical: true, value: writer.bytes)
  }()

  /// - Throws: ``Wire/ByteError`` for an identifier that is none; unknown components are skipped.
  package init(_ text: some Collection<UInt8>) throws(ByteError) {
    var rest = ArraySlice(text)
    let start = rest.startIndex
    while rest.first == UInt8(ascii: "<") {
      guard let close = rest.firstIndex(of: UInt8(ascii: ">")) else {
        throw .malformed(offset: rest.startIndex - start, reason: "extended name without `>`")
      }
      let component = rest[rest.startIndex + 1..<close]
      if let value = Self.value(of: component, "GUID=") {
        guard let parsed = Self.guid(value) else {
          throw .malformed(offset: value.startIndex - start, reason: "no GUID in an extended name")
        }
        guid = parsed
      } else if let value = Self.value(of: component, "SID=") {
        guard let parsed = Self.sid(value) else {
          throw .malformed(offset: value.startIndex - start, reason: "no SID in an extended name")
        }
        sid = parsed
      }
      rest = rest[(close + 1)...]
      if rest.first == UInt8(ascii: ";") { rest = rest.dropFirst() }
    }
    dn = rest.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
  }

  /// The GUID alone: what a reader of many links takes from each.
  package static func guid(ofName text: ArraySlice<UInt8>) throws(ByteError) -> GUID? {
    // Servers write it first and as text, in 36 characters.
    let start = text.startIndex + 6
    if text.count >= 43, text[start + 36] == UInt8(ascii: ">"), value(of: text.dropFirst(), "GUID=") != nil,
      let guid = guid(text[start..<start + 36])
    {
      return guid
    }
    return try ExtendedDN(text).guid
  }

  /// The name alone, without the identifiers before it.
  package static func plain(_ text: ArraySlice<UInt8>) -> String {
    var rest = text
    while rest.first == UInt8(ascii: "<"), let close = rest.firstIndex(of: UInt8(ascii: ">")) {
      rest = rest[(close + 1)...]
      if rest.first == UInt8(ascii: ";") { rest = rest.dropFirst() }
    }
    return rest.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
  }

  private static func value(of component: ArraySlice<UInt8>, _ label: StaticString) -> ArraySlice<UInt8>? {
    let length = label.utf8CodeUnitCount
    guard component.count >= length else { return nil }
    let matches = label.withUTF8Buffer { component.prefix(length).elementsEqual($0) }
    return matches ? component.dropFirst(length) : nil
  }

  /// Where each byte's two digits stand in `3f2504e0-4f89-11d3-9a0c-0305e82c3301`, in packet order.
  private static let digitOffsets = [6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34]

  private static func guid(_ text: ArraySlice<UInt8>) -> GUID? {
    let base = text.startIndex
    switch text.count {
    case 36:
      var bytes: [UInt8] = []
      bytes.reserveCapacity(16)
      for offset in digitOffsets {
        guard let high = Hex.nibble(text[base + offset]), let low = Hex.nibble(text[base + offset + 1]) else {
          return nil
        }
        bytes.append(high << 4 | low)
      }
      return GUID(bytes)
    case 32: return Hex.decode(String(decoding: text, as: UTF8.self)).flatMap { GUID($0) }
    default: return nil
    }
  }

  private static func sid(_ text: ArraySlice<UInt8>) -> SecurityIdentifier? {
    let text = String(decoding: text, as: UTF8.self)
    if let sid = SecurityIdentifier(text) { return sid }
    return Hex.decode(text).flatMap { try? SecurityIdentifier($0) }
  }
}

extension SearchEntry {
  /// The entry's own name, read as an extended one.
  package var extendedDN: ExtendedDN? { try? ExtendedDN(Array(dn.utf8)) }

  /// The values of a link attribute; values that cannot be read are malformed, never skipped.
  package func links(_ name: String) throws(ByteError) -> [ExtendedDN] {
    guard let attribute = self[name] else { return [] }
    return try attribute.extendedDNs()
  }
}

extension Attribute {
  package func extendedDNs() throws(ByteError) -> [ExtendedDN] {
    var names: [ExtendedDN] = []
    names.reserveCapacity(values.count)
    for value in values { names.append(try ExtendedDN(value)) }
    return names
  }
}
