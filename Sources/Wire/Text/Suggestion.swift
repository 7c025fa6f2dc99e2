// SPDX-License-Identifier: Apache-2.0

/// Finds what a writer may have meant by a name that nobody knows.
package enum Suggestion {
  /// A question with the nearest known name; nil when none is near.
  package static func text(for name: String, among known: [String]) -> String? {
    let distances = known.map { (name: $0, distance: editDistance($0, name)) }
    guard let near = distances.min(by: { $0.distance < $1.distance }), near.distance <= 3 else { return nil }
    return "did you mean \(near.name)?"
  }

  /// Levenshtein's distance, ignoring case; of a long name the beginning counts.
  private static func editDistance(_ left: String, _ right: String) -> Int {
    let left = Array(left.lowercased().prefix(64))
    let right = Array(right.lowercased().prefix(64))
    var previous = Array(0...right.count)
    for (row, character) in left.enumerated() {
      var current = [row + 1]
      for (column, other) in right.enumerated() {
        current.append(
          min(previous[column] + (character == other ? 0 : 1), previous[column + 1] + 1, current[column] + 1))
      }
      previous = current
    }
    return previous[right.count]
  }
}
