// SPDX-License-Identifier: Apache-2.0

package import Wire

/// MS-ADTS 6.3.1.9 `NETLOGON_SAM_LOGON_RESPONSE_EX`. All names are compressed UTF-8 (see ``CompressedName``).
///
///     Opcode (2)  Sbz (2)  Flags (4)  DomainGuid (16)
///     DnsForestName  DnsDomainName  DnsHostName  NetbiosDomainName  NetbiosComputerName  UserName
///     DcSiteName  ClientSiteName
///     DcSockAddrSize (1)  DcSockAddr      only with NETLOGON_NT_VERSION_5EX_WITH_IP
///     NextClosestSiteName                 only with NETLOGON_NT_VERSION_WITH_CLOSEST_SITE
///     NtVersion (4)  LmNtToken (2)  Lm20Token (2)
package struct NetlogonReply: Sendable, Hashable {
  /// MS-ADTS 6.3.1.3 operation codes of an extended answer.
  package enum Opcode: UInt16, Sendable {
    case samLogonResponse = 23
    /// The Netlogon service is paused: choose another DC.
    case samPauseResponse = 24
    case samUserUnknown = 25
  }

  package var opcode: Opcode
  package var flags: DomainControllerFlags
  package var domainGUID: GUID
  package var forest: String
  package var domain: String
  /// The DC's DNS name.
  package var hostName: String
  package var netbiosDomain: String
  package var netbiosComputer: String
  package var userName: String
  /// The DC's own site; empty when the answer names none.
  package var site: String
  /// The site that the client's address belongs to; empty when no subnet matches.
  package var clientSite: String
  package var nextClosestSite: String?
  package var version: NetlogonVersion

  package init(
    opcode: Opcode = .samLogonResponse, flags: DomainControllerFlags, domainGUID: GUID, forest: String,
    domain: String, hostName: String, netbiosDomain: String, netbiosComputer: String, userName: String = "",
    site: String, clientSite: String, nextClosestSite: String? = nil,
    version: NetlogonVersion = [.version1, .version5EX]
  ) {
    self.opcode = opcode
    self.flags = flags
    self.domainGUID = domainGUID
    self.forest = forest
    self.domain = domain
    self.hostName = hostName
    self.netbiosDomain = netbiosDomain
    self.netbiosComputer = netbiosComputer
    self.userName = userName
    self.site = site
    self.clientSite = clientSite
    self.nextClosestSite = nextClosestSite
    self.version = version
  }

  /// NtVersion, LmNtToken and Lm20Token.
  private static let trailerSize = 8

  package init(_ bytes: [UInt8]) throws(ByteError) {
    var reader = ByteReader(bytes)
    let code: UInt16 = try reader.readLittleEndian()
    guard let opcode = Opcode(rawValue: code) else {
      throw .malformed(offset: 0, reason: "Netlogon operation code \(code)")
    }
    self.opcode = opcode
    try reader.skip(2)
    flags = DomainControllerFlags(rawValue: try reader.readLittleEndian())
    guard let guid = GUID(try reader.read(16)) else { throw .malformed(offset: 8, reason: "no GUID") }
    domainGUID = guid

    // NtVersion says which optional fields there are, and stands behind them.
    var trailer = reader
    try trailer.seek(to: bytes.count - Self.trailerSize)
    version = NetlogonVersion(rawValue: try trailer.readLittleEndian())
    // MS-ADTS 6.3.1.9: LmNtToken and Lm20Token are 0xFFFF.
    guard try trailer.read(4) == [0xFF, 0xFF, 0xFF, 0xFF] else {
      throw .malformed(offset: bytes.count - 4, reason: "a Netlogon answer without its end")
    }

    forest = try CompressedName.read(&reader)
    domain = try CompressedName.read(&reader)
    hostName = try CompressedName.read(&reader)
    netbiosDomain = try CompressedName.read(&reader)
    netbiosComputer = try CompressedName.read(&reader)
    userName = try CompressedName.read(&reader)
    site = try CompressedName.read(&reader)
    clientSite = try CompressedName.read(&reader)
    if version.contains(.version5EXWithIP) { try reader.skip(Int(try reader.readByte())) }
    nextClosestSite =
      version.contains(.withClosestSite) && reader.remaining > Self.trailerSize
      ? try CompressedName.read(&reader) : nil
    guard reader.remaining >= Self.trailerSize else {
      throw .truncated(offset: reader.position, wanted: Self.trailerSize, available: reader.remaining)
    }
  }

  /// The reply as a DC writes it, each name's tail compressed where it stood before.
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.writeLittleEndian(opcode.rawValue)
    writer.writeLittleEndian(UInt16(0))
    writer.writeLittleEndian(flags.rawValue)
    writer.write(domainGUID.bytes)
    var known: [String: Int] = [:]
    let names = [forest, domain, hostName, netbiosDomain, netbiosComputer, userName, site, clientSite]
    for name in names { CompressedName.write(name, &writer, &known) }
    if version.contains(.withClosestSite) { CompressedName.write(nextClosestSite ?? "", &writer, &known) }
    writer.writeLittleEndian(version.rawValue)
    writer.write([0xFF, 0xFF, 0xFF, 0xFF])
    return writer.bytes
  }
}
