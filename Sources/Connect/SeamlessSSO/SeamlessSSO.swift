// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
package import Kerberos
package import Logging
package import Wire

/// Lets people sign in to the tenant with the tickets of their forest: makes the account that tickets are made for, and keeps
/// its key and the tenant's the same.
///
/// Everything is looked at before anything is changed (``plan(_:)``); what is there and was not made by Bridgehead for this
/// tenant is refused, never touched. A new key is at the tenant before the first ticket is made with it.
package struct SeamlessSSO: Sendable {
  package struct Options: Sendable {
    /// The account's name without the `$` at its end.
    package var account = "BRIDGEHEADSSO"
    /// For how long tickets made with earlier keys go on, in seconds: longer than a ticket lives (10 hours unless the
    /// domain's policy says otherwise), and for all controllers to learn of a new password.
    package var overlap = 12 * 3600
    /// Trusted forests whose people the key is to speak for as well: whoever gets hold of it can sign in as those, too.
    package var trustedForests: [String] = []
    /// End tickets in use at once: for a key that somebody else may have.
    package var endsTickets = false

    package init() {}
  }

  /// A ticket's life in the default domain policy, in seconds: less overlap would end some.
  static let ticketLifetime = 10 * 3600
  /// What the tenant takes.
  static let longestOverlap = 7 * 86_400

  let directory: SSODirectory
  let tenant: SSOTenant
  let intents: SSOIntents
  let options: Options
  let prove: @Sendable (ServicePrincipal, [ServiceKey]) async throws -> Void
  let now: @Sendable () -> Date
  let random: @Sendable (Int) -> [UInt8]
  let logger: Logger

  /// - Parameters:
  ///   - prove: gets a ticket for the service from the controller that was changed and opens it with these keys; throws
  ///     where that fails.
  ///   - random: cryptographically secure bytes, as many as asked for.
  package init(
    directory: SSODirectory, tenant: SSOTenant, intents: SSOIntents, options: Options,
    prove: @escaping @Sendable (ServicePrincipal, [ServiceKey]) async throws -> Void,
    now: @escaping @Sendable () -> Date, random: @escaping @Sendable (Int) -> [UInt8], logger: Logger
  ) {
    self.directory = directory
    self.tenant = tenant
    self.intents = intents
    self.options = options
    self.prove = prove
    self.now = now
    self.random = random
    self.logger = logger
  }

  /// Carries a plan out.
  package func carryOut(_ plan: SSOPlan) async throws {
    if let leftover = plan.leftover {
      try await directory.delete(options.account)
      logger.notice("deleted what an interrupted run left behind", metadata: ["account": "\(leftover)"])
    }
    switch plan.action {
    case .enable, .roll:
      if let account = plan.account { try await renew(account, plan) } else { try await create(plan) }
    case .disable: try await disable(plan)
    }
  }

  // MARK: - The steps

  /// Account, key, and only then the name that tickets are asked for by. Whatever fails takes back what was made.
  private func create(_ plan: SSOPlan) async throws {
    let password = newPassword()
    let account = try await createMarked(password, plan)
    do {
      let keys = try keys(of: password)
      let id = try await handOver(keys, version: account.keyVersion ?? 0, plan)
      do {
        try await directory.serve(plan.service, by: account)
        try await prove(servicePrincipal, keys)
        try await tenant.activate(id, overlap: options.endsTickets ? 0 : options.overlap)
      } catch {
        await undo { try await tenant.remove(id) }
        throw error
      }
    } catch {
      await undo { try await directory.delete(account.name) }
      throw error
    }
  }

  /// A run that ends in here leaves an intent behind, by which the next one recognises what was made.
  private func createMarked(_ password: SecretBytes, _ plan: SSOPlan) async throws -> SSOAccount {
    try await intents.begin(
      SSOIntent(
        domain: directory.domain, account: options.account, tenant: plan.tenant, began: try await directory.clock()))
    do {
      let account = try await directory.create(
        options.account, password: password, marker: SSOMarker(tenant: plan.tenant))
      try await intents.end(domain: directory.domain, account: options.account)
      return account
    } catch {
      await undo {
        guard try await directory.name(of: options.account) == nil else { return }
        try await intents.end(domain: directory.domain, account: options.account)
      }
      throw error
    }
  }

  /// The tenant takes both keys before the forest knows the new one. After that there is no way back, and none is needed:
  /// what is left to do, the next roll does.
  private func renew(_ account: SSOAccount, _ plan: SSOPlan) async throws {
    let password = newPassword()
    let keys = try keys(of: password)
    // What may be in other hands ends before anything else, also where the rest fails.
    if options.endsTickets { try await tenant.retire(forest: directory.forest, overlap: 0) }
    let id = try await handOver(keys, version: (account.keyVersion ?? 0) + 1, plan)
    do {
      try await directory.setPassword(of: account, to: password)
    } catch {
      // An answer that was lost may have been a yes: then tickets are made with the new key.
      if error is AccountError { await undo { try await tenant.remove(id) } }
      throw error
    }
    try await directory.serve(plan.service, by: account)
    try await prove(servicePrincipal, keys)
    try await tenant.activate(id, overlap: options.endsTickets ? 0 : options.overlap)
  }

  /// No further tickets; those in use live on for the overlap, unless they are to end.
  private func disable(_ plan: SSOPlan) async throws {
    if let account = plan.account { try await directory.delete(account.name) }
    try await tenant.retire(forest: directory.forest, overlap: options.endsTickets ? 0 : options.overlap)
  }

  // MARK: - Parts

  var realm: String { directory.domain.uppercased() }

  private var servicePrincipal: ServicePrincipal {
    ServicePrincipal(service: "HTTP", host: "autologon." + tenant.host, realm: realm)
  }

  private func keys(of password: SecretBytes) throws -> [ServiceKey] {
    try ServiceKey.ofComputer(options.account, realm: directory.domain, password: password)
  }

  private func handOver(_ keys: [ServiceKey], version: Int64, _ plan: SSOPlan) async throws -> String {
    try await tenant.add(
      keys, forest: directory.forest, realm: realm, account: options.account, version: version, domains: plan.domains)
  }

  /// 90 random bytes in base64: 120 characters of at least three kinds, of 256 that SAMR takes (MS-SAMR 2.2.6.21).
  private func newPassword() -> SecretBytes { SecretBytes(Array(Data(random(90)).base64EncodedString().utf8)) }

  private func undo(_ body: () async throws -> Void) async {
    do { try await body() } catch {
      logger.error("what was made could not be taken back", metadata: ["cause": "\(error)"])
    }
  }
}
