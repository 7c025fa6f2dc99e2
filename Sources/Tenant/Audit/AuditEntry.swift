// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import Store

/// Who changes something, for the audit log.
package struct Actor: Sendable, Hashable {
  /// The token's identifier, or `local:` and the operating system's user.
  package let who: String
  /// The request's identifier, also in the log and in the answer's `x-request-id`; empty for local commands.
  package let request: String

  package init(who: String, request: String = "") {
    self.who = who
    self.request = request
  }
}

/// One write, as the audit log keeps it. It is inserted in the transaction of the write itself.
package struct AuditEntry: Sendable, Hashable {
  package enum Action: String, Sendable {
    case create, replace, patch, delete, restore, purge, add, remove, verify, revoke
  }

  package let actor: Actor
  package let at: Date
  package let action: Action
  /// The resource type's name, or what else the tenant keeps: `Domain`, `Token`, `Session`, `Grant`, `SigningKey`, …
  package let kind: String
  /// Its id; for a domain, its name.
  package let target: String
  /// JSON of what changed, as it was; nil when there was nothing.
  package var before: String?
  /// JSON of what changed, as it is now; nil when nothing is left.
  package var after: String?

  /// Longer summaries end in an ellipsis: the log tells what happened, it is no backup.
  static let summaryBytes = 4096

  func insert(_ transaction: any Transaction) throws {
    try transaction.run(
      """
      INSERT INTO audit (at, who, request, action, kind, target, before, after) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        .integer(at.milliseconds), .text(actor.who), .text(actor.request), .text(action.rawValue), .text(kind),
        .text(target), SQLValue(before.map(Self.shortened)), SQLValue(after.map(Self.shortened)),
      ])
  }

  private static func shortened(_ text: String) -> String {
    guard text.utf8.count > summaryBytes else { return text }
    return String(decoding: text.utf8.prefix(summaryBytes), as: UTF8.self) + "…"
  }
}

extension TenantDirectory {
  /// The latest entries first.
  ///
  /// - Parameters:
  ///   - target: of this resource, domain or token only.
  ///   - limit: at most so many.
  package func audit(target: String? = nil, limit: Int = 100) async throws -> [AuditEntry] {
    try await store.read { transaction in
      try transaction.query(
        """
        SELECT at, who, request, action, kind, target, before, after, seq FROM audit
        WHERE \(target == nil ? "?1 IS NULL" : "target = ?1") ORDER BY seq DESC LIMIT ?2
        """, [SQLValue(target), .integer(Int64(limit))]
      ) { row in
        AuditEntry(
          actor: Actor(who: try row[1], request: try row[2]), at: Date(milliseconds: try row[0]),
          action: try row.word(3, "audit.action", of: "entry \(try row[8] as Int64)"), kind: try row[4],
          target: try row[5],
          before: try row[6], after: try row[7])
      }
    }
  }
}
