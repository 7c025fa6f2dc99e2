// SPDX-License-Identifier: Apache-2.0

extension RuleFunction {
  /// All functions as a table in Markdown: the one of docs/rules.md.
  package static var markdown: String {
    let rows = all.map { function in
      let names = function.aliases.isEmpty ? "" : " Also: \(function.aliases.joined(separator: ", "))."
      return "| `\(escaped(function.signature))` | \(escaped(function.summary))\(names) "
        + "| `\(escaped(function.example.expression))` is `\(escaped(function.example.result))` |"
    }
    return (["| function | what it gives | example |", "|---|---|---|"] + rows).joined(separator: "\n") + "\n"
  }

  private static func escaped(_ text: String) -> String {
    text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
  }
}
