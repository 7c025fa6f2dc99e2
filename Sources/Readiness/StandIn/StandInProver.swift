// SPDX-License-Identifier: Apache-2.0

import NIOCore
package import PortReference

/// Has the stand-ins of `ports listen` prove themselves to a check that has their code.
package struct StandInProver: StandInRecognizer {
  private let code: StandInCode
  /// 32 random bytes, new at each call.
  private let nonce: @Sendable () -> [UInt8]

  package init(_ code: StandInCode, nonce: @escaping @Sendable () -> [UInt8]) {
    self.code = code
    self.nonce = nonce
  }

  package func challenge(
    _ target: ProbeTarget, row: RowID, _ transport: Transport, _ context: ProbeContext, _ log: ConversationLog
  ) async {
    // Through a proxy the port is the proxy's: what stands behind it is reached by HTTP alone.
    guard target.relay == nil, let port = UInt16(exactly: log.snapshot.port ?? target.port) else { return }
    var target = target
    target.port = Int(port)
    var dialogue = StandInDialogue(code: code, row: row, transport: transport, port: port, clientNonce: nonce())
    let ask = await asker(target, transport, context, log)
    guard let ask else { return }
    defer { ask.close() }
    var question = dialogue.hello
    do throws(StandInError) {
      // Hello and proof; the second answer is the last.
      for sent in ["a stand-in's hello", "proof of the code"] {
        guard let answer = await ask.send(question, sent) else { return }
        switch try dialogue.receive(answer) {
        case .send(let next)?: question = next
        case .proved?:
          log.reached(.path)
          return log.observe(.standIn(version: Int(StandInFrame.version)))
        case nil: return
        }
      }
    } catch {
      log.observe(.standInUnproved(error.message))
    }
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
