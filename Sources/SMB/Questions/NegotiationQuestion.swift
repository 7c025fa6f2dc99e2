// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Wire

/// A NEGOTIATE as bytes, and its answer: for those who carry the bytes themselves, such as a check of the path to a server.
/// It shows dialect, signature, cipher and clock of a server without credentials.
package struct NegotiationQuestion: Sendable {
  /// Every dialect of SMB 2 and 3, those included that a session would refuse.
  package static let everything = SMBOffer(dialects: Dialect.allCases)

  /// Bytes of the longest answer that is read.
  package static let maximumAnswer = DirectTCPFramer.headerSize + SMBLimits.message

  private let request: NegotiateRequest
  private let server: String

  /// - Parameters:
  ///   - server: the server's name, for errors.
  ///   - randomBytes: makes GUID and salt.
  package init(
    _ offer: SMBOffer = everything, server: String, randomBytes: (_ count: Int) -> [UInt8] = SMBOptions().randomBytes
  ) throws(SMBError) {
    guard let guid = GUID(randomBytes(16)) else {
      throw SMBError(.badRequest, "No GUID can be made.", remedy: "Report this as a defect.")
    }
    request = offer.request(clientGUID: guid, salt: randomBytes(SMBOffer.saltSize))
    self.server = server
  }

  /// With the length before it.
  package var message: [UInt8] {
    var header = SMBHeader(.negotiate, messageID: 0)
    header.credits = 1
    return DirectTCPFramer.framed(SMBMessage(header, request).bytes)
  }

  /// Reads all bytes that came so far.
  /// - Returns: nil while the answer is not whole.
  /// - Throws: ``SMBError``: `wrongService` for what is no SMB, `obsoleteProtocol` for SMB 1, `protocolViolation`,
  ///   `noCommonProtection`, or the server's status.
  package func answer(_ bytes: [UInt8]) throws(SMBError) -> SMBNegotiation? {
    var framer = DirectTCPFramer()
    framer.append(ByteBuffer(bytes: bytes))
    let frame: [UInt8]?
    do throws(ByteError) { frame = try framer.next() } catch {
      throw SMBError(
        .wrongService, "What answers at \(server) is no SMB server: \(error).",
        remedy: "Check the address and port, and what else may listen there.")
    }
    guard let frame else { return nil }
    if frame.starts(with: SMBHeader.olderProtocolIdentifier) { throw .obsolete(server) }
    let message: SMBMessage
    let response: NegotiateResponse
    do throws(ByteError) {
      message = try SMBMessage(frame)
      guard message.header.command == .negotiate, message.header.flags.contains(.response) else {
        throw .malformed(offset: 12, reason: "no answer to NEGOTIATE")
      }
      // A status that is no success has another body.
      if message.header.status != .success { _ = try ErrorResponse(message) }
    } catch {
      throw .protocolViolation(server, "\(error)")
    }
    guard message.header.status == .success else {
      throw SMBError(message.header.status, action: "Negotiating the protocol", server: server)
    }
    do throws(ByteError) { response = try NegotiateResponse(message) } catch {
      throw .protocolViolation(server, "\(error)")
    }
    return try SMBNegotiation(response, to: request, server: server)
  }
}
