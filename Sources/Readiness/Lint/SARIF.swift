// SPDX-License-Identifier: Apache-2.0

import PortReference
import Wire

/// A log of SARIF 2.1.0 (OASIS), which code review systems show beside the file's lines.
package struct SARIF: Encodable, Sendable {
  let schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
  let version = "2.1.0"
  let runs: [Run]

  private enum CodingKeys: String, CodingKey {
    case schema = "$schema"
    case version, runs
  }

  /// - Parameter file: as a relative URI reference (RFC 3986).
  package init(_ findings: [LintFinding], file: String, toolVersion: String) {
    let rules = LintRule.allCases.map { rule in
      Rule(
        id: rule.rawValue, shortDescription: Message(text: rule.summary),
        defaultConfiguration: Configuration(level: rule.level.rawValue))
    }
    let results = findings.map { finding in
      Result(
        ruleId: finding.rule.rawValue, ruleIndex: LintRule.allCases.firstIndex(of: finding.rule) ?? 0,
        level: finding.level.rawValue, message: Message(text: "\(finding.message) Remedy: \(finding.remedy)"),
        locations: [
          Location(
            physicalLocation: PhysicalLocation(
              artifactLocation: ArtifactLocation(uri: Self.uri(file)), region: Region(startLine: finding.line ?? 1)),
            logicalLocations: finding.path.map { [LogicalLocation(fullyQualifiedName: $0)] })
        ],
        properties: Properties(rows: finding.rows.map(\.rawValue)))
    }
    let driver = Driver(name: "bridgehead", semanticVersion: toolVersion, rules: rules)
    runs = [Run(tool: Tool(driver: driver), results: results)]
  }

  /// Percent-encoded where RFC 3986 3.3 wants it.
  private static func uri(_ path: String) -> String {
    PercentEncoding.encode(path, alsoPlain: "/")
  }

  struct Run: Encodable, Sendable {
    let tool: Tool
    let results: [Result]
  }
  struct Tool: Encodable, Sendable { let driver: Driver }
  struct Driver: Encodable, Sendable {
    let name: String
    let semanticVersion: String
    let rules: [Rule]
  }
  struct Rule: Encodable, Sendable {
    let id: String
    let shortDescription: Message
    let defaultConfiguration: Configuration
  }
  struct Configuration: Encodable, Sendable { let level: String }
  struct Message: Encodable, Sendable { let text: String }
  struct Result: Encodable, Sendable {
    let ruleId: String
    let ruleIndex: Int
    let level: String
    let message: Message
    let locations: [Location]
    let properties: Properties
  }
  struct Location: Encodable, Sendable {
    let physicalLocation: PhysicalLocation
    let logicalLocations: [LogicalLocation]?
  }
  struct PhysicalLocation: Encodable, Sendable {
    let artifactLocation: ArtifactLocation
    let region: Region
  }
  struct ArtifactLocation: Encodable, Sendable { let uri: String }
  struct Region: Encodable, Sendable { let startLine: Int }
  struct LogicalLocation: Encodable, Sendable { let fullyQualifiedName: String }
  struct Properties: Encodable, Sendable { let rows: [String] }
}
