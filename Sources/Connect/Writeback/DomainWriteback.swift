// SPDX-License-Identifier: Apache-2.0

package import DirectoryLocator
package import LDAP
import PasswordWriteback
import RPC
package import Wire

/// Writes passwords of a forest's domains: resets and the end of lockouts by sealed LDAP, changes over SMB and SAMR, or by
/// RFC 3244 for members of Protected Users.
///
/// The account needs, on the units that are allowed, Reset Password, Write pwdLastSet and Write lockoutTime of users.
package struct DomainWriteback: WritebackDirectory {
  /// Changes a password with the old one by Kerberos; throws ``WritebackRejection`` when it certainly was not changed.
  package typealias KerberosChange =
    @Sendable (_ principal: String, _ controller: DomainController, _ old: SecretBytes, _ new: SecretBytes) async throws
    ->
    Void

  package let source: String
  package let policy: WritebackPolicy
  private let locator: DirectoryLocator
  private let directory: @Sendable (DomainController) async throws -> LDAPConnection
  private let accounts: @Sendable (DomainController) async throws -> DomainAccounts
  private let kerberosChange: KerberosChange

  /// - Parameters:
  ///   - directory: signs in to a controller by LDAP.
  ///   - accounts: signs in to it by SMB.
  package init(
    source: String, policy: WritebackPolicy, locator: DirectoryLocator,
    directory: @escaping @Sendable (DomainController) async throws -> LDAPConnection,
    accounts: @escaping @Sendable (DomainController) async throws -> DomainAccounts,
    kerberosChange: @escaping KerberosChange
  ) {
    self.source = source
    self.policy = policy
    self.locator = locator
    self.directory = directory
    self.accounts = accounts
    self.kerberosChange = kerberosChange
  }

  package func open(_ domain: String, preferring server: String?) async throws -> any WritebackSession {
    let controllers = try await locator.controllers(of: domain)
    let controller = controllers.first { $0.hostName == server } ?? controllers[0]
    return try await directory(controller).closingOnFailure { connection in
      DomainWritebackSession(
        controller: controller, connection: connection, root: try await connection.rootDSE(), accounts: accounts,
        kerberosChange: kerberosChange)
    }
  }
}

struct DomainWritebackSession: WritebackSession {
  let controller: DomainController
  let connection: LDAPConnection
  let root: RootDSE
  let accounts: @Sendable (DomainController) async throws -> DomainAccounts
  let kerberosChange: DomainWriteback.KerberosChange

  var server: String { controller.hostName }

  func close() async { await connection.close() }

  func prepare(_ operation: WritebackOperation, _ account: WritebackAccount) async throws -> WritebackStroke {
    switch operation {
    case .unlock: unlock(account)
    case .change where WritebackPolicy.usesKerberosChange(account): changeByKerberos(account)
    case .change: try await change(account)
    case .reset where root.supportedControls.contains(.policyHints): reset(account)
    case .reset: try await resetWithoutHistory(account)
    }
  }

  // MARK: - The ways

  private func change(_ account: WritebackAccount) async throws -> WritebackStroke {
    let domain = try await accounts(controller)
    return WritebackStroke(
      run: { secrets in
        guard let old = secrets.old, let new = secrets.new else { throw Self.incomplete }
        do { try await domain.changePassword(of: account.samAccountName, from: old, to: new) } catch {
          throw Self.rejection(error) ?? error
        }
        return nil
      }, close: { await domain.close() })
  }

  private func changeByKerberos(_ account: WritebackAccount) -> WritebackStroke {
    WritebackStroke(run: { secrets in
      guard let old = secrets.old, let new = secrets.new else { throw Self.incomplete }
      let principal = "\(account.samAccountName)@\(controller.domain.uppercased())"
      try await kerberosChange(principal, controller, old, new)
      return nil
    })
  }

  /// With LDAP_SERVER_POLICY_HINTS_OID (MS-ADTS 3.1.1.3.4.1.27) a reset is held against history and age like a change.
  private func reset(_ account: WritebackAccount) -> WritebackStroke {
    WritebackStroke(run: { secrets in
      guard let new = secrets.new else { throw Self.incomplete }
      var changes = [Modification.password(new.withBytes { String(decoding: $0, as: UTF8.self) })]
      if secrets.mustChange { changes.append(.replace("pwdLastSet", ["0"])) }
      do {
        try await connection.modify("<GUID=\(account.identifier)>", changes, controls: [.policyHints])
      } catch {
        throw Self.rejection(error) ?? error
      }
      return nil
    })
  }

  private func resetWithoutHistory(_ account: WritebackAccount) async throws -> WritebackStroke {
    let domain = try await accounts(controller)
    return WritebackStroke(
      run: { secrets in
        guard let new = secrets.new else { throw Self.incomplete }
        do {
          try await domain.resetPassword(of: account.samAccountName, to: new, mustChange: secrets.mustChange)
        } catch let error as AccountError where error.code == .passwordPolicy {
          throw WritebackRejection(.policy(countsHistory: false), error.message)
        } catch {
          throw Self.rejection(error) ?? error
        }
        return .historyNotEnforced
      }, close: { await domain.close() })
  }

  private func unlock(_ account: WritebackAccount) -> WritebackStroke {
    WritebackStroke(run: { _ in
      guard account.password.isLocked else { return .wasNotLocked }
      do {
        try await connection.modify("<GUID=\(account.identifier)>", [.replace("lockoutTime", ["0"])])
      } catch {
        throw Self.rejection(error) ?? error
      }
      return nil
    })
  }

  private static let incomplete = WritebackRejection(
    .other(.failed, .undecipherable), "the request lacks a password that its operation needs")

  /// Nil where the controller may have done it all the same.
  private static func rejection(_ error: any Error) -> WritebackRejection? {
    switch error {
    case let error as AccountError: return WritebackRejection(error)
    // A password that cannot even be encoded.
    case let error as RPCError where error.code == .refused && error.status == nil:
      return WritebackRejection(.other(.refused, .notAllowedCharacters), error.message)
    case let error as LDAPError:
      guard let result = error.result, !error.isTransient else { return nil }
      let detail = "\(error.message) \(error.remedy)"
      switch result.code {
      case .constraintViolation, .unwillingToPerform: return WritebackRejection(.policy(countsHistory: true), detail)
      case .insufficientAccessRights: return WritebackRejection(.other(.failed, .missingRight), detail)
      default: return WritebackRejection(.other(.failed, .refusedByDirectory), detail)
      }
    default: return nil
    }
  }
}

extension ControlType {
  /// LDAP_SERVER_POLICY_HINTS_OID (MS-ADTS 3.1.1.3.4.1.27).
  fileprivate static let policyHints = ControlType(rawValue: "1.2.840.113556.1.4.2239")
}

extension Control {
  /// `PolicyHintsRequestValue ::= SEQUENCE { Flags INTEGER }` with the only flag there is.
  fileprivate static let policyHints = Control(.policyHints, isCritical: true, value: [0x30, 0x03, 0x02, 0x01, 0x01])
}
