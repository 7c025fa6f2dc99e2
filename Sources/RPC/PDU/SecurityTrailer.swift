// SPDX-License-Identifier: Apache-2.0

package import Wire

/// MS-RPCE 2.2.1.1.7: security providers.
package enum AuthenticationType: UInt8, Sendable {
  /// `RPC_C_AUTHN_GSS_NEGOTIATE`: SPNEGO.
  case negotiate = 9
  /// `RPC_C_AUTHN_GSS_KERBEROS`.
  case kerberos = 16
}

/// What stands before the authentication token, eight bytes (MS-RPCE 2.2.2.11 `sec_trailer`, C706 13.2.6.1).
///
///     u_int8  auth_type;
///     u_int8  auth_level;
///     u_int8  auth_pad_length;      /* padding between the body and this structure */
///     u_int8  auth_reserved;
///     u_int32 auth_context_id;
package struct SecurityTrailer: Sendable, Hashable {
  package static let length = 8
  /// MS-RPCE 2.2.1.1.8 `RPC_C_AUTHN_LEVEL_PKT_PRIVACY`.
  package static let packetPrivacy: UInt8 = 6

  package var type: UInt8
  package var level: UInt8
  package var padding: UInt8
  package var contextID: UInt32

  package init(type: UInt8, level: UInt8 = packetPrivacy, padding: UInt8, contextID: UInt32) {
    self.type = type
    self.level = level
    self.padding = padding
    self.contextID = contextID
  }

  package init(_ reader: inout ByteReader) throws(ByteError) {
    type = try reader.readByte()
    level = try reader.readByte()
    padding = try reader.readByte()
    _ = try reader.readByte()
    contextID = try reader.readLittleEndian()
  }

  package func write(to writer: inout ByteWriter) {
    writer.write([type, level, padding, 0])
    writer.writeLittleEndian(contextID)
  }
}
