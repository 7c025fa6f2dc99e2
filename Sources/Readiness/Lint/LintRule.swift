// SPDX-License-Identifier: Apache-2.0

package import PortReference

/// What the lint looks for: a closed list, so that results can be filtered and suppressed by name.
package enum LintRule: String, CaseIterable, Sendable, Codable {
  /// The reference leaves something open or contradicts; the finding cites the annotation's number.
  case reference = "reference.annotation"
  case referenceUsersInside = "reference.users-inside"
  case referenceFarmDirectory = "reference.farm-directory"
  case referenceFarmRevocation = "reference.farm-revocation"
  case wideNetwork = "wide.network"
  case wideRPC = "wide.rpc-range"
  case wideAnswers = "wide.stateless"
  case overlap = "overlap.addresses"
  case unreachableFamily = "unreachable.family"
  case unreachableFeature = "unreachable.feature"
  case unreachableAllowed = "unreachable.allowed-controllers"
  case unusedHost = "unused.host"
  case forestRoot = "forest.root-missing"
  case forestDomain = "forest.domain-without-controller"
  case forestResilience = "forest.single-controller"
  case translationRPC = "translation.rpc"
  case virtualCertificate = "virtual.certificate-authentication"
  case notExpressed = "format.not-expressed"
  case quota = "format.quota"

  package enum Level: String, Sendable, Codable, Comparable {
    case note, warning, error

    package static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }
    private var rank: Int { self == .note ? 0 : self == .warning ? 1 : 2 }
  }

  package var level: Level {
    switch self {
    case .reference, .referenceFarmDirectory, .referenceFarmRevocation, .unusedHost, .forestResilience,
      .virtualCertificate:
      .note
    case .referenceUsersInside, .wideNetwork, .wideRPC, .wideAnswers, .overlap, .translationRPC, .notExpressed,
      .quota:
      .warning
    case .unreachableFamily, .unreachableFeature, .unreachableAllowed, .forestRoot, .forestDomain: .error
    }
  }

  /// What it looks for, in one sentence.
  package var summary: String {
    switch self {
    case .reference: "The reference leaves something open, or other documentation contradicts it."
    case .referenceUsersInside: "Users inside are led to the federation servers; the reference has no row for them."
    case .referenceFarmDirectory: "Federation servers need the directory themselves; the reference has no table for it."
    case .referenceFarmRevocation: "Farm and proxies check certificates too; the reference has no row for it."
    case .wideNetwork: "A role is given as a large network, so that rules open more than its hosts need."
    case .wideRPC: "The whole dynamic range is open because RPC is not pinned."
    case .wideAnswers: "Without state, answers need rules that are open to every port of the source."
    case .overlap: "Two hosts or networks have addresses in common."
    case .unreachableFamily: "Two ends of a flow have no address family in common."
    case .unreachableFeature: "A feature's row leads to nobody."
    case .unreachableAllowed: "The allowed domain controllers leave out a domain or the forest root."
    case .unusedHost: "No row of a feature in use concerns a host."
    case .forestRoot: "A forest is given without its root domain."
    case .forestDomain: "A domain has no writable domain controller."
    case .forestResilience: "A domain has a single domain controller."
    case .translationRPC: "Addresses are translated between Connect and a domain controller."
    case .virtualCertificate: "Certificate authentication passes a virtual address."
    case .notExpressed: "The format has no words for a part of the plan."
    case .quota: "A host's rules are more than the platform takes without being asked."
    }
  }
}

package struct LintFinding: Sendable, Encodable, Equatable {
  package let rule: LintRule
  package let level: LintRule.Level
  package let message: String
  package let remedy: String
  package let rows: [RowID]
  /// The property that it is about, or nil for the file as a whole.
  package let path: String?
  /// In the topology file; the composition root knows.
  package var line: Int?

  init(_ rule: LintRule, _ message: String, remedy: String, rows: [RowID] = [], path: String? = nil) {
    self.rule = rule
    level = rule.level
    self.message = message
    self.remedy = remedy
    self.rows = rows
    self.path = path
  }
}
