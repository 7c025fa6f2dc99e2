// SPDX-License-Identifier: Apache-2.0

import Wire

/// One named step of a role's schema. A migration that was released is never changed or removed: a new one follows it.
package struct Migration: Sendable {
  /// Unique and permanent, for example `connect-1-initial`. Names of one role begin alike.
  package let name: String
  /// SQL statements, run in order, in one transaction with the record of the migration.
  package let statements: [String]

  package init(name: String, statements: [String]) {
    self.name = name
    self.statements = statements
  }
}

/// Brings a database to the schema that this version knows, or refuses it.
struct Migrator {
  let migrations: [Migration]
  /// Named in errors.
  let path: String

  private static let table = "schema_migration"

  /// Whether the database has exactly this version's schema: a look that waits for no writer.
  func isCurrent(_ transaction: any Transaction) throws -> Bool {
    let table: String? = try transaction.value(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?", [.text(Self.table)])
    return try table != nil && applied(transaction) == migrations.map(\.name)
  }

  private func applied(_ transaction: any Transaction) throws -> [String] {
    try transaction.query("SELECT name FROM \(Self.table) ORDER BY position", []) { row in try row[0] as String }
  }

  /// Runs what is missing, in the caller's transaction, so that a database is never left between two schemas.
  ///
  /// - Throws: ``StoreError`` with the code `newerSchema` when a later version has been at work, `foreign` when the
  ///   database belongs to something else.
  func run(_ transaction: any Transaction) throws {
    let tables = try transaction.query(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", []
    ) { row in try row[0] as String }
    if !tables.contains(Self.table) {
      guard tables.isEmpty else {
        throw StoreError.foreign(path, "it holds tables of another application")
      }
      try transaction.run(
        "CREATE TABLE \(Self.table) (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)")
    }
    let applied = try applied(transaction)
    let known = migrations.map(\.name)
    if let first = applied.first, first != known.first {
      throw StoreError.foreign(path, "its schema begins with \(first)")
    }
    guard applied.count <= known.count, applied[...] == known.prefix(applied.count) else {
      let unknown = applied.first { !known.contains($0) } ?? applied.last ?? ""
      throw StoreError(
        .newerSchema, "The database \(path) has the schema of a newer version of Bridgehead (\(unknown)).",
        remedy: "Run the version that wrote it, or restore a copy made before the upgrade.")
    }
    for (position, migration) in migrations.enumerated().dropFirst(applied.count) {
      for statement in migration.statements { try transaction.run(statement) }
      try transaction.run(
        "INSERT INTO \(Self.table) (position, name) VALUES (?, ?)",
        [.integer(Int64(position)), .text(migration.name)])
    }
  }
}
