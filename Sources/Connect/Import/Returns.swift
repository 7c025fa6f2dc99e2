// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// The `returned` table: entries that came back after their deletion, each with a partition that has yet to be asked who
/// refers to them there. Their own partition tells it with them.
struct Returns {
  let transaction: any Transaction

  struct Question: Sendable {
    var staging: Staging
    /// The partition's name.
    var name: String
    var anchors: [Anchor]
  }

  func add(_ anchor: Anchor, to partition: Int64, of source: String) throws {
    try transaction.run(
      """
      INSERT INTO returned (partition, anchor) SELECT id, ? FROM watermark WHERE source = ? AND id <> ?
      ON CONFLICT DO NOTHING
      """, [.blob(anchor.bytes), .text(source), .integer(partition)])
  }

  func questions(of source: String) throws -> [Question] {
    let rows = try transaction.query(
      """
      SELECT watermark.id, watermark.partition, watermark.generation, returned.anchor
      FROM returned JOIN watermark ON watermark.id = returned.partition WHERE watermark.source = ?
      ORDER BY returned.partition
      """, [.text(source)]
    ) { row in
      Question(
        staging: Staging(source: source, partition: try row[0], generation: try row[2]), name: try row[1],
        anchors: [Anchor(try row[3])])
    }
    var questions: [Question] = []
    for row in rows {
      if questions.last?.name == row.name {
        questions[questions.count - 1].anchors += row.anchors
      } else {
        questions.append(row)
      }
    }
    return questions
  }

  func remove(_ anchors: ArraySlice<Anchor>, from partition: Int64) throws {
    for anchor in anchors {
      try transaction.run(
        "DELETE FROM returned WHERE partition = ? AND anchor = ?", [.integer(partition), .blob(anchor.bytes)])
    }
  }
}

extension Staging {
  /// Writes who refers to entries, of those who stand in this partition.
  ///
  /// - Returns: how many references were looked at.
  func apply(referrersOf change: Change, in transaction: any Transaction) throws -> Int {
    var count = 0
    for referrers in change.referrers {
      var owners: Set<Int64> = []
      for owner in referrers.targets {
        let id: Int64? = try transaction.value(
          "SELECT id FROM entry WHERE anchor = ? AND source = ? AND partition = ? AND deleted = 0",
          [.blob(owner.bytes), .text(source), .integer(partition)])
        if let id { owners.insert(id) }
      }
      if referrers.operation == .replace {
        let held = try transaction.query(
          """
          SELECT link.owner FROM link JOIN entry ON entry.id = link.owner
          WHERE link.target_guid = ? AND link.attr = ? AND entry.partition = ? AND entry.source = ?
          """, [.blob(change.anchor.bytes), .text(referrers.attribute), .integer(partition), .text(source)]
        ) { row in try row[0] as Int64 }
        let gone = LinkChange(referrers.attribute, .remove, [change.anchor])
        for owner in held where !owners.contains(owner) { count += try apply([gone], of: owner, in: transaction) }
      }
      let held = LinkChange(referrers.attribute, .add, [change.anchor])
      for owner in owners { count += try apply([held], of: owner, in: transaction) }
    }
    return count
  }
}
