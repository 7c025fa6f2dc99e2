// SPDX-License-Identifier: Apache-2.0

import Store

/// The `placeless` table: entries of which nothing is concluded, because the way up from them ends at something that was not
/// read. They are looked at again when more of the way is known.
struct Placeless {
  let transaction: any Transaction

  func add(_ entry: Int64) throws {
    try transaction.run("INSERT INTO placeless (entry) VALUES (?) ON CONFLICT (entry) DO NOTHING", [.integer(entry)])
  }

  func remove(_ entry: Int64) throws {
    try transaction.run("DELETE FROM placeless WHERE entry = ?", [.integer(entry)])
  }

  /// Something came that may stand above some of them.
  func wake(_ source: String) throws {
    try transaction.run(
      "UPDATE entry SET dirty = 1 WHERE id IN (SELECT entry FROM placeless) AND source = ?", [.text(source)])
  }

  /// How many there are, by source.
  func counts() throws -> [String: Int] {
    let rows = try transaction.query(
      "SELECT entry.source, COUNT(*) FROM placeless JOIN entry ON entry.id = placeless.entry GROUP BY entry.source", []
    ) { row in (try row[0] as String, try row[1] as Int) }
    return Dictionary(rows) { $1 }
  }
}
