// SPDX-License-Identifier: Apache-2.0

import Wire

extension Filter: CustomStringConvertible {
  /// RFC 4515 3: a value as it may stand in a filter's text, whatever it holds. Bytes that are not UTF-8 are escaped.
  package static func escape(_ value: some Collection<UInt8>) -> String {
    let isText = String(validating: value, as: UTF8.self) != nil
    var escaped: [UInt8] = []
    for octet in value {
      switch octet {
      case 0, UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "\\"):
        escaped += Array("\\\(Hex.encode([octet]))".utf8)
      case 0x80... where !isText: escaped += Array("\\\(Hex.encode([octet]))".utf8)
      default: escaped.append(octet)
      }
    }
    return String(decoding: escaped, as: UTF8.self)
  }

  package static func escape(_ value: String) -> String { escape(Array(value.utf8)) }

  /// The text form of RFC 4515; reading it gives the same filter.
  package var description: String {
    switch self {
    case .and(let filters): "(&\(filters.map(\.description).joined()))"
    case .or(let filters): "(|\(filters.map(\.description).joined()))"
    case .not(let filter): "(!\(filter))"
    case .equal(let attribute, let value): "(\(attribute)=\(Self.escape(value)))"
    case .greaterOrEqual(let attribute, let value): "(\(attribute)>=\(Self.escape(value)))"
    case .lessOrEqual(let attribute, let value): "(\(attribute)<=\(Self.escape(value)))"
    case .approximate(let attribute, let value): "(\(attribute)~=\(Self.escape(value)))"
    case .present(let attribute): "(\(attribute)=*)"
    case .substrings(let attribute, let initial, let any, let final):
      "(\(attribute)=\(([initial ?? []] + any + [final ?? []]).map { Self.escape($0) }.joined(separator: "*")))"
    case .extensible(let rule, let attribute, let value, let dnAttributes):
      "(\(attribute ?? "")\(dnAttributes ? ":dn" : "")\(rule.map { ":" + $0 } ?? ""):=\(Self.escape(value)))"
    }
  }
}
