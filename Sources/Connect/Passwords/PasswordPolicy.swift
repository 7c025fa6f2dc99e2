// SPDX-License-Identifier: Apache-2.0

import Crypto
import LDAP
import Store
import Wire

/// How long a domain's passwords live: a change concerns passwords that did not change.
package struct PasswordPolicy: Sendable, Hashable {
  /// The domain's `maxPwdAge`, in negative ticks of 100 ns; nil when the controller does not tell.
  package var maximumAge: Int64?
  /// Tells one state of the fine-grained policies from another, on every controller alike; nil when there are none, or none
  /// that may be read.
  package var fineGrained: String?

  package init(maximumAge: Int64?, fineGrained: String? = nil) {
    self.maximumAge = maximumAge
    self.fineGrained = fineGrained
  }
}

/// A password settings object (MS-ADTS 3.1.1.4.5.36 `msDS-ResultantPSO`), as far as it decides when passwords expire. Whom it
/// applies to through a group is the group's matter.
enum FineGrainedPolicy {
  static let objectClass = "msDS-PasswordSettings"
  private static let values = ["msDS-MaximumPasswordAge", "msDS-PasswordSettingsPrecedence", "msDS-PSOAppliesTo"]
  static let attributes = ["objectGUID"] + values

  /// MS-ADTS 6.1.1.4.11.1.
  static func container(of context: String) -> String { "CN=Password Settings Container,CN=System,\(context)" }

  /// - Returns: SHA-256 in hexadecimal digits; nil for no entries.
  static func fingerprint(of entries: [SearchEntry]) -> String? {
    guard !entries.isEmpty else { return nil }
    var hash = SHA256()
    for text in entries.map(text).sorted() { hash.update(data: Array(text.utf8)) }
    return Hex.encode(Array(hash.finalize()))
  }

  private static func text(_ entry: SearchEntry) -> String {
    let parts = values.map { "\($0)=\(entry.strings($0).sorted())" }
    return "\(entry.guid("objectGUID")?.description ?? entry.dn) \(parts.joined(separator: " "))\n"
  }
}

/// What the store remembers of a domain's ``PasswordPolicy``.
enum PasswordPolicyRecord {
  /// - Returns: nil when it was never read.
  static func load(
    _ partition: String, of source: String, in transaction: any Transaction
  ) throws -> (policy: PasswordPolicy, readAt: Double)? {
    try transaction.first(
      "SELECT maximum_age, fine_grained, read_at FROM password_policy WHERE source = ? AND partition = ?",
      [.text(source), .text(partition)]
    ) { row in (PasswordPolicy(maximumAge: try row[0], fineGrained: try row[1]), try row[2] as Double) }
  }

  static func save(
    _ policy: PasswordPolicy, _ partition: String, of source: String, at now: Double, in transaction: any Transaction
  ) throws {
    try transaction.run(
      """
      INSERT INTO password_policy (source, partition, maximum_age, fine_grained, read_at) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (source, partition) DO UPDATE SET maximum_age = excluded.maximum_age,
        fine_grained = excluded.fine_grained, read_at = excluded.read_at
      """,
      [
        .text(source), .text(partition), policy.maximumAge.map { .integer($0) } ?? .null,
        SQLValue(policy.fineGrained), .real(now),
      ])
  }
}
