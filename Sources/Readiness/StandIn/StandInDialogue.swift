// SPDX-License-Identifier: Apache-2.0

package import PortReference
import Wire

/// The check's side of a conversation with a stand-in. No I/O: a message goes out, what comes back goes in.
/// ```
/// hello → challenge → proof → greeting
/// ```
package struct StandInDialogue: Sendable {
  package enum Step: Sendable, Equatable {
    /// Send this and wait for its answer.
    case send([UInt8])
    case proved(StandInGreeting)
  }

  private enum Phase: Sendable { case hello, proof(serverNonce: [UInt8]), over }

  private let code: StandInCode
  private let row: RowID
  private let transport: Transport
  private let port: UInt16
  private let clientNonce: [UInt8]
  private var phase = Phase.hello

  /// - Parameter clientNonce: 32 random bytes, new for each dialogue.
  package init(code: StandInCode, row: RowID, transport: Transport, port: UInt16, clientNonce: [UInt8]) {
    self.code = code
    self.row = row
    self.transport = transport
    self.port = port
    self.clientNonce = clientNonce
  }

  /// The most bytes that an answer may have.
  package static var maximumAnswer: Int { StandInFrame.maximumBytes }

  /// The first message.
  package var hello: [UInt8] { StandInFrame.hello(clientNonce).bytes }

  /// Takes all bytes of an answer that came so far.
  ///
  /// - Returns: nil while the answer has not arrived whole.
  /// - Throws: ``StandInError`` with code `malformed`, `wrongCode`, `replay` or `refused`.
  package mutating func receive(_ bytes: [UInt8]) throws(StandInError) -> Step? {
    let frame: StandInFrame?
    do throws(ByteError) {
      frame = try StandInFrame(bytes)
    } catch {
      throw StandInError(
        .malformed, "What answers is no stand-in: \(error).", remedy: "check what listens there; it is another service")
    }
    guard let frame else { return nil }
    if frame.kind == .refusal { throw Self.refused(frame.body.first) }
    switch (phase, frame.kind) {
    case (.hello, .challenge) where frame.body.count == StandInFrame.nonceBytes:
      phase = .proof(serverNonce: frame.body)
      return .send(
        StandInProof(clientNonce: clientNonce, serverNonce: frame.body, port: port, with: code).frame.bytes)
    case (.proof(let serverNonce), .greeting):
      phase = .over
      let greeting = try StandInGreeting(frame.body, clientNonce: clientNonce, serverNonce: serverNonce, with: code)
      guard greeting.rows.contains(row), greeting.transport == transport else {
        throw StandInError(
          .refused,
          "The stand-in of \(greeting.port)/\(greeting.transport.rawValue) answered; it does not stand in for \(row).",
          remedy: "look for a translation of addresses or ports on the way")
      }
      return .proved(greeting)
    default:
      throw StandInError(
        .malformed, "The stand-in answered out of turn.", remedy: "run the same version on both sides")
    }
  }

  /// Whether bytes that came instead of a row's protocol are a stand-in's.
  package static func isBanner(_ bytes: [UInt8]) -> Bool { bytes.starts(with: StandInFrame.banner) }

  private static func refused(_ reason: UInt8?) -> StandInError {
    switch reason.flatMap(StandInFrame.Refusal.init) {
    case .wrongCode:
      StandInError(
        .wrongCode, "The stand-in was started with another code.",
        remedy: "use the file that the stand-in was started with")
    case .replay:
      StandInError(
        .replay, "The stand-in has seen this proof before.",
        remedy: "look for something that repeats packets on the way")
    case .exhausted:
      StandInError(.refused, "The stand-in has answered as often as it may.", remedy: "start it again with a new code")
    case .version, nil:
      StandInError(
        .refused, "The stand-in speaks another version of its protocol.", remedy: "run the same version on both sides")
    }
  }
}
