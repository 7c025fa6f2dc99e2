// SPDX-License-Identifier: Apache-2.0

import Wire

extension RuleFunction {
  /// Choices and conditions. Only what decides is evaluated; a condition without a value is False.
  static let logicFunctions: [RuleFunction] = [
    RuleFunction(
      "IIF", [.init("condition", .boolean), .init("then"), .init("otherwise", optional: true)], returns: .any,
      "One of two values.", example: (#"IIF(1 < 2, "yes", "no")"#, #""yes""#),
      .lazy { arguments, scene in
        if arguments[0].holds(in: &scene) { return arguments[1].evaluate(in: &scene) }
        return arguments.count > 2 ? arguments[2].evaluate(in: &scene) : .null
      }),
    RuleFunction(
      "Switch", [.init("condition", .boolean), .init("value")], repeating: 2, returns: .any,
      "The value after the first condition that holds.",
      example: (#"Switch(1 > 2, "a", 2 > 1, "b")"#, #""b""#),
      .lazy { arguments, scene in
        for index in stride(from: 0, to: arguments.count - 1, by: 2) where arguments[index].holds(in: &scene) {
          return arguments[index + 1].evaluate(in: &scene)
        }
        return .null
      }),
    RuleFunction(
      "Coalesce", [.init("value")], repeating: 1, returns: .any, "The first value that is neither Null nor empty.",
      example: (#"Coalesce(Null, "", "c")"#, #""c""#),
      .lazy { arguments, scene in
        for argument in arguments {
          let value = argument.evaluate(in: &scene)
          if !value.isNullOrEmpty || value == .authoritativeNull || value == .ignored { return value }
        }
        return .null
      }),
    RuleFunction(
      "And", [.init("condition", .boolean)], repeating: 1, returns: .boolean, "Whether all conditions hold.",
      example: ("And(1 < 2, 2 < 1)", "False"),
      .lazy { arguments, scene in
        for argument in arguments where !argument.holds(in: &scene) { return .boolean(false) }
        return .boolean(true)
      }),
    RuleFunction(
      "Or", [.init("condition", .boolean)], repeating: 1, returns: .boolean, "Whether one of the conditions holds.",
      example: ("Or(1 < 2, 2 < 1)", "True"),
      .lazy { arguments, scene in
        for argument in arguments where argument.holds(in: &scene) { return .boolean(true) }
        return .boolean(false)
      }),
    RuleFunction(
      "Not", [.init("condition", .boolean)], returns: .boolean, "Whether a condition does not hold.",
      example: ("Not(1 < 2)", "False"), .lazy { arguments, scene in .boolean(!arguments[0].holds(in: &scene)) }),
    test("IsNull", "Whether there is no value.", example: (#"IsNull("")"#, "False")) { $0.isNull },
    test(
      "IsNullOrEmpty", aliases: ["IsEmpty"], "Whether there is no value or only empty text.",
      example: (#"IsNullOrEmpty("")"#, "True")
    ) { $0.isNullOrEmpty },
    test("IsPresent", "Whether there is a value that is not empty.", example: (#"IsPresent("a")"#, "True")) {
      !$0.isNullOrEmpty
    },
    test("IsNumeric", "Whether a value is a number.", example: (#"IsNumeric("42")"#, "True")) { value in
      if case .boolean = value.first { return false }
      return value.number != nil
    },
    test(
      "IsDate", "Whether a value is a time that the functions of time know; never is none.",
      example: (#"IsDate("2026-02-30")"#, "False")
    ) { Moment($0) != nil },
    test(
      "IsGuid", "Whether a text is a GUID, with or without braces.",
      example: (#"IsGuid("{6f1b2a3c-0d4e-4f5a-8b6c-7d8e9f0a1b2c}")"#, "True")
    ) { value in value.text.flatMap { GUID($0) } != nil },
    test("IsString", "Whether a value is text.", example: (#"IsString("42")"#, "True")) { value in
      if case .text = value.first { return true }
      return false
    },
  ]

  private static func test(
    _ name: String, aliases: [String] = [], _ summary: String, example: (String, String),
    _ test: @escaping @Sendable (RuleValue) -> Bool
  ) -> RuleFunction {
    RuleFunction(
      name, aliases: aliases, [.init("value")], returns: .boolean, summary, example: example,
      .eager { arguments, _ in .boolean(test(arguments[0])) })
  }
}
