// SPDX-License-Identifier: Apache-2.0

import Wire

/// Looks at a forest with the accounts that are to work with it: the first contact of the reference's rows for MS-RPC,
/// and at any time later. It changes nothing.
///
/// A step that fails is a finding; whatever does not need it goes on.
package struct ForestExamination: Sendable {
  package typealias Progress = @Sendable (_ phase: String, _ done: Int, _ total: Int) -> Void

  private let requirements: ForestRequirements
  private let access: any ForestAccess
  private let progress: Progress

  package init(
    _ requirements: ForestRequirements, _ access: any ForestAccess, progress: @escaping Progress = { _, _, _ in }
  ) {
    self.requirements = requirements
    self.access = access
    self.progress = progress
  }

  /// The uses that have an account, in a fixed order.
  private var roles: [ForestRole] { ForestRole.allCases.filter { requirements.accounts[$0] != nil } }

  /// - Throws: `CancellationError` only.
  package func run() async throws -> ForestReport {
    var report = ForestReport(forest: requirements.forest)
    for role in roles { report.accounts[role.rawValue] = requirements.accounts[role] }
    var domains = requirements.domains ?? [requirements.forest]
    var refused: Set<ForestRole> = []
    var index = 0
    while index < domains.count {
      let domain = domains[index]
      index += 1
      progress("examine \(domain)", index - 1, domains.count)
      let found = try await examine(domain, &report, &refused)
      guard requirements.domains == nil else { continue }
      for name in found where !domains.contains(where: { Self.areSame($0, name) }) { domains.append(name) }
    }
    if requirements.asksCatalog, !report.domains.isEmpty, !refused.contains(.importing) {
      progress("global catalog", 0, 1)
      report.findings.append(
        try await step(.globalCatalog, .importing, requirements.forest) {
          let host = try await access.globalCatalog(.importing, of: requirements.forest)
          return "\(host) answers as a global catalog of \(requirements.forest)."
        })
    }
    return report
  }

  // MARK: - A domain

  /// - Returns: the domains of the forest, as this one tells them.
  private func examine(
    _ domain: String, _ report: inout ForestReport, _ refused: inout Set<ForestRole>
  ) async throws -> [String] {
    let controllers: [ForestController]
    do {
      controllers = try await access.controllers(of: domain)
    } catch {
      try note(&report, ForestFinding(.domainControllers, nil, domain, error: error), error)
      return []
    }
    guard let controller = controllers.first else { return [] }
    report.findings.append(
      ForestFinding(
        .domainControllers, nil, domain, .passed,
        "\(domain): \(controllers.map(\.host).joined(separator: ", ")) \(controllers.count == 1 ? "answers" : "answer")."
      )
    )
    var facts: ForestDomainFacts?
    for role in roles where !refused.contains(role) {
      let directory: any ForestDirectory
      do {
        directory = try await access.signIn(role, to: controller)
      } catch {
        // The same wrong password at the next domain would be one more failed attempt.
        refused.insert(role)
        try note(&report, ForestFinding(.signIn, role, controller.host, error: error), error)
        continue
      }
      report.findings.append(
        ForestFinding(
          .signIn, role, controller.host, .passed,
          "\(requirements.accounts[role] ?? "") signs in to \(controller.host) (\(role.key))."))
      do {
        facts = try await directory.use { try await examineRights(role, $0, controller, &report) }
      } catch {
        try note(&report, ForestFinding(.right, role, domain, error: error), error)
      }
    }
    guard let facts else { return [] }
    report.isSamba = report.isSamba || facts.isSamba
    try await identify(domain, facts, controllers, refused, &report)
    return facts.domains
  }

  /// Who the domain says that it is: by LDAP, by LSARPC and by DRSUAPI.
  private func identify(
    _ domain: String, _ facts: ForestDomainFacts, _ controllers: [ForestController], _ refused: Set<ForestRole>,
    _ report: inout ForestReport
  ) async throws {
    var result = ForestReport.Domain(
      name: domain, base: facts.base, netBIOSName: "", identifier: facts.identifier.map { "\($0)" } ?? "", guid: nil)
    let controller = controllers[0]
    // SMB is what writeback uses, MS-RPC what reading passwords uses: each is asked as its own user will be.
    if let role = user(of: .writeback, refused) {
      var told: ForestAuthority?
      report.findings.append(
        try await step(.securityAuthority, role, controller.host) {
          let authority = try await access.securityAuthority(role, of: controller)
          told = authority
          return "\(controller.host) says over SMB (LSARPC): \(authority.netBIOSName), \(authority.dnsName), forest "
            + "\(authority.forest)."
        })
      if let told {
        result.netBIOSName = told.netBIOSName
        result.guid = "\(told.guid)"
        report.trusts += told.trusts.map { ForestReport.Trust($0, of: domain) }
        report.findings.append(Self.identity(domain, facts, told))
      }
    }
    if let role = user(of: .passwords, refused) {
      report.findings.append(
        try await step(.replicationService, role, controller.host) {
          let known = try await access.replicationService(role, of: controller, domain: domain)
          result.controllers = known.map { one in
            var one = one
            one.answers = controllers.contains { Self.areSame($0.host, one.host) }
            return one
          }
          let silent = result.controllers.filter { !$0.answers }.map(\.host)
          return "\(controller.host) says over MS-RPC (DRSUAPI): the domain controllers are "
            + known.map(\.host).joined(separator: ", ")
            + (silent.isEmpty ? "." : "; of these \(silent.joined(separator: ", ")) did not answer here.")
        })
    }
    if result.controllers.isEmpty {
      result.controllers = controllers.map {
        ForestReport.Controller(
          host: $0.host, site: $0.site ?? "", isGlobalCatalog: $0.isGlobalCatalog, isPDC: false, answers: true)
      }
    }
    report.domains.append(result)
  }

  private func user(of role: ForestRole, _ refused: Set<ForestRole>) -> ForestRole? {
    [role, .importing].first { requirements.accounts[$0] != nil && !refused.contains($0) }
  }

  /// One domain, whoever is asked: a name in DNS that leads elsewhere shows here.
  static func identity(
    _ domain: String, _ facts: ForestDomainFacts, _ authority: ForestAuthority
  ) -> ForestFinding {
    let isSame = areSame(authority.dnsName, domain) && authority.identifier == facts.identifier
    return ForestFinding(
      .identity, nil, domain, isSame ? .passed : .failed,
      isSame
        ? "\(domain) is \(authority.identifier.map { "\($0)" } ?? "without an identifier"), by LDAP and by LSARPC."
        : "LDAP and LSARPC do not speak of the same domain: \(domain) with \(facts.identifier.map { "\($0)" } ?? "none"), and "
          + "\(authority.dnsName) with \(authority.identifier.map { "\($0)" } ?? "none").",
      remedy: isSame ? nil : "Check which machine the controller's name and address lead to.")
  }

  // MARK: - Rights

  private func examineRights(
    _ role: ForestRole, _ directory: any ForestDirectory, _ controller: ForestController, _ report: inout ForestReport
  ) async throws -> ForestDomainFacts {
    let facts = try await directory.facts()
    let principal = requirements.accounts[role] ?? ""
    let needs = requirements.needs(in: facts.base).filter { $0.role == role }
    guard !needs.isEmpty else { return facts }
    let token = try await directory.token()
    let judgement = RightJudgement(
      account: try await directory.account(principal, in: token), principal: principal, token: token,
      properties: try await directory.properties(needs.compactMap(\.right.property)))
    var users: [String: [ForestObject]] = [:]
    for (index, need) in needs.enumerated() {
      progress("rights of \(principal)", index, needs.count)
      report.findings.append(try await finding(need, judgement, directory, &users))
    }
    return facts
  }

  private func finding(
    _ need: ForestRequirements.Need, _ judgement: RightJudgement, _ directory: any ForestDirectory,
    _ users: inout [String: [ForestObject]]
  ) async throws -> ForestFinding {
    switch need.right {
    case .readDeletedObjects, .readForeignPrincipals:
      return judgement.finding(need, isSeen: try await directory.isReadable(need.place))
    case _ where need.right.isOnUsers:
      let found: [ForestObject]
      if let known = users[need.place] {
        found = known
      } else {
        found = try await directory.users(below: need.place, atMost: RightJudgement.sample)
        users[need.place] = found
      }
      return judgement.finding(need, onUsers: found, below: try await directory.descriptor(of: need.place))
    default: return judgement.finding(need, on: try await directory.descriptor(of: need.place))
    }
  }

  // MARK: - Parts

  private func step(
    _ check: ForestFinding.Check, _ role: ForestRole, _ subject: String, _ body: () async throws -> String
  ) async throws -> ForestFinding {
    do {
      return ForestFinding(check, role, subject, .passed, try await body())
    } catch {
      if error is CancellationError { throw error }
      return ForestFinding(check, role, subject, error: error)
    }
  }

  private func note(_ report: inout ForestReport, _ finding: ForestFinding, _ error: any Error) throws {
    if error is CancellationError { throw error }
    report.findings.append(finding)
  }

  static func areSame(_ one: String, _ other: String) -> Bool { one.lowercased() == other.lowercased() }
}

extension ForestReport.Trust {
  init(_ trust: ForestAuthority.Trust, of domain: String) {
    let direction: Direction =
      switch (trust.isInbound, trust.isOutbound) {
      case (true, true): .both
      case (true, false): .inbound
      case (false, true): .outbound
      case (false, false): .none
      }
    self.init(domain: domain, name: trust.name, direction: direction, isForestTrust: trust.isForestTrust)
  }
}
