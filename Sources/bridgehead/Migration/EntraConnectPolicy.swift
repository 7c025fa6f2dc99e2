// SPDX-License-Identifier: Apache-2.0

import Yams

/// The JSON that Entra Connect's wizard writes: `Applied-`, `Exported-` or `Migrated-SynchronizationPolicy-*.JSON`
/// (entra-docs, how-to-connect-import-export-config). `MigratedPolicy.json` is its form without the directories, which then
/// lie in folders beside it.
enum EntraConnectPolicy {
  /// Sections that say something about the export itself, not about what is synchronised.
  private static let aboutTheExport: Set = ["policymetadata", "deploymentmetadata"]

  static func read(_ root: Node, file: String) throws -> Migration {
    guard root.mapping != nil else {
      throw MigrationFault.error(
        file, 1, "a list stands where the policy's object should be", remedy: "name the file that the wizard exported.")
    }
    var notes = [Migration.Note(file: file, line: nil, text: Configuration.placeholderNote)]
    guard let directories = root.member("onpremisesDirectoryPolicy") else {
      if root.member("policyMetadata") != nil {
        return try EntraConnectObjects.read(folder: EntraConnectObjects.folder(of: file))
      }
      throw MigrationFault.error(
        file, 1, "there is no onpremisesDirectoryPolicy",
        remedy: "name the file that the Entra Connect wizard exported.")
    }
    let forests = try directories.elements.map { try forest($0, file: file, notes: &notes) }
    guard !forests.isEmpty else {
      throw MigrationFault.error(
        file, directories.mark?.line, "onpremisesDirectoryPolicy names no forest",
        remedy: "export from the server that synchronises.")
    }
    var settings = EntraConnectSettings(file: file)
    for (key, section) in root.mapping ?? [:] {
      let name = key.scalar?.string ?? ""
      switch name.lowercased() {
      case "onpremisesdirectorypolicy": break
      case let known where aboutTheExport.contains(known): break
      case "azuredirectorypolicy": notes += EntraConnectRules.notes(section, file: file, of: "Entra ID")
      default: settings.take(section, name: name)
      }
    }
    return Migration(
      configuration: .migrated(
        forests: forests.map { $0.configuration() }, verifiedDomains: forests.map(\.name),
        settings: settings.values),
      notes: notes + [.verifiedDomains(file)] + settings.notes)
  }

  private static func forest(
    _ node: Node, file: String, notes: inout [Migration.Note]
  ) throws -> MigratedForest {
    let line = node.mark?.line
    guard let name = node.member("fullyQualifiedDomainName")?.text ?? node.member("friendlyName")?.text else {
      throw MigrationFault.error(
        file, line, "this forest has no fullyQualifiedDomainName", remedy: "export it again; do not edit the file.")
    }
    let partitions = try (node.member("partitionFilters")?.elements ?? []).map { partition in
      guard let dn = partition.member("distinguishedName")?.text else {
        throw MigrationFault.error(
          file, partition.mark?.line, "this partition has no distinguishedName",
          remedy: "export it again; do not edit the file.")
      }
      return MigratedForest.Partition(
        name: dn, line: partition.mark?.line ?? 1, included: partition.member("containerInclusions")?.texts ?? [],
        excluded: partition.member("containerExclusions")?.texts ?? [])
    }
    notes.append(
      .init(
        file: file, line: line,
        text:
          "forest \(name): the export names no account; make one (docs/operations/active-directory.md) and write its "
          + "principal and keytab"))
    notes += EntraConnectRules.notes(node, file: file, of: "forest \(name)")
    return MigratedForest(name: name, partitions: partitions.filter(\.isDomain))
  }
}

extension Migration.Note {
  /// Which domains the cloud has verified stands in no export.
  static func verifiedDomains(_ file: String) -> Migration.Note {
    .init(
      file: file, line: nil,
      text:
        "connect.target.verifiedDomains: the forests' names stand there; name the domains that the tenant has verified")
  }
}
