// SPDX-License-Identifier: Apache-2.0

import GRDB
import GRDBSQLite
import Wire

extension StoreError {
  /// GRDB's error in the words of an administrator. What is not SQLite's passes.
  static func from(_ error: any Error, path: String) -> any Error {
    guard let error = error as? DatabaseError else { return error }
    return from(code: error.resultCode.rawValue, detail: error.message ?? "no detail", path: path)
  }

  /// A result code (sqlite.org/rescode.html), primary or extended.
  static func from(code: Int32, detail: String, path: String) -> any Error {
    switch code & 0xff {
    case SQLITE_INTERRUPT:
      // The only interrupt is GRDB's, when the task was cancelled.
      return CancellationError()
    case SQLITE_FULL:
      return StoreError(
        .diskFull, "There is no space left for the database \(path).",
        remedy: "Free space on its file system (or raise its size limit) and run again: nothing was half written.")
    case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL:
      return StoreError(
        .locked, "Another process holds the database \(path).",
        remedy: "Wait for it or stop it (`fuser \(path)` names it), then run again.")
    case SQLITE_CORRUPT, SQLITE_FORMAT:
      return StoreError(
        .corrupt, "The database \(path) is damaged (\(detail)).",
        remedy: "Restore a backup, or move the file with its -wal and -shm files away and let a full run rebuild it.")
    case SQLITE_NOTADB:
      return StoreError(
        .notADatabase, "The file \(path) is not a SQLite database.",
        remedy: "Correct the path, or move the file away.")
    case SQLITE_READONLY, SQLITE_PERM:
      return StoreError(
        .readOnly, "The database \(path) cannot be written.",
        remedy: "Give its directory and files to the user of the service, and check that the file system is mounted rw."
      )
    case SQLITE_CANTOPEN:
      return StoreError(
        .cannotOpen, "The database \(path) cannot be opened.",
        remedy: "Check that its directory exists and that the user of the service may read and write it.")
    case SQLITE_IOERR:
      return StoreError(
        .inputOutput, "The disk failed under the database \(path) (\(detail)).",
        remedy: "Look for errors of the disk or file system (`dmesg`); SQLite needs a local file system, not NFS.")
    case SQLITE_CONSTRAINT:
      return StoreError(.constraint, "A rule of the database refused the change (\(detail)).")
    case SQLITE_TOOBIG:
      return StoreError(
        .tooLarge, "A value is too large for the database \(path).", remedy: "Values end at 1,000,000,000 bytes.")
    case SQLITE_MISUSE where detail == "Connection is closed":
      return StoreError(.closed, "The database \(path) was closed.", remedy: "Open it again.")
    default:
      return StoreError(.statement, "A statement failed: \(detail).")
    }
  }
}
