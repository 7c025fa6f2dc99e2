// SPDX-License-Identifier: Apache-2.0

package import Wire

/// RFC 4511 4.5.1.7: what an entry must satisfy to be returned.
///
///     Filter ::= CHOICE {
///          and             [0] SET SIZE (1..MAX) OF filter Filter,
///          or              [1] SET SIZE (1..MAX) OF filter Filter,
///          not             [2] Filter,
///          equalityMatch   [3] AttributeValueAssertion,
///          substrings      [4] SubstringFilter,
///          greaterOrEqual  [5] AttributeValueAssertion,
///          lessOrEqual     [6] AttributeValueAssertion,
///          present         [7] AttributeDescription,
///          approxMatch     [8] AttributeValueAssertion,
///          extensibleMatch [9] MatchingRuleAssertion }
package indirect enum Filter: Sendable, Hashable {
  case and([Filter])
  case or([Filter])
  case not(Filter)
  case equal(String, [UInt8])
  case substrings(String, initial: [UInt8]?, any: [[UInt8]], final: [UInt8]?)
  case greaterOrEqual(String, [UInt8])
  case lessOrEqual(String, [UInt8])
  case present(String)
  case approximate(String, [UInt8])
  /// RFC 4511 4.5.1.7.7: `rule` or `attribute` or both; `dnAttributes` extends the match to the components of the DN.
  case extensible(rule: String?, attribute: String?, value: [UInt8], dnAttributes: Bool)

  package static func equal(_ attribute: String, _ value: String) -> Filter { .equal(attribute, Array(value.utf8)) }
  package static func equal(_ attribute: String, _ value: GUID) -> Filter { .equal(attribute, value.bytes) }
}

extension Filter {
  init(_ reader: inout BERReader, depth: Int = LDAPLimits.standard.filterDepth) throws(ByteError) {
    guard depth > 0 else { throw .malformed(offset: reader.position, reason: "filters nested too deeply") }
    guard let tag = reader.nextTag else {
      throw .truncated(offset: reader.position, wanted: 2, available: 0)
    }
    switch tag {
    case 0xA0, 0xA1:
      var set = try reader.enter(tag)
      var filters: [Filter] = []
      while !set.isAtEnd { filters.append(try Filter(&set, depth: depth - 1)) }
      self = tag == 0xA0 ? .and(filters) : .or(filters)
    case 0xA2:
      var inner = try reader.enter(tag)
      self = .not(try Filter(&inner, depth: depth - 1))
    case 0xA3, 0xA5, 0xA6, 0xA8:
      var assertion = try reader.enter(tag)
      let attribute = try assertion.readString()
      let value = Array(try assertion.readOctetString())
      self =
        switch tag {
        case 0xA3: .equal(attribute, value)
        case 0xA5: .greaterOrEqual(attribute, value)
        case 0xA6: .lessOrEqual(attribute, value)
        default: .approximate(attribute, value)
        }
    case 0xA4: self = try Self.substrings(&reader)
    case 0x87: self = .present(try reader.readString(tag))
    case 0xA9: self = try Self.extensible(&reader)
    default: throw .malformed(offset: reader.position, reason: "tag \(Hex.encode([tag])) is no filter")
    }
  }

  private static func substrings(_ reader: inout BERReader) throws(ByteError) -> Filter {
    var content = try reader.enter(0xA4)
    let attribute = try content.readString()
    var parts = try content.enter()
    var initial: [UInt8]?
    var any: [[UInt8]] = []
    var final: [UInt8]?
    while let tag = parts.nextTag {
      let value = Array(try parts.readOctetString(tag))
      switch tag {
      case 0x80 where initial == nil && any.isEmpty && final == nil: initial = value
      case 0x81 where final == nil: any.append(value)
      case 0x82 where final == nil: final = value
      default: throw .malformed(offset: parts.position, reason: "substrings out of order")
      }
    }
    return .substrings(attribute, initial: initial, any: any, final: final)
  }

  private static func extensible(_ reader: inout BERReader) throws(ByteError) -> Filter {
    var content = try reader.enter(0xA9)
    let rule = content.nextTag == 0x81 ? try content.readString(0x81) : nil
    let attribute = content.nextTag == 0x82 ? try content.readString(0x82) : nil
    let value = Array(try content.readOctetString(0x83))
    let dnAttributes = content.nextTag == 0x84 ? try content.readBoolean(0x84) : false
    return .extensible(rule: rule, attribute: attribute, value: value, dnAttributes: dnAttributes)
  }

  func encode(into writer: inout BERWriter) {
    switch self {
    case .and(let filters): writer.constructed(0xA0) { for filter in filters { filter.encode(into: &$0) } }
    case .or(let filters): writer.constructed(0xA1) { for filter in filters { filter.encode(into: &$0) } }
    case .not(let filter): writer.constructed(0xA2) { filter.encode(into: &$0) }
    case .equal(let attribute, let value): Self.assertion(0xA3, attribute, value, &writer)
    case .greaterOrEqual(let attribute, let value): Self.assertion(0xA5, attribute, value, &writer)
    case .lessOrEqual(let attribute, let value): Self.assertion(0xA6, attribute, value, &writer)
    case .approximate(let attribute, let value): Self.assertion(0xA8, attribute, value, &writer)
    case .present(let attribute): writer.string(attribute, 0x87)
    case .substrings(let attribute, let initial, let any, let final):
      writer.constructed(0xA4) {
        $0.string(attribute)
        $0.constructed {
          if let initial { $0.octetString(initial, 0x80) }
          for part in any { $0.octetString(part, 0x81) }
          if let final { $0.octetString(final, 0x82) }
        }
      }
    case .extensible(let rule, let attribute, let value, let dnAttributes):
      writer.constructed(0xA9) {
        if let rule { $0.string(rule, 0x81) }
        if let attribute { $0.string(attribute, 0x82) }
        $0.octetString(value, 0x83)
        if dnAttributes { $0.boolean(true, 0x84) }
      }
    }
  }

  private static func assertion(_ tag: UInt8, _ attribute: String, _ value: [UInt8], _ writer: inout BERWriter) {
    writer.constructed(tag) {
      $0.string(attribute)
      $0.octetString(value)
    }
  }
}
