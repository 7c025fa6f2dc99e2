// SPDX-License-Identifier: Apache-2.0

import Wire

/// An NTSTATUS that a procedure of LSARPC or SAMR returns, in words (MS-ERREF 2.3).
package enum RemoteStatus {
  package static let success: UInt32 = 0
  package static let moreEntries: UInt32 = 0x0000_0105
  package static let noMoreEntries: UInt32 = 0x8000_001a
  package static let someNotMapped: UInt32 = 0x0000_0107
  package static let noneMapped: UInt32 = 0xc000_0073
  package static let accessDenied: UInt32 = 0xc000_0022
  package static let wrongPassword: UInt32 = 0xc000_006a
  package static let passwordRestriction: UInt32 = 0xc000_006c
  package static let userExists: UInt32 = 0xc000_0063
  package static let invalidInfoClass: UInt32 = 0xc000_0003

  private static let rows: [UInt32: StatusRow] = [
    accessDenied: StatusRow(
      name: "STATUS_ACCESS_DENIED", words: "the account has no right for it", remedy: "Give the account that right."),
    invalidInfoClass: StatusRow(
      name: "STATUS_INVALID_INFO_CLASS", words: "the server does not know that level of information",
      remedy: "Use another level."),
    0xc000_000d: StatusRow(
      name: "STATUS_INVALID_PARAMETER", words: "the server does not accept a parameter",
      remedy: "Report this with the server's version."),
    0xc000_0008: StatusRow(
      name: "STATUS_INVALID_HANDLE", words: "the server does not know the handle", remedy: "Connect again."),
    userExists: StatusRow(
      name: "STATUS_USER_EXISTS", words: "there is such an account", remedy: "Choose another name, or use that account."
    ),
    0xc000_0064: StatusRow(
      name: "STATUS_NO_SUCH_USER", words: "there is no such account", remedy: "Check the account's name."),
    wrongPassword: StatusRow(
      name: "STATUS_WRONG_PASSWORD", words: "the password given is not the present one, or came under another key",
      remedy: "Check the password; passwords are set over SMB only."),
    0xc000_006b: StatusRow(
      name: "STATUS_ILL_FORMED_PASSWORD", words: "the password holds characters that are not allowed",
      remedy: "Choose another password."),
    passwordRestriction: StatusRow(
      name: "STATUS_PASSWORD_RESTRICTION",
      words: "the password violates the policy: length, complexity, history or age",
      remedy: "Choose another password, or wait until the present one is old enough."),
    0xc000_0072: StatusRow(
      name: "STATUS_ACCOUNT_DISABLED", words: "the account is disabled", remedy: "Enable the account."),
    noneMapped: StatusRow(
      name: "STATUS_NONE_MAPPED", words: "none of the names is known", remedy: "Check the names and the domain."),
    0xc000_00df: StatusRow(
      name: "STATUS_NO_SUCH_DOMAIN", words: "the server does not know the domain", remedy: "Check the domain's name."),
    0xc000_0234: StatusRow(
      name: "STATUS_ACCOUNT_LOCKED_OUT", words: "the account is locked out", remedy: "Unlock the account or wait."),
    0xc000_02b4: StatusRow(
      name: "STATUS_DS_CANT_CREATE_IN_NONDOMAIN", words: "no account can be created there",
      remedy: "Check the container."),
    0xc000_0418: StatusRow(
      name: "STATUS_NTLM_BLOCKED", words: "RC4 is not accepted", remedy: "Use the AES levels of SAMR."),
    0xc000_02e7: StatusRow(
      name: "STATUS_DS_MACHINE_ACCOUNT_QUOTA_EXCEEDED",
      words: "the account may not create further computer accounts",
      remedy: "Delegate the right to create computer objects on the container (create-child), which needs no quota."),
  ]

  /// An NTSTATUS (MS-ERREF 2.3) that a procedure returned, with cause and remedy: `refused` with the status.
  package static func error(_ code: UInt32, peer: String, operation: String) -> RPCError {
    guard let row = rows[code] else {
      return RPCError(
        .refused, "\(peer) refuses \(operation) with NTSTATUS \(StatusRow.hexadecimal(code)).",
        remedy: "Look the number up in MS-ERREF 2.3.", status: code)
    }
    return RPCError(
      .refused, "\(peer) refuses \(operation): \(row.words) (\(row.name)).", remedy: row.remedy, status: code)
  }

  /// Calls a procedure whose result is an NTSTATUS and reads what it returns.
  /// - Parameter accepted: results beside success that are none either, for example of an enumeration.
  static func call<R: Sendable>(
    _ association: RPCAssociation, _ operation: UInt16, _ name: String, _ writer: NDRWriter,
    accepting accepted: Set<UInt32> = [], _ body: (inout NDRReader) throws(ByteError) -> R
  ) async throws -> (value: R, status: UInt32) {
    let answer = try await association.call(operation, name, writer.bytes)
    do {
      var reader = NDRReader(answer)
      let status = try reader.result()
      guard status == success || accepted.contains(status) else {
        throw error(status, peer: association.peer, operation: name)
      }
      return (try body(&reader), status)
    } catch let error as ByteError {
      throw RPCError.malformed(association.peer, "the answer of \(name) is \(error)")
    }
  }
}
