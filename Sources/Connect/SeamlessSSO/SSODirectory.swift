// SPDX-License-Identifier: Apache-2.0

package import LDAP
package import RPC
package import Wire

/// What the whole forest has of the names that are wanted.
package struct SSOSurvey: Sendable, Hashable {
  /// Distinguished names of accounts with the wanted name.
  package var accounts: [String]
  /// Distinguished names of objects with the service's name.
  package var holders: [String]
  /// Entra ID's own account, where it has one.
  package var entraAccount: String?
  /// The identifiers of the forest's domains.
  package var domains: [SecurityIdentifier]
}

/// One forest, as an administrator: its Global Catalog, and one writable controller of the domain of the account, so that what
/// was changed is there when it is read.
package struct SSODirectory: Sendable {
  /// The forest's DNS name.
  package let forest: String
  /// The DNS name of the domain that the account is in.
  package let domain: String
  private let connectCatalog: @Sendable () async throws -> LDAPConnection
  private let connectController: @Sendable () async throws -> LDAPConnection
  private let connectAccounts: @Sendable (SAMClient.Access) async throws -> DomainAccounts

  /// - Parameters:
  ///   - catalog: a connection to a Global Catalog of the forest (row `connect-ad/global-catalog`).
  ///   - controller: one to the controller (row `connect-ad/ldap`).
  ///   - accounts: one to the same controller (row `connect-ad/smb`), with no more access to the domain than asked for.
  package init(
    forest: String, domain: String, catalog: @escaping @Sendable () async throws -> LDAPConnection,
    controller: @escaping @Sendable () async throws -> LDAPConnection,
    accounts: @escaping @Sendable (SAMClient.Access) async throws -> DomainAccounts
  ) {
    self.forest = forest
    self.domain = domain
    connectCatalog = catalog
    connectController = controller
    connectAccounts = accounts
  }

  /// Entra ID's own account for the same purpose.
  package static let entraAccount = "AZUREADSSOACC"

  /// Asks the Global Catalog (MS-ADTS 3.1.1.1.5), which knows every object of every domain; the empty base is the forest.
  func survey(account: String, service: String) async throws -> SSOSurvey {
    try await connectCatalog().use { catalog in
      var survey = SSOSurvey(accounts: [], holders: [], domains: [])
      let names = catalog.search(
        base: "",
        filter: .or([
          .equal("sAMAccountName", account + "$"), .equal("sAMAccountName", Self.entraAccount + "$"),
          .equal("servicePrincipalName", service),
        ]), attributes: ["sAMAccountName", "servicePrincipalName"])
      for try await entry in names {
        let name = entry.string("sAMAccountName")?.lowercased()
        if name == "\(account)$".lowercased() { survey.accounts.append(entry.dn) }
        if name == "\(Self.entraAccount)$".lowercased() { survey.entraAccount = entry.dn }
        if entry.strings("servicePrincipalName").contains(where: { $0.lowercased() == service.lowercased() }) {
          survey.holders.append(entry.dn)
        }
      }
      let domains = catalog.search(
        base: "", filter: .and([.equal("objectClass", "domainDNS"), .present("objectSid")]), attributes: ["objectSid"])
      for try await entry in domains {
        if let identifier = entry.sid("objectSid") { survey.domains.append(identifier) }
      }
      return survey
    }
  }

  /// Nil when there is none of this name any more.
  func account(_ distinguishedName: String) async throws -> SSOAccount? {
    try await connectController().use { controller in
      try await controller.entry(distinguishedName, attributes: SSOAccount.attributes).map(SSOAccount.init)
    }
  }

  /// The forests that this one trusts.
  func forestTrusts() async throws -> [SSOTrust] {
    guard domain == forest.lowercased() else {
      throw SSOError(
        .badOption, "Trusts between forests are read in the forest's root domain, not in \(domain).",
        remedy: "Leave --domain out, so that the account is in the root domain.")
    }
    return try await connectController().use { controller in
      var trusts: [SSOTrust] = []
      let search = controller.search(
        base: "CN=System," + NamingContext.ofDomain(domain), filter: .equal("objectClass", "trustedDomain"),
        attributes: SSOTrust.attributes)
      for try await entry in search {
        if let trust = SSOTrust(entry) { trusts.append(trust) }
      }
      return trusts
    }
  }

  /// What was done with an account; nil when there is none of this name any more.
  func traces(_ distinguishedName: String) async throws -> SSOTraces? {
    try await connectController().use { controller in
      try await controller.entry(distinguishedName, attributes: SSOTraces.attributes).map(SSOTraces.init)
    }
  }

  /// The controller's clock, in seconds since 1970.
  func clock() async throws -> Int64 {
    try await connectController().use { controller in
      guard let time = try await controller.rootDSE().currentTime else {
        throw SSOError(
          .noClock, "\(controller.server) does not tell its time (currentTime in the rootDSE).",
          remedy: "Check that it is a domain controller.")
      }
      return time
    }
  }

  /// Creates the account, enabled and with this password, and marks it. Nobody gets a ticket for it: it serves nothing yet.
  func create(_ name: String, password: SecretBytes, marker: SSOMarker) async throws -> SSOAccount {
    try await connectAccounts([.lookUp, .createUser]).use { accounts in
      _ = try await accounts.createComputer(name, password: password)
      do {
        return try await mark(name, marker)
      } catch {
        // What is not marked would be refused as somebody else's.
        await accounts.takeBack(name + "$")
        throw error
      }
    }
  }

  private func mark(_ name: String, _ marker: SSOMarker) async throws -> SSOAccount {
    try await connectController().use { controller in
      guard let found = try await self.name(of: name, controller) else {
        throw SSOError(
          .notEnabled, "The account \(name) is not there though it was just created.",
          remedy: "Try again; look for something that deletes new accounts.")
      }
      try await controller.modify(
        found,
        [
          .replace(SSOMarker.attribute, [marker.text]),
          .replace("description", ["Bridgehead: tickets for the sign-in of \(marker.tenant). Do not change."]),
          .replace("msDS-SupportedEncryptionTypes", [String(SSOAccount.aesOnly)]),
        ])
      guard let entry = try await controller.entry(found, attributes: SSOAccount.attributes) else {
        throw SSOError(.notEnabled, "The account \(name) was deleted meanwhile.", remedy: "Try again.")
      }
      return SSOAccount(entry)
    }
  }

  /// The distinguished name of an account of the domain; nil when the controller has none.
  ///
  /// - Parameter account: without the `$` at its end.
  func name(of account: String) async throws -> String? {
    try await connectController().use { try await name(of: account, $0) }
  }

  private func name(of account: String, _ controller: LDAPConnection) async throws -> String? {
    var found: String?
    let search = controller.search(
      base: NamingContext.ofDomain(domain), filter: .equal("sAMAccountName", account + "$"), attributes: ["1.1"])
    for try await entry in search { found = entry.dn }
    return found
  }

  /// From now on the KDC makes tickets for the service, with AES only.
  func serve(_ service: String, by account: SSOAccount) async throws {
    guard account.servicePrincipalNames != [service] || account.encryptionTypes != SSOAccount.aesOnly else { return }
    try await connectController().use { controller in
      try await controller.modify(
        account.distinguishedName,
        [
          .replace("servicePrincipalName", [service]),
          .replace("msDS-SupportedEncryptionTypes", [String(SSOAccount.aesOnly)]),
        ])
    }
  }

  func setPassword(of account: SSOAccount, to password: SecretBytes) async throws {
    try await connectAccounts(.lookUp).use { accounts in
      _ = try await accounts.resetPassword(of: account.name + "$", to: password)
    }
  }

  /// - Parameter name: without the `$` at its end.
  func delete(_ name: String) async throws {
    try await connectAccounts(.lookUp).use { try await $0.delete(name + "$") }
  }
}
