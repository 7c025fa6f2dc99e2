// SPDX-License-Identifier: Apache-2.0

package import Wire

/// A negotiation as SMB 1 begins it (MS-CIFS 2.2.4.52, MS-SMB2 3.2.4.2.1), asked only to learn whether a server that hangs up
/// on SMB 2 speaks nothing newer. Nothing is ever agreed with the answer.
package struct OlderNegotiationQuestion: Sendable {
  package enum Answer: Sendable, Hashable {
    /// An SMB 1 message: the server chose it.
    case older
    /// An SMB 2 message: the server would speak it.
    case newer
  }

  package static let maximumAnswer = NegotiationQuestion.maximumAnswer

  package init() {}

  /// With the length before it.
  package var message: [UInt8] {
    var writer = ByteWriter()
    writer.write(SMBHeader.olderProtocolIdentifier)
    // SMB_COM_NEGOTIATE, then a header of zeros but for SMB_FLAGS2_UNICODE, _NT_STATUS, _EXTENDED_SECURITY, _LONG_NAMES.
    writer.write([0x72])
    writer.write([UInt8](repeating: 0, count: 4))
    writer.write([0x18])
    writer.writeLittleEndian(UInt16(0xC801))
    writer.write([UInt8](repeating: 0, count: 20))
    var dialects = ByteWriter()
    for name in ["NT LM 0.12", "SMB 2.002", "SMB 2.???"] { dialects.write([2] + Array(name.utf8) + [0]) }
    writer.write([0])
    writer.writeLittleEndian(UInt16(clamping: dialects.count))
    writer.write(dialects.bytes)
    return DirectTCPFramer.framed(writer.bytes)
  }

  /// Reads all bytes that came so far.
  /// - Returns: nil while it cannot be told.
  /// - Throws: `ByteError` for what is no SMB.
  package func answer(_ bytes: [UInt8]) throws(ByteError) -> Answer? {
    guard bytes.first ?? 0 == 0 else { throw .malformed(offset: 0, reason: "no SMB") }
    guard bytes.count >= 8 else { return nil }
    let identifier = Array(bytes[4..<8])
    if identifier == SMBHeader.olderProtocolIdentifier { return .older }
    if identifier == SMBHeader.protocolIdentifier { return .newer }
    throw .malformed(offset: 4, reason: "no SMB")
  }
}
