// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import LDAP
import RPC
package import Wire

extension ConversationLog {
  /// Records why a sign-in, or the operation after it, failed.
  ///
  /// - Parameter error: a `SecurityError`, ``CredentialError``, `LDAPError`, `TrustError` or whatever else came.
  package func observeSignIn(_ error: any Error, phase: Phase.Name, _ context: ProbeContext) {
    switch error {
    case let error as CredentialError: observe(.authenticationNotTried(error.message))
    case let error as SecurityError: observe(security: error)
    case let error as LDAPError: observe(ldap: error, phase)
    case let error as RPCError: observe(rpc: error, phase)
    case is CancellationError: observe(.deadline(phase))
    default: observe(.systemError("\(error)"))
    }
  }

  package func observe(security error: SecurityError) {
    switch error.code {
    case .unknownService, .rejectedToken: observe(.wrongServicePrincipal(error.message))
    // The KDC's row says what is wrong with the KDC and with the clocks.
    case .noKDC, .clockSkew, .ticketExpired, .internalFailure: observe(.authenticationNotTried(error.message))
    case .weakProtection: observe(.permissionDenied(error.message))
    case .badCredentialSource, .wrongPassword, .unknownPrincipal, .accountLocked, .accountDisabled, .accountExpired,
      .passwordExpired, .unsupportedEncryption, .refusedByKDC:
      observe(.authenticationRefused(code: error.identifier, reason: error.message))
    }
  }

  private func observe(ldap error: LDAPError, _ phase: Phase.Name) {
    switch error.code {
    case .timeout: observe(.silenceAfterData(seconds: ProbeContext.answerPatience / .seconds(1)))
    case .closed, .unreachable: observe(.closedAfterData(received: 0))
    case .protocolViolation, .badRequest: observe(.wrongAnswer(recognised: nil, summary: error.message))
    // The KDC has accepted the account and granted the ticket: what is refused is the ticket.
    case .invalidCredentials: observe(.wrongServicePrincipal(error.message))
    case .unknownUser, .logonRestricted, .passwordExpired, .passwordMustChange, .accountDisabled,
      .accountExpired, .accountLocked:
      observe(.authenticationRefused(code: error.identifier, reason: error.message))
    case .strongerAuthRequired: observe(.signingRequired)
    case .weakProtection, .insufficientAccessRights, .noSuchObject:
      observe(.permissionDenied(error.message))
    default:
      observe(.ldapResult(code: Int(error.result?.code.rawValue ?? -1), name: error.message))
    }
  }
}
