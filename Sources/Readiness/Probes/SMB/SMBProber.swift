// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import PortReference
import SMB
import Wire

/// SMB on 445: NEGOTIATE without credentials, which shows dialect, signing, cipher and the server's clock; with them a
/// session, the share IPC$ and the pipe of SAMR, for which the row exists.
package struct SMBProber: Prober {
  package let row = RowID.connectADSMB
  package let transport = Transport.tcp
  package let specification = "MS-SMB2 2.2.3, 2.2.4, 3.2.4.2, 3.2.5.2"

  package init() {}

  package func requiredDepth(withCredentials: Bool) -> Depth { withCredentials ? .operation : .service }

  package func converse(with target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
    guard let negotiation = await negotiation(target, context, log) else { return }
    log.reached(.service)
    log.observe(
      .note("\(Self.words(negotiation)), signing \(negotiation.serverRequiresSigning ? "required" : "not required")"))
    let skew = Double(negotiation.systemTime.unixSeconds) - context.now().timeIntervalSince1970
    // Some servers do not tell their time.
    if negotiation.systemTime.ticks > 0, abs(skew) >= 2 {
      log.observe(.clockSkew(seconds: skew.rounded(), source: "the SystemTime of SMB's NEGOTIATE response"))
    }
    guard let credentials = context.credentials else { return }
    await openPipe(credentials, target, context, log)
  }

  private static func words(_ negotiation: SMBNegotiation) -> String {
    "\(negotiation.dialect), signing \(negotiation.signing), encryption \(negotiation.cipher?.description ?? "none")"
  }

  // MARK: - Without credentials

  private func negotiation(
    _ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog
  ) async -> SMBNegotiation? {
    guard let question = try? NegotiationQuestion(server: target.serverName),
      let socket = await context.sockets.connect(target, deadline: context.deadline, log)
    else { return nil }
    // SMB 1 in an answer is a finding of its own, and no wrong protocol.
    let bytes = await socket.exchange(
      question.message, limit: NegotiationQuestion.maximumAnswer, sent: "SMB 2 NEGOTIATE, dialects 2.0.2 to 3.1.1",
      context, log
    ) { bytes in
      do throws(SMBError) {
        return try question.answer(bytes).map { .complete(Self.words($0)) } ?? .incomplete
      } catch {
        return error.code == .wrongService || error.code == .protocolViolation ? .wrong : .complete(error.message)
      }
    }
    guard let bytes else {
      let hasHungUp = log.snapshot.observations.contains { observation in
        switch observation {
        case .closedAfterData(received: 0), .resetAfterData(received: 0): true
        default: false
        }
      }
      if hasHungUp { await askForOlder(target, context, log) }
      return nil
    }
    do throws(SMBError) {
      return try question.answer(bytes)
    } catch {
      if error.status == .notSupported { await askForOlder(target, context, log) }
      if !log.snapshot.observations.contains(.smb1Only) { observe(error, phase: .request, context, log) }
      return nil
    }
  }

  /// Servers of SMB 1 hang up on SMB 2, or refuse every dialect of it: only a question in their own language tells them
  /// from a dead service.
  private func askForOlder(_ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
    let question = OlderNegotiationQuestion()
    guard let socket = await context.sockets.connect(target, phase: .negotiate, deadline: context.deadline, log)
    else { return }
    let scratch = ConversationLog()
    let index = log.begin(.negotiate, sent: "SMB 1 NEGOTIATE, to learn whether nothing newer is spoken")
    let bytes = await socket.exchange(
      question.message, limit: OlderNegotiationQuestion.maximumAnswer, sent: "", context, scratch
    ) { bytes in
      do throws(ByteError) {
        return try question.answer(bytes).map { .complete("\($0)") } ?? .incomplete
      } catch {
        return .wrong
      }
    }
    switch bytes.flatMap({ try? question.answer($0) }) {
    case .older?:
      log.end(index, received: "SMB 1")
      log.reached(.port)
      log.observe(.smb1Only)
    case .newer?: log.end(index, received: "SMB 2, which did not answer when it was asked directly")
    case nil: log.end(index, received: "no answer of SMB")
    }
  }

  // MARK: - With credentials

  private func openPipe(
    _ credentials: any SecurityContextProvider, _ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog
  ) async {
    guard
      let socket = await context.sockets.connect(target, phase: .authenticate, deadline: context.deadline, log)
    else { return }
    var options = SMBOptions()
    options.handshakeTimeout = context.patience()
    options.operationTimeout = context.patience()
    let server = ServerAddress(host: target.serverName, address: target.address, port: target.port)
    do {
      let connection = try await log.phase(.authenticate, sent: "SESSION_SETUP with Kerberos, then IPC$") {
        let made = try await SMBConnection.connect(
          to: server, provider: credentials, flow: Flow(row: row.rawValue, recorder: UnrecordedFlows()),
          options: options, over: socket.take(), group: context.group, logger: context.logger)
        return (made, received: "signed in: \(made.protection)")
      }
      log.reached(.authenticated)
      do {
        try await log.phase(.operation, sent: "opening of the pipe \(Self.pipe)") {
          let pipe = try await connection.openPipe(Self.pipe)
          await pipe.close()
          return ((), received: "opened")
        }
        log.reached(.operation)
      } catch let error as SMBError {
        observe(error, phase: .operation, context, log)
      }
      await connection.close()
    } catch let error as SMBError {
      observe(error, phase: .authenticate, context, log)
    } catch {
      log.observeSignIn(error, phase: .authenticate, context)
    }
  }

  /// What password writeback and Seamless SSO use.
  private static let pipe = "samr"

  // MARK: - Failures

  private func observe(_ error: SMBError, phase: Phase.Name, _ context: ProbeContext, _ log: ConversationLog) {
    switch error.code {
    case .timeout:
      log.observe(
        context.deadline <= .now
          ? .deadline(phase) : .silenceAfterData(seconds: ProbeContext.answerPatience / .seconds(1)))
    case .closed, .unreachable, .sessionEnded: log.observe(.closedAfterData(received: 0))
    case .wrongService, .protocolViolation: log.observe(.wrongAnswer(recognised: nil, summary: error.message))
    case .obsoleteProtocol: log.observe(.smb1Only)
    case .noCommonProtection where error.status == nil: log.observe(.signingUnavailable)
    case .badProtection, .downgraded, .guest: log.observe(.permissionDenied(error.message))
    // The KDC has accepted the account and granted the ticket: what is refused is the ticket.
    case .logonFailure where error.status == .logonFailure: log.observe(.wrongServicePrincipal(error.message))
    case .logonFailure, .accountRestricted:
      log.observe(.authenticationRefused(code: error.identifier, reason: error.message))
    case .accessDenied: log.observe(.permissionDenied(error.message))
    case .clockSkew: log.observe(.authenticationNotTried(error.message))
    case .noSuchShare, .noSuchPipe, .busy, .noCommonProtection: log.observe(.serviceUnavailable(error.message))
    case .badRequest, .refused: log.observe(.systemError(error.message))
    }
  }
}
