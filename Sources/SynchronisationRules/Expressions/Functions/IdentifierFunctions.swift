// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Wire

extension RuleFunction {
  /// Identifiers and distinguished names.
  static let identifierFunctions: [RuleFunction] = [
    RuleFunction(
      "StringFromGuid", [.init("value", .bytes)], returns: .text, "The text of 16 bytes such as objectGUID.",
      example: (
        #"StringFromGuid(Guid("6f1b2a3c-0d4e-4f5a-8b6c-7d8e9f0a1b2c"))"#, #""6f1b2a3c-0d4e-4f5a-8b6c-7d8e9f0a1b2c""#
      ),
      .eager { arguments, _ in
        arguments.map { value in value.bytes.flatMap { GUID($0) }.map { .text($0.description) } ?? .null }
      }),
    RuleFunction(
      "Guid", aliases: ["CGuid"], [.init("text", .text)], returns: .bytes, "The 16 bytes of a GUID in text form.",
      example: (#"Guid("6f1b2a3c-0d4e-4f5a-8b6c-7d8e9f0a1b2c")"#, "0x3c2a1b6f4e0d5a4f8b6c7d8e9f0a1b2c"),
      .eager { arguments, _ in
        arguments.map { value in value.text.flatMap { GUID($0) }.map { .bytes($0.bytes) } ?? .null }
      }),
    RuleFunction(
      "StringFromSid", [.init("value", .bytes)], returns: .text, "The text of a security identifier such as objectSid.",
      example: (#"StringFromSid(Sid("S-1-5-21-1-2-3-1104"))"#, #""S-1-5-21-1-2-3-1104""#),
      .eager { arguments, _ in
        arguments.map { value in
          value.bytes.flatMap { try? SecurityIdentifier($0) }.map { .text($0.description) } ?? .null
        }
      }),
    RuleFunction(
      "Sid", [.init("text", .text)], returns: .bytes, "The bytes of a security identifier in text form.",
      example: (#"Sid("S-1-5-10")"#, "0x01010000000000050a000000"),
      .eager { arguments, _ in
        arguments.map { value in value.text.flatMap { SecurityIdentifier($0) }.map { .bytes($0.bytes) } ?? .null }
      }),
    RuleFunction(
      "DNComponent", [.init("name", .text), .init("number", .number)], returns: .text,
      "The value of one part of a distinguished name, counted from the left.",
      example: (#"DNComponent("CN=Ann\, M.,OU=People,DC=corp,DC=example", 1)"#, #""Ann, M.""#),
      .eager { arguments, _ in component(arguments) { $0 } }),
    RuleFunction(
      "DNComponentRev", [.init("name", .text), .init("number", .number)], returns: .text,
      "The value of one part of a distinguished name, counted from the right.",
      example: (#"DNComponentRev("CN=Ann,OU=People,DC=corp,DC=example", 3)"#, #""People""#),
      .eager { arguments, _ in component(arguments) { $0.reversed() } }),
    RuleFunction(
      "EscapeDNComponent", [.init("text", .text)], returns: .text,
      "A text as a part of a distinguished name may hold it (RFC 4514 2.4).",
      example: (#"EscapeDNComponent("Müller, Ann")"#, #""Müller\, Ann""#),
      .eager { arguments, _ in arguments[0].mapTexts(NameParts.escaped) }),
    RuleFunction(
      "DomainName", returns: .text, "The DNS name of the domain that the entry stands in.",
      example: ("DomainName()", #""corp.example""#),
      .eager { _, scene in
        let labels = NameParts.parts(of: scene.entry.name).reversed().prefix { $0.type == "dc" }.map(\.value).reversed()
        return labels.isEmpty ? .null : RuleValue(bounded: labels.joined(separator: ".").lowercased())
      }),
    RuleFunction(
      "ForestName", returns: .text, "The forest that the entry comes from, as the configuration names it.",
      example: ("ForestName()", #""corp.example""#), .eager { _, scene in RuleValue(bounded: scene.context.forest) }),
  ]

  private static func component(_ arguments: Arguments, _ order: ([String]) -> [String]) -> RuleValue {
    guard let number = arguments.length(1), number >= 1 else { return .null }
    return arguments[0].mapTexts { name in
      let values = order(NameParts.parts(of: name).map(\.value))
      return number <= values.count ? values[number - 1] : nil
    }
  }
}

/// Distinguished names in text form (RFC 4514).
enum NameParts {
  /// The parts from the left: types in lower case, values unescaped; a part without a sign of equality counts as its
  /// value.
  static func parts(of name: String) -> [(type: String, value: String)] {
    var parts: [(type: String, value: String)] = []
    var bytes: [UInt8] = []
    var type = ""
    var isValue = false
    var source = Array(name.utf8)[...]
    func text() -> String { String(decoding: bytes, as: UTF8.self).trimmingBlanks() }
    guard !source.isEmpty else { return [] }
    while let byte = source.popFirst() {
      switch byte {
      case UInt8(ascii: "\\"):
        // A pair of hexadecimal digits or one character.
        let digits = source.prefix(2)
        if digits.count == 2, let value = Hex.decode(String(decoding: digits, as: UTF8.self)) {
          bytes += value
          source = source.dropFirst(2)
        } else if let next = source.popFirst() {
          bytes.append(next)
        }
      case UInt8(ascii: "=") where !isValue:
        isValue = true
        type = text().lowercased()
        bytes = []
      case UInt8(ascii: ","):
        parts.append((type, text()))
        bytes = []
        type = ""
        isValue = false
      default: bytes.append(byte)
      }
    }
    return parts + [(type, text())]
  }

  static func escaped(_ text: String) -> String {
    var result = ""
    let scalars = Array(text.unicodeScalars)
    for (index, scalar) in scalars.enumerated() {
      let isEdge = index == 0 || index == scalars.count - 1
      switch scalar {
      case "\"", "+", ",", ";", "<", ">", "\\": result += "\\"
      case " " where isEdge, "#" where index == 0: result += "\\"
      case "\0":
        result += "\\00"
        continue
      default: break
      }
      result.unicodeScalars.append(scalar)
    }
    return result
  }
}
