// SPDX-License-Identifier: Apache-2.0

package import PortReference

/// How a flow is watched.
package enum WatchKind: String, Sendable, Codable, CaseIterable {
  /// By a check, again and again.
  case check
  /// By a connection that is left alone for longer and longer.
  case idle
}

/// A flow that was checked, and how it stands.
package struct WatchedFlow: Sendable, Codable, Hashable {
  /// Its number in the history, for as long as the history is kept.
  package var id: Int64
  package var kind: WatchKind
  package var isRequired: Bool
  /// When it was last checked.
  package var checked: Double
  package var state: WatchState

  package var finding: Finding { state.finding }
  package var row: RowID { finding.row }
  package var host: String { finding.target.host }

  enum CodingKeys: String, CodingKey { case id, kind, isRequired = "required", checked, state }
}

/// A time in which a flow's verdict and diagnosis stayed the same.
package struct WatchState: Sendable, Codable, Hashable {
  /// Of the first check, in seconds since 1970.
  package var since: Double
  /// Of the last check.
  package var until: Double
  package var checks: Int
  /// Of the last check; verdict and diagnosis are those of all.
  package var finding: Finding

  package init(since: Double, until: Double, checks: Int, finding: Finding) {
    self.since = since
    self.until = until
    self.checks = checks
    self.finding = finding
  }
}

/// A flow that stands otherwise than before.
package struct WatchChange: Sendable, Codable, Hashable {
  package struct Side: Sendable, Codable, Hashable {
    package var verdict: Verdict
    package var diagnosis: Diagnosis
    /// Since when, in seconds since 1970.
    package var since: Double
  }
  package var flow: Int64
  package var kind: WatchKind
  package var at: Double
  /// nil for a flow that was never seen before and does not work.
  package var before: Side?
  package var finding: Finding
}
