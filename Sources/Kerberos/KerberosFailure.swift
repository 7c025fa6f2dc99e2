// SPDX-License-Identifier: Apache-2.0

import CKerberos
import Wire

/// Puts refusals into words that name the cause and the remedy.
struct KerberosFailure {
  /// What was being asked for.
  enum Request {
    case initialTicket(client: String, fromKeytab: Bool)
    case serviceTicket(client: String, service: String)

    var client: String {
      switch self {
      case .initialTicket(let client, _), .serviceTicket(let client, _): client
      }
    }
  }

  var request: Request
  var realm: String
  /// libkrb5's verdict.
  var failure: LibraryFailure
  /// The KDC's last refusal, and which KDC it was.
  var refusal: (error: KerberosErrorMessage, kdc: String, skew: ClockSkew)?

  var securityError: SecurityError {
    if let refusal, let known = kdcRefusal(refusal.error, kdc: refusal.kdc, skew: refusal.skew) { return known }
    return libraryVerdict
  }

  private func kdcRefusal(_ error: KerberosErrorMessage, kdc: String, skew: ClockSkew) -> SecurityError? {
    let client = request.client
    switch error.code {
    case KerberosErrorCode.preauthenticationRequired: return nil
    case KerberosErrorCode.clientUnknown: return unknownPrincipal(kdc)
    case KerberosErrorCode.serviceUnknown, KerberosErrorCode.serviceNotUnique: return unknownService(error, kdc)
    case KerberosErrorCode.preauthenticationFailed, KerberosErrorCode.badIntegrity: return wrongKey(kdc)
    case KerberosErrorCode.keyExpired:
      return SecurityError(
        .passwordExpired, "The password of \(client) has expired or must be changed (KDC \(kdc)).",
        remedy: "Change it, and for a service account set the password to never expire or roll it in time.")
    case KerberosErrorCode.clientRevoked, KerberosErrorCode.nameExpired: return revoked(error, kdc)
    case KerberosErrorCode.encryptionUnsupported, KerberosErrorCode.nullKey: return unsupportedEncryption
    case KerberosErrorCode.skew:
      return SecurityError(
        .clockSkew, "KDC \(kdc) refuses this machine's clock, which is \(skew.text) its own.",
        remedy: "Synchronise the clock with the domain's (chrony, systemd-timesyncd).")
    case KerberosErrorCode.ticketExpired, KerberosErrorCode.ticketNotYetValid:
      return SecurityError(
        .ticketExpired, "KDC \(kdc) holds the ticket of \(client) for expired or not yet valid.",
        remedy: "Compare the clocks of this machine and of the domain controllers.")
    case KerberosErrorCode.wrongRealm:
      return SecurityError(
        .unknownPrincipal, "KDC \(kdc) does not serve the realm of \(client).",
        remedy: "Correct the realm; in Active Directory it is the domain's DNS name in capitals.")
    default:
      let text = error.text.map { ": \($0)" } ?? ""
      return SecurityError(
        .refusedByKDC,
        "KDC \(kdc) refused \(what) with error \(error.code)\(text)\(status(error)) (\(failure.text)).",
        remedy:
          "Look the error up in the domain controller's log; policies on the account or the service may forbid this.")
    }
  }

  private var what: String {
    switch request {
    case .initialTicket(let client, _): "an initial ticket for \(client)"
    case .serviceTicket(let client, let service): "\(client) a ticket for \(service)"
    }
  }

  private func status(_ error: KerberosErrorMessage) -> String {
    error.status.map { ", \($0)" } ?? ""
  }

  private func unknownPrincipal(_ kdc: String) -> SecurityError {
    SecurityError(
      .unknownPrincipal, "KDC \(kdc) of \(realm) knows no account \(request.client).",
      remedy: "Check the principal and realm in the configuration, and that the account was not deleted or renamed.")
  }

  private func unknownService(_ error: KerberosErrorMessage, _ kdc: String) -> SecurityError {
    guard case .serviceTicket(_, let service) = request else {
      return SecurityError(
        .unknownPrincipal, "KDC \(kdc) does not serve the realm \(realm).",
        remedy: "Correct the realm; in Active Directory it is the domain's DNS name in capitals.")
    }
    let twice = error.code == KerberosErrorCode.serviceNotUnique
    return SecurityError(
      .unknownService,
      "KDC \(kdc) of \(realm) \(twice ? "finds more than one account for" : "knows no service") \(service).",
      remedy: twice
        ? "Remove the duplicate servicePrincipalName (setspn -X lists them)."
        : "Use the server's full DNS name, and check its servicePrincipalName (setspn -L).")
  }

  private func wrongKey(_ kdc: String) -> SecurityError {
    switch request {
    case .initialTicket(let client, fromKeytab: false):
      SecurityError(
        .wrongPassword, "KDC \(kdc) refused the password of \(client).",
        remedy: "Correct the configured password; each attempt counts towards a lockout.")
    case .initialTicket(let client, fromKeytab: true):
      SecurityError(
        .wrongPassword, "KDC \(kdc) refused the keytab's key of \(client).",
        remedy: "Export the keytab again: the password was changed after it was made, or the principal's case differs.")
    case .serviceTicket(let client, _):
      SecurityError(
        .ticketExpired, "KDC \(kdc) cannot read the ticket of \(client).",
        remedy: "Try again; if it persists, check that the domain controllers replicate (krbtgt account).")
    }
  }

  /// `KDC_ERR_CLIENT_REVOKED` says too little; Active Directory adds the NTSTATUS (MS-ERREF 2.3.1).
  private func revoked(_ error: KerberosErrorMessage, _ kdc: String) -> SecurityError {
    let client = request.client
    switch error.status {
    case NTStatus.accountLockedOut:
      return SecurityError(
        .accountLocked, "The account \(client) is locked after too many wrong passwords (KDC \(kdc)).",
        remedy: "Correct the password, then unlock the account or wait for the lockout to end.")
    case NTStatus.accountDisabled:
      return SecurityError(
        .accountDisabled, "The account \(client) is disabled (KDC \(kdc)).", remedy: "Enable the account.")
    case NTStatus.accountExpired:
      return SecurityError(
        .accountExpired, "The account \(client) has expired (KDC \(kdc)).", remedy: "Extend the account's expiry date.")
    case NTStatus.invalidLogonHours, NTStatus.invalidWorkstation:
      return SecurityError(
        .accountDisabled, "The account \(client) may not log on now or from here (KDC \(kdc)\(status(error))).",
        remedy: "Remove the account's logon hours and workstation restrictions.")
    default:
      if error.code == KerberosErrorCode.nameExpired {
        return SecurityError(
          .accountExpired, "The account \(client) has expired (KDC \(kdc)).",
          remedy: "Extend the account's expiry date.")
      }
      return SecurityError(
        .accountDisabled, "The account \(client) is disabled, locked or expired (KDC \(kdc)\(status(error))).",
        remedy: "Enable or unlock the account, and check its expiry date and logon hours.")
    }
  }

  private var unsupportedEncryption: SecurityError {
    switch request {
    case .initialTicket(let client, _):
      SecurityError(
        .unsupportedEncryption, "The KDC has no key for \(client) of an encryption type allowed here (AES by default).",
        remedy: "Allow AES for the account (msDS-SupportedEncryptionTypes 24) and set its password once more.")
    case .serviceTicket(_, let service):
      SecurityError(
        .unsupportedEncryption, "\(service) supports no encryption type allowed here (AES by default).",
        remedy: "Allow AES for the service's account (msDS-SupportedEncryptionTypes 24).")
    }
  }

  /// The library's table of ASN.1 errors (asn1_err.et): 256 codes from its base.
  private static let encodingErrors = ASN1_BAD_TIMEFORMAT..<ASN1_BAD_TIMEFORMAT + 256

  private var libraryVerdict: SecurityError {
    switch Int(failure.code) {
    case KRB5KRB_AP_ERR_BAD_INTEGRITY, KRB5_PREAUTH_FAILED, KRB5_PREAUTH_BAD_TYPE:
      return wrongKey(refusal?.kdc ?? realm)
    case KRB5_KT_NOTFOUND, KRB5_CONFIG_ETYPE_NOSUPP, KRB5_BAD_ENCTYPE, KRB5_PROG_ETYPE_NOSUPP,
      KRB5KDC_ERR_ETYPE_NOSUPP, KRB5_CRYPTO_INTERNAL:
      return unsupportedEncryption
    case KRB5_KDCREP_MODIFIED, KRB5_BADMSGTYPE, KRB5KRB_AP_ERR_MSG_TYPE, Self.encodingErrors:
      return SecurityError(
        .rejectedToken, "The answer to the request for \(what) is damaged or forged: \(failure.text).",
        remedy: "Check what stands between this machine and the domain controllers on port 88.")
    default:
      return SecurityError(
        .internalFailure, "Getting \(what) failed: \(failure.text).",
        remedy: "Check principal, realm and credentials; the domain controller's log may say more.")
    }
  }
}
