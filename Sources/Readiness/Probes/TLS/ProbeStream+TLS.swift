// SPDX-License-Identifier: Apache-2.0

package import CertificateTrust
import FoundationEssentials
import NIOCore
import X509

extension ProbeStream {
  /// Days before its end from which on a certificate is remarked upon.
  private static let remarkableDays = 14

  /// Puts TLS before the stream, by the role's one policy of trust: chain, name, dates, revocation.
  ///
  /// - Returns: nil when the peer is not trusted or the handshake fails; the log says why.
  package func secure(_ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async -> TLSPeer? {
    guard let policy = context.trust(target.role) else {
      log.observe(.systemError("nothing says how to trust the TLS peer"))
      return nil
    }
    let early = await earlyBytes()
    guard early.isEmpty else {
      log.observeWrongAnswer(early)
      return nil
    }
    do {
      let limit = TimeAmount(context.patience())
      let peer = try await log.phase(.tls, sent: "ClientHello for \(target.serverName)") {
        let peer = try await policy.secure(channel, host: target.serverName, within: limit)
        return (peer, received: "\(peer.protection); \(peer.leaf.subject), issued by \(peer.leaf.issuer)")
      }
      log.reached(.tls)
      let notAfter = peer.leaf.notValidAfter
      log.observe(
        .peerCertificate(subject: "\(peer.leaf.subject)", issuer: "\(peer.leaf.issuer)", notAfter: notAfter))
      let days = Int(notAfter.timeIntervalSince(context.now()) / 86_400)
      if days < Self.remarkableDays { log.observe(.certificateExpiresSoon(notAfter: notAfter, days: days)) }
      return peer
    } catch {
      log.observe(trust: error, target: target, context)
      return nil
    }
  }
}

extension ConversationLog {
  /// Records why a TLS peer was refused or a handshake failed.
  package func observe(trust error: any Error, target: ProbeTarget, _ context: ProbeContext) {
    guard let error = error as? TrustError else { return observe(.systemError("\(error)")) }
    switch error.code {
    case .expired: observe(.certificate(.expired(error.message)))
    case .notYetValid: observe(.certificate(.notYetValid(error.message)))
    case .wrongName: observe(.certificate(.wrongName(error.message)))
    case .unknownIssuer:
      observe(.certificate(target.isPublic ? .privateIssuer(error.message) : .unknownIssuer(error.message)))
    case .wrongUsage, .invalidChain, .unsupportedCertificate: observe(.certificate(.invalid(error.message)))
    case .revoked: observe(.certificate(.revoked(error.message)))
    case .listUnreachable, .noDistributionPoint, .verificationTimedOut:
      observe(.revocationListUnreachable(error.message))
    case .listStale: observe(.revocationListOutdated(error.message))
    case .listMalformed, .listBadSignature, .listOutOfScope:
      observe(.revocationListBad(location: target.serverName, reason: error.message))
    case .handshakeTimedOut:
      observe(
        context.patience() < .milliseconds(200)
          ? .deadline(.tls) : .silenceAfterData(seconds: ProbeContext.answerPatience / .seconds(1)))
    case .noCommonProtocol: observe(.tlsMismatch(error.message))
    case .notTLS: observe(.tlsNotSpoken(error.message))
    case .connectionClosed: observe(.tlsClosed)
    case .connectionReset: observe(.resetAfterData(received: 1))
    case .handshakeFailed: observe(.tlsAlert(code: 0, name: error.message))
    case .badConfiguration: observe(.systemError(error.message))
    }
  }
}
