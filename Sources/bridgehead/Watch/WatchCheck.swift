// SPDX-License-Identifier: Apache-2.0

import PortReference
import Readiness

/// The checks of a watch. A sign-in that was refused closes the door for all that follow, for a time.
actor WatchCheck {
  private let options: CheckOptions
  private let topology: Topology
  private let source: Role
  private let deadline: Duration
  private let variables: [String: String]
  /// The environment in which a sign-in was refused: its gates let nobody sign in any more.
  private var closed: (environment: CheckEnvironment, since: ContinuousClock.Instant)?

  /// After a refusal nobody signs in for so long. Active Directory counts refusals within `lockOutObservationWindow`, half
  /// an hour by default (MS-ADTS 3.1.1.4.8): one an hour never adds up to a lockout.
  private static let pauseAfterRefusal = Duration.seconds(3600)

  init(_ options: CheckOptions, _ topology: Topology, source: Role, deadline: Duration, variables: [String: String]) {
    self.options = options
    self.topology = topology
    self.source = source
    self.deadline = deadline
    self.variables = variables
  }

  /// The flows that are watched.
  var flows: [CheckedFlow] { FlowList(topology).flows(.init(source: source)) }

  /// One check of all of them.
  func run() async throws -> [Finding] { try await run(flows) }

  /// One check of a row of a target; nil when the topology has no such flow.
  func run(target: String, row: RowID) async throws -> [Finding]? {
    let flows = FlowList(topology).flows(.init(source: source, target: target, row: row))
    return flows.isEmpty ? nil : try await run(flows)
  }

  private func run(_ flows: [CheckedFlow]) async throws -> [Finding] {
    if let closed, ContinuousClock.now - closed.since < Self.pauseAfterRefusal {
      return await closed.environment.runner(deadline: .now + deadline).run(flows)
    }
    let environment = try CheckEnvironment(options, topology, environment: variables)
    let findings = await environment.runner(deadline: .now + deadline).run(flows)
    if findings.contains(where: \.saysRefused) {
      closed = (environment, .now)
    } else {
      await environment.shutdown()
    }
    return findings
  }
}

extension Finding {
  fileprivate var saysRefused: Bool {
    observations.contains { observation in
      switch observation {
      case .authenticationRefused, .proxyCredentialsRefused: true
      default: false
      }
    }
  }
}
