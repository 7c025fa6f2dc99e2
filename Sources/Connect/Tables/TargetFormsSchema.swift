// SPDX-License-Identifier: Apache-2.0

import Store

extension ConnectSchema {
  /// Each target has domains of its own, so that names are told, claimed and lost there. Who held a name holds it at every
  /// target that is known.
  static let targetForms = Migration(
    name: "connect-11-forms",
    statements: [
      """
      CREATE TABLE form (
        mv INTEGER NOT NULL, target TEXT NOT NULL, attrs BLOB NOT NULL, PRIMARY KEY (mv, target))
      """,
      """
      CREATE TABLE claim_at_target (
        target TEXT NOT NULL, attr TEXT NOT NULL, folded TEXT NOT NULL, mv INTEGER NOT NULL, held INTEGER NOT NULL,
        PRIMARY KEY (target, attr, folded, mv)) WITHOUT ROWID
      """,
      """
      INSERT INTO claim_at_target (target, attr, folded, mv, held)
      SELECT known.target, claim.attr, claim.folded, claim.mv, claim.held
      FROM claim, (SELECT target FROM remote GROUP BY target UNION SELECT target FROM pending GROUP BY target) AS known
      """,
      "DROP TABLE claim",
      "ALTER TABLE claim_at_target RENAME TO claim",
      "CREATE UNIQUE INDEX claim_holder ON claim (target, attr, folded) WHERE held = 1",
      "CREATE INDEX claim_mv ON claim (mv)",
    ])

  /// What is due are entries: also one that is out of scope, and has no object, may come into it by itself.
  static let entriesDue = Migration(
    name: "connect-12-due-entries",
    statements: [
      "CREATE TABLE due_entry (entry INTEGER PRIMARY KEY, at INTEGER NOT NULL)",
      """
      INSERT INTO due_entry (entry, at)
      SELECT entry.id, due.at FROM due JOIN entry ON entry.mv = due.mv WHERE entry.deleted = 0
      """,
      "DROP TABLE due",
      "ALTER TABLE due_entry RENAME TO due",
      "CREATE INDEX due_at ON due (at)",
    ])

  /// What makes the cost of a pass that of the change: the queue of references has an index that holds all that is asked of
  /// it, which the one by owner did not, and all targets of an object are found without walking through the tables that
  /// begin with the target.
  static let shortWays = Migration(
    name: "connect-13-short-ways",
    statements: [
      "DROP INDEX link_change",
      "CREATE INDEX link_change ON link (change) WHERE change IS NOT NULL",
      "CREATE TABLE target (name TEXT PRIMARY KEY) WITHOUT ROWID",
      """
      INSERT INTO target (name) SELECT target FROM remote GROUP BY target UNION SELECT target FROM pending GROUP BY target
      """,
    ])

  /// What an object loses is noted for each target, because it may lose it at one of them only.
  static let clearedAtTarget = Migration(
    name: "connect-14-cleared-at-target",
    statements: [
      """
      CREATE TABLE cleared_at_target (
        target TEXT NOT NULL, mv INTEGER NOT NULL, attr TEXT NOT NULL, PRIMARY KEY (target, mv, attr)) WITHOUT ROWID
      """,
      """
      INSERT INTO cleared_at_target (target, mv, attr)
      SELECT target.name, cleared.mv, cleared.attr FROM cleared CROSS JOIN target
      """,
      "DROP TABLE cleared",
      "ALTER TABLE cleared_at_target RENAME TO cleared",
    ])
}
