// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kerberos
import Testing
import Wire

/// What an account's state does to its tickets, on a real KDC whose administrator changes that state.
@Suite(.enabled(if: Lab.current != nil)) struct KerberosAccountTests {
  private let lab: KerberosLab
  private static let password = "Kerb-Passw0rd!7"

  init() throws { lab = try KerberosLab() }

  /// Runs samba-tool against the controller as the domain's administrator.
  private func sambaTool(_ arguments: String...) throws {
    let administrator = lab.forest.administrator
    let (code, output) = try lab.run(
      "samba-tool",
      arguments + [
        "-H", "ldap://\(lab.controller.address)", "-U", String(administrator.principal.prefix { $0 != "@" }),
        "-W", lab.forest.netbios, "--use-kerberos=off", "--configfile=/dev/null",
      ], environment: ["PASSWD_FILE": administrator.passwordFile])
    try #require(code == 0, "\(arguments.joined(separator: " ")): \(output)")
  }

  private func failure(_ name: String) async throws -> SecurityError {
    try #require(
      await #expect(throws: SecurityError.self) {
        try await lab.provider(principal: name, password: Self.password).authenticate()
      })
  }

  @Test func namesTheStateOfAnAccount() async throws {
    let name = "krb-\(UUID().uuidString.prefix(8).lowercased())"
    try sambaTool("user", "create", name, Self.password)
    defer { try? sambaTool("user", "delete", name) }
    try await lab.provider(principal: name, password: Self.password).authenticate()

    try sambaTool("user", "disable", name)
    let disabled = try await failure(name)
    #expect(disabled.code == .accountDisabled, "\(disabled)")
    try sambaTool("user", "enable", name)

    try sambaTool("user", "setpassword", name, "--newpassword=\(Self.password)", "--must-change-at-next-login")
    let mustChange = try await failure(name)
    #expect(mustChange.code == .passwordExpired, "\(mustChange)")
    try sambaTool("user", "setpassword", name, "--newpassword=\(Self.password)")

    try sambaTool("user", "setexpiry", name, "--days=-1")
    let expired = try await failure(name)
    #expect(expired.code == .accountExpired, "\(expired)")
  }
}
