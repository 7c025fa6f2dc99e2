// SPDX-License-Identifier: Apache-2.0

package import Wire

/// A domain controller that was found and answered.
package struct ForestController: Sendable, Hashable {
  package var host: String
  package var address: String
  package var site: String?
  package var isGlobalCatalog: Bool

  package init(host: String, address: String, site: String? = nil, isGlobalCatalog: Bool = false) {
    self.host = host
    self.address = address
    self.site = site
    self.isGlobalCatalog = isGlobalCatalog
  }
}

/// How the checks reach a forest. Each call says whose account it uses, and throws what says why it failed.
package protocol ForestAccess: Sendable {
  /// The controllers of a domain that DNS names and that answered, the one to use first.
  func controllers(of domain: String) async throws -> [ForestController]
  /// Signs in to a controller by LDAP.
  func signIn(_ role: ForestRole, to controller: ForestController) async throws -> any ForestDirectory
  /// What the controller's local security authority says (LSARPC, over SMB).
  func securityAuthority(_ role: ForestRole, of controller: ForestController) async throws -> ForestAuthority
  /// The domain's controllers as the replication service knows them (endpoint mapper, mapped port, DRSUAPI).
  func replicationService(
    _ role: ForestRole, of controller: ForestController, domain: String
  ) async throws -> [ForestReport.Controller]
  /// Signs in to a global catalog of the forest.
  /// - Returns: its host name.
  func globalCatalog(_ role: ForestRole, of forest: String) async throws -> String
}

/// What a local security authority says of its domain.
package struct ForestAuthority: Sendable, Hashable {
  package var netBIOSName: String
  package var dnsName: String
  package var forest: String
  package var guid: GUID
  package var identifier: SecurityIdentifier?
  package var trusts: [Trust]

  package struct Trust: Sendable, Hashable {
    package var name: String
    package var isInbound: Bool
    package var isOutbound: Bool
    package var isForestTrust: Bool

    package init(name: String, isInbound: Bool, isOutbound: Bool, isForestTrust: Bool) {
      self.name = name
      self.isInbound = isInbound
      self.isOutbound = isOutbound
      self.isForestTrust = isForestTrust
    }
  }

  package init(
    netBIOSName: String, dnsName: String, forest: String, guid: GUID, identifier: SecurityIdentifier?,
    trusts: [Trust] = []
  ) {
    self.netBIOSName = netBIOSName
    self.dnsName = dnsName
    self.forest = forest
    self.guid = guid
    self.identifier = identifier
    self.trusts = trusts
  }
}

/// A signed-in account's view of one domain. Nothing in it changes anything.
package protocol ForestDirectory: Closable {
  func facts() async throws -> ForestDomainFacts
  /// Whom the controller takes the account for: itself and all its groups (MS-ADTS 3.1.1.3.2, `tokenGroups`).
  func token() async throws -> Set<SecurityIdentifier>
  /// The account of a principal; nil when the domain shows none whose identifier is in the token.
  func account(_ principal: String, in token: Set<SecurityIdentifier>) async throws -> ForestAccount?
  /// The access list of an object; nil when the account may not read it, or there is no such object.
  func descriptor(of object: String) async throws -> SecurityDescriptor?
  /// Users below a unit with their access lists, at most so many; not those that adminCount protects.
  func users(below unit: String, atMost limit: Int) async throws -> [ForestObject]
  /// `schemaIDGUID` and `attributeSecurityGUID` of properties, by lower-case name.
  func properties(_ names: [String]) async throws -> [String: ForestProperty]
  /// Whether the account sees a container's own properties, deleted or not.
  func isReadable(_ container: String) async throws -> Bool
}

package struct ForestDomainFacts: Sendable, Hashable {
  /// The domain's distinguished name.
  package var base: String
  package var identifier: SecurityIdentifier?
  package var isSamba: Bool
  /// DNS names of all domains of the forest.
  package var domains: [String]

  package init(base: String, identifier: SecurityIdentifier?, isSamba: Bool, domains: [String]) {
    self.base = base
    self.identifier = identifier
    self.isSamba = isSamba
    self.domains = domains
  }
}

package struct ForestObject: Sendable, Hashable {
  package var name: String
  /// Nil where the account may not read it.
  package var descriptor: SecurityDescriptor?

  package init(name: String, descriptor: SecurityDescriptor?) {
    self.name = name
    self.descriptor = descriptor
  }
}

package struct ForestProperty: Sendable, Hashable {
  package var identifier: GUID
  /// The property set that it is in.
  package var set: GUID?

  package init(identifier: GUID, set: GUID?) {
    self.identifier = identifier
    self.set = set
  }
}
