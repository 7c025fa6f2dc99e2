// SPDX-License-Identifier: Apache-2.0

/// Terraform's language, as far as the renderers need it.
enum HCL {
  /// A quoted template without templates: `"`, `\`, `${` and `%{` are escaped (HCL, String literals).
  static func quoted(_ text: String) -> String {
    let escaped = Script.oneLine(text).replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      .replacing("${", with: "$${").replacing("%{", with: "%%{")
    return "\"" + escaped + "\""
  }

  static func list(_ items: [String]) -> String { "[" + items.map(quoted).joined(separator: ", ") + "]" }

  static func provider(_ name: String, _ source: String) -> [String] {
    [
      "terraform {", "  required_providers {", "    \(name) = {", "      source = \(quoted(source))", "    }", "  }",
      "}",
    ]
  }

  static func variable(
    _ name: String, _ description: String, type: String = "string", standard: String? = nil,
    range: ClosedRange<Int>? = nil
  ) -> [String] {
    ["variable \"\(name)\" {", "  type        = \(type)", "  description = \(quoted(description))"]
      + (standard.map { ["  default     = \($0)"] } ?? []) + (range.map { validation(name, $0) } ?? []) + ["}"]
  }

  private static func validation(_ name: String, _ range: ClosedRange<Int>) -> [String] {
    [
      "  validation {",
      "    condition     = var.\(name) >= \(range.lowerBound) && var.\(name) <= \(range.upperBound)",
      "    error_message = \(quoted("Take a number from \(range.lowerBound) to \(range.upperBound)."))",
      "  }",
    ]
  }

  /// Attributes of a block, aligned as `terraform fmt` does.
  static func attributes(_ pairs: [(String, String)], indent: Int = 2) -> [String] {
    let width = pairs.map(\.0.count).max() ?? 0
    return pairs.map { String(repeating: " ", count: indent) + "\($0.0.padding(to: width)) = \($0.1)" }
  }

  static func snakeCase(_ text: String) -> String {
    String(text.flatMap { $0.isUppercase ? ["_", Character($0.lowercased())] : [$0] })
  }
}

extension String {
  /// Filled with spaces up to a width.
  package func padding(to width: Int) -> String { self + String(repeating: " ", count: Swift.max(0, width - count)) }
}
