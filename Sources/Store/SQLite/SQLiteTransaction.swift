// SPDX-License-Identifier: Apache-2.0

import GRDB
import GRDBSQLite
import Wire

/// A transaction on one SQLite connection. It lives as long as the body it is handed to.
///
/// GRDB keeps the connections, snapshots and prepared statements. Values are bound and read here, because GRDB ends a
/// text at its first NUL and binds an empty blob as NULL.
final class SQLiteTransaction: Transaction {
  private let database: Database
  private let connection: OpaquePointer?
  private let path: String
  private let counter: StoreWork?
  /// The statements of this transaction, the latest first: a text that was used before is mostly the same literal, which
  /// compares by its address.
  private var prepared: [Prepared] = []

  private final class Prepared {
    let sql: String
    let statement: Statement
    /// It is being stepped: a nested use of the same text must not reset it.
    var isActive = false

    init(sql: String, statement: Statement) {
      self.sql = sql
      self.statement = statement
    }
  }

  init(_ database: Database, path: String, work: StoreWork?) {
    self.database = database
    counter = work
    connection = database.sqliteConnection
    self.path = path
  }

  var rowsWritten: Int { Int(sqlite3_total_changes64(connection)) }

  func run(_ sql: String, _ arguments: [SQLValue]) throws -> Int {
    try withStatement(sql) { statement in
      try bind(arguments, to: statement)
      while try step(statement) {}
      return sqlite3_stmt_readonly(statement) != 0 ? 0 : Int(sqlite3_changes64(connection))
    }
  }

  func run(_ sql: String, rows: some Sequence<[SQLValue]>) throws {
    try withStatement(sql) { statement in
      for row in rows {
        try bind(row, to: statement)
        while try step(statement) {}
        sqlite3_reset(statement)
      }
    }
  }

  func query<R>(_ sql: String, _ arguments: [SQLValue], _ body: (SQLRow) throws -> R) throws -> [R] {
    var results: [R] = []
    try forEach(sql, arguments) { row in results.append(try body(row)) }
    return results
  }

  func forEach(_ sql: String, _ arguments: [SQLValue], _ body: (SQLRow) throws -> Void) throws {
    try withStatement(sql) { statement in
      try bind(arguments, to: statement)
      let row = SQLRow(statement: statement)
      while try step(statement) { try body(row) }
    }
  }

  private func withStatement<R>(_ sql: String, _ work: (OpaquePointer) throws -> R) throws -> R {
    // A full disk makes SQLite undo the transaction by itself; what a body did after that would be committed alone.
    guard sqlite3_get_autocommit(connection) == 0 else {
      throw StoreError(.statement, "The transaction on \(path) was already undone by an earlier error.")
    }
    var entry = try find(sql)
    if entry.isActive { entry = Prepared(sql: sql, statement: try prepare(sql, database.makeStatement)) }
    entry.isActive = true
    let statement = entry.statement.sqliteStatement
    defer {
      // Read, and set back to 0, for each use.
      if let counter { counter.note(sql, steps: Int(sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1))) }
      sqlite3_reset(statement)
      entry.isActive = false
    }
    return try withExtendedLifetime(entry) { try work(statement) }
  }

  private func find(_ sql: String) throws -> Prepared {
    if let index = prepared.firstIndex(where: { $0.sql == sql }) {
      if index > 0 { prepared.swapAt(index, index - 1) }
      return prepared[max(0, index - 1)]
    }
    let entry = Prepared(sql: sql, statement: try prepare(sql, database.cachedStatement))
    prepared.append(entry)
    return entry
  }

  private func prepare(_ sql: String, _ make: (String) throws -> Statement) throws -> Statement {
    do { return try make(sql) } catch { throw StoreError.from(error, path: path) }
  }

  /// True when there is a row.
  private func step(_ statement: OpaquePointer) throws -> Bool {
    switch sqlite3_step(statement) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code: throw failure(code)
    }
  }

  private func failure(_ code: Int32) -> any Error {
    StoreError.from(code: code, detail: String(cString: sqlite3_errmsg(connection)), path: path)
  }

  private func bind(_ arguments: [SQLValue], to statement: OpaquePointer) throws {
    guard sqlite3_bind_parameter_count(statement) == arguments.count else {
      throw StoreError(.statement, "A statement was given \(arguments.count) arguments.")
    }
    for (offset, argument) in arguments.enumerated() {
      let code = bind(argument, to: statement, at: Int32(offset + 1))
      guard code == SQLITE_OK else { throw failure(code) }
    }
  }

  private func bind(_ argument: SQLValue, to statement: OpaquePointer, at index: Int32) -> Int32 {
    switch argument {
    case .null:
      return sqlite3_bind_null(statement, index)
    case .integer(let integer):
      return sqlite3_bind_int64(statement, index, integer)
    case .real(let real):
      return sqlite3_bind_double(statement, index, real)
    case .text(var text):
      return text.withUTF8 { utf8 in
        utf8.withMemoryRebound(to: CChar.self) { characters in
          // The empty string may have no address, which would mean NULL.
          characters.isEmpty
            ? sqlite3_bind_text(statement, index, "", 0, Self.copied)
            : sqlite3_bind_text64(
              statement, index, characters.baseAddress, UInt64(characters.count), Self.copied, UInt8(SQLITE_UTF8))
        }
      }
    case .blob(let bytes):
      return bytes.isEmpty
        ? sqlite3_bind_zeroblob(statement, index, 0)
        : sqlite3_bind_blob64(statement, index, bytes, UInt64(bytes.count), Self.copied)
    }
  }

  /// SQLITE_TRANSIENT: SQLite keeps its own copy.
  private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
}
