// SPDX-License-Identifier: Apache-2.0

package import CertificateTrust
package import FoundationEssentials
package import Logging
package import NIOCore
package import PortReference
package import Wire

/// What every probe is given: the outside world, and the check's limits.
package struct ProbeContext: Sendable {
  package let sockets: ProbeSockets
  package let group: any EventLoopGroup
  /// When the whole check ends.
  package let deadline: ContinuousClock.Instant
  /// The wall clock, for skews and certificates.
  package let now: @Sendable () -> Date
  /// Signs in by Kerberos; nil when no credentials for the target were given. Throws ``CredentialError`` once
  /// a sign-in was refused.
  package var credentials: (any SecurityContextProvider)?
  /// Signs in to the HTTP proxy on the way to the cloud; nil when no account for it was given.
  package var proxySignIn: ProxySignIn?
  /// How TLS peers of a role are trusted, revocation included.
  package let trust: @Sendable (Role) -> TLSClientPolicy?
  /// Unlocks the proof of a stand-in (`ports listen`); nil when no code was given.
  package let standIns: (any StandInRecognizer)?
  package let logger: Logger

  /// The longest wait for one answer of a peer that has accepted the connection.
  package static let answerPatience = Duration.seconds(4)
  /// A silence that the deadline made shorter than this says nothing of the peer.
  package static let leastTellingWait = Duration.seconds(2)

  package init(
    sockets: ProbeSockets, group: any EventLoopGroup, deadline: ContinuousClock.Instant,
    now: @escaping @Sendable () -> Date, credentials: (any SecurityContextProvider)?,
    trust: @escaping @Sendable (Role) -> TLSClientPolicy?, standIns: (any StandInRecognizer)?, logger: Logger
  ) {
    self.sockets = sockets
    self.group = group
    self.deadline = deadline
    self.now = now
    self.credentials = credentials
    self.trust = trust
    self.standIns = standIns
    self.logger = logger
  }

  /// The time for the next wait: ``answerPatience``, or less when the deadline is near; never negative.
  package func patience(_ wanted: Duration = answerPatience) -> Duration {
    max(.zero, min(wanted, deadline - .now))
  }
}

/// Speaks to the stand-in that `ports listen` puts in a missing server's place.
package protocol StandInRecognizer: Sendable {
  /// Asks the stand-in at the target for its proof, on new connections or datagrams, and observes
  /// ``Observation/standIn(version:)`` or ``Observation/standInUnproved(_:)``; of a range of ports also
  /// ``Observation/sampled(port:_:)`` where one does not answer.
  func challenge(
    _ target: ProbeTarget, row: RowID, _ transport: Transport, _ context: ProbeContext, _ log: ConversationLog) async
}

extension Prober {
  /// Has the conversation. Where it did not come to its end though something answered, asks whether that is a stand-in.
  func converse(recognisingStandInsAt target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
    await converse(with: target, context, log)
    let seen = log.snapshot
    // Where a row has many ports, the first conversation may have been with another one that led nowhere.
    let hasRange = target.ports.contains { $0.first != $0.last }
    guard let standIns = context.standIns, seen.depth >= .port || hasRange,
      seen.depth < requiredDepth(withCredentials: context.credentials != nil)
    else { return }
    let index = log.begin(.negotiate, sent: "a stand-in's hello")
    // A real server's answer to it means nothing and must not enter the diagnosis.
    let aside = ConversationLog()
    await standIns.challenge(target, row: row, transport, context, aside)
    let answer = aside.snapshot.observations.filter(\.isOfStandIn)
    let isProved = answer.contains { if case .standIn = $0 { true } else { false } }
    log.end(index, received: answer.isEmpty ? "nothing of a stand-in" : isProved ? "its proof" : "no proof")
    for observation in answer { log.observe(observation) }
    // The path is what a stand-in proves, whatever its port accepted.
    if isProved { log.provedPathOnly() }
  }
}

extension Observation {
  fileprivate var isOfStandIn: Bool {
    switch self {
    case .standIn, .standInUnproved, .sampled: true
    default: false
    }
  }
}
