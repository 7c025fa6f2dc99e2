// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The fields that every PDU of the connection-oriented protocol begins with, 16 bytes (C706 12.6.3.1).
///
///     u_int8  rpc_vers = 5;         /* 00:01 RPC version */
///     u_int8  rpc_vers_minor;       /* 01:01 minor version */
///     u_int8  PTYPE;                /* 02:01 */
///     u_int8  pfc_flags;            /* 03:01 */
///     byte    packed_drep[4];       /* 04:04 NDR data representation format label */
///     u_int16 frag_length;          /* 08:02 total length of fragment */
///     u_int16 auth_length;          /* 10:02 length of auth_value */
///     u_int32 call_id;              /* 12:04 */
package struct PDUHeader: Sendable, Hashable {
  package static let length = 16

  package var type: PDUType
  package var flags: PDUFlags
  package var fragmentLength: UInt16
  package var authLength: UInt16
  package var callID: UInt32

  package init(
    type: PDUType, flags: PDUFlags = .whole, fragmentLength: UInt16 = 0, authLength: UInt16 = 0, callID: UInt32
  ) {
    self.type = type
    self.flags = flags
    self.fragmentLength = fragmentLength
    self.authLength = authLength
    self.callID = callID
  }

  /// - Throws: `ByteError` for another version, a peer that is not little-endian ASCII (C706 14.1: the sender chooses;
  ///   every Windows and Samba chooses this one), and lengths that contradict each other.
  package init(_ bytes: [UInt8]) throws(ByteError) {
    var reader = ByteReader(bytes)
    let version = try reader.readByte()
    let minor = try reader.readByte()
    guard version == 5, minor <= 1 else {
      throw .malformed(offset: 0, reason: "DCE/RPC version \(version).\(minor)")
    }
    let code = try reader.readByte()
    guard let type = PDUType(rawValue: code) else {
      throw .malformed(offset: 2, reason: "a PDU of type \(code)")
    }
    self.type = type
    flags = PDUFlags(rawValue: try reader.readByte())
    let representation = try reader.read(4)
    guard representation[0] == 0x10 else {
      throw .malformed(offset: 4, reason: "data representation 0x\(Hex.encode(representation))")
    }
    fragmentLength = try reader.readLittleEndian()
    authLength = try reader.readLittleEndian()
    callID = try reader.readLittleEndian()
    let auth = authLength == 0 ? 0 : Int(authLength) + SecurityTrailer.length
    guard Int(fragmentLength) >= Self.length + auth else {
      throw .malformed(
        offset: 8, reason: "a fragment of \(fragmentLength) bytes with \(authLength) bytes of authentication")
    }
  }

  package func write(to writer: inout ByteWriter) {
    writer.write([5, 0, type.rawValue, flags.rawValue, 0x10, 0, 0, 0])
    writer.writeLittleEndian(fragmentLength)
    writer.writeLittleEndian(authLength)
    writer.writeLittleEndian(callID)
  }
}
