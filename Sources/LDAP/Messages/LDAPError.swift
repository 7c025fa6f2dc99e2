// SPDX-License-Identifier: Apache-2.0

import Wire

/// Why an LDAP conversation did not do what was asked: a server's result code, a broken connection or a peer that
/// violates the protocol.
package struct LDAPError: DiagnosableError {
  /// What happened, as a closed vocabulary that callers branch on.
  package enum Code: String, Sendable {
    // The connection.
    case unreachable
    case timeout
    case closed
    case protocolViolation
    case weakProtection
    case badRequest
    // Signing in (RFC 4511 rc 49 with Active Directory's data codes).
    case invalidCredentials
    case unknownUser
    case logonRestricted
    case passwordExpired
    case passwordMustChange
    case accountDisabled
    case accountExpired
    case accountLocked
    // Result codes.
    case strongerAuthRequired
    case insufficientAccessRights
    case incomplete
    case badCookie
    case criticalExtension
    case noSuchObject
    case noSuchAttribute
    case alreadyExists
    case constraintViolation
    case busy
    case unavailable
    case unwillingToPerform
    case refused
  }

  package var code: Code
  package var message: String
  package var remedy: String
  /// The server's answer where there was one.
  package var result: LDAPResult?

  package init(_ code: Code, _ message: String, remedy: String, result: LDAPResult? = nil) {
    self.code = code
    self.message = message
    self.remedy = remedy
    self.result = result
  }

  package var identifier: String { "ldap.\(code.rawValue)" }

  /// Whether the same request may succeed on this or another server later.
  package var isTransient: Bool {
    switch code {
    case .unreachable, .timeout, .closed, .busy, .unavailable: true
    default: false
    }
  }
}

extension LDAPError {
  /// The error for a result code that is no success.
  ///
  /// - Parameters:
  ///   - action: what was being done, for example `Searching DC=corp,DC=example`.
  ///   - server: the server's name, for the reader.
  package init(_ result: LDAPResult, action: String, server: String) {
    let row = Self.row(result)
    var message = "\(action) failed on \(server): \(row.cause) [\(result.code)]"
    let diagnostic = Self.printable(result.diagnosticMessage)
    if !diagnostic.isEmpty { message += ", the server says: \(diagnostic)" }
    if !result.referrals.isEmpty {
      message += ", referred to \(Self.printable(result.referrals.joined(separator: ", ")))"
    }
    self.init(row.code, message + ".", remedy: row.remedy, result: result)
  }

  static func protocolViolation(_ server: String, _ what: String) -> LDAPError {
    LDAPError(
      .protocolViolation, "\(server) does not speak LDAP as RFC 4511 defines it: \(what).",
      remedy: "Check that the address and port belong to a directory server and that nothing between alters traffic.")
  }

  /// Characters of a server's text that are quoted in an error.
  private static let diagnosticLength = 512

  /// A server's text without control characters, cut to a sensible length.
  private static func printable(_ text: String) -> String {
    let scalars = text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.prefix(diagnosticLength)
    return String(String.UnicodeScalarView(scalars))
  }

  private typealias Row = (code: Code, cause: String, remedy: String)

  private static func row(_ result: LDAPResult) -> Row {
    if result.code == .invalidCredentials, let data = activeDirectoryData(result.diagnosticMessage),
      let row = signInRows[data]
    {
      return row
    }
    return rows[result.code]
      ?? (.refused, "the server refused the request", "Look the server's message up in its own log.")
  }

  /// The hexadecimal `data` code in a diagnostic message of Active Directory, such as
  /// `80090308: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, data 52e, v3839`.
  static func activeDirectoryData(_ diagnostic: String) -> UInt32? {
    guard let start = diagnostic.utf8Range(of: "data ")?.upperBound else { return nil }
    return UInt32(diagnostic[start...].prefix { $0.isHexDigit }, radix: 16)
  }

  /// Win32 error codes (MS-ERREF 2.2) that Active Directory reports in a refused bind.
  private static let signInRows: [UInt32: Row] = [
    0x525: (.unknownUser, "there is no such account", "Check the account's name and domain."),
    0x52E: (.invalidCredentials, "the password is wrong", "Check the password or keytab of the service account."),
    0x530: (.logonRestricted, "the account may not sign in at this hour", "Widen the account's logon hours."),
    0x531: (.logonRestricted, "the account may not sign in from here", "Allow this machine for the account."),
    0x532: (.passwordExpired, "the password has expired", "Set a new password, or let it never expire."),
    0x533: (.accountDisabled, "the account is disabled", "Enable the account."),
    0x701: (.accountExpired, "the account has expired", "Extend or clear the account's expiry date."),
    0x773: (.passwordMustChange, "the password must be changed first", "Clear `must change password at next logon`."),
    0x775: (.accountLocked, "the account is locked", "Unlock the account and find out who tries wrong passwords."),
  ]

  private static let narrow =
    "Narrow the filter or the base, or raise the server's limit (AD: MaxPageSize, MaxResultSetSize)."

  private static let rows: [ResultCode: Row] = [
    .operationsError: (.refused, "the operation was out of order", "Sign in before reading; see the server's message."),
    .protocolError: (.refused, "the server did not understand the request", "Report this with the server's version."),
    .timeLimitExceeded: (.incomplete, "the server's time limit ended the read", narrow),
    .sizeLimitExceeded: (.incomplete, "the server's size limit cut the result", narrow),
    .adminLimitExceeded: (.incomplete, "an administrative limit cut the result", narrow),
    .referral: (
      .incomplete, "the server does not hold these objects and refers elsewhere",
      "Ask a domain controller of the domain that holds them."
    ),
    .authMethodNotSupported: (
      .strongerAuthRequired, "the way of signing in is not offered", "Use Kerberos (GSS-SPNEGO) or LDAPS."
    ),
    .strongerAuthRequired: (
      .strongerAuthRequired, "the server demands a signed or sealed connection",
      "Use Kerberos with sealing on 389, or LDAPS on 636 with channel binding."
    ),
    .confidentialityRequired: (
      .strongerAuthRequired, "the server demands an encrypted connection", "Use Kerberos with sealing on 389, or LDAPS."
    ),
    .unavailableCriticalExtension: (
      .criticalExtension, "the server does not support a needed control, or refuses its value",
      "After a DirSync read: the cookie is of another server or too old, import in full. Otherwise check supportedControl."
    ),
    .noSuchAttribute: (.noSuchAttribute, "the attribute or value is not there", "Read the object again."),
    .undefinedAttributeType: (
      .noSuchAttribute, "the schema has no such attribute", "Extend the schema or drop the attribute from the rules."
    ),
    .constraintViolation: (.constraintViolation, "a value breaks a constraint", "See the server's message."),
    .invalidAttributeSyntax: (.constraintViolation, "a value has the wrong syntax", "See the server's message."),
    .objectClassViolation: (.constraintViolation, "the object would break its class", "See the server's message."),
    .namingViolation: (.constraintViolation, "the name is not allowed there", "See the server's message."),
    .attributeOrValueExists: (.alreadyExists, "the value is there already", "Nothing needs to be done."),
    .entryAlreadyExists: (.alreadyExists, "an object of this name exists", "Choose another name."),
    .noSuchObject: (
      .noSuchObject, "there is no such object, or it may not be seen", "Check the distinguished name and read rights."
    ),
    .invalidDNSyntax: (.badRequest, "the distinguished name is malformed", "Correct the distinguished name."),
    .inappropriateAuthentication: (
      .invalidCredentials, "the account cannot sign in this way", "Check the account and the way of signing in."
    ),
    .invalidCredentials: (
      .invalidCredentials, "the credentials were refused", "Check the account's name and its password or keytab."
    ),
    .insufficientAccessRights: (
      .insufficientAccessRights, "the account lacks a right",
      "For DirSync grant `Replicating Directory Changes` on the domain; for writes delegate the attribute or object."
    ),
    .busy: (.busy, "the server is busy", "It is tried again later; spread the load over more servers."),
    .unavailable: (.unavailable, "the server is shutting down or starting", "Another server is tried."),
    .unwillingToPerform: (.unwillingToPerform, "the server will not do this", "See the server's message."),
  ]
}

extension String {
  fileprivate func utf8Range(of needle: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(needle) { return start..<index(start, offsetBy: needle.count) }
      start = index(after: start)
    }
    return nil
  }
}
