// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Wire

extension RuleFunction {
  /// From one type to another, and bits.
  static let conversionFunctions: [RuleFunction] = [
    RuleFunction(
      "CStr", [.init("value")], returns: .text, "A value as text.", example: ("CStr(42)", #""42""#),
      .eager { arguments, _ in arguments[0].mapTexts { $0 } }),
    RuleFunction(
      "CNum", [.init("value")], returns: .number, "A value as a number; hexadecimal text begins with 0x.",
      example: (#"CNum("0x10")"#, "16"), .eager { arguments, _ in arguments.map { RuleValue(number: $0.number) } }),
    RuleFunction(
      "CBool", [.init("value")], returns: .boolean,
      "A value as True or False: those words, or a number other than zero.",
      example: (#"CBool("TRUE")"#, "True"),
      .eager { arguments, _ in
        (arguments[0].boolean ?? arguments.number(0).map { $0 != 0 }).map(RuleValue.boolean) ?? .null
      }
    ),
    RuleFunction(
      "BitAnd", [.init("left", .number), .init("right", .number)], returns: .number, "The bits that both numbers have.",
      example: ("BitAnd(12, 10)", "8"),
      .eager { arguments, _ in
        guard let left = arguments.number(0), let right = arguments.number(1) else { return .null }
        return .integer(left & right)
      }),
    RuleFunction(
      "BitOr", [.init("left", .number), .init("right", .number)], returns: .number,
      "The bits that one of the numbers has.", example: ("BitOr(12, 10)", "14"),
      .eager { arguments, _ in
        guard let left = arguments.number(0), let right = arguments.number(1) else { return .null }
        return .integer(left | right)
      }),
    RuleFunction(
      "IsBitSet", [.init("number", .number), .init("flag", .number)], returns: .boolean,
      "Whether a number has all bits of a flag.", example: ("IsBitSet(514, 2)", "True"),
      .eager { arguments, _ in
        guard let number = arguments.number(0), let flag = arguments.number(1) else { return .boolean(false) }
        return .boolean(number & flag == flag)
      }),
    RuleFunction(
      "ConvertToBase64", [.init("value", .bytes)], returns: .text, "Bytes, or a text's UTF-8, in base64.",
      example: (#"ConvertToBase64("Hello")"#, #""SGVsbG8=""#),
      .eager { arguments, _ in
        arguments.map { value in value.bytes.map { RuleValue(bounded: Data($0).base64EncodedString()) } ?? .null }
      }),
    RuleFunction(
      "ConvertFromBase64", [.init("text", .text)], returns: .any, "What a text in base64 stands for.",
      example: (#"ConvertFromBase64("SGVsbG8=")"#, #""Hello""#),
      .eager { arguments, _ in
        arguments.map { value in
          value.text.flatMap { Data(base64Encoded: $0) }.map { RuleValue(directory: Array($0)) } ?? .null
        }
      }),
    RuleFunction(
      "ConvertToUTF8Hex", [.init("value", .bytes)], returns: .text,
      "Bytes, or a text's UTF-8, in hexadecimal digits.", example: (#"ConvertToUTF8Hex("Köln")"#, #""4BC3B66C6E""#),
      .eager { arguments, _ in
        arguments.map { value in value.bytes.map { RuleValue(bounded: Hex.encode($0).uppercased()) } ?? .null }
      }),
    RuleFunction(
      "ConvertFromUTF8Hex", [.init("text", .text)], returns: .any, "What a text in hexadecimal digits stands for.",
      example: (#"ConvertFromUTF8Hex("4BC3B66C6E")"#, #""Köln""#),
      .eager { arguments, _ in
        arguments.map { value in value.text.flatMap { Hex.decode($0) }.map { RuleValue(directory: $0) } ?? .null }
      }),
    RuleFunction(
      "BinaryEquals", [.init("left", .bytes), .init("right", .bytes)], returns: .boolean,
      "Whether two values are the same byte by byte.", example: (#"BinaryEquals("a", "A")"#, "False"),
      .eager { arguments, _ in .boolean(arguments[0].bytes == arguments[1].bytes) }),
  ]
}
