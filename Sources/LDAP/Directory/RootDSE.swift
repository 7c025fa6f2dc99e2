// SPDX-License-Identifier: Apache-2.0

import Wire

/// What a server says of itself (RFC 4512 5.1, MS-ADTS 3.1.1.3.2). Servers other than Active Directory lack much of it.
package struct RootDSE: Sendable, Hashable {
  package var namingContexts: [String]
  package var defaultNamingContext: String?
  package var rootDomainNamingContext: String?
  package var configurationNamingContext: String?
  package var schemaNamingContext: String?
  package var dnsHostName: String?
  /// The name of the server's NTDS Settings object.
  package var dsServiceName: String?
  package var highestCommittedUSN: Int64?
  package var supportedControls: Set<ControlType>
  package var supportedSASLMechanisms: [String]
  package var isGlobalCatalogReady: Bool
  package var isSynchronized: Bool
  /// MS-ADTS 6.1.4.3 `msDS-Behavior-Version`: 7 is Windows Server 2016.
  package var domainFunctionality: Int?
  package var forestFunctionality: Int?
  package var domainControllerFunctionality: Int?
  /// Whether the server is Samba: it says so as `vendorName` (RFC 3045), Windows gives none.
  package var isSamba: Bool
  /// The server's clock, seconds since 1970 in UTC.
  package var currentTime: Int64?

  init(_ entry: SearchEntry) {
    namingContexts = entry.strings("namingContexts")
    defaultNamingContext = entry.string("defaultNamingContext")
    rootDomainNamingContext = entry.string("rootDomainNamingContext")
    configurationNamingContext = entry.string("configurationNamingContext")
    schemaNamingContext = entry.string("schemaNamingContext")
    dnsHostName = entry.string("dnsHostName")
    dsServiceName = entry.string("dsServiceName").map { (try? ExtendedDN(Array($0.utf8)))?.dn ?? $0 }
    highestCommittedUSN = entry.integer("highestCommittedUSN")
    supportedControls = Set(entry.strings("supportedControl").map { ControlType(rawValue: $0) })
    supportedSASLMechanisms = entry.strings("supportedSASLMechanisms")
    isGlobalCatalogReady = entry.bool("isGlobalCatalogReady") ?? false
    isSynchronized = entry.bool("isSynchronized") ?? false
    domainFunctionality = entry.integer("domainFunctionality").flatMap { Int(exactly: $0) }
    forestFunctionality = entry.integer("forestFunctionality").flatMap { Int(exactly: $0) }
    domainControllerFunctionality = entry.integer("domainControllerFunctionality").flatMap { Int(exactly: $0) }
    isSamba = entry.string("vendorName")?.contains("Samba") == true
    currentTime = entry.string("currentTime").flatMap { GeneralizedTime.unixSeconds($0) }
  }

  static let attributes = [
    "namingContexts", "defaultNamingContext", "rootDomainNamingContext", "configurationNamingContext",
    "schemaNamingContext", "dnsHostName", "dsServiceName", "highestCommittedUSN", "supportedControl",
    "supportedSASLMechanisms", "isGlobalCatalogReady", "isSynchronized", "domainFunctionality",
    "forestFunctionality", "domainControllerFunctionality", "currentTime", "vendorName",
  ]
}

extension LDAPConnection {
  package func rootDSE() async throws -> RootDSE {
    guard let entry = try await baseObject("", RootDSE.attributes, .present("objectClass"), []).entry else {
      throw LDAPError.protocolViolation(server.description, "no rootDSE")
    }
    return RootDSE(entry)
  }
}
