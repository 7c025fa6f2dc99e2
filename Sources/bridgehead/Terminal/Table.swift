// SPDX-License-Identifier: Apache-2.0

/// Columns of text, padded for a terminal or written as Markdown.
struct Table {
  let header: [String]
  var rows: [[String]] = []

  /// The last column is not padded, so that long texts wrap where the terminal wants.
  func text(_ terminal: Terminal? = nil) -> String {
    let widths = header.indices.map { column in
      ([header] + rows).map { $0[column].count }.max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      zip(cells, widths).enumerated().map { index, pair in
        index == cells.count - 1 ? pair.0 : pair.0 + String(repeating: " ", count: pair.1 - pair.0.count)
      }.joined(separator: "  ")
    }
    let head = line(header)
    return ([terminal?.styled(head, .bold) ?? head] + rows.map(line)).joined(separator: "\n")
  }

  var markdown: String {
    func line(_ cells: [String]) -> String {
      "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }
    return ([line(header), "|" + header.map { _ in " --- |" }.joined()] + rows.map(line)).joined(separator: "\n")
  }
}
