// SPDX-License-Identifier: Apache-2.0

import NIOCore
package import PortReference
import Wire

/// Has the stand-ins of `ports listen` prove themselves to a check that has their code.
package struct StandInProver: StandInRecognizer {
  private let code: StandInCode
  private let random: @Sendable (Int) -> [UInt8]

  /// - Parameter random: as many cryptographically secure bytes as asked for, other ones at each call.
  package init(_ code: StandInCode, random: @escaping @Sendable (Int) -> [UInt8]) {
    self.code = code
    self.random = random
  }

  package func challenge(
    _ target: ProbeTarget, row: RowID, _ transport: Transport, _ context: ProbeContext, _ log: ConversationLog
  ) async {
    // Through a proxy the port is the proxy's: what stands behind it is reached by HTTP alone.
    guard target.relay == nil else { return }
    let range = target.ports.filter { $0.first != $0.last }
    guard range.isEmpty else { return await challenge(range: range, target, row, context, log) }
    _ = await prove(UInt16(clamping: log.snapshot.port ?? target.port), target, row, transport, context, log)
  }

  /// Of a range, the ports that a stand-in answers: each tells whether its part of the range passes.
  private func challenge(
    range: [Ports], _ target: ProbeTarget, _ row: RowID, _ context: ProbeContext, _ log: ConversationLog
  ) async {
    let ports = range.flatMap(StandInPlan.samples).prefix(StandInPlan.rangeSamples)
    await withTaskGroup(of: Void.self) { group in
      for port in ports {
        group.addTask {
          let aside = ConversationLog()
          if await prove(port, target, row, .tcp, context, aside) { return log.observe(Self.proof) }
          let seen = aside.snapshot.observations
          for case .standInUnproved(let reason) in seen { log.observe(.standInUnproved(reason)) }
          log.observe(.sampled(port: Int(port), Self.sample(seen)))
        }
      }
    }
  }

  private static let proof = Observation.standIn(version: Int(StandInFrame.version))

  private static func sample(_ seen: [Observation]) -> PortSample {
    for observation in seen {
      switch observation {
      case .synTimeout: return .silent
      case .reset: return .reset
      case .icmp: return .unreachable
      default: break
      }
    }
    return .connected
  }

  /// - Returns: whether the stand-in at the port proved itself.
  private func prove(
    _ port: UInt16, _ target: ProbeTarget, _ row: RowID, _ transport: Transport, _ context: ProbeContext,
    _ log: ConversationLog
  ) async -> Bool {
    var target = target
    target.port = Int(port)
    var dialogue = StandInDialogue(
      code: code, row: row, transport: transport, port: port, clientNonce: random(StandInFrame.nonceBytes))
    guard let ask = await asker(target, transport, context, log) else { return false }
    defer { ask.close() }
    var question = dialogue.hello
    do throws(StandInError) {
      // Hello and proof; the second answer is the last.
      for sent in ["a stand-in's hello", "proof of the code"] {
        guard let answer = await ask.send(question, sent) else { return false }
        switch try dialogue.receive(answer) {
        case .send(let next)?: question = next
        case .proved?:
          log.observe(Self.proof)
          return true
        case nil: return false
        }
      }
    } catch {
      log.observe(.standInUnproved(error.message))
    }
    return false
  }

  private struct Asker {
    var send: (_ question: [UInt8], _ sent: String) async -> [UInt8]?
    var close: () -> Void
  }

  private func asker(
    _ target: ProbeTarget, _ transport: Transport, _ context: ProbeContext, _ log: ConversationLog
  ) async -> Asker? {
    switch transport {
    case .udp:
      return Asker(
        send: { question, sent in
          await context.sockets.ask(
            target, question, phase: .negotiate, sent: sent, deadline: context.deadline, log,
            read: { Self.words($0) })
        }, close: {})
    case .tcp:
      guard
        let socket = await context.sockets.connect(target, phase: .negotiate, deadline: context.deadline, log),
        let channel = try? await socket.channel(on: context.group)
      else { return nil }
      let stream = ProbeStream(channel)
      return Asker(
        send: { question, sent in
          await stream.exchange(
            question, limit: StandInDialogue.maximumAnswer, phase: .negotiate, sent: sent, context, log
          ) { bytes in
            do {
              return try StandInFrame(bytes).map { .complete(Self.words($0)) } ?? .incomplete
            } catch {
              return .wrong
            }
          }
        }, close: { stream.close() })
    }
  }

  private static func words(_ bytes: [UInt8]) -> String? { (try? StandInFrame(bytes)).flatMap { $0 }.map(words) }

  private static func words(_ frame: StandInFrame) -> String {
    switch frame.kind {
    case .challenge: "a stand-in's challenge"
    case .greeting: "a stand-in's greeting"
    case .refusal: "a stand-in's refusal"
    case .hello, .proof: "a stand-in's message out of turn"
    }
  }
}
