// SPDX-License-Identifier: Apache-2.0

import Crypto
package import PortReference
import Synchronization
import Wire

/// One port that a stand-in answers, with the rows that it belongs to.
package struct StandInPort: Sendable, Hashable, Codable, Comparable {
  package var port: UInt16
  package var transport: Transport
  package var rows: [RowID]

  package init(port: UInt16, transport: Transport, rows: [RowID]) {
    self.port = port
    self.transport = transport
    self.rows = rows
  }

  package static func < (left: StandInPort, right: StandInPort) -> Bool {
    (left.port, left.transport.rawValue) < (right.port, right.transport.rawValue)
  }
}

/// What happened at a stand-in's port.
package struct StandInEvent: Sendable, Hashable, Codable {
  package enum Outcome: String, Sendable, Codable {
    /// A check proved that it knows the code, and was greeted.
    case answered
    case wrongCode = "wrong-code"
    case replay
    case exhausted
    /// Something else than a check's message: a row's own protocol, or a scan. It got the banner, if anything.
    case stranger
  }
  package var outcome: Outcome
  package var port: StandInPort
  /// Numeric address and port of whoever asked.
  package var peer: String
}

/// The stand-in's side of the conversation. It keeps no state between hello and proof: its nonce is a keyed hash of what
/// the proof repeats. What it does keep are the proofs that it has answered, so that none is answered twice.
final class StandInResponder: Sendable {
  /// Proofs of one run; each takes 32 bytes.
  static let maximumProofs = 65_536

  private let code: StandInCode
  private let role: Role
  private let product: String
  /// Of this run alone, so that a proof is worth nothing in the next.
  private let secret: SymmetricKey
  private let seen = Mutex(Set<[UInt8]>())

  /// - Parameter secret: 32 random bytes.
  init(code: StandInCode, role: Role, product: String, secret: [UInt8]) {
    self.code = code
    self.role = role
    self.product = product
    self.secret = SymmetricKey(data: secret)
  }

  struct Answer: Sendable {
    var bytes: [UInt8]
    /// Nil for a step in the middle of a conversation.
    var outcome: StandInEvent.Outcome?
    /// Whether the conversation is over.
    var isLast: Bool
  }

  /// - Parameters:
  ///   - bytes: everything that came since the last answer.
  ///   - address: the peer's numeric address, without its port: a datagram's may change between two.
  /// - Returns: nil while a message has not arrived whole.
  func answer(_ bytes: [UInt8], from address: String, at port: StandInPort) -> Answer? {
    do {
      guard let frame = try StandInFrame(bytes) else { return nil }
      switch frame.kind {
      case .hello where frame.body.count >= StandInFrame.nonceBytes:
        let nonce = serverNonce(Array(frame.body.prefix(StandInFrame.nonceBytes)), address, port)
        return Answer(bytes: StandInFrame(.challenge, nonce).bytes, outcome: nil, isLast: false)
      case .proof: return try judge(StandInProof(frame.body), address, port)
      default: return Answer(bytes: StandInFrame.refusal(.version).bytes, outcome: .stranger, isLast: true)
      }
    } catch {
      // No amplification: a datagram shorter than the banner gets nothing.
      let banner = bytes.count >= StandInFrame.banner.count || port.transport == .tcp ? StandInFrame.banner : []
      return Answer(bytes: banner, outcome: .stranger, isLast: true)
    }
  }

  private func judge(_ proof: StandInProof, _ address: String, _ port: StandInPort) throws -> Answer {
    // Both comparisons are in constant time: the nonce's by way of its keyed hash.
    let isOurs = HMAC<SHA256>.isValidAuthenticationCode(
      proof.serverNonce, authenticating: Self.message(proof.clientNonce, address, port), using: secret)
    guard proof.isAuthentic(code), isOurs else { return refusal(.wrongCode, .wrongCode) }
    enum Entry { case new, known, full }
    let entry = seen.withLock { seen -> Entry in
      guard !seen.contains(proof.clientNonce) else { return .known }
      guard seen.count < Self.maximumProofs else { return .full }
      seen.insert(proof.clientNonce)
      return .new
    }
    switch entry {
    case .known: return refusal(.replay, .replay)
    case .full: return refusal(.exhausted, .exhausted)
    case .new: break
    }
    let greeting = StandInGreeting(
      role: role, transport: port.transport, port: port.port, rows: port.rows, product: product)
    let frame = try greeting.frame(clientNonce: proof.clientNonce, serverNonce: proof.serverNonce, with: code)
    return Answer(bytes: frame.bytes, outcome: .answered, isLast: true)
  }

  private func refusal(_ reason: StandInFrame.Refusal, _ outcome: StandInEvent.Outcome) -> Answer {
    Answer(bytes: StandInFrame.refusal(reason).bytes, outcome: outcome, isLast: true)
  }

  private func serverNonce(_ clientNonce: [UInt8], _ address: String, _ port: StandInPort) -> [UInt8] {
    Array(HMAC<SHA256>.authenticationCode(for: Self.message(clientNonce, address, port), using: secret))
  }

  private static func message(_ clientNonce: [UInt8], _ address: String, _ port: StandInPort) -> [UInt8] {
    clientNonce + Array("\(address) \(port.port)/\(port.transport.rawValue)".utf8)
  }
}
