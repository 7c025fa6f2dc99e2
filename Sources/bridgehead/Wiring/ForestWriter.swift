// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import Connect
import DirectoryLocator
import FoundationEssentials
import Kerberos
import LDAP
import Logging
import PasswordWriteback
import PortReference
import RPC
import SMB
import Wire

/// How passwords get to a forest: with an account of their own, over sealed LDAP and SMB, and by Kerberos for those whose
/// old passwords SAMR does not take.
struct ForestWriter {
  let units: Configuration.OrganizationalUnits?
  let kerberos: KerberosProvider
  let tls: TLSClientPolicy
  let names: Names
  let flows: any FlowRecorder
  let controllers: KerberosProvider.KDCLocator

  /// RFC 3244 2.
  private static let passwordPort = 464
  /// A person waits for it: below the time that they wait at the tenant.
  private static let connectTime = Duration.seconds(5)
  private static let handshakeTime = Duration.seconds(10)
  private static let answerTime = Duration.seconds(20)

  private static var options: (LDAPOptions, SMBOptions) {
    var (ldap, smb) = (LDAPOptions(), SMBOptions())
    (ldap.connectTimeout, smb.connectTimeout) = (connectTime, connectTime)
    (ldap.handshakeTimeout, smb.handshakeTimeout) = (handshakeTime, handshakeTime)
    (ldap.operationTimeout, smb.operationTimeout) = (answerTime, answerTime)
    return (ldap, smb)
  }

  func directory(source: String, usesTLS: Bool, locator: DirectoryLocator) -> DomainWriteback {
    let (row, security): (RowID, ConnectionSecurity) =
      usesTLS ? (.connectADLDAPS, .tls(tls, .negotiated(kerberos))) : (.connectADLDAP, .sealed(kerberos))
    let smb = Flow(row: RowID.connectADSMB.rawValue, recorder: flows)
    let ldap = Flow(row: row.rawValue, recorder: flows)
    let kerberos = kerberos
    let (ldapOptions, smbOptions) = Self.options
    return DomainWriteback(
      source: source,
      policy: WritebackPolicy(include: units?.include ?? [], exclude: units?.exclude ?? []), locator: locator,
      directory: { controller in
        try await LDAPConnection.connect(
          to: ServerAddress(
            host: controller.hostName, address: controller.address,
            port: usesTLS ? LDAPConnection.ldapsPort : controller.port), security: security, flow: ldap,
          options: ldapOptions, logger: Logger(label: "bridgehead.ldap"))
      },
      accounts: { controller in
        try await DomainAccounts.connect(
          to: ServerAddress(host: controller.hostName, address: controller.address, port: SMBConnection.smbPort),
          domain: controller.netbiosDomain,
          access: .lookUp, provider: kerberos, flow: smb, options: smbOptions,
          logger: Logger(label: "bridgehead.writeback"))
      }, kerberosChange: change)
  }

  private func change(
    _ principal: String, _ controller: DomainController, _ old: SecretBytes, _ new: SecretBytes
  ) async throws {
    var configuration = KerberosConfiguration(realm: controller.domain.uppercased(), principal: principal)
    configuration.passwordServer = Endpoint(host: controller.address, port: Self.passwordPort)
    let provider: KerberosProvider
    do {
      provider = try KerberosProvider(
        configuration, credentials: .password(old),
        flow: Flow(row: RowID.connectADKerberos.rawValue, recorder: flows), now: { Date.now },
        logger: Logger(label: "bridgehead.kerberos"), resolver: names.forest, kdcs: controllers)
    } catch {
      throw WritebackRejection(.other(.failed, .unreachable), error.message)
    }
    do {
      switch try await provider.changePassword(to: new) {
      case .changed: return
      case .refusedByPolicy:
        throw WritebackRejection(.policy(countsHistory: true), "the controller's policy refuses the password")
      case .refused(let code, let text):
        throw WritebackRejection(.other(.failed, .refusedByDirectory), "result \(code) of RFC 3244: \(text)")
      }
    } catch let error as PasswordChangeError where !error.wasSent {
      throw WritebackRejection(error.cause)
    }
  }
}

extension WritebackRejection {
  /// Of a sign-in with the old password.
  fileprivate init(_ error: SecurityError) {
    let cause: WritebackRejection.Cause =
      switch error.code {
      case .wrongPassword: .other(.refused, .wrongPassword)
      case .accountLocked, .accountDisabled, .accountExpired: .other(.failed, .accountRestricted)
      default: .other(.failed, .unreachable)
      }
    self.init(cause, "\(error.message) \(error.remedy)")
  }
}
