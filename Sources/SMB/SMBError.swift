// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Why an SMB conversation did not do what was asked: a broken connection, a server that offers less than is required, one
/// that violates the protocol, or a status that is no success.
package struct SMBError: DiagnosableError {
  /// What happened, as a closed vocabulary that callers branch on.
  package enum Code: String, Sendable, CaseIterable {
    // The connection.
    case unreachable
    case timeout
    case closed
    case protocolViolation
    /// What answers is no SMB server.
    case wrongService
    /// The server speaks SMB1 only.
    case obsoleteProtocol
    /// No dialect, signing algorithm or cipher in common that is allowed here.
    case noCommonProtection
    /// An answer without the protection that was agreed, or with a wrong signature.
    case badProtection
    /// Someone in between altered the negotiation.
    case downgraded
    /// The server let us in without knowing who we are.
    case guest
    case badRequest
    // Statuses (MS-ERREF 2.3.1).
    case logonFailure
    case accountRestricted
    case accessDenied
    case noSuchShare
    case noSuchPipe
    case busy
    case sessionEnded
    case clockSkew
    case refused
  }

  package var code: Code
  package var message: String
  package var remedy: String
  /// The server's status where there was one.
  package var status: NTStatus?

  package init(_ code: Code, _ message: String, remedy: String, status: NTStatus? = nil) {
    self.code = code
    self.message = message
    self.remedy = remedy
    self.status = status
  }

  package var identifier: String { "smb.\(code.rawValue)" }

  /// Whether the same request may succeed on this or another server later.
  package var isTransient: Bool {
    switch code {
    case .unreachable, .timeout, .closed, .busy, .sessionEnded: true
    default: false
    }
  }
}

extension SMBError {
  /// The error for a status that is no success.
  ///
  /// - Parameters:
  ///   - action: what was being done, for example `Opening the pipe samr`.
  ///   - server: the server's name, for the reader.
  init(_ status: NTStatus, action: String, server: String) {
    let row = Self.rows[status] ?? (.refused, "the server refused", "Look the status up in the server's log.")
    self.init(row.code, "\(action) on \(server) failed: \(row.cause) [\(status)].", remedy: row.remedy, status: status)
  }

  static func protocolViolation(_ server: String, _ what: String) -> SMBError {
    SMBError(
      .protocolViolation, "\(server) does not speak SMB as MS-SMB2 defines it: \(what).",
      remedy: "Check that the address belongs to the server and that nothing between alters traffic.")
  }

  static func obsolete(_ server: String) -> SMBError {
    SMBError(
      .obsoleteProtocol, "\(server) answers in SMB 1, which is not secure and not supported.",
      remedy: "Enable SMB 2.1 or newer on the server and switch SMB 1 off.")
  }

  static func badProtection(_ server: String, _ what: String) -> SMBError {
    SMBError(
      .badProtection, "An answer of \(server) \(what); the connection is given up.",
      remedy: "Someone may be altering traffic between here and the server: find out what stands in between.")
  }

  static func transport(_ server: String, _ error: any Error) -> SMBError {
    SMBError(
      .closed, "The connection to \(server) failed: \(error).",
      remedy: "Check the network between here and the server; another server is tried.")
  }

  private typealias Row = (code: Code, cause: String, remedy: String)

  private static let rows: [NTStatus: Row] = [
    .accessDenied: (
      .accessDenied, "the account lacks the right",
      "Grant the documented right; for IPC$ and its pipes check \"Access this computer from the network\" and the pipe's own list."
    ),
    .networkAccessDenied: (
      .accessDenied, "the account may not use the network share",
      "Check \"Access this computer from the network\" (SeNetworkLogonRight) on the server."
    ),
    .logonFailure: (
      .logonFailure, "the ticket was not accepted",
      "Check the cifs/ service principal of the server for duplicates, the clocks, and that NTLM is not forced."
    ),
    .noSuchUser: (.logonFailure, "the server knows no such account", "Check the account's name and domain."),
    .wrongPassword: (.logonFailure, "the credentials were refused", "Check the account's password or keytab."),
    .accountRestriction: (
      .accountRestricted, "a policy forbids this sign-in", "Check the account's restrictions and Protected Users."
    ),
    .accountDisabled: (.accountRestricted, "the account is disabled", "Enable the account."),
    .accountLockedOut: (
      .accountRestricted, "the account is locked", "Unlock it and find out who tries wrong passwords."
    ),
    .passwordExpired: (.accountRestricted, "the password has expired", "Set a new one, or let it never expire."),
    .passwordMustChange: (
      .accountRestricted, "the password must be changed first", "Clear `must change password at next logon`."
    ),
    .logonTypeNotGranted: (
      .accountRestricted, "the account may not sign in over the network",
      "Grant \"Access this computer from the network\" and remove it from the deny list."
    ),
    .noLogonServers: (
      .busy, "the server finds no domain controller", "Check the server's own DNS and domain membership."
    ),
    .trustFailure: (.logonFailure, "the trust between the domains is broken", "Verify the trust (netdom trust)."),
    .noTrustSAMAccount: (
      .logonFailure, "the server's own account is missing in the domain", "Repair the server's secure channel."
    ),
    .timeDifferenceAtDC: (
      .clockSkew, "the clocks differ too much", "Synchronise this machine's clock with the domain's."
    ),
    .badNetworkName: (
      .noSuchShare, "there is no such share", "Check that the name is a server with IPC$, such as a domain controller."
    ),
    .objectNameNotFound: (
      .noSuchPipe, "there is no such pipe", "Check that the service behind the pipe runs on the server."
    ),
    .pipeNotAvailable: (.busy, "the pipe has no free instance", "Try again; the service behind it is overloaded."),
    .pipeBusy: (.busy, "the pipe is busy", "Try again; the service behind it is overloaded."),
    .pipeDisconnected: (.closed, "the service closed the pipe", "Open the pipe again."),
    .pipeBroken: (.closed, "the service closed the pipe", "Open the pipe again."),
    .fileClosed: (.closed, "the pipe is closed", "Open the pipe again."),
    .cancelled: (.closed, "the request was cancelled", "Ask again."),
    .ioTimeout: (.timeout, "the service behind the pipe does not answer", "Check that it runs on the server."),
    .insufficientResources: (.busy, "the server is out of resources", "Try again later, or another server."),
    .requestNotAccepted: (.busy, "the server accepts no more sessions", "Try again later, or another server."),
    .userSessionDeleted: (.sessionEnded, "the server ended the session", "Connect again."),
    .networkSessionExpired: (.sessionEnded, "the session's ticket has expired", "Connect again."),
    .networkNameDeleted: (.sessionEnded, "the share is no longer there", "Connect again."),
    .notSupported: (
      .noCommonProtection, "the server supports no dialect that was offered",
      "Enable SMB 2.1 or newer on the server."
    ),
    .smbNoPreauthHashOverlap: (
      .noCommonProtection, "the server supports no hash for preauthentication integrity", "Update the server."
    ),
    .invalidParameter: (.refused, "the server finds the request malformed", "Report this with the server's version."),
  ]
}
