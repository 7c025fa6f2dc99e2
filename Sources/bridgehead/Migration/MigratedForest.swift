// SPDX-License-Identifier: Apache-2.0

import Wire

/// A forest as Entra Connect describes it: its partitions, of which the selected ones are synchronised, each with the
/// containers that are taken in and left out.
struct MigratedForest {
  struct Partition {
    let name: String
    let line: Int
    var included: [String]
    var excluded: [String]
    var controllers: [String] = []
  }

  let name: String
  var partitions: [Partition]
  /// `user@REALM` of the account that reads the forest, where the source tells it.
  var principal: String?
  var password: SecretReference?
  var transport: String?

  /// The service account's name where the source tells none; docs/operations/active-directory.md makes it.
  private static let usualAccount = "svc-sync"

  func configuration() -> Configuration.Forest {
    let domains = partitions.map { DomainName.of($0.name) }
    let whole = partitions.allSatisfy { $0.included.isEmpty || $0.included.contains(where: $0.isRoot) }
    let include = whole ? [] : partitions.flatMap { $0.included.isEmpty ? [$0.name] : $0.included }
    let exclude = partitions.flatMap(\.excluded)
    let controllers = partitions.flatMap(\.controllers)
    let realm = name.uppercased()
    return Configuration.Forest(
      name: name,
      domains: domains.map { $0.lowercased() } == [name.lowercased()] || domains.isEmpty ? nil : domains,
      domainControllers: controllers.isEmpty ? nil : controllers, transport: transport,
      credentials: Configuration.Credentials(
        principal: principal ?? "\(Self.usualAccount)@\(realm)",
        keytab: password == nil ? "/etc/bridgehead/\(name.lowercased()).keytab" : nil, password: password),
      organizationalUnits: include.isEmpty && exclude.isEmpty
        ? nil
        : Configuration.OrganizationalUnits(
          include: include.isEmpty ? nil : include, exclude: exclude.isEmpty ? nil : exclude))
  }
}

extension MigratedForest.Partition {
  fileprivate func isRoot(_ container: String) -> Bool {
    container.lowercased().filter { $0 != " " } == name.lowercased().filter { $0 != " " }
  }

  /// A domain, and neither the configuration nor an application partition such as DomainDnsZones.
  var isDomain: Bool {
    let parts = name.lowercased().split(separator: ",")
    return !parts.isEmpty && parts.allSatisfy { $0.drop { $0 == " " }.hasPrefix("dc=") }
      && !name.lowercased().hasPrefix("dc=domaindnszones") && !name.lowercased().hasPrefix("dc=forestdnszones")
  }
}

/// A domain's DNS name, from the DC parts of a distinguished name.
enum DomainName {
  static func of(_ distinguishedName: String) -> String {
    distinguishedName.split(separator: ",").map { $0.drop { $0 == " " } }
      .filter { $0.lowercased().hasPrefix("dc=") }.map { String($0.dropFirst(3)) }.joined(separator: ".")
  }
}
