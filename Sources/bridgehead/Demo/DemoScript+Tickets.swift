// SPDX-License-Identifier: Apache-2.0

import Connect
import Kerberos
import LDAP
import Lab
import Wire

/// Somebody of the forest, as the tenant knows them.
struct DemoPerson {
  let entry: SearchEntry
  /// By which they sign in to the tenant.
  let name: String
  var password: String
}

/// The tenant's passwords in the forest, and the forest's tickets in the tenant.
extension DemoScript {
  /// At the tenant's page, while everything runs as under `connect run --follow`; the domain controller decides.
  ///
  /// - Returns: the person, with the new password.
  mutating func changePasswordInTenant(of person: DemoPerson) async throws -> DemoPerson {
    var changed = person
    changed.password = "Tenant-Keeper-\(person.entry.bytes("objectGUID").map { Hex.encode($0.suffix(3)) } ?? "1")!"
    try expect(runtime.writeback != nil, "Connect writes no passwords back")
    // The present password is minutes old, and a domain's policy wants a day unless it is told otherwise.
    try await administrator.modify(site.forest.baseDN, [.replace("minPwdAge", ["0"])])
    try expect(
      try await hasTicket(person), "\(person.name) got no ticket with the password that is about to be changed")
    let clock = ContinuousClock.now
    try await browser.changePassword(of: person.name, from: person.password, to: changed.password)
    let elapsed = ContinuousClock.now - clock
    try expect(elapsed <= passwordDeadline, "the page answered after \(elapsed) only")
    try expect(try await !hasTicket(person), "the KDC still takes the old password of \(person.name)")
    try expect(try await hasTicket(changed), "the KDC gave \(person.name) no ticket for the new password")
    let outcome = try await browser.signIn(person.name, changed.password)
    try expect(
      outcome == .signedIn(name: person.name, by: ["pwd"]), "\(person.name) could not sign in with the new password")
    finish(
      "a password changed in the tenant",
      [
        "\(person.name) chooses another one at \(try site.issuer)/password",
        "\(CycleReport.seconds(elapsed / .seconds(1))) later it holds in the forest: the KDC gives a ticket for the new "
          + "password and refuses the old one",
      ], since: clock)
    return changed
  }

  /// Seamless SSO: enabled by the forest's administrator, used by somebody who signs in to the forest alone.
  mutating func signInByTicket(of person: DemoPerson) async throws {
    let clock = ContinuousClock.now
    let sso = try await site.seamlessSSO()
    let plan = try await sso.use { sso in
      let plan = try await sso.service.plan(.enable)
      try await sso.service.carryOut(plan)
      return plan
    }
    let outcome = try await browser.signIn(ticketsOf: try site.kerberos(of: person), domain: site.forest.name)
    try expect(outcome == .signedIn(name: person.name, by: ["wia"]), "\(person.name) was not signed in by a ticket")
    finish(
      "a ticket instead of a password",
      [
        "Seamless SSO is enabled: a computer account serves \(plan.service), the tenant has its AES keys",
        "\(person.name) signs in to the tenant with a ticket for it and types nothing: the ID token says amr wia",
      ], since: clock)
  }

  /// Whether the KDC grants an initial ticket for the person's password.
  private func hasTicket(_ person: DemoPerson) async throws -> Bool {
    let kerberos = try site.kerberos(of: person)
    do {
      try await kerberos.authenticate()
      return true
    } catch let error as SecurityError where error.code == .wrongPassword {
      return false
    }
  }
}
