// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Kerberos
package import PortReference
import Wire

/// Asks a KDC for an initial ticket without proving anything: whatever it answers proves the service, and its KRB-ERROR
/// tells its clock. Over UDP a padded request follows, which travels in two fragments.
///
/// With credentials, over TCP, this very KDC is shown the ticket that the account got, wherever it got it: that takes no
/// password, so that no account comes nearer to being locked.
package struct KerberosProber: Prober {
  package let row = RowID.connectADKerberos
  package let transport: Transport
  package let specification = "RFC 4120 3.1, 5.4.1, 7.2"

  package init(_ transport: Transport) { self.transport = transport }

  package func requiredDepth(withCredentials: Bool) -> Depth {
    withCredentials && transport == .tcp ? .authenticated : .service
  }

  /// A name that no account has; it appears in the KDC's log as what it is.
  private static let principal = "bridgehead-ports-check"
  /// Bytes: above an Ethernet frame, so that it is cut in two, and below the limits that KDCs set themselves.
  static let paddedSize = 1800

  package func converse(with target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
    guard let domain = target.domain else { return log.observe(.systemError("the target's domain is not known")) }
    let request = InitialRequest(
      principal: Self.principal, realm: domain, nonce: UInt32.random(in: 1...UInt32(Int32.max)))
    let sent = "AS-REQ for \(Self.principal)@\(request.realm) (\(request.bytes.count) bytes)"
    switch transport {
    case .tcp:
      guard let socket = await context.sockets.connect(target, deadline: context.deadline, log),
        let bytes = await socket.exchange(
          request.streamBytes, limit: Self.maximumAnswer, sent: sent, context, log, read: Self.read)
      else { return }
      guard let answer = try? InitialAnswer.onStream(bytes) else { return }
      judge(answer, domain, context, log)
      await showTicket(target, domain, context, log)
    case .udp:
      let answer = await context.sockets.ask(target, request.bytes, sent: sent, deadline: context.deadline, log) {
        (try? InitialAnswer($0)).map(Self.words)
      }
      guard let answer, let answer = try? InitialAnswer(answer) else { return }
      judge(answer, domain, context, log)
      await askInFragments(request, target, context, log)
    }
  }

  /// RFC 4120 has no limit; no KDC's error is longer.
  private static let maximumAnswer = 1 << 16

  private func showTicket(
    _ target: ProbeTarget, _ domain: String, _ context: ProbeContext, _ log: ConversationLog
  ) async {
    guard let credentials = context.credentials as? any TicketSource else { return }
    let service = ServicePrincipal(service: "ldap", host: target.serverName)
    do {
      try await log.phase(.authenticate, sent: "TGS-REQ for \(service), with the account's ticket") {
        let words = try await credentials.ticket(
          for: service, from: target.endpoint, of: domain, timeout: context.patience())
        return ((), received: words)
      }
      log.reached(.authenticated)
    } catch let error as SecurityError where error.code == .unknownService {
      // It has read the account's ticket before it looked for the service, whose own row says what is wrong with that.
      log.reached(.authenticated)
    } catch {
      log.observeSignIn(error, phase: .authenticate, context)
    }
  }

  private func askInFragments(
    _ request: InitialRequest, _ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog
  ) async {
    var padded = request
    padded.size = Self.paddedSize
    let bytes = padded.bytes
    _ = await context.sockets.ask(
      target, bytes, phase: .negotiate, sent: "the same, padded to \(bytes.count) bytes: two fragments",
      deadline: context.deadline, silence: .largeDatagramTimeout(bytes: bytes.count), log
    ) { (try? InitialAnswer($0)).map(Self.words) }
  }

  private func judge(_ answer: InitialAnswer, _ domain: String, _ context: ProbeContext, _ log: ConversationLog) {
    log.reached(.service)
    guard case .error(let code, let name, let serverTime) = answer else { return }
    log.observe(.kdcError(code: code, name: name))
    // RFC 4120 7.5.9: KDC_ERR_WRONG_REALM, KDC_ERR_SVC_UNAVAILABLE. Samba names its own krbtgt unknown for a strange realm.
    if code == 68 || code == 7 { log.observe(.wrongDomain(found: nil, expected: domain)) }
    if code == 29 { log.observe(.serviceUnavailable("\(name)")) }
    let skew = Double(serverTime) - context.now().timeIntervalSince1970
    // The KDC tells whole seconds.
    if abs(skew) >= 2 { log.observe(.clockSkew(seconds: skew.rounded(), source: "the KDC's KRB-ERROR")) }
  }

  private static func read(_ bytes: [UInt8]) -> ProbeStream.Progress {
    do {
      return try InitialAnswer.onStream(bytes).map { .complete(words($0)) } ?? .incomplete
    } catch {
      return .wrong
    }
  }

  private static func words(_ answer: InitialAnswer) -> String {
    switch answer {
    case .ticket: "AS-REP"
    case .error(let code, let name, _): "KRB-ERROR \(code) (\(name))"
    }
  }
}
