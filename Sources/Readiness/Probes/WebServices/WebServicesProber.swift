// SPDX-License-Identifier: Apache-2.0

package import PortReference
import WCF
import Wire

/// AD Web Services on 9389: the net.tcp preamble up to the consent to authenticate; with credentials, a sealed session.
package struct WebServicesProber: Prober {
  package let row = RowID.connectADWebServices
  package let transport = Transport.tcp
  package let specification = "MC-NMF 2.2, 3.2; MS-NNS 2.2; MS-ADDM 2.1"

  /// MS-ADDM 2.1: an endpoint for callers who authenticate with Windows credentials.
  static let path = "ActiveDirectoryWebServices/Windows/Resource"
  /// Bytes of the longest answer up to the end of the handshake: a token of 65,535 with its header.
  private static let maximumAnswer = 70_000
  private static let maximumExchanges = 10

  package init() {}

  package func requiredDepth(withCredentials: Bool) -> Depth { withCredentials ? .authenticated : .service }

  package func converse(with target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
    guard let stream = await open(target, context, log, .connect) else { return }
    defer { stream.close() }
    let via = "net.tcp://\(target.serverName):\(target.port)/\(Self.path)"
    var question = NetTCPInitiator(via: via, upgrade: .ask)
    let answer = await stream.exchange(
      question.start(), limit: Self.maximumAnswer,
      sent: "net.tcp preamble for \(via), upgrade to application/negotiate",
      context, log, read: Self.readRecord)
    guard let answer else { return }
    do {
      guard try question.receive(answer) == [.upgradeAccepted] else { return log.observeWrongAnswer(answer) }
      log.reached(.service)
    } catch {
      return observe(error, answer, context, log)
    }
    guard let credentials = context.credentials else { return }
    await signIn(via, credentials, target, context, log)
  }

  private func signIn(
    _ via: String, _ credentials: any SecurityContextProvider, _ target: ProbeTarget, _ context: ProbeContext,
    _ log: ConversationLog
  ) async {
    guard let stream = await open(target, context, log, .authenticate) else { return }
    defer { stream.close() }
    var answer: [UInt8] = []
    do {
      let principal = ServicePrincipal(service: "host", host: target.serverName)
      let security = try await credentials.initiate(principal, SecurityParameters(mechanism: .spnego))
      var initiator = NetTCPInitiator(via: via, upgrade: .negotiate(security))
      var outgoing = initiator.start()
      var read = Self.readRecord
      var sent = "net.tcp preamble, upgrade to application/negotiate"
      for _ in 0..<Self.maximumExchanges {
        let next = await stream.exchange(
          outgoing, limit: Self.maximumAnswer, phase: .authenticate, sent: sent, context, log, read: read)
        guard let next else { return }
        answer = next
        let actions = try initiator.receive(answer)
        if actions.contains(.opened) {
          log.observe(.note("session sealed: \(security.summary)"))
          return log.reached(.authenticated)
        }
        outgoing = actions.flatMap { action -> [UInt8] in
          guard case .send(let bytes) = action else { return [] }
          return bytes
        }
        if initiator.isProtected {
          (read, sent) = (Self.readData, "end of the preamble, sealed")
        } else {
          (read, sent) = (Self.readHandshake, "a Kerberos token")
        }
      }
      log.observe(.authenticationRefused(code: "wcf.malformed", reason: "The handshake did not come to an end."))
    } catch {
      observe(error, answer, context, log)
    }
  }

  private func open(
    _ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog, _ phase: Phase.Name
  ) async -> ProbeStream? {
    guard let socket = await context.sockets.connect(target, phase: phase, deadline: context.deadline, log) else {
      return nil
    }
    do {
      return try await socket.stream(on: context.group)
    } catch {
      log.observe(.systemError("\(error)"))
      return nil
    }
  }

  private func observe(_ error: any Error, _ answer: [UInt8], _ context: ProbeContext, _ log: ConversationLog) {
    guard let error = error as? WCFError else { return log.observeSignIn(error, phase: .authenticate, context) }
    switch error.code {
    case .fault:
      log.reached(.service)
      log.observe(.serviceUnavailable(error.message))
    case .handshakeRefused, .unprotected:
      log.observe(.authenticationRefused(code: error.identifier, reason: error.message))
    case .closed: log.observe(.closedAfterData(received: answer.count))
    case .malformed, .tooLarge: log.observeWrongAnswer(answer)
    }
  }

  // MARK: When an answer is whole

  private static let readRecord: @Sendable ([UInt8]) -> ProbeStream.Progress = { bytes in
    var decoder = RecordDecoder()
    decoder.feed(bytes)
    do {
      guard let record = try decoder.next() else { return .incomplete }
      if case .fault(let fault) = record { return .complete("the fault \(fault)") }
      return .complete("its \(record.name)")
    } catch {
      return .wrong
    }
  }

  private static let readHandshake: @Sendable ([UInt8]) -> ProbeStream.Progress = { bytes in
    whole(bytes) { reader in
      switch try NegotiateHandshake(&reader).kind {
      case .done: "the end of the handshake"
      case .inProgress: "a token"
      case .error: "a refusal of the handshake"
      }
    }
  }

  private static let readData: @Sendable ([UInt8]) -> ProbeStream.Progress = { bytes in
    whole(bytes) { reader in "\(try NegotiateData.payload(&reader).count) sealed bytes" }
  }

  private static func whole(
    _ bytes: [UInt8], _ read: (inout ByteReader) throws -> String
  ) -> ProbeStream.Progress {
    var reader = ByteReader(bytes)
    do {
      return .complete(try read(&reader))
    } catch ByteError.truncated {
      return .incomplete
    } catch {
      return .wrong
    }
  }
}
