// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Yams

/// A folder of PowerShell objects in JSON: `Connectors/*.json` (Get-ADSyncConnector), `GlobalSettings/*.json`
/// (Get-ADSyncGlobalSettings) and `SynchronizationRules/*.json` (Get-ADSyncRule).
enum EntraConnectObjects {
  private static let folders = ["connectors", "globalsettings", "synchronizationrules"]

  static func folder(of file: String) -> String {
    let parts = file.split(separator: "/", omittingEmptySubsequences: false)
    let folder = parts.dropLast().joined(separator: "/")
    return folder.isEmpty ? (file.hasPrefix("/") ? "/" : ".") : folder
  }

  static func read(folder: String) throws -> Migration {
    let files = try jsonFiles(folder)
    guard let connectors = files["connectors"], !connectors.isEmpty else {
      throw MigrationFault.error(
        folder, nil, "there is no JSON in a folder Connectors",
        remedy:
          "name the folder with Connectors/*.json, or the file that 'View or export current configuration' of the "
          + "Entra Connect wizard writes; XML of old versions is not read.")
    }
    var notes = [Migration.Note(file: folder, line: nil, text: Configuration.placeholderNote)]
    var forests: [MigratedForest] = []
    for file in connectors {
      for connector in try MigrationSource.json(MigrationSource.text(of: file), file: file).elements {
        if let forest = try forest(connector, file: file, notes: &notes) { forests.append(forest) }
      }
    }
    guard !forests.isEmpty else {
      throw MigrationFault.error(
        folder, nil, "none of its connectors is of type AD", remedy: "export from the server that synchronises.")
    }
    var values = MigratedSettings()
    for file in files["globalsettings"] ?? [] {
      let root = try MigrationSource.json(MigrationSource.text(of: file), file: file)
      var settings = EntraConnectSettings(file: file)
      for parameter in root.member("Parameters")?.elements ?? [] {
        if let name = parameter.member("Name")?.text { settings.take(parameter: name, parameter.member("Value")) }
      }
      notes += settings.notes
      values.merge(settings.values)
    }
    for file in files["synchronizationrules"] ?? [] {
      for rule in try MigrationSource.json(MigrationSource.text(of: file), file: file).elements
      where rule.member("IsStandardRule")?.bool != true {
        notes.append(EntraConnectRules.note(rule, file: file, of: "connector \(rule.member("Connector")?.text ?? "")"))
      }
    }
    return Migration(
      configuration: .migrated(
        forests: forests.map { $0.configuration() }, verifiedDomains: forests.map(\.name), settings: values),
      notes: notes + [.verifiedDomains(folder)])
  }

  private static func jsonFiles(_ folder: String) throws -> [String: [String]] {
    var found: [String: [String]] = [:]
    do {
      for name in try FileManager.default.contentsOfDirectory(atPath: folder)
      where folders.contains(name.lowercased()) {
        found[name.lowercased()] = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(name)")
          .filter { $0.lowercased().hasSuffix(".json") }.sorted().map { "\(folder)/\(name)/\($0)" }
      }
    } catch {
      throw MigrationFault.error(folder, nil, "the folder cannot be read", remedy: "make it readable for this user.")
    }
    return found
  }

  /// nil for a connector of another type: Entra ID's own is the target, others have no counterpart.
  private static func forest(
    _ node: Node, file: String, notes: inout [Migration.Note]
  ) throws -> MigratedForest? {
    let line = node.mark?.line
    guard let name = node.member("Name")?.text, let type = node.member("Type")?.text else {
      throw MigrationFault.error(
        file, line, "this connector has no Name or no Type", remedy: "export it by Get-ADSyncConnector again.")
    }
    guard type.uppercased() == "AD" else {
      if !name.hasSuffix(" - AAD") {
        notes.append(
          .init(
            file: file, line: line, text: "the connector \(name) of type \(type) has no counterpart and was left out"))
      }
      return nil
    }
    let parameters = parameters(node.member("ConnectivityParameters"))
    let forest = parameters["forest-name"] ?? name
    let domain = parameters["forest-login-domain"] ?? forest
    let partitions = (node.member("Partitions")?.elements ?? []).compactMap { partition -> MigratedForest.Partition? in
      guard partition.member("Selected")?.bool != false,
        let dn = (partition.member("DN") ?? partition.member("Name"))?.text
      else { return nil }
      let scope = partition.member("ConnectorPartitionScope")
      return MigratedForest.Partition(
        name: dn, line: partition.mark?.line ?? 1, included: scope?.member("ContainerInclusionList")?.texts ?? [],
        excluded: scope?.member("ContainerExclusionList")?.texts ?? [],
        controllers: partition.member("PreferredDCs")?.texts ?? [])
    }
    let user = parameters["forest-login-user"]
    notes.append(
      .init(
        file: file, line: line,
        text: user.map {
          "forest \(forest): the account \($0) belongs to Entra Connect, which may change its password; better make one of "
            + "its own (docs/operations/active-directory.md). Its password is not carried over: write a keytab"
        }
          ?? "forest \(forest): no account is named; make one (docs/operations/active-directory.md) and write its keytab"
      ))
    return MigratedForest(
      name: forest, partitions: partitions.filter(\.isDomain),
      principal: user.map { "\($0)@\((domain.contains(".") ? domain : forest).uppercased())" })
  }

  /// Only what is known to be no secret is taken from a connector's parameters.
  private static func parameters(_ node: Node?) -> [String: String] {
    var values: [String: String] = [:]
    for parameter in node?.elements ?? [] {
      guard let name = parameter.member("Name")?.text?.lowercased(),
        ["forest-name", "forest-login-user", "forest-login-domain"].contains(name),
        let value = parameter.member("Value")?.text
      else { continue }
      values[name] = value
    }
    return values
  }
}
