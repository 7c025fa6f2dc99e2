// SPDX-License-Identifier: Apache-2.0

import Wire

/// Seals requests and unseals answers (MS-RPCE 3.3.1.5.2.2): packet privacy, and with header signing the header and the
/// `sec_trailer` are covered by the token too.
struct FragmentProtection: Sendable {
  /// MS-RPCE 2.2.2.11: with packet privacy the trailer stands at a multiple of 16 bytes from the stub's start.
  static let alignment = 16

  let context: any SecurityContext
  let type: AuthenticationType
  let contextID: UInt32
  let signsHeaders: Bool

  private func segments(_ stub: Range<Int>, tokenStart: Int) -> [Segment] {
    guard signsHeaders else { return [.sealed(stub)] }
    return [.signed(0..<stub.lowerBound), .sealed(stub), .signed(stub.upperBound..<tokenStart)]
  }

  /// Bytes of stub that fit into a fragment of so many bytes.
  func capacity(ofFragment length: Int) throws(SecurityError) -> Int {
    let start = RequestPDU.stubOffset
    let end = start + (length - start) / Self.alignment * Self.alignment
    let token = try context.tokenLength(segments(start..<end, tokenStart: end + SecurityTrailer.length))
    return max(0, length - start - SecurityTrailer.length - token) / Self.alignment * Self.alignment
  }

  /// A sealed request.
  func seal(_ request: RequestPDU, flags: PDUFlags, callID: UInt32) throws(SecurityError) -> [UInt8] {
    let start = RequestPDU.stubOffset
    let padded = (request.stub.count + Self.alignment - 1) / Self.alignment * Self.alignment
    let end = start + padded
    let segments = segments(start..<end, tokenStart: end + SecurityTrailer.length)
    var fragment = Fragment(
      .request, flags: flags, callID: callID, body: request.encoded, security: (type, contextID),
      tokenLength: try context.tokenLength(segments), paddedFrom: start - PDUHeader.length, to: Self.alignment)
    let token = try fragment.withBytes { bytes throws(SecurityError) in try context.seal(&bytes, segments) }
    guard fragment.setToken(token) else {
      throw SecurityError(
        .internalFailure, "A token of \(token.count) bytes came out where another length was announced.",
        remedy: "Report this as a defect.")
    }
    return fragment.bytes
  }

  /// Checks the trailer and unseals a response or a fault in place.
  func unseal(_ fragment: inout Fragment, peer: String) throws {
    guard let trailer = fragment.trailer, trailer.type == type.rawValue, trailer.level == SecurityTrailer.packetPrivacy,
      trailer.contextID == contextID
    else {
      throw RPCError(
        .unprotected, "\(peer) sent a message that is not sealed, though sealing was agreed.",
        remedy: "Check what stands between this machine and the server.")
    }
    let start = ResponsePDU.stubOffset
    guard fragment.trailerStart - start >= Int(trailer.padding) else {
      throw RPCError.malformed(peer, "padding longer than the message")
    }
    let segments = segments(start..<fragment.trailerStart, tokenStart: fragment.tokenStart)
    let token = fragment.token
    try fragment.withBytes { bytes throws(SecurityError) in try context.unseal(&bytes, segments, token: token) }
  }
}
