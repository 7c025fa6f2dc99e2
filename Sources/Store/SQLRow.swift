// SPDX-License-Identifier: Apache-2.0

import GRDBSQLite
import Glibc
import Wire

/// One row of an answer. It is valid only inside the closure it was handed to.
///
/// ```swift
/// try transaction.query("SELECT id, name FROM person", []) { row in
///   Person(id: try row[0], name: try row["name"])
/// }
/// ```
package struct SQLRow {
  let statement: OpaquePointer

  /// The number of columns.
  package var count: Int { Int(sqlite3_column_count(statement)) }

  /// The column counted from 0, as the type that is asked for.
  ///
  /// - Throws: ``StoreError`` with the code `typeMismatch`, also when there is no such column.
  package subscript<Value: SQLReadable>(index: Int) -> Value {
    get throws {
      guard index >= 0, index < count else {
        throw StoreError(.typeMismatch, "The answer has no column \(index), only \(count).")
      }
      guard let value = Value(value(Int32(index))) else {
        throw StoreError(.typeMismatch, "The column \(name(Int32(index))) holds no \(Value.self).")
      }
      return value
    }
  }

  /// The column of this name, as the type that is asked for.
  ///
  /// - Throws: ``StoreError`` with the code `typeMismatch`, also when there is no such column.
  package subscript<Value: SQLReadable>(name: String) -> Value {
    get throws {
      let index = (0..<sqlite3_column_count(statement)).first { index in
        sqlite3_column_name(statement, index).map { strcmp($0, name) == 0 } ?? false
      }
      guard let index else { throw StoreError(.typeMismatch, "The answer has no column \(name).") }
      return try self[Int(index)]
    }
  }

  /// A value of a closed vocabulary.
  ///
  /// - Parameters:
  ///   - place: `table.column`, for the error.
  ///   - row: what names the row, for the error.
  /// - Throws: ``StoreError`` `corrupt` for a value that is no word of it, and as the subscript.
  package func word<Word: RawRepresentable>(
    _ index: Int, _ place: String, of row: some CustomStringConvertible
  ) throws -> Word where Word.RawValue: SQLReadable {
    guard let word = Word(rawValue: try self[index]) else { throw StoreError.corrupt(place, row: row) }
    return word
  }

  private func name(_ index: Int32) -> String {
    sqlite3_column_name(statement, index).map { String(cString: $0) } ?? "\(index)"
  }

  /// The length is read after the value (sqlite.org/c3ref/column_blob.html), so that NUL is a character like any other.
  private func value(_ index: Int32) -> SQLValue {
    switch sqlite3_column_type(statement, index) {
    case SQLITE_INTEGER:
      return .integer(sqlite3_column_int64(statement, index))
    case SQLITE_FLOAT:
      return .real(sqlite3_column_double(statement, index))
    case SQLITE_TEXT:
      let start = sqlite3_column_text(statement, index)
      let length = Int(sqlite3_column_bytes(statement, index))
      return .text(String(decoding: UnsafeBufferPointer(start: start, count: length), as: UTF8.self))
    case SQLITE_BLOB:
      let start = sqlite3_column_blob(statement, index)
      let length = Int(sqlite3_column_bytes(statement, index))
      return .blob([UInt8](UnsafeRawBufferPointer(start: start, count: length)))
    default:
      return .null
    }
  }
}
