// SPDX-License-Identifier: Apache-2.0

import Wire

/// An NTSTATUS that a procedure of LSARPC or SAMR returns, in words (MS-ERREF 2.3).
enum RemoteStatus {
  private static let rows: [NTStatus: (words: String, remedy: String)] = [
    .accessDenied: ("the account has no right for it", "Give the account that right."),
    .invalidInfoClass: ("the server does not know that level of information", "Use another level."),
    .invalidParameter: ("the server does not accept a parameter", "Report this with the server's version."),
    .invalidHandle: ("the server does not know the handle", "Connect again."),
    .userExists: ("there is such an account", "Choose another name, or use that account."),
    .noSuchUser: ("there is no such account", "Check the account's name."),
    .wrongPassword: (
      "the password given is not the present one, or came under another key",
      "Check the password; passwords are set over SMB only."
    ),
    .illFormedPassword: ("the password holds characters that are not allowed", "Choose another password."),
    .passwordRestriction: (
      "the password violates the policy: length, complexity, history or age",
      "Choose another password, or wait until the present one is old enough."
    ),
    .accountDisabled: ("the account is disabled", "Enable the account."),
    .noneMapped: ("none of the names is known", "Check the names and the domain."),
    .noSuchDomain: ("the server does not know the domain", "Check the domain's name."),
    .accountLockedOut: ("the account is locked out", "Unlock the account or wait."),
    .cannotCreateOutsideDomain: ("no account can be created there", "Check the container."),
    .ntlmBlocked: ("RC4 is not accepted", "Use the AES levels of SAMR."),
    .machineAccountQuota: (
      "the account may not create further computer accounts",
      "Delegate the right to create computer objects on the container (create-child), which needs no quota."
    ),
  ]

  /// An NTSTATUS that a procedure returned, with cause and remedy: `refused` with the status.
  static func error(_ status: NTStatus, peer: String, operation: String) -> RPCError {
    guard let row = rows[status], let name = status.name else {
      return RPCError(
        .refused, "\(peer) refuses \(operation) with \(status).", remedy: "Look the number up in MS-ERREF 2.3.",
        status: status.rawValue)
    }
    return RPCError(
      .refused, "\(peer) refuses \(operation): \(row.words) (\(name)).", remedy: row.remedy, status: status.rawValue)
  }

  /// Calls a procedure whose result is an NTSTATUS and reads what it returns.
  /// - Parameter accepted: results beside success that are none either, for example of an enumeration.
  static func call<R: Sendable>(
    _ association: RPCAssociation, _ operation: UInt16, _ name: String, _ writer: NDRWriter,
    accepting accepted: Set<NTStatus> = [], _ body: (inout NDRReader) throws(ByteError) -> R
  ) async throws -> (value: R, status: NTStatus) {
    let answer = try await association.call(operation, name, writer.bytes)
    do {
      var reader = NDRReader(answer)
      let status = NTStatus(try reader.result())
      guard status == .success || accepted.contains(status) else {
        throw error(status, peer: association.peer, operation: name)
      }
      return (try body(&reader), status)
    } catch let error as ByteError {
      throw RPCError.malformed(association.peer, "the answer of \(name) is \(error)")
    }
  }
}
