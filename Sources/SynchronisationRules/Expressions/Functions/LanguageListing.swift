// SPDX-License-Identifier: Apache-2.0

/// What rules can be written with, for programs.
package struct LanguageListing: Sendable, Encodable {
  package struct Function: Sendable, Encodable {
    package var name: String
    package var aliases: [String]
    package var signature: String
    package var summary: String
    package var example: String
    package var result: String
  }

  package let functions = RuleFunction.all.map { function in
    Function(
      name: function.name, aliases: function.aliases, signature: function.signature, summary: function.summary,
      example: function.example.expression, result: function.example.result)
  }
  /// Of expressions.
  package let operators = Syntax.Operator.allCases.map(\.rawValue)
  package let scopeOperators = ScopeCondition.Operator.allCases.map(\.rawValue)

  package init() {}
}
