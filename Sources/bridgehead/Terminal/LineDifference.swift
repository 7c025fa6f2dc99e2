// SPDX-License-Identifier: Apache-2.0

/// What changes between two texts, line by line, with lines around it.
struct LineDifference {
  /// Lines before and after a change that are shown.
  static let context = 3

  let lines: [String]
  var isEmpty: Bool { lines.isEmpty }

  init(from old: String, to new: String) {
    let before = Self.split(old)
    let after = Self.split(new)
    let difference = after.difference(from: before)
    let removed = Set(
      difference.removals.map { if case .remove(let offset, _, _) = $0 { offset } else { -1 } })
    let inserted = Set(
      difference.insertions.map { if case .insert(let offset, _, _) = $0 { offset } else { -1 } })
    var all: [(mark: Character, text: String, line: Int)] = []
    var (left, right) = (0, 0)
    while left < before.count || right < after.count {
      if left < before.count, removed.contains(left) {
        all.append(("-", before[left], left + 1))
        left += 1
      } else if right < after.count, inserted.contains(right) {
        all.append(("+", after[right], left + 1))
        right += 1
      } else {
        all.append((" ", before[left], left + 1))
        left += 1
        right += 1
      }
    }
    let changes = all.indices.filter { all[$0].mark != " " }
    var shown: [String] = []
    var last: Int?
    for index in all.indices
    where changes.contains(where: { abs($0 - index) <= Self.context }) {
      if last.map({ $0 + 1 != index }) ?? true { shown.append("@@ line \(all[index].line) @@") }
      shown.append("\(all[index].mark)\(all[index].text)")
      last = index
    }
    lines = shown
  }

  private static func split(_ text: String) -> [String] {
    text.utf8.split(separator: 0x0a, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
  }

  func text(_ terminal: Terminal) -> String {
    lines.map { line in
      switch line.first {
      case "+": terminal.styled(line, .green)
      case "-": terminal.styled(line, .red)
      case "@": terminal.styled(line, .dim)
      default: line
      }
    }.joined(separator: "\n")
  }
}
