// SPDX-License-Identifier: Apache-2.0

extension RuleFunction {
  /// What deals with several values. A single value is a list of one, no value an empty list.
  static let listFunctions: [RuleFunction] = [
    RuleFunction(
      "Count", [.init("values")], returns: .number, "How many values there are.",
      example: (#"Count(Split("a,b,c", ","))"#, "3"),
      .eager { arguments, _ in RuleValue(count: arguments[0].items.count) }),
    RuleFunction(
      "First", [.init("values")], returns: .any, "The first of several values.",
      example: (#"First(Split("a,b,c", ","))"#, #""a""#), .eager { arguments, _ in arguments[0].first }),
    RuleFunction(
      "Item", aliases: ["ItemOrNull"], [.init("values"), .init("number", .number)], returns: .any,
      "One of several values by its number.", example: (#"Item(Split("a,b,c", ","), 2)"#, #""b""#),
      .eager { arguments, _ in
        let items = arguments[0].items
        guard let number = arguments.length(1), number >= 1, number <= items.count else { return .null }
        return items[number - 1]
      }),
    RuleFunction(
      "Contains", [.init("values"), .init("search", .text)], returns: .number,
      "The number of the first value that contains a text; 0 when none does.",
      example: (#"Contains(Split("smtp:a,SMTP:b", ","), "SMTP:")"#, "2"),
      .eager { arguments, _ in
        guard let search = arguments.text(1), !search.isEmpty else { return .integer(0) }
        let index = arguments[0].items.firstIndex { item in
          item.text.map { $0.range(of: search, from: $0.startIndex) != nil } ?? false
        }
        return RuleValue(count: (index ?? -1) + 1)
      }),
    RuleFunction(
      "ItemsStartingWith", [.init("values"), .init("prefix", .text)], returns: .list,
      "The values that begin with a text.",
      example: (#"ItemsStartingWith(Split("smtp:a,SMTP:b", ","), "SMTP:")"#, #""SMTP:b""#),
      .eager { arguments, _ in filter(arguments) { $0.startsExactly(with: $1) } }),
    RuleFunction(
      "ItemsEndingWith", [.init("values"), .init("suffix", .text)], returns: .list, "The values that end with a text.",
      example: (#"ItemsEndingWith(Split("a@x,b@y", ","), "@y")"#, #""b@y""#),
      .eager { arguments, _ in filter(arguments) { $0.endsExactly(with: $1) } }),
    RuleFunction(
      "ItemsContaining", [.init("values"), .init("search", .text)], returns: .list, "The values that contain a text.",
      example: (#"ItemsContaining(Split("ab,bc,cd", ","), "b")"#, #"{"ab", "bc"}"#),
      .eager { arguments, _ in filter(arguments) { $0.range(of: $1, from: $0.startIndex) != nil } }),
    RuleFunction(
      "RemoveDuplicates", [.init("values")], returns: .list,
      "Each value once; texts that differ by case only are one.",
      example: (#"RemoveDuplicates(Split("a,A,b", ","))"#, #"{"a", "b"}"#),
      .eager { arguments, _ in
        guard case .list(let items) = arguments[0] else { return arguments[0] }
        var seen: Set<RuleValue> = []
        return RuleValue(
          items: items.filter { item in
            if case .text(let text) = item { return seen.insert(.text(text.lowercased())).inserted }
            return seen.insert(item).inserted
          })
      }),
    RuleFunction(
      "Split", [.init("text", .text), .init("separator", .text)], returns: .list,
      "The parts of a text between separators; empty ones are left out.",
      example: (#"Split("a,b", ",")"#, #"{"a", "b"}"#),
      .eager { arguments, _ in
        guard let separator = arguments.text(1) else { return .null }
        return arguments.map { value in
          RuleValue(items: (value.text?.pieces(separator: separator) ?? []).filter { !$0.isEmpty }.map { .text($0) })
        }
      }),
    RuleFunction(
      "Join", [.init("values"), .init("separator", .text)], returns: .text, "Several values as one text.",
      example: (#"Join(Split("a,b", ","), "; ")"#, #""a; b""#),
      .eager { arguments, _ in
        let texts = arguments[0].texts
        let separator = arguments.text(1) ?? ""
        let size = texts.reduce(0) { $0 + $1.utf8.count } + separator.utf8.count * max(0, texts.count - 1)
        guard !texts.isEmpty, size <= RuleValue.maximumBytes else { return .null }
        return .text(texts.joined(separator: separator))
      }),
    RuleFunction(
      "List", [.init("value")], repeating: 1, returns: .list, "Several values as the values of one attribute.",
      example: (#"List("a", Null, "b")"#, #"{"a", "b"}"#),
      .eager { arguments, _ in RuleValue(items: arguments.values.flatMap(\.items)) }),
  ]

  private static func filter(_ arguments: Arguments, _ matches: (String, String) -> Bool) -> RuleValue {
    guard let wanted = arguments.text(1), !wanted.isEmpty else { return .null }
    return RuleValue(items: arguments[0].items.filter { item in item.text.map { matches($0, wanted) } ?? false })
  }
}
