// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import NIOCore
package import PortReference
import Wire
import X509

/// User certificates on 49443 (or on 443 under `certauth.…`): TLS must ask for one. When it does not, something on the way
/// ends TLS and no certificate will ever arrive.
///
/// TLS 1.2 is offered first, since TLS 1.3 seals the list of authorities; a server that wants 1.3 gets a second handshake.
package struct CertificateRequestProber: Prober {
  package let row = RowID.usersProxyCertificateAuthentication
  package let transport = Transport.tcp
  package let specification = "RFC 5246 7.4.4, RFC 8446 4.3.2"

  /// Authorities that are shown.
  private static let shown = 20

  package init() {}

  package func requiredDepth(withCredentials: Bool) -> Depth { .service }

  package func converse(with target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
    guard let first = await handshake(target, context, log, .connect, offersTLS13: false) else { return }
    guard first.request == nil, case .failure(let error) = first.peer, error.code == .noCommonProtocol else {
      return judge(first, target, context, log)
    }
    guard let second = await handshake(target, context, log, .negotiate, offersTLS13: true) else { return }
    judge(second, target, context, log)
  }

  private typealias Outcome = (request: CertificateRequest?, peer: Result<TLSPeer, TrustError>)

  private func handshake(
    _ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog, _ phase: Phase.Name, offersTLS13: Bool
  ) async -> Outcome? {
    guard let policy = context.trust(target.role) else {
      log.observe(.systemError("nothing says how to trust the TLS peer"))
      return nil
    }
    guard let socket = await context.sockets.connect(target, phase: phase, deadline: context.deadline, log) else {
      return nil
    }
    let channel: any Channel
    do {
      channel = try await socket.channel(on: context.group)
    } catch {
      log.observe(.systemError("\(error)"))
      return nil
    }
    defer { channel.close(promise: nil) }
    let index = log.begin(
      .tls, sent: "ClientHello for \(target.serverName), \(offersTLS13 ? "TLS 1.2 and 1.3" : "TLS 1.2"), no certificate"
    )
    let outcome = await policy.secureNotingRequest(
      channel, host: target.serverName, within: TimeAmount(context.patience()), offersTLS13: offersTLS13)
    log.end(index, received: Self.words(outcome))
    return outcome
  }

  private func judge(_ outcome: Outcome, _ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) {
    switch outcome.peer {
    case .success(let peer):
      log.reached(.tls)
      log.observe(
        .peerCertificate(
          subject: "\(peer.leaf.subject)", issuer: "\(peer.leaf.issuer)", notAfter: peer.leaf.notValidAfter))
      guard let request = outcome.request else { return log.observe(.noCertificateRequest) }
      note(request, log)
    // A server that insists ends the handshake; its own certificate was validated before.
    case .failure(let error):
      if let request = outcome.request, Self.ends.contains(error.code) {
        note(request, log)
        log.observe(.note("the server ends the handshake without a client certificate"))
      } else {
        log.observe(trust: error, target: target, context)
      }
    }
  }

  /// How a handshake looks that the server ends for want of a certificate: alert handshake_failure, or a close.
  private static let ends: [TrustError.Code] = [.connectionClosed, .handshakeFailed, .noCommonProtocol]

  private func note(_ request: CertificateRequest, _ log: ConversationLog) {
    log.reached(.service)
    log.observe(.certificateRequest(issuers: Array((request.issuers ?? []).prefix(Self.shown))))
    if request.issuers == nil { log.observe(.note("TLS 1.3 seals the list of authorities; it was not seen")) }
  }

  private static func words(_ outcome: Outcome) -> String {
    let request: String
    switch outcome.request {
    case nil: request = "no CertificateRequest"
    case .some(let asked):
      request =
        "CertificateRequest"
        + (asked.issuers.map { $0.isEmpty ? " for any authority" : " for \($0.count) authorities" } ?? "")
    }
    switch outcome.peer {
    case .success(let peer): return "\(request); \(peer.protection)"
    case .failure(let error): return "\(request); \(error.message)"
    }
  }
}
