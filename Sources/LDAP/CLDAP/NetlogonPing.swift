// SPDX-License-Identifier: Apache-2.0

package import Wire

/// MS-ADTS 6.3.3.2: the LDAP ping. A rootDSE search for `NetLogon` over UDP 389, filtered by domain, host and version.
///
/// Encoding and decoding only: the datagram is sent by whoever locates domain controllers.
package struct NetlogonPing: Sendable, Hashable {
  /// `DnsDomain`: the domain that is looked for.
  package var domain: String
  /// `Host`: the name of this machine; a DC only logs it.
  package var host: String?
  /// `DomainGuid`: finds a domain that was renamed.
  package var domainGUID: GUID?
  /// `NtVer`.
  package var version: NetlogonVersion

  package init(
    domain: String, host: String? = nil, domainGUID: GUID? = nil,
    version: NetlogonVersion = [.version5, .version5EX, .withClosestSite]
  ) {
    self.domain = domain
    self.host = host
    self.domainGUID = domainGUID
    self.version = version
  }

  /// The datagram to send.
  package func datagram(messageID: Int32) -> [UInt8] {
    var terms: [Filter] = [.equal("DnsDomain", domain)]
    if let host { terms.append(.equal("Host", host)) }
    if let domainGUID { terms.append(.equal("DomainGuid", domainGUID)) }
    var ntVersion = ByteWriter()
    ntVersion.writeLittleEndian(version.rawValue)
    terms.append(.equal("NtVer", ntVersion.bytes))
    let request = SearchRequest(base: "", scope: .base, filter: .and(terms), attributes: ["NetLogon"])
    return LDAPMessage(id: messageID, .searchRequest(request)).encoded
  }
}

/// What a datagram says to a ``NetlogonPing``.
package enum NetlogonAnswer: Sendable, Hashable {
  case found(NetlogonReply)
  /// The server answers, but not for this domain: the port is fine, the target is wrong.
  case wrongDomain
  /// The datagram answers another ping.
  case unrelated

  /// Bytes of one answer: far above the longest names, within one UDP datagram.
  private static let maximumDatagramSize = 65_535

  /// Reads one datagram: the entry, if any, and the SearchResultDone behind it.
  package init(datagram: [UInt8], messageID: Int32) throws(ByteError) {
    guard datagram.count <= Self.maximumDatagramSize else {
      throw .malformed(offset: 0, reason: "datagram of \(datagram.count) bytes")
    }
    var reader = BERReader(datagram)
    self = .unrelated
    while !reader.isAtEnd {
      let message = try LDAPMessage(&reader)
      guard message.id == messageID else { continue }
      switch message.operation {
      case .searchResultEntry(let entry):
        guard let value = entry["NetLogon"]?.values.first else {
          throw .malformed(offset: 0, reason: "an entry without NetLogon")
        }
        self = .found(try NetlogonReply(Array(value)))
      case .searchResultDone:
        if self == .unrelated { self = .wrongDomain }
      default: throw .malformed(offset: 0, reason: "no answer to a search")
      }
    }
  }
}
