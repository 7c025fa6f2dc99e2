// SPDX-License-Identifier: Apache-2.0

package import LDAP
package import Wire

/// A live, writable domain controller, as its own answer to the ping describes it.
package struct DomainController: Sendable, Hashable {
  package let hostName: String
  /// The numeric address that answered.
  package let address: String
  /// The port that answered, 389 unless the SRV record names another.
  package let port: Int
  package let domain: String
  package let forest: String
  package let domainGUID: GUID
  package let netbiosDomain: String
  /// The DC's site; nil when the answer names none.
  package let site: String?
  /// The site that this machine's address belongs to, as the DC sees it; nil when no subnet matches.
  package let clientSite: String?
  package let flags: DomainControllerFlags
  /// From the first copy of the question to the answer.
  package let latency: Duration

  init(_ reply: NetlogonReply, address: String, port: Int, latency: Duration) {
    hostName = reply.hostName.lowercased()
    self.address = address
    self.port = port
    domain = reply.domain.lowercased()
    forest = reply.forest.lowercased()
    domainGUID = reply.domainGUID
    netbiosDomain = reply.netbiosDomain
    site = reply.site.isEmpty ? nil : reply.site
    clientSite = reply.clientSite.isEmpty ? nil : reply.clientSite
    flags = reply.flags
    self.latency = latency
  }

  package var isGlobalCatalog: Bool { flags.contains(.globalCatalog) }
  /// AD Web Services listen on 9389.

  /// In the site of this machine: the given one, or the one that the DC believes it to be in.
  func isNear(_ givenSite: String?) -> Bool {
    guard let site else { return false }
    if let givenSite { return site.lowercased() == givenSite.lowercased() }
    return flags.contains(.closest) || site.lowercased() == clientSite?.lowercased()
  }
}
