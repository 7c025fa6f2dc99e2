// SPDX-License-Identifier: Apache-2.0

package import Store

/// What `connect passwords status` and `connect passwords errors` show.
package struct PasswordStatus: Sendable, Codable {
  package struct Domain: Sendable, Codable {
    package var source: String
    package var domain: String
    package var server: String?
    /// Seconds since 1970.
    package var readAt: Double
    package var usn: Int64
  }

  package struct Count: Sendable, Codable {
    package var target: String
    /// `due`, `sent`, `refused`, `none` (the account has no password) or `leaving` (the target has yet to forget it).
    package var state: String
    package var users: Int
  }

  /// A user whose password the target does not have, or still has after they left, and why.
  package struct Held: Sendable, Codable {
    package var target: String
    package var state: String
    package var distinguishedName: String
    package var reason: String
    package var detail: String
    package var since: Double
    package var nextTry: Double?
  }

  package var domains: [Domain]
  package var counts: [Count]
  package var held: [Held]

  /// Held users that are listed; `counts` counts all.
  package static let maximumHeld = 10_000

  package static func read(_ store: any Store) async throws -> PasswordStatus {
    try await store.read { transaction in
      PasswordStatus(
        domains: try transaction.query(
          "SELECT source, partition, server, read_at, property_usn FROM password_watermark ORDER BY source, partition",
          []
        ) { row in
          Domain(source: try row[0], domain: try row[1], server: try row[2], readAt: try row[3], usn: try row[4])
        },
        counts: try transaction.query(
          """
          SELECT target, state, COUNT(*) FROM credential GROUP BY target, state
          UNION ALL SELECT target, 'leaving', COUNT(*) FROM password_departure GROUP BY target ORDER BY 1, 2
          """, []
        ) { row in Count(target: try row[0], state: try row[1], users: try row[2]) },
        held: try transaction.query(
          """
          SELECT credential.target, credential.state, entry.dn, credential.reason, credential.detail, credential.since,
            credential.next_try
          FROM credential JOIN entry ON entry.id = credential.entry
          WHERE credential.reason IS NOT NULL AND credential.state IN ('due', 'refused')
          UNION ALL SELECT target, 'leaving', 'externalId ' || anchor, reason, detail, since, next_try
          FROM password_departure WHERE reason IS NOT NULL
          ORDER BY 1, 3 LIMIT ?
          """, [.integer(Int64(maximumHeld))]
        ) { row in
          Held(
            target: try row[0], state: try row[1], distinguishedName: try row[2], reason: try row[3],
            detail: (try row[4] as String?) ?? "", since: try row[5], nextTry: try row[6])
        })
    }
  }
}
