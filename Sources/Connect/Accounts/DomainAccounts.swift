// SPDX-License-Identifier: Apache-2.0

package import Logging
package import RPC
package import SMB
package import Wire

/// Changes accounts of one domain in Active Directory, over SMB's pipe of SAMR: what Seamless SSO and password writeback do
/// there. Each operation needs the ``AccountRight`` that its documentation names, and nothing else.
///
/// Passwords travel encrypted by the session's key, inside the session (MS-SAMR 3.2.2): AES where the controller knows it,
/// RC4 where it knows nothing newer.
package struct DomainAccounts: Closable {
  private let connection: SMBConnection
  private let association: RPCAssociation
  private let client: SAMClient
  private let domain: SAMClient.Object
  private let key: SecretBytes
  private let randomBytes: @Sendable (Int) -> [UInt8]
  private let logger: Logger

  /// How the session is protected, in words.
  package var protection: String { connection.protection }

  /// Signs in to a writable domain controller.
  ///
  /// - Parameters:
  ///   - domain: its NetBIOS name.
  ///   - access: to the domain; creating computers needs more than looking up users.
  ///   - flow: recorded as `connect-ad/smb` once the session stands.
  /// - Throws: `SMBError`, `SecurityError`, `RPCError`, ``AccountError``, `CancellationError`.
  package static func connect(
    to server: ServerAddress, domain: String, access: SAMClient.Access = [.lookUp, .createUser],
    provider: any SecurityContextProvider, flow: Flow,
    options: SMBOptions = SMBOptions(), logger: Logger
  ) async throws -> DomainAccounts {
    let connection = try await SMBConnection.connect(
      to: server, provider: provider, flow: flow, options: options, logger: logger)
    return try await connection.closingOnFailure { connection in
      let pipe = try await connection.openPipe("samr")
      let association = try await RPCAssociation.open(pipe, .samr)
      let action = "Opening the domain \(domain)"
      let client = try await explaining(action) { try await SAMClient.connect(association, host: server.host) }
      let opened = try await explaining(action) {
        try await client.openDomain(try await client.identifier(ofDomain: domain), access)
      }
      return DomainAccounts(
        connection: connection, association: association, client: client, domain: opened, key: pipe.sessionKey,
        randomBytes: options.randomBytes, logger: logger)
    }
  }

  package func close() async {
    try? await client.close(domain)
    await association.close()
    await connection.close()
  }

  // MARK: - Computers

  /// Creates an enabled computer account in the domain's container of new computers. Needs ``AccountRight/createComputer``.
  ///
  /// - Parameter name: without the `$` at its end, at most 15 characters (MS-SAMR 3.1.1.6).
  /// - Returns: the account's relative identifier.
  package func createComputer(_ name: String, password: SecretBytes) async throws -> UInt32 {
    let action = "Creating the computer account \(name)"
    return try await Self.explaining(action, needing: .createComputer) {
      let (account, identifier) = try await client.createUser(
        name + "$", in: domain, type: SAMClient.AccountControl.workstation,
        [.readUser, .writeAccount, .setPassword, .delete])
      do {
        try await client.setPassword(password, of: account, key: key, random: randomBytes)
        // It was created disabled (MS-SAMR 3.1.5.4.4).
        try await client.setControl(SAMClient.AccountControl.workstation, of: account)
        try await client.close(account)
        return identifier
      } catch {
        await takeBack(name + "$") { try await client.delete(account) }
        throw error
      }
    }
  }

  /// Nothing half-made stays behind; where it does, somebody has to know its name.
  private func takeBack(_ name: String, _ delete: () async throws -> Void) async {
    do { try await delete() } catch {
      logger.error(
        "a half-made account stays behind; remove it", metadata: ["account": "\(name)", "error": "\(error)"])
    }
  }

  /// Deletes an account that was just created and cannot be used; a failure is told in the log only.
  package func takeBack(_ name: String) async { await takeBack(name) { try await delete(name) } }

  /// Needs ``AccountRight/delete``.
  package func delete(_ name: String) async throws {
    try await Self.explaining("Deleting the account \(name)", needing: .delete) {
      try await client.delete(try await open(name, .delete))
    }
  }

  // MARK: - Passwords

  /// Sets a password without the old one. Whether history counts is the controller's choice: usually it does not. Needs
  /// ``AccountRight/resetPassword``.
  /// - Parameter mustChange: whether it has to be changed at the next logon; needs
  ///   ``AccountRight/resetPasswordToBeChanged``.
  /// - Returns: how the password was protected inside the session.
  @discardableResult
  package func resetPassword(
    of name: String, to password: SecretBytes, mustChange: Bool = false,
    protections: [PasswordProtection] = [.aes, .rc4]
  ) async throws -> PasswordProtection {
    let right = mustChange ? AccountRight.resetPasswordToBeChanged : .resetPassword
    return try await Self.explaining("Resetting the password of \(name)", needing: right) {
      let account = try await open(name, .setPassword)
      let protection = try await client.setPassword(
        password, of: account, mustChange: mustChange, key: key, protections: protections, random: randomBytes)
      try await client.close(account)
      return protection
    }
  }

  /// Changes a password with the old one; length, complexity, history and age count. Needs no right but the user's own,
  /// which everybody has.
  package func changePassword(of name: String, from old: SecretBytes, to new: SecretBytes) async throws {
    try await Self.explaining("Changing the password of \(name)") {
      try await SAMClient.changePassword(
        of: name, from: old, to: new, host: connection.server.host, over: association, random: randomBytes)
    }
  }

  /// Ends a lockout. Needs ``AccountRight/unlock``.
  /// - Returns: false when the account was not locked.
  @discardableResult
  package func unlock(_ name: String) async throws -> Bool {
    try await Self.explaining("Unlocking \(name)", needing: .unlock) {
      let account = try await open(name, [.readUser, .writeAccount])
      let control = try await client.information(of: account).control
      let isLocked = control & SAMClient.AccountControl.autoLocked != 0
      // MS-SAMR 3.1.1.8.10: clearing the bit clears lockoutTime.
      if isLocked { try await client.setControl(control & ~SAMClient.AccountControl.autoLocked, of: account) }
      try await client.close(account)
      return isLocked
    }
  }

  // MARK: - Parts

  private func open(_ name: String, _ access: SAMClient.Access) async throws -> SAMClient.Object {
    try await client.openUser(try await client.relativeIdentifier(of: name, in: domain), in: domain, access)
  }

  /// Says what was being done, and which right is missing.
  private static func explaining<R>(
    _ action: String, needing right: AccountRight? = nil, _ body: () async throws -> R
  ) async throws -> R {
    do {
      return try await body()
    } catch let error as RPCError where error.code == .refused || error.code == .fault {
      throw AccountError(error, action: action, needing: right)
    }
  }
}
