// SPDX-License-Identifier: Apache-2.0

package import PortReference

/// What was found out about one flow, with everything that leads to it. Its JSON is a format: keys are only added.
package struct Finding: Sendable, Codable, Hashable {
  package var row: RowID
  package var transport: Transport
  package var source: FlowSource
  package var target: FlowTarget
  /// Whether a feature in use needs the flow; others are checked only when asked for.
  package var isRequired: Bool
  package var verdict: Verdict
  package var diagnosis: Diagnosis
  /// The finding in one sentence.
  package var summary: String
  /// Who must do what; nil where nothing is to be done.
  package var remedy: Remedy?
  package var depth: Reach
  package var evidence: [Phase]
  package var observations: [Observation]
  /// Where the conversation and its answers are defined.
  package var specification: String

  package struct Reach: Sendable, Codable, Hashable {
    package var reached: Depth
    /// What the row needs, with the credentials at hand.
    package var required: Depth

    package init(reached: Depth, required: Depth) {
      self.reached = reached
      self.required = required
    }
  }

  enum CodingKeys: String, CodingKey {
    case row, transport, source, target, isRequired = "required", verdict, diagnosis, summary, remedy, depth, evidence
    case observations, specification
  }
}

/// Where the probe ran. Address and interface are those of the socket that was used; nil when none was opened.
package struct FlowSource: Sendable, Codable, Hashable {
  package var role: Role
  package var host: String
  package var address: String?
  package var interface: String?

  package init(role: Role, host: String, address: String? = nil, interface: String? = nil) {
    self.role = role
    self.host = host
    self.address = address
    self.interface = interface
  }
}

/// Whom the probe talked to.
package struct FlowTarget: Sendable, Codable, Hashable {
  package var role: Role
  package var host: String
  /// Numeric; nil when the name has none.
  package var address: String?
  /// The port of the reference, or the first of its range; for RPC the one that the conversation ended on.
  package var port: Int

  package init(role: Role, host: String, address: String?, port: Int) {
    self.role = role
    self.host = host
    self.address = address
    self.port = port
  }
}

/// Who must do what.
package struct Remedy: Sendable, Codable, Hashable {
  package enum Owner: String, Sendable, Codable {
    /// Whoever runs the firewalls between the two ends.
    case firewall = "firewall-administrator"
    /// Whoever runs the target and its service.
    case target = "target-administrator"
    /// Whoever runs the machine that the check ran on, and Bridgehead's configuration.
    case source = "source-administrator"
    case dns = "dns-administrator"
    case directory = "directory-administrator"
    case certificates = "certificate-administrator"
    case proxy = "proxy-administrator"
  }
  package var owner: Owner
  /// An imperative sentence.
  package var action: String
  /// The very rule of `ports plan`: `connect1 (192.0.2.5) to dc1 (192.0.2.10) tcp 389`; where a rule is the remedy.
  package var rule: String?

  package init(_ owner: Owner, _ action: String, rule: String? = nil) {
    self.owner = owner
    self.action = action
    self.rule = rule
  }
}
