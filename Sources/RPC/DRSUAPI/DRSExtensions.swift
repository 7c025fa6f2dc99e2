// SPDX-License-Identifier: Apache-2.0

package import Wire

/// MS-DRSR 5.39 `DRS_EXTENSIONS_INT`: what each side can do.
///
///     DWORD cb; DWORD dwFlags; GUID SiteObjGuid; DWORD Pid; DWORD dwReplEpoch; DWORD dwFlagsExt; GUID ConfigObjGUID;
///
/// A shorter structure ends earlier; longer ones have fields that this client does not know.
package struct DRSExtensions: Sendable, Hashable {
  package struct Flags: OptionSet, Sendable, Hashable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let base = Flags(rawValue: 0x0000_0001)
    package static let linkedValueReplication = Flags(rawValue: 0x0000_0400)
    package static let domainControllerInfoV2 = Flags(rawValue: 0x0000_0800)
    /// Secrets come salted and under the association's key (MS-DRSR 4.1.10.6.11); without it a server sends none.
    package static let strongEncryption = Flags(rawValue: 0x0000_8000)
    package static let requestV8 = Flags(rawValue: 0x0100_0000)
    package static let replyV6 = Flags(rawValue: 0x0400_0000)
    package static let requestV10 = Flags(rawValue: 0x2000_0000)
    // Never sent, since they invite compressed replies: DRS_EXT_GETCHG_DEFLATE (0x10), GETCHGREPLY_V7 (0x08000000),
    // W2K3_DEFLATE/XPRESS (0x10000000).
  }

  /// What this client can do.
  static let own = DRSExtensions(flags: [
    .base, .linkedValueReplication, .domainControllerInfoV2, .strongEncryption, .requestV8, .replyV6, .requestV10,
  ])

  package var flags: Flags
  package var site = GUID.zero
  package var processID: UInt32 = 0
  package var replicationEpoch: UInt32 = 0
  package var extraFlags: UInt32 = 0

  init(flags: Flags) { self.flags = flags }

  /// - Parameter bytes: the structure without `cb`.
  init(_ bytes: [UInt8]) throws(ByteError) {
    var reader = ByteReader(bytes)
    flags = Flags(rawValue: try reader.readLittleEndian())
    if reader.remaining >= 16 { site = GUID(try reader.read(16)) ?? .zero }
    if reader.remaining >= 4 { processID = try reader.readLittleEndian() }
    if reader.remaining >= 4 { replicationEpoch = try reader.readLittleEndian() }
    if reader.remaining >= 4 { extraFlags = try reader.readLittleEndian() }
  }

  /// The structure without `cb`.
  var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.writeLittleEndian(flags.rawValue)
    writer.write(site.bytes)
    writer.writeLittleEndian(processID)
    writer.writeLittleEndian(replicationEpoch)
    writer.writeLittleEndian(extraFlags)
    return writer.bytes
  }
}
