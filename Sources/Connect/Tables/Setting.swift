// SPDX-License-Identifier: Apache-2.0

import Store

/// Single values of the engine's own.
enum Setting: String {
  /// A fingerprint of what the rules depend on: when it changes, every entry is synchronised again.
  case rules
  /// The rules changed, and not every entry has been synchronised by them yet: what objects lose, the rules took.
  case rulesChanged = "rules-changed"
  /// Followed by a source's name: a fingerprint of what was asked of it.
  case requested = "requested:"
  /// Followed by a target's name: when the target was last read in full.
  case reconciled = "reconciled:"
  /// Followed by a target's name: the number of the last full reading of the target.
  case reading = "reading:"
  /// Followed by a target's name: it was held in staging mode, so that what it holds has to be read before an export.
  case staged = "staged:"
  /// Followed by a target's name: the kinds of objects that it takes, as it last said.
  case offer = "offer:"
  /// Followed by a target's name: when all users' passwords were last looked at, and of which sources.
  case passwordsScanned = "passwords-scanned:"
  /// A source is read for the first time: references are indexed after that.
  case linksUnindexed = "links-unindexed"
  /// When somebody last asked for a pass at once: after an approval, or to try again what was refused.
  case call

  static func load(_ setting: Setting, of suffix: String = "", in transaction: any Transaction) throws -> String? {
    try transaction.value("SELECT value FROM setting WHERE name = ?", [.text(setting.rawValue + suffix)])
  }

  static func remove(_ setting: Setting, of suffix: String = "", in transaction: any Transaction) throws {
    try transaction.run("DELETE FROM setting WHERE name = ?", [.text(setting.rawValue + suffix)])
  }

  static func save(
    _ setting: Setting, of suffix: String = "", _ value: String, in transaction: any Transaction
  ) throws {
    try transaction.run(
      "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      [.text(setting.rawValue + suffix), .text(value)])
  }
}
