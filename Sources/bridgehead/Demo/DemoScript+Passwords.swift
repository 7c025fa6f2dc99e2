// SPDX-License-Identifier: Apache-2.0

import Connect
import LDAP
import Lab
import Logging
import SCIM
import Wire

/// The passwords of the forest in the tenant.
extension DemoScript {
  mutating func signIn() async throws {
    let clock = ContinuousClock.now
    guard let passwords = runtime.passwords else { throw DemoError(message: "No passwords are synchronised.") }
    let result = try await passwords.run()
    try expect(result.errors.isEmpty, result.errors.joined(separator: " "))
    try expect(result.sent > 0 && result.refused == 0, "\(result.sent) passwords were sent, \(result.refused) refused")
    let name = try await signInName(of: try await somebodyWithPassword())
    let password = try site.userPassword
    let outcome = try await browser.signIn(name, password)
    try expect(
      outcome == .signedIn(name: name, by: ["pwd"]), "\(name) could not sign in with the password of the forest")
    let wrong = try await browser.signIn(name, password + "?")
    try expect(wrong == .refused, "\(name) could sign in with a wrong password")
    finish(
      "the password of the forest",
      [
        "\(result.sent) passwords are in the tenant, as PBKDF2 values; no hash left Connect",
        "\(name) signs in to the tenant (OpenID Connect, code with PKCE) with the password of the forest, and not with "
          + "another",
      ], since: clock)
  }

  /// While everything runs as under `connect run --follow`.
  ///
  /// - Returns: the person, with the new password.
  mutating func changePassword() async throws -> DemoPerson {
    let person = try await somebodyWithPassword()
    let name = try await signInName(of: person)
    let (old, new) = (
      try site.userPassword, "Bridge-Keeper-\(person.bytes("objectGUID").map { Hex.encode($0.prefix(3)) } ?? "1")!"
    )
    let clock = ContinuousClock.now
    try await administrator.modify(person.dn, [.password(new)])
    // An attempt a second: the tenant pauses accounts after many failures.
    while try await browser.signIn(name, new) == .refused {
      guard ContinuousClock.now - clock < passwordDeadline else {
        throw DemoError(message: "\(name) could not sign in with the new password within \(passwordDeadline).")
      }
      try await Task.sleep(for: .seconds(1))
    }
    let elapsed = ContinuousClock.now - clock
    try expect(elapsed <= passwordDeadline, "the new password signed in after \(elapsed) only")
    try expect(try await browser.signIn(name, old) == .refused, "\(name) could still sign in with the old password")
    finish(
      "a changed password",
      [
        "\(name) has a new password in the forest; 'connect run --follow' is at work",
        "it signs in to the tenant \(CycleReport.seconds(elapsed / .seconds(1))) later, the old one is refused",
      ], since: clock)
    return DemoPerson(entry: person, name: name, password: new)
  }

  /// What `connect run --follow` runs, while the body runs.
  static func following<R: Sendable>(
    _ runtime: ConnectRuntime, _ body: () async throws -> R
  ) async throws -> R {
    try await withThrowingTaskGroup(of: Void.self) { group in
      let cycles = Scheduler(
        runtime.service, plan: SchedulePlan(interval: SchedulePlan.followInterval), clock: .continuous,
        logger: Logger(label: "bridgehead.connect"))
      group.addTask { await cycles.run() }
      if let pass = runtime.passwords {
        let passwords = PasswordScheduler(
          pass, interval: PasswordSchedule.followInterval, clock: .continuous,
          logger: Logger(label: "bridgehead.passwords"))
        group.addTask { await passwords.run() }
      }
      if let writeback = runtime.writeback {
        let requests = WritebackLoop(writeback, clock: .continuous, logger: Logger(label: "bridgehead.writeback"))
        group.addTask { await requests.run() }
      }
      defer { group.cancelAll() }
      return try await body()
    }
  }

  /// Enabled and not expired, with a password that need not be changed, and with a name that the tenant keeps.
  func somebodyWithPassword() async throws -> SearchEntry {
    try await somebody(
      "(&(objectCategory=person)(objectClass=user)(userPrincipalName=*@\(site.forest.verifiedSuffixes.first ?? ""))(pwdLastSet>=1)"
        + "(!(userAccountControl:1.2.840.113556.1.4.803:=2))(|(accountExpires=0)(accountExpires=9223372036854775807)))")
  }

  func signInName(of person: SearchEntry) async throws -> String {
    guard let name = try await resource("/Users", person)?.attributes["userName"]?.string else {
      throw DemoError(message: "\(person.dn) is not in the tenant.")
    }
    return name
  }
}
