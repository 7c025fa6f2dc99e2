// SPDX-License-Identifier: Apache-2.0

package import PortReference

/// The rules that a topology needs, and nothing else: what every renderer writes.
package struct Plan: Sendable {
  /// The topology's name.
  package let name: String
  /// Whether firewalls let answers through by themselves.
  package let isStateful: Bool
  package var hosts: [PlannedHost]
  /// What the topology asks for and no rule can do, for the lint.
  package let unreachable: [UnreachableFlow]
  /// User networks that are led to the farm itself, past the proxies: no row of the reference covers them.
  package let usersAtFarm: [String]

  package var rules: [Rule] { hosts.flatMap(\.rules) }

  /// The rules made at one host, or at all hosts of a role.
  package func selecting(_ isWanted: (PlannedHost) -> Bool) -> Plan {
    var part = self
    part.hosts = hosts.filter(isWanted)
    return part
  }
}

/// A place where rules are made.
package struct PlannedHost: Sendable {
  package let name: String
  package let role: Role
  package let note: String?
  package let rules: [Rule]

  package func rules(_ direction: Direction) -> [Rule] { rules.filter { $0.direction == direction } }
}

/// A flow whose ends have no address family in common.
package struct UnreachableFlow: Sendable, Hashable {
  package let row: RowID
  package let source: String
  package let destination: String

  package init(row: RowID, source: String, destination: String) {
    self.row = row
    self.source = source
    self.destination = destination
  }
}
