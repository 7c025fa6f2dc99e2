// SPDX-License-Identifier: Apache-2.0

import Wire

/// What a client repeats under the seal, so that the server can tell whether headers were tampered with (MS-RPCE 2.2.2.13).
///
/// It follows the stub at a multiple of four bytes: a signature, then commands, the last of which is marked.
struct VerificationTrailer {
  static let signature: [UInt8] = [0x8a, 0xe3, 0x13, 0x71, 0x02, 0xf4, 0x36, 0x71]
  /// `SEC_VT_COMMAND_BITMASK_1` with bit `CLIENT_SUPPORTS_HEADER_SIGNING` (2.2.2.13.2).
  private static let bitmask: UInt16 = 0x0001
  /// `SEC_VT_COMMAND_PCONTEXT` (2.2.2.13.4).
  private static let context: UInt16 = 0x0002
  /// `SEC_VT_COMMAND_HEADER2` (2.2.2.13.3).
  private static let header: UInt16 = 0x0003
  /// `SEC_VT_COMMAND_END` and `SEC_VT_MUST_PROCESS_COMMAND` (2.2.2.13.1).
  private static let end: UInt16 = 0x4000
  private static let mustProcess: UInt16 = 0x8000

  var interface: SyntaxIdentifier
  var transferSyntax = SyntaxIdentifier.ndr
  /// The fields of the request's header, given where the header itself is not signed.
  var unsignedHeader: (callID: UInt32, contextID: UInt16, operation: UInt16)?

  /// The stub with the trailer behind it.
  func appended(to stub: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(stub)
    while writer.count % 4 != 0 { writer.write([0]) }
    writer.write(Self.signature)
    command(Self.bitmask, length: 4, to: &writer)
    writer.writeLittleEndian(UInt32(1))
    command(Self.context | Self.mustProcess | (unsignedHeader == nil ? Self.end : 0), length: 40, to: &writer)
    interface.write(to: &writer)
    transferSyntax.write(to: &writer)
    if let fields = unsignedHeader {
      command(Self.header | Self.mustProcess | Self.end, length: 16, to: &writer)
      writer.write([PDUType.request.rawValue, 0, 0, 0, 0x10, 0, 0, 0])
      writer.writeLittleEndian(fields.callID)
      writer.writeLittleEndian(fields.contextID)
      writer.writeLittleEndian(fields.operation)
    }
    return writer.bytes
  }

  private func command(_ code: UInt16, length: UInt16, to writer: inout ByteWriter) {
    writer.writeLittleEndian(code)
    writer.writeLittleEndian(length)
  }
}
