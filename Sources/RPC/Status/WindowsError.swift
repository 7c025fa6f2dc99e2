// SPDX-License-Identifier: Apache-2.0

/// A WERROR that a procedure returns, in words (MS-ERREF 2.2).
package enum WindowsError {
  package static let accessDenied: UInt32 = 5
  /// `ERROR_DS_DRA_ACCESS_DENIED`: a right to replicate is missing.
  package static let replicationAccessDenied: UInt32 = 8453

  private static let rows: [UInt32: StatusRow] = [
    accessDenied: StatusRow(
      name: "ERROR_ACCESS_DENIED", words: "access is denied", remedy: "Give the account the right for it."),
    replicationAccessDenied: StatusRow(
      name: "ERROR_DS_DRA_ACCESS_DENIED", words: "the account may not replicate what was asked for",
      remedy:
        "Give the account the rights Replicating Directory Changes (1131f6aa-9c07-11d1-f79f-00c04fc2dcd2) and, for "
        + "passwords, Replicating Directory Changes All (1131f6ad-9c07-11d1-f79f-00c04fc2dcd2) on the naming context's root."
    ),
    8: StatusRow(name: "ERROR_NOT_ENOUGH_MEMORY", words: "the server is out of memory", remedy: "Try again later."),
    87: StatusRow(
      name: "ERROR_INVALID_PARAMETER", words: "the server does not accept a parameter",
      remedy: "Report this with the server's version."),
    1355: StatusRow(
      name: "ERROR_NO_SUCH_DOMAIN", words: "the domain is unknown to the server", remedy: "Check the domain's name."),
    8333: StatusRow(
      name: "ERROR_DS_OBJ_NOT_FOUND", words: "there is no such object", remedy: "Check the object's name."),
    8409: StatusRow(
      name: "ERROR_DS_DATABASE_ERROR", words: "the server's database reports an error",
      remedy: "Look into the server's log."),
    8418: StatusRow(
      name: "ERROR_DS_DRA_SCHEMA_MISMATCH", words: "the schemas of both sides differ",
      remedy: "Wait until the forest has replicated its schema, then try again."),
    8438: StatusRow(name: "ERROR_DS_DRA_BUSY", words: "the server is busy replicating", remedy: "Try again later."),
    8439: StatusRow(
      name: "ERROR_DS_DRA_BAD_DN", words: "the name is no object's of this server",
      remedy: "Check the distinguished name."),
    8440: StatusRow(
      name: "ERROR_DS_DRA_BAD_NC", words: "the server holds no such naming context",
      remedy: "Name a naming context of this server's, or choose another server."),
    8451: StatusRow(
      name: "ERROR_DS_DRA_DB_ERROR", words: "the server's replication reports a database error",
      remedy: "Look into the server's log."),
    8452: StatusRow(
      name: "ERROR_DS_DRA_NO_REPLICA", words: "the server holds no replica of the naming context",
      remedy: "Choose another server."),
    8456: StatusRow(
      name: "ERROR_DS_DRA_SOURCE_DISABLED", words: "outbound replication is switched off at the server",
      remedy: "Enable it there (repadmin /options -DISABLE_OUTBOUND_REPL), or choose another server."),
    8464: StatusRow(
      name: "ERROR_DS_DRA_MISSING_PARENT", words: "a parent object is missing",
      remedy: "Try again with ancestors first."),
    8606: StatusRow(
      name: "ERROR_DS_INSUFFICIENT_ATTR_TO_CREATE_OBJECT", words: "attributes are missing",
      remedy: "Read the naming context anew."),
  ]

  /// A Win32 error (MS-ERREF 2.2) that a procedure returned, with cause and remedy: `refused` with the status.
  package static func error(_ code: UInt32, peer: String, operation: String) -> RPCError {
    guard let row = rows[code] else {
      return RPCError(
        .refused, "\(peer) refuses \(operation) with error \(code).",
        remedy: "Look the number up (net helpmsg \(code)).",
        status: code)
    }
    return RPCError(
      .refused, "\(peer) refuses \(operation): \(row.words) (\(row.name), \(code)).", remedy: row.remedy, status: code)
  }
}
