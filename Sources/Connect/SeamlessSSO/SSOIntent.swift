// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import LDAP
package import Store
import Wire

extension ConnectSchema {
  /// | table | one row is |
  /// |---|---|
  /// | `sso_intent` | an account that `connect sso enable` is about to make, until it is marked |
  static let seamlessSSOTables = Migration(
    name: "connect-8-sso",
    statements: [
      // began: the controller's clock, in seconds since 1970.
      """
      CREATE TABLE sso_intent (
        domain TEXT NOT NULL, account TEXT NOT NULL, tenant TEXT NOT NULL, began INTEGER NOT NULL,
        PRIMARY KEY (domain, account)) WITHOUT ROWID
      """
    ])
}

/// An account that was about to be made. SAMR creates an account and LDAP marks it: a run that ends in between leaves one that
/// looks like anybody's. By the intent, and by nothing having been done with it, exactly that account is recognised.
struct SSOIntent: Sendable, Hashable {
  /// DNS name.
  let domain: String
  /// Without the `$` at its end.
  let account: String
  /// The tenant's initial domain.
  let tenant: String
  /// The controller's own clock before it was asked, in seconds since 1970: it is what dates the account.
  let began: Int64

  /// Seconds within which the account was created, if it was: a controller that takes longer was given up before.
  static let duration: Int64 = 600

  /// Whether the account is the one that was about to be made: of that time, and never used for anything.
  func recognises(_ traces: SSOTraces, tenant: String) -> Bool {
    guard tenant == self.tenant, let created = traces.created, traces.isUntouchedComputer else { return false }
    let latest = began.addingReportingOverflow(Self.duration)
    return created >= began && !latest.overflow && created <= latest.partialValue
  }
}

/// What tells an account that was just created from one that is in use.
struct SSOTraces: Sendable, Hashable {
  /// `whenCreated`, in seconds since 1970: a whole number of them (MS-ADTS 3.1.1.1.6).
  let created: Int64?
  /// A workstation's account without a service, a mark, or a logon.
  let isUntouchedComputer: Bool

  static let attributes = [
    "whenCreated", "objectClass", "servicePrincipalName", "userAccountControl", "dNSHostName", "lastLogonTimestamp",
    "logonCount", SSOMarker.attribute,
  ]

  init(_ entry: SearchEntry) {
    created = entry.string("whenCreated").flatMap { GeneralizedTime.unixSeconds($0) }
    // ADS_UF_WORKSTATION_TRUST_ACCOUNT (MS-ADTS 2.2.16).
    let isWorkstation = (entry.integer("userAccountControl") ?? 0) & 0x1000 != 0
    let used = ["servicePrincipalName", "dNSHostName", "lastLogonTimestamp", SSOMarker.attribute]
    isUntouchedComputer =
      isWorkstation && entry.strings("objectClass").contains("computer")
      && used.allSatisfy { entry.strings($0).isEmpty } && (entry.integer("logonCount") ?? 0) == 0
  }
}

/// The intents, in Connect's store.
package struct SSOIntents: Sendable {
  private let store: any Store

  package init(store: any Store) { self.store = store }

  /// Durable when it returns. An earlier one of the same account is replaced: what was left behind was dealt with before.
  func begin(_ intent: SSOIntent) async throws {
    _ = try await store.write(durability: .full) { transaction in
      try transaction.run(
        """
        INSERT INTO sso_intent (domain, account, tenant, began) VALUES (?, ?, ?, ?)
        ON CONFLICT (domain, account) DO UPDATE SET tenant = excluded.tenant, began = excluded.began
        """,
        [
          .text(intent.domain.lowercased()), .text(intent.account.lowercased()), .text(intent.tenant),
          .integer(intent.began),
        ])
    }
  }

  func find(domain: String, account: String) async throws -> SSOIntent? {
    try await store.read { transaction in
      try transaction.first(
        "SELECT tenant, began FROM sso_intent WHERE domain = ? AND account = ?",
        [.text(domain.lowercased()), .text(account.lowercased())]
      ) { row in SSOIntent(domain: domain, account: account, tenant: try row[0], began: try row[1]) }
    }
  }

  /// The account is marked, or there is none.
  func end(domain: String, account: String) async throws {
    _ = try await store.write { transaction in
      try transaction.run(
        "DELETE FROM sso_intent WHERE domain = ? AND account = ?",
        [.text(domain.lowercased()), .text(account.lowercased())])
    }
  }
}
