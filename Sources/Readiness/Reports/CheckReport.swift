// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
package import PortReference

/// What one check found, from one source. Its JSON is a format: keys are only added.
package struct CheckReport: Sendable, Codable, Hashable {
  package var version = 1
  /// The product that made it: `bridgehead 0.1.0`.
  package var tool: String
  /// The topology's name, or the host that was asked for.
  package var topology: String
  package var source: Source
  package var started: Date
  package var seconds: Double
  package var findings: [Finding]

  package struct Source: Sendable, Codable, Hashable {
    package var role: Role
    package var host: String

    package init(role: Role, host: String) {
      self.role = role
      self.host = host
    }
  }

  package init(
    tool: String, topology: String, source: Source, started: Date, seconds: Double, findings: [Finding]
  ) {
    self.tool = tool
    self.topology = topology
    self.source = source
    self.started = started
    self.seconds = seconds
    self.findings = findings
  }

  /// What the whole comes to: the worst of the required flows.
  package enum Outcome: Int32, Sendable, CaseIterable {
    case works = 0
    /// A required flow does not work.
    case failed = 1
    /// No required flow fails, and of some the evidence does not tell.
    case inconclusive = 3
  }

  package var outcome: Outcome {
    let required = findings.filter(\.isRequired)
    if required.contains(where: \.verdict.isFailure) { return .failed }
    return required.contains { $0.verdict == .inconclusive } ? .inconclusive : .works
  }

  package func count(_ verdict: Verdict) -> Int { findings.count { $0.verdict == verdict } }
}

extension Finding {
  /// `tcp 389`.
  package var service: String { "\(transport.rawValue) \(target.port)" }
  /// Seconds of the whole conversation.
  package var seconds: Double { evidence.map { $0.start + ($0.seconds ?? 0) }.max() ?? 0 }
}
