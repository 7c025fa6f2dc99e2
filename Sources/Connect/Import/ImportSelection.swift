// SPDX-License-Identifier: Apache-2.0

package import IdentityModel
package import LDAP
import SynchronisationRules

/// What is read of a directory: which objects, and which of their attributes.
package struct ImportSelection: Sendable, Equatable {
  /// As the schema spells them.
  package let attributes: [String]
  /// Those of them that refer to objects.
  package let links: [String]
  /// The kinds that are wanted besides users, groups, contacts and what gives them their place.
  package let more: Set<ObjectKind>

  package init(_ configuration: ConnectConfiguration) {
    let joins = JoinRules(configuration)
    var seen: Set<String> = []
    links = Set(configuration.rules.references.values.flatMap(\.keys)).sorted()
    attributes = (configuration.rules.requestedAttributes + joins.requestedAttributes + Self.structural)
      .filter { seen.insert($0.lowercased()).inserted }
    var more: Set<ObjectKind> = []
    if !joins.isEmpty { more.insert(.foreign) }
    if configuration.includesDevices { more.insert(.device) }
    self.more = more
  }

  /// What anchors and what is shown to people need.
  private static let structural = ["objectClass", "sAMAccountName", SourceAnchor.attribute]

  /// One forest without devices: for measurements that ask the same by other means.
  package static let plain = ImportSelection(
    ConnectConfiguration(forests: [], targets: []))

  /// What users, groups, contacts, computers and containers may stand below: the classes that AD's schema names as their
  /// possible superiors (MS-ADSC), and `lostAndFound`, where replication puts what lost its place. Classes that are derived
  /// from these carry their names, too.
  static let containers = [
    "organizationalUnit", "container", "domainDNS", "builtinDomain", "organization", "locality", "country",
    "lostAndFound", "msDS-AzAdminManager", "msDS-AzApplication", "msDS-AzScope",
  ]

  /// Changes with what is read: what was read before is then not enough.
  package var fingerprint: String {
    (attributes.map { $0.lowercased() }.sorted() + more.map(\.rawValue).sorted() + Self.containers)
      .joined(separator: " ")
  }

  /// `objectClass` and not `objectCategory`, which tombstones lack.
  package var filter: Filter {
    let computer = Filter.equal("objectClass", "computer")
    var choices: [Filter] = [
      .and([.equal("objectClass", "user"), .not(computer)]), .equal("objectClass", "group"),
      .equal("objectClass", "contact"),
    ]
    choices += Self.containers.map { .equal("objectClass", $0) }
    if more.contains(.foreign) { choices.append(.equal("objectClass", "foreignSecurityPrincipal")) }
    if more.contains(.device) {
      choices.append(.and([computer, .not(.equal("objectClass", "msDS-GroupManagedServiceAccount"))]))
    }
    return .or(choices)
  }
}
