// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Wire

/// What a change of Seamless SSO would do, after everything was looked at.
package struct SSOPlan: Sendable {
  package enum Action: String, Sendable, Codable {
    case enable, roll, disable
  }

  package let action: Action
  let tenant: String
  package let service: String
  /// Bridgehead's own account; nil when there is none.
  package let account: SSOAccount?
  /// What a run that was interrupted made and did not mark; nil when there is none.
  package let leftover: String?
  let domains: [SecurityIdentifier]
  /// For people: what will be done, in this order.
  package let steps: [String]
  /// For people: what was seen and is left alone.
  package let notes: [String]
}

extension SeamlessSSO {
  /// Looks at the forest and the tenant, and changes nothing.
  ///
  /// - Throws: ``SSOError`` for what must not be done; errors of the connections.
  package func plan(_ action: SSOPlan.Action) async throws -> SSOPlan {
    try checkOptions(action)
    let state = try await checkedState()
    let survey = try await directory.survey(account: options.account, service: state.service)
    let (account, leftover) = try await own(survey, state)
    if action != .enable, account == nil,
      action == .roll || (leftover == nil && !state.keys.contains(where: isOfForest))
    {
      throw SSOError(
        .notEnabled, "Seamless SSO is not enabled for \(directory.forest).",
        remedy: "Run 'bridgehead connect sso enable'.")
    }
    let trusts = action == .disable ? [] : try await trusts(state, own: survey.domains)
    let notes = survey.entraAccount.map { ["\($0) belongs to Entra ID and is left alone"] } ?? []
    return SSOPlan(
      action: action, tenant: state.tenant, service: state.service, account: account, leftover: leftover,
      domains: survey.domains + trusts.map(\.identifier),
      steps: (leftover.map { ["delete \($0), which an interrupted 'sso enable' left behind"] } ?? [])
        + steps(action, account, state)
        + trusts.map { "take tickets of people of \($0.forest), which \(directory.forest) trusts" }, notes: notes)
  }

  private func checkOptions(_ action: SSOPlan.Action) throws {
    guard options.account.lowercased() != SSODirectory.entraAccount.lowercased() else {
      throw SSOError(
        .reservedName,
        "\(SSODirectory.entraAccount) is Entra ID's account: a new password for it ends its Seamless SSO.",
        remedy: "Leave --account out, or give another name.")
    }
    let letters = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-".unicodeScalars)
    // MS-SAMR 3.1.1.6.
    guard (1...15).contains(options.account.utf8.count), options.account.unicodeScalars.allSatisfy(letters.contains)
    else {
      throw SSOError(
        .badOption, "'\(options.account)' is no name for a computer account.",
        remedy: "Use at most 15 letters, digits and hyphens.")
    }
    guard options.endsTickets || (Self.ticketLifetime...Self.longestOverlap).contains(options.overlap) else {
      throw SSOError(
        .ticketsInUse,
        "An overlap of \(options.overlap / 3600) h is none that tickets can live through: they live for "
          + "\(Self.ticketLifetime / 3600) h, and 7 days is the longest that the tenant takes.",
        remedy: "Give --overlap between 10h and 7d; or --end-tickets, if the key may be in other hands.")
    }
    guard action != .enable || !options.endsTickets else {
      throw SSOError(.badOption, "Enabling ends no tickets.", remedy: "Leave --end-tickets out.")
    }
  }

  /// What the tenant says, when it is the one whose host tickets are made for.
  func checkedState() async throws -> SSOTenantState {
    let state = try await tenant.state()
    guard state.service.lowercased() == "http/autologon.\(tenant.host)".lowercased() else {
      throw SSOError(
        .wrongTenant, "The tenant at \(tenant.host) takes tickets for \(state.service) instead.",
        remedy: "Let tenant.url and the target's url name the same host.")
    }
    return state
  }

  /// The account, which is Bridgehead's for this tenant, or the name of one that an interrupted run made and did not mark;
  /// neither when there is none.
  func own(
    _ survey: SSOSurvey, _ state: SSOTenantState
  ) async throws -> (account: SSOAccount?, leftover: String?) {
    guard survey.accounts.count <= 1 else {
      throw SSOError(
        .foreignAccount,
        "The forest has several accounts \(options.account): \(survey.accounts.joined(separator: "; ")).",
        remedy: "Give a name of its own with --account.")
    }
    if let holder = survey.holders.first(where: { !survey.accounts.contains($0) }) {
      throw SSOError(
        .duplicateServiceName,
        "\(holder) has the service name \(state.service) already; with two holders there are no tickets.",
        remedy: "Find out what uses it. If nothing does: setspn -D \(state.service) and the account's name.")
    }
    guard let name = survey.accounts.first else { return (nil, nil) }
    guard let account = try await directory.account(name) else {
      throw SSOError(
        .foreignAccount, "\(name) is not in \(directory.domain), or was deleted meanwhile.",
        remedy: "Name its domain with --domain, or give another name with --account.")
    }
    guard account.marker == SSOMarker(tenant: state.tenant) else {
      if account.marker == nil, try await isLeftover(name, state) { return (nil, name) }
      let owner = account.marker.map { "was made for the tenant \($0.tenant)" } ?? "was not made by Bridgehead"
      throw SSOError(
        .foreignAccount, "\(name) \(owner): it is not touched.",
        remedy: "Give another name with --account; or delete it by hand, if nothing uses it.")
    }
    return (account, nil)
  }

  private func isLeftover(_ name: String, _ state: SSOTenantState) async throws -> Bool {
    guard let intent = try await intents.find(domain: directory.domain, account: options.account),
      let traces = try await directory.traces(name)
    else { return false }
    return intent.recognises(traces, tenant: state.tenant)
  }

  func isOfForest(_ key: SSOTenantKey) -> Bool { key.forest.lowercased() == directory.forest.lowercased() }

  private func steps(_ action: SSOPlan.Action, _ account: SSOAccount?, _ state: SSOTenantState) -> [String] {
    let earlier = state.keys.count(where: isOfForest)
    let end = options.endsTickets ? "at once" : "after \(options.overlap / 3600) h"
    let retire = earlier == 0 ? [] : ["refuse tickets made with \(earlier) earlier keys \(end)"]
    switch (action, account) {
    case (.enable, nil), (.roll, nil):
      return [
        "create the computer account \(options.account) in \(directory.domain) and mark it as \(state.tenant)'s",
        "hand its AES keys to \(tenant.host)", "give it the service name \(state.service), with AES tickets only",
        "prove by a ticket that both have the same key",
      ] + retire
    case (.enable, let account?), (.roll, let account?):
      return [
        "hand new AES keys to \(tenant.host)", "give \(account.distinguishedName) the password that they come from",
      ]
        + (account.servicePrincipalNames == [state.service] && account.encryptionTypes == SSOAccount.aesOnly
          ? [] : ["set its service name to \(state.service), with AES tickets only"])
        + ["prove by a ticket that both have the same key"] + retire
    case (.disable, let account):
      return (account.map { ["delete \($0.distinguishedName)"] } ?? []) + retire
    }
  }
}
