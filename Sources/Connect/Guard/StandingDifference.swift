// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
package import IdentityModel
package import Store
import Wire

/// What the guard holds up before one target, with every object named: what `connect approve` shows.
package struct StandingDifference: Sendable, Codable, Equatable {
  package struct Deletion: Sendable, Codable, Equatable {
    package var kind: ObjectKind
    package var name: String
    package var sourceAnchor: String
    /// Whether it is still on the premises: it left the scope.
    package var isLeavingScope: Bool
  }

  package struct Removal: Sendable, Codable, Equatable {
    package var group: String
    package var member: String
  }

  package struct Clearing: Sendable, Codable, Equatable {
    package var attribute: String
    package var name: String
    package var sourceAnchor: String
  }

  package var finding: GuardFinding
  package var deletions: [Deletion]
  package var removals: [Removal]
  package var clearings: [Clearing]
  /// When it was approved, in seconds since 1970; nil when it was not. The next run lets it through.
  package var approvedAt: Double?

  /// What stands before the guard, one a target. A run that the guard stopped leaves it in the store.
  package static func read(
    _ configuration: ConnectConfiguration, _ store: any Store, now: Date
  ) async throws -> [StandingDifference] {
    try await store.read { [time = now.timeIntervalSince1970] transaction in
      try read(configuration, transaction, at: time)
    }
  }

  private static func read(
    _ configuration: ConnectConfiguration, _ transaction: any Transaction, at time: Double
  ) throws -> [StandingDifference] {
    try configuration.targets.compactMap { target in
      let finding = try ExportGuard(configuration: configuration, target: target.name).examine(transaction, at: time)
      guard !finding.isClear else { return nil }
      let kinds = Set(finding.deletions.map(\.kind))
      let deletions = try transaction.query(
        "SELECT object, kind, anchor, isLeaving FROM (\(ExportGuard.deletions)) AS deletion ORDER BY kind DESC, object",
        [.text(target.name)]
      ) { row in
        Deletion(
          kind: try row.kind(1),
          name: try DifferenceReader.name(of: try row[0], transaction),
          sourceAnchor: try row[2], isLeavingScope: try row[3])
      }.filter { finding.hasLostScope || kinds.contains($0.kind) }
      let removals =
        finding.removals.isEmpty
        ? []
        : try transaction.query(
          "SELECT owner, member FROM (\(ExportGuard.removals)) AS removal ORDER BY owner, member", [.text(target.name)]
        ) { row in
          Removal(
            group: try DifferenceReader.name(of: try row[0], transaction),
            member: try DifferenceReader.name(of: try row[1], transaction))
        }
      let attributes = Set(finding.clearings.map(\.attribute))
      let clearings =
        attributes.isEmpty
        ? []
        : try transaction.query(
          "SELECT object, attr, anchor FROM (\(ClearedValues.pending)) AS clearing ORDER BY attr, object",
          [.text(target.name)]
        ) { row in
          Clearing(
            attribute: try row[1], name: try DifferenceReader.name(of: try row[0], transaction),
            sourceAnchor: try row[2])
        }.filter { attributes.contains($0.attribute) }
      return StandingDifference(
        finding: finding, deletions: deletions, removals: removals, clearings: clearings,
        approvedAt: try Approvals(transaction: transaction, target: target.name).approved(finding.fingerprint))
    }
  }

  /// Lets the difference with that fingerprint through, once.
  ///
  /// - Throws: ``ConnectError`` `notStanding` when another difference, or none, stands before the guard.
  package static func approve(
    _ fingerprint: String, _ configuration: ConnectConfiguration, _ store: any Store, now: Date
  ) async throws -> StandingDifference {
    let time = now.timeIntervalSince1970
    // Whoever approved something wants it to survive a loss of power.
    return try await store.write(durability: .full) { transaction in
      let standing = try read(configuration, transaction, at: time)
      guard var found = standing.first(where: { $0.finding.fingerprint == fingerprint }) else {
        throw ConnectError(
          .notStanding,
          standing.isEmpty
            ? "Nothing stands before the guard."
            : "What stands before the guard is another difference: "
              + standing.map(\.finding.fingerprint).joined(separator: ", ") + ".",
          remedy: "look at it with 'bridgehead connect approve'.")
      }
      try Approvals(transaction: transaction, target: found.finding.target).approve(fingerprint, at: time)
      try Setting.save(.call, String(time), in: transaction)
      found.approvedAt = time
      return found
    }
  }
}
