// SPDX-License-Identifier: Apache-2.0

/// The error codes of RFC 4120 7.5.9 that we tell apart.
enum KerberosErrorCode {
  static let nameExpired: Int32 = 1
  static let clientUnknown: Int32 = 6
  static let serviceUnknown: Int32 = 7
  static let serviceNotUnique: Int32 = 8
  static let nullKey: Int32 = 9
  static let policy: Int32 = 12
  static let encryptionUnsupported: Int32 = 14
  static let clientRevoked: Int32 = 18
  static let keyExpired: Int32 = 23
  static let preauthenticationFailed: Int32 = 24
  static let preauthenticationRequired: Int32 = 25
  static let serviceUnavailable: Int32 = 29
  static let badIntegrity: Int32 = 31
  static let ticketExpired: Int32 = 32
  static let ticketNotYetValid: Int32 = 33
  static let skew: Int32 = 37
  static let responseTooBig: Int32 = 52
  static let wrongRealm: Int32 = 68

  /// RFC 4120 7.5.9.
  static func name(_ code: Int32) -> String { names[code] ?? "error \(code)" }

  private static let names: [Int32: String] = [
    clientUnknown: "KDC_ERR_C_PRINCIPAL_UNKNOWN", serviceUnknown: "KDC_ERR_S_PRINCIPAL_UNKNOWN",
    policy: "KDC_ERR_POLICY", encryptionUnsupported: "KDC_ERR_ETYPE_NOSUPP", clientRevoked: "KDC_ERR_CLIENT_REVOKED",
    keyExpired: "KDC_ERR_KEY_EXPIRED", preauthenticationFailed: "KDC_ERR_PREAUTH_FAILED",
    preauthenticationRequired: "KDC_ERR_PREAUTH_REQUIRED", serviceUnavailable: "KDC_ERR_SVC_UNAVAILABLE",
    skew: "KRB_AP_ERR_SKEW", responseTooBig: "KRB_ERR_RESPONSE_TOO_BIG", wrongRealm: "KDC_ERR_WRONG_REALM",
  ]
}
