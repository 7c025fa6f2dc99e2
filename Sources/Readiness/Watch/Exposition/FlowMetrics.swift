// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import PortReference

/// What metrics say of findings. Verdicts, diagnoses, phases, rows and roles are closed vocabularies; names of targets are
/// those of the topology.
enum FlowMetrics {
  /// `/metrics`: how every watched flow stands.
  static func text(_ flows: [WatchedFlow]) -> String {
    var metrics = MetricsText()
    for flow in flows {
      let labels = [("kind", flow.kind.rawValue)] + Self.labels(of: flow.finding)
      add(flow.finding, labels, to: &metrics)
      metrics.gauge(
        "\(prefix)_flow_state_start_timestamp_seconds", "Since when the flow stands as it does.", labels,
        flow.state.since)
      metrics.gauge(
        "\(prefix)_flow_checked_timestamp_seconds", "When the flow was last checked.", labels, flow.checked)
    }
    return metrics.text
  }

  /// `/probe`: one check of one row of one target, in the words of the blackbox exporter.
  static func probe(_ findings: [Finding], seconds: Double) -> String {
    var metrics = MetricsText()
    let isSuccess = !findings.isEmpty && findings.allSatisfy { $0.verdict == .works || $0.verdict == .worksWithRemark }
    metrics.gauge("probe_success", "Whether everything that was asked for works.", [], isSuccess ? 1 : 0)
    metrics.gauge("probe_duration_seconds", "How long the check took.", [], seconds)
    for finding in findings { add(finding, labels(of: finding), to: &metrics) }
    return metrics.text
  }

  private static func labels(of finding: Finding) -> [(String, String)] {
    [
      ("source", finding.source.host), ("row", finding.row.rawValue), ("transport", finding.transport.rawValue),
      ("target", finding.target.host), ("address", finding.target.address ?? ""), ("port", "\(finding.target.port)"),
    ]
  }

  /// The names of metrics begin so, here and in `ports check --output prometheus`.
  private static let prefix = "bridgehead_ports"

  private static func add(_ finding: Finding, _ labels: [(String, String)], to metrics: inout MetricsText) {
    if finding.verdict != .inconclusive {
      metrics.gauge(
        "\(prefix)_flow_works", "Whether the flow works: 1, or 0.", labels, finding.verdict.isFailure ? 0 : 1)
    }
    metrics.gauge(
      "\(prefix)_flow_finding", "Always 1; the labels say what was found.",
      labels + [
        ("verdict", finding.verdict.rawValue), ("diagnosis", finding.diagnosis.rawValue),
        ("required", "\(finding.isRequired)"),
      ], 1)
    for (phase, seconds) in phases(finding) {
      metrics.gauge(
        "\(prefix)_phase_duration_seconds", "Seconds that a phase of the conversation took.",
        labels + [("phase", phase.rawValue)], seconds)
    }
    var seen: Set<String> = []
    for observation in finding.observations.prefix(maximumObservations) {
      guard let measured = Measured(observation), seen.insert("\(measured.name) \(measured.labels)").inserted else {
        continue
      }
      metrics.gauge("\(prefix)_\(measured.name)", measured.help, labels + measured.labels, measured.value)
    }
  }

  /// Observations of one finding that are looked at.
  private static let maximumObservations = 100

  /// Phases of one name together, in their order.
  private static func phases(_ finding: Finding) -> [(Phase.Name, Double)] {
    Phase.Name.allCases.compactMap { name in
      let times = finding.evidence.filter { $0.name == name }.compactMap(\.seconds)
      return times.isEmpty ? nil : (name, times.reduce(0, +))
    }
  }

  /// An observation that is a number.
  private struct Measured {
    var name: String
    var help: String
    var labels: [(String, String)] = []
    var value: Double

    init?(_ observation: Observation) {
      switch observation {
      case .peerCertificate(_, _, let notAfter):
        (name, help) = ("certificate_expiry_timestamp_seconds", "When the peer's certificate expires.")
        value = notAfter.timeIntervalSince1970
      case .revocationList(let location, let nextUpdate), .revocationListStale(let location, let nextUpdate):
        (name, help) = ("revocation_list_expiry_timestamp_seconds", "When the revocation list is to be renewed.")
        labels = [("location", location)]
        value = nextUpdate.timeIntervalSince1970
      case .clockSkew(let seconds, _):
        (name, help) = ("clock_skew_seconds", "By how much the peer's clock is ahead.")
        value = seconds
      case .endpointMapped(let interface, _, let port):
        (name, help) = ("rpc_endpoint_port", "The port that the endpoint mapper names for an interface.")
        labels = [("interface", interface)]
        value = Double(port)
      case .idleKilled(let seconds):
        (name, help) = ("idle_killed_seconds", "After how long a quiet connection was dead.")
        value = seconds
      default: return nil
      }
    }
  }
}
