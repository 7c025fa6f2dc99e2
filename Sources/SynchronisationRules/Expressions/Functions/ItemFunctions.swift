// SPDX-License-Identifier: Apache-2.0

extension RuleFunction {
  /// What names a value and computes with it, for one value after the other.
  static let itemFunctions: [RuleFunction] = [
    RuleFunction(
      "Where", [.init("$item"), .init("values"), .init("condition", .boolean)], returns: .list,
      "The values for which a condition holds; in the condition each of them has the name that is given first.",
      example: (
        #"Where($item, Split("smtp:a,x500:b,smtp:c", ","), StartsWith($item, "smtp:"))"#, #"{"smtp:a", "smtp:c"}"#
      ),
      .binding { name, values, condition, scene in
        scene.loop { scene in
          RuleValue(
            items: values.items.filter { item in scene.with(name, item) { condition.holds(in: &$0) } })
        }
      }),
    RuleFunction(
      "Select", [.init("$item"), .init("values"), .init("expression")], returns: .list,
      "What an expression gives for each of several values; in it each of them has the name that is given first.",
      example: (#"Select($item, Split("0221 1,0221 2", ","), "+49 " & Mid($item, 2))"#, #"{"+49 221 1", "+49 221 2"}"#),
      .binding { name, values, expression, scene in
        scene.loop { scene in
          values.items.isEmpty
            ? .null
            : RuleValue.list(values.items).map { item in scene.with(name, item) { expression.evaluate(in: &$0) } }
        }
      }),
    RuleFunction(
      "With", [.init("$name"), .init("value"), .init("expression")], returns: .any,
      "What an expression gives in which a value has a name.",
      example: (#"With($parts, Split("a@b", "@"), IIF(Count($parts) = 2, Item($parts, 1), Null))"#, #""a""#),
      .binding { name, value, expression, scene in scene.with(name, value) { expression.evaluate(in: &$0) } }),
    RuleFunction(
      "Error", [.init("text", .text)], returns: .any,
      "Stops the object: it is held as it is, with the text as the reason, until another value comes of it.",
      example: (#"IIF(1 < 2, "a", Error("never"))"#, #""a""#),
      .eager { arguments, scene in
        scene.note(failure: String((arguments.text(0) ?? "").prefix(maximumErrorLength)))
        return .null
      }),
  ]

  /// The longest reason that Error gives, in characters.
  private static let maximumErrorLength = 1_024
}
