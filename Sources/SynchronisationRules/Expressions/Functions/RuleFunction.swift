// SPDX-License-Identifier: Apache-2.0

/// One function of the expression language. Everything that is known of it stands here: the parser, the evaluator, the
/// tests and docs/rules.md read the same table.
package struct RuleFunction: Sendable {
  package struct Parameter: Sendable {
    package let name: String
    package let type: ValueType
    package let isOptional: Bool

    init(_ name: String, _ type: ValueType = .any, optional: Bool = false) {
      self.name = name
      self.type = type
      isOptional = optional
    }
  }

  /// A function is total: whatever its arguments, it gives a value, and never a failure.
  enum Body: Sendable {
    /// Gets its arguments; those left out are null.
    case eager(@Sendable (Arguments, inout Scene) -> RuleValue)
    /// Evaluates those of its arguments that it needs.
    case lazy(@Sendable ([Syntax.Compiled], inout Scene) -> RuleValue)
    /// Names a value with its first argument, gets its second, and evaluates its last as often as it needs.
    case binding(@Sendable (String, RuleValue, Syntax.Compiled, inout Scene) -> RuleValue)
  }

  package let name: String
  /// Names that mean the same.
  package let aliases: [String]
  package let parameters: [Parameter]
  /// How many of the last parameters may be repeated, together.
  package let repeating: Int
  package let returns: ValueType
  package let summary: String
  /// An expression, and what it gives as the expression would be printed.
  package let example: (expression: String, result: String)
  /// Attributes of the entry that the function looks at by itself.
  let reads: [String]
  let body: Body

  init(
    _ name: String, aliases: [String] = [], _ parameters: [Parameter] = [], repeating: Int = 0,
    returns: ValueType, _ summary: String, example: (String, String), reads: [String] = [], _ body: Body
  ) {
    self.name = name
    self.aliases = aliases
    self.parameters = parameters
    self.repeating = repeating
    self.returns = returns
    self.summary = summary
    self.example = (example.0, example.1)
    self.reads = reads
    self.body = body
  }

  /// Whether the first argument is no value but a name for one.
  var bindsVariable: Bool {
    if case .binding = body { return true }
    return false
  }

  // MARK: The table

  package static let all: [RuleFunction] =
    (textFunctions + listFunctions + logicFunctions + conversionFunctions + identifierFunctions + timeFunctions
    + addressFunctions + itemFunctions).sorted { $0.name < $1.name }

  static let allNames: [String] = all.flatMap { [$0.name] + $0.aliases }

  private static let byName: [String: RuleFunction] = Dictionary(
    all.flatMap { function in ([function.name] + function.aliases).map { ($0.lowercased(), function) } }
  ) { first, _ in first }

  /// Case does not matter.
  package static func named(_ name: String) -> RuleFunction? { byName[name.lowercased()] }

  // MARK: Arguments

  /// The most arguments of one call.
  static let maximumArguments = 100

  func accepts(count: Int) -> Bool {
    let least = parameters.filter { !$0.isOptional }.count
    guard repeating > 0 else { return count >= least && count <= parameters.count }
    return count >= least && count <= Self.maximumArguments && (count - least) % repeating == 0
  }

  func parameter(_ index: Int) -> Parameter {
    if index < parameters.count { return parameters[index] }
    return parameters[parameters.count - repeating + (index - parameters.count) % max(1, repeating)]
  }

  /// For people, for example `Mid(text, start, [length])`.
  package var signature: String {
    "\(name)(" + parameters.map { $0.isOptional ? "[\($0.name)]" : $0.name }.joined(separator: ", ")
      + (repeating > 0 ? ", …" : "") + ")"
  }
}

/// What a function was called with. Those left out are null.
struct Arguments {
  let values: [RuleValue]

  subscript(index: Int) -> RuleValue { index < values.count ? values[index] : .null }
  var count: Int { values.count }

  func text(_ index: Int) -> String? { self[index].text }

  /// Each value of the first argument computed anew.
  func map(_ transform: (RuleValue) -> RuleValue) -> RuleValue { self[0].map(transform) }
  func number(_ index: Int) -> Int64? { self[index].number }

  /// A number of characters or items, within what any value can have.
  func length(_ index: Int) -> Int? { number(index).map { Int(min(max(0, $0), Int64(RuleValue.maximumBytes))) } }
}
