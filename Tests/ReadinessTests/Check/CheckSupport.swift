// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import NIOPosix
import PortReference
import Wire

@testable import Readiness

/// A resolver that knows nothing, for targets with addresses.
struct NoNames: NameResolver {
  func addresses(of host: String) async throws -> [String] { [host] }
}

enum CheckSupport {
  static func context(
    seconds: Double, credentials: (any SecurityContextProvider)? = nil, sockets: ProbeSockets = ProbeSockets()
  ) -> ProbeContext {
    ProbeContext(
      sockets: sockets, group: MultiThreadedEventLoopGroup.singleton, deadline: .now + .seconds(seconds),
      now: { Date() }, credentials: credentials, trust: { _ in nil }, standIns: nil, logger: Logger(label: "test"))
  }

  static func target(port: Int, address: String = "127.0.0.1") -> ProbeTarget {
    ProbeTarget(
      role: .activeDirectory, host: "dc1.corp.example", address: address, port: port, domain: "corp.example",
      forest: "corp.example", zones: [.init(domain: "corp.example", forest: "corp.example", hasCatalog: true)])
  }

  static func flow(_ row: RowID, _ transport: Transport, _ target: ProbeTarget) -> CheckedFlow {
    CheckedFlow(
      row: row, transport: transport, sourceRole: .connect, sourceHost: "connect1", isRequired: true, target: target)
  }

  /// One conversation as the runner has it, with its judgement.
  static func judge(_ prober: any Prober, port: Int, seconds: Double) async -> (Judgement, Conversation) {
    let context = context(seconds: seconds)
    let runner = CheckRunner(table: ProberTable([prober]), context: context, resolver: NoNames()) { _ in nil }
    let findings = await runner.run([flow(prober.row, prober.transport, target(port: port))])
    var conversation = Conversation()
    conversation.observations = findings[0].observations
    conversation.phases = findings[0].evidence
    conversation.depth = findings[0].depth.reached
    return (Judgement(findings[0].verdict, findings[0].diagnosis, findings[0].summary), conversation)
  }
}
