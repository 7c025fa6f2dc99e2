// SPDX-License-Identifier: Apache-2.0

package import Wire

/// C706 12.6.3.1 `p_syntax_id_t`: an interface or a transfer syntax, with its version; 20 bytes.
package struct SyntaxIdentifier: Sendable, Hashable, CustomStringConvertible {
  package let uuid: GUID
  package let major: UInt16
  package let minor: UInt16

  init(_ uuid: GUID, _ major: UInt16, _ minor: UInt16 = 0) {
    self.uuid = uuid
    self.major = major
    self.minor = minor
  }

  package init(_ reader: inout ByteReader) throws(ByteError) {
    let at = reader.position
    guard let uuid = GUID(try reader.read(16)) else { throw .truncated(offset: at, wanted: 16, available: 0) }
    self.uuid = uuid
    major = try reader.readLittleEndian()
    minor = try reader.readLittleEndian()
  }

  package func write(to writer: inout ByteWriter) {
    writer.write(uuid.bytes)
    writer.writeLittleEndian(major)
    writer.writeLittleEndian(minor)
  }

  package var description: String { "\(uuid) v\(major).\(minor)" }

  /// NDR transfer syntax 2.0, C706 14.1 (8a885d04-1ceb-11c9-9fe8-08002b104860).
  package static let ndr = SyntaxIdentifier(
    GUID(words: 0x045d_888a_eb1c_c911, 0x9fe8_0800_2b10_4860), 2)
}
