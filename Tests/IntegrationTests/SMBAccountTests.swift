// SPDX-License-Identifier: Apache-2.0

import Connect
import Foundation
import Kerberos
import Logging
import RPC
import SMB
import Testing
import TestSupport
import Wire

extension SMBTests {
  /// Accounts changed over SMB and SAMR, with the documented rights and with one of them missing. The KDC is the judge of
  /// passwords.
  @Suite struct Accounts {
    private let lab: SMBLab
    private static let password = "Writeback-Passw0rd!7"

    init() throws { lab = try SMBLab() }

    private func secret(_ text: String) -> SecretBytes { SecretBytes(Array(text.utf8)) }

    private func uniqueName(_ prefix: String) -> String { "\(prefix)\(UUID().uuidString.prefix(6).lowercased())" }

    private func accounts(
      as name: String? = nil, adjust: (inout SMBOptions) -> Void = { _ in }
    ) async throws -> DomainAccounts {
      var options = SMBOptions()
      adjust(&options)
      let administrator = lab.forest.administrator
      let provider = try lab.kerberos.provider(
        principal: name ?? administrator.principal,
        password: name == nil ? try administrator.password() : Self.password)
      return try await DomainAccounts.connect(
        to: lab.server, domain: lab.forest.netbios, provider: provider,
        flow: Flow(row: "connect-ad/smb", recorder: lab.flows), options: options, logger: Logger(label: "accounts"))
    }

    private func authenticates(_ name: String, _ password: String) async -> SecurityError? {
      do {
        try await lab.kerberos.provider(principal: name, password: password).authenticate()
        return nil
      } catch {
        #expect(error is SecurityError, "\(error)")
        return error as? SecurityError
      }
    }

    /// Runs the body with a new account that has the rights, each as SDDL on an object.
    private func withAccount<R>(
      rights: [(dn: String, right: String)] = [], _ body: (String) async throws -> R
    ) async throws -> R {
      let name = uniqueName("smb-")
      try lab.sambaTool("user", "create", name, Self.password)
      defer { _ = try? lab.sambaTool("user", "delete", name) }
      let sid = try lab.sid(of: name)
      for (dn, right) in rights {
        try lab.sambaTool(
          "dsacl", "set", "--objectdn=\(dn)", "--sddl=\(right.replacingOccurrences(of: "SID", with: sid))")
      }
      return try await body(name)
    }

    private var computers: String { "CN=Computers,\(lab.forest.baseDN)" }
    private var users: String { "CN=Users,\(lab.forest.baseDN)" }
    // MS-ADTS 5.1.3.2: create child and delete child of class computer; the extended right User-Force-Change-Password, writes
    // of lockoutTime, userAccountControl and pwdLastSet, for class user.
    private static let createComputer = "(OA;;CCDC;bf967a86-0de6-11d0-a285-00aa003049e2;;SID)"
    private static let resetPassword =
      "(OA;CIIO;CR;00299570-246d-11d0-a768-00aa006e0529;bf967aba-0de6-11d0-a285-00aa003049e2;SID)"
    private static let writeLastSet =
      "(OA;CIIO;WP;bf967a0a-0de6-11d0-a285-00aa003049e2;bf967aba-0de6-11d0-a285-00aa003049e2;SID)"
    private static let writeLockout =
      "(OA;CIIO;WP;28630ebf-41d5-11d1-a9c1-0000f80367c1;bf967aba-0de6-11d0-a285-00aa003049e2;SID)"
    private static let writeControl =
      "(OA;CIIO;WP;bf967a68-0de6-11d0-a285-00aa003049e2;bf967aba-0de6-11d0-a285-00aa003049e2;SID)"

    // MARK: - Computers

    @Test(arguments: [Dialect.smb210, .smb300, .smb311])
    func createsAComputer(dialect: Dialect) async throws {
      try await withAccount(rights: [(computers, Self.createComputer)]) { creator in
        let accounts = try await accounts(as: creator) { $0.offer.dialects = [dialect] }
        let name = uniqueName("PC").uppercased()
        let identifier = try await accounts.createComputer(name, password: secret("Computer-Passw0rd!" + name))
        #expect(identifier >= 1000)
        #expect(await authenticates(name + "$", "Computer-Passw0rd!" + name) == nil)
        try expectSeenByOthers(name, identifier)
        let again = await #expect(throws: AccountError.self) {
          try await accounts.createComputer(name, password: secret("Computer-Passw0rd!" + name))
        }
        #expect(again?.code == .alreadyExists)
        let row = try #require(lab.flows.uses.first)
        #expect(row.row == "connect-ad/smb" && row.protection == accounts.protection)
        #expect(row.protection.hasPrefix(dialect.description))
        try await accounts.delete(name + "$")
        #expect(await authenticates(name + "$", "Computer-Passw0rd!" + name)?.code == .unknownPrincipal)
        await accounts.close()
      }
    }

    /// rpcclient finds the account, enabled and a workstation's; smbclient signs in with it.
    private func expectSeenByOthers(_ name: String, _ identifier: UInt32) throws {
      let administrator = lab.forest.administrator
      let found = try lab.kerberos.run(
        "rpcclient",
        [
          "--configfile=/dev/null", lab.controller.address, "-U", "Administrator", "-W", lab.forest.netbios,
          "--use-kerberos=off", "-c", "samlookupnames domain \(name)$; queryuser \(identifier)",
        ], environment: ["PASSWD_FILE": administrator.passwordFile])
      #expect(found.output.contains("name \(name)$: 0x\(String(identifier, radix: 16)) "), "\(found.output)")
      // ACB_WSTRUST alone: no ACB_DISABLED.
      #expect(found.output.contains("acb_info :\t0x00000080"), "\(found.output)")
      let secret = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString)"
      try "Computer-Passw0rd!\(name)".write(toFile: secret, atomically: true, encoding: .utf8)
      defer { try? FileManager.default.removeItem(atPath: secret) }
      let signedIn = try lab.kerberos.run(
        "smbclient",
        [
          "--configfile=/dev/null", "--command=exit", "//\(lab.controller.address)/IPC$", "-U", "\(name)$", "-W",
          lab.forest.netbios,
          "--use-kerberos=off",
        ], environment: ["PASSWD_FILE": secret])
      #expect(signedIn.code == 0, "\(signedIn.output)")
    }

    /// Everybody may create a few computers, unless the domain's quota says otherwise: then it takes the right.
    @Test func createsNoComputerWithoutTheRight() async throws {
      try lab.setMachineQuota(0)
      defer { try? lab.setMachineQuota(10) }
      try await withAccount { creator in
        let accounts = try await accounts(as: creator)
        let name = uniqueName("PC").uppercased()
        let error = await #expect(throws: AccountError.self) {
          try await accounts.createComputer(name, password: secret("Computer-Passw0rd!7"))
        }
        #expect(error?.code == .missingRight && error?.right == .createComputer, "\(String(describing: error))")
        #expect(error?.remedy.contains("CC;computer") == true)
        await accounts.close()
      }
    }

    // MARK: - Passwords

    @Test(arguments: PasswordProtection.allCases) func resetsAPassword(protection: PasswordProtection) async throws {
      let rights = [Self.resetPassword, Self.writeLastSet].map { (users, $0) }
      try await withAccount { user in
        try await withAccount(rights: rights) { writer in
          let accounts = try await accounts(as: writer)
          let used = try await accounts.resetPassword(
            of: user, to: secret("Changed-Passw0rd!1"), protections: [protection, .rc4])
          #expect(used == protection)
          #expect(await authenticates(user, "Changed-Passw0rd!1") == nil)
          #expect(await authenticates(user, Self.password)?.code == .wrongPassword)

          try await accounts.resetPassword(of: user, to: secret("Changed-Passw0rd!2"), mustChange: true)
          #expect(await authenticates(user, "Changed-Passw0rd!2")?.code == .passwordExpired)

          let weak = await #expect(throws: AccountError.self) {
            try await accounts.resetPassword(of: user, to: secret("short"))
          }
          #expect(weak?.code == .passwordPolicy)
          let nobody = await #expect(throws: AccountError.self) {
            try await accounts.resetPassword(of: "nobody-of-this-name", to: secret("Changed-Passw0rd!3"))
          }
          #expect(nobody?.code == .noSuchAccount)
          await accounts.close()
        }
      }
    }

    @Test func resetsNoPasswordWithoutTheRight() async throws {
      try await withAccount { user in
        try await withAccount(rights: [(users, Self.writeLastSet)]) { writer in
          let accounts = try await accounts(as: writer)
          let error = await #expect(throws: AccountError.self) {
            try await accounts.resetPassword(of: user, to: secret("Changed-Passw0rd!1"))
          }
          #expect(error?.code == .missingRight && error?.right == .resetPassword, "\(String(describing: error))")
          #expect(error?.remedy.contains("Reset Password") == true)
          #expect(await authenticates(user, Self.password) == nil)
          await accounts.close()
        }
        // A change at the next logon is a right more; without it nothing is changed.
        try await withAccount(rights: [(users, Self.resetPassword)]) { writer in
          let accounts = try await accounts(as: writer)
          let error = await #expect(throws: AccountError.self) {
            try await accounts.resetPassword(of: user, to: secret("Changed-Passw0rd!1"), mustChange: true)
          }
          #expect(error?.code == .missingRight && error?.right == .resetPasswordToBeChanged)
          #expect(error?.remedy.contains("pwdLastSet") == true)
          #expect(await authenticates(user, Self.password) == nil)
          try await accounts.resetPassword(of: user, to: secret("Changed-Passw0rd!1"))
          #expect(await authenticates(user, "Changed-Passw0rd!1") == nil)
          await accounts.close()
        }
      }
    }

    /// A change proves the old password; history counts.
    @Test func changesAPassword() async throws {
      try lab.sambaTool("domain", "passwordsettings", "set", "--min-pwd-age=0")
      defer { _ = try? lab.sambaTool("domain", "passwordsettings", "set", "--min-pwd-age=1") }
      try await withAccount { user in
        let accounts = try await accounts(as: user)
        try await accounts.changePassword(of: user, from: secret(Self.password), to: secret("Changed-Passw0rd!1"))
        #expect(await authenticates(user, "Changed-Passw0rd!1") == nil)
        let wrong = await #expect(throws: AccountError.self) {
          try await accounts.changePassword(
            of: user, from: secret("Not-The-Passw0rd!"), to: secret("Changed-Passw0rd!2"))
        }
        #expect(wrong?.code == .wrongPassword)
        let old = await #expect(throws: AccountError.self) {
          try await accounts.changePassword(of: user, from: secret("Changed-Passw0rd!1"), to: secret(Self.password))
        }
        #expect(old?.code == .passwordPolicy)
        await accounts.close()
      }
    }

    // MARK: - Lockouts

    /// Samba's KDC does not tell why an account may not sign in.
    private func isLocked(_ user: String) async -> Bool {
      let code = await authenticates(user, Self.password)?.code
      return code == .accountLocked || code == .accountDisabled
    }

    @Test func unlocks() async throws {
      try lab.sambaTool("domain", "passwordsettings", "set", "--account-lockout-threshold=2")
      defer { _ = try? lab.sambaTool("domain", "passwordsettings", "set", "--account-lockout-threshold=0") }
      try await withAccount { user in
        for _ in 0..<3 { _ = await authenticates(user, "Not-The-Passw0rd!") }
        try #require(await isLocked(user))
        try await withAccount(rights: [(users, Self.writeLockout)]) { stranger in
          let accounts = try await accounts(as: stranger)
          let error = await #expect(throws: AccountError.self) { try await accounts.unlock(user) }
          #expect(error?.code == .missingRight && error?.right == .unlock, "\(String(describing: error))")
          #expect(await isLocked(user))
          await accounts.close()
        }
        try await withAccount(rights: [(users, Self.writeControl)]) { writer in
          let accounts = try await accounts(as: writer)
          #expect(try await accounts.unlock(user))
          #expect(await authenticates(user, Self.password) == nil)
          #expect(try await !accounts.unlock(user))
          await accounts.close()
        }
      }
    }
  }
}
