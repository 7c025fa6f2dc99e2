// SPDX-License-Identifier: Apache-2.0

/// How much of a crash a committed write survives.
package enum Durability: Sendable {
  /// Survives the process; the last commits may be lost when the machine loses power. Never a half state.
  case normal
  /// Survives the loss of power: the commit returns after the disk has it.
  case full
}

/// What a role keeps its state in: one writer at a time, readers that see the last commit and never wait for it.
///
/// A body is synchronous, so that no network is awaited inside a transaction. It runs off the cooperative threads.
package protocol Store: Sendable {
  /// Reads from one snapshot.
  ///
  /// - Throws: ``StoreError``, what the body throws, or `CancellationError` when the task was cancelled.
  func read<R: Sendable>(_ body: @escaping @Sendable (any Transaction) throws -> R) async throws -> R

  /// Runs the body in a transaction that is committed when it returns and undone when it throws.
  ///
  /// - Throws: ``StoreError``, what the body throws, or `CancellationError` when the task was cancelled (nothing was
  ///   written then).
  func write<R: Sendable>(
    durability: Durability, _ body: @escaping @Sendable (any Transaction) throws -> R
  ) async throws -> R
}

extension Store {
  /// A write that survives the process (``Durability/normal``).
  package func write<R: Sendable>(_ body: @escaping @Sendable (any Transaction) throws -> R) async throws -> R {
    try await write(durability: .normal, body)
  }
}

/// An open transaction. Statements use `?` for their arguments, in order; each is prepared once and kept.
///
/// All members throw ``StoreError``.
package protocol Transaction {
  /// Rows that were inserted, updated or deleted over this transaction's connection so far: the difference of two readings
  /// is the cost of what stands between them.
  var rowsWritten: Int { get }

  /// Runs a statement and tells how many rows it inserted, updated or deleted itself (not through triggers or foreign keys).
  @discardableResult
  func run(_ sql: String, _ arguments: [SQLValue]) throws -> Int

  /// Runs one prepared statement once for each row of arguments.
  func run(_ sql: String, rows: some Sequence<[SQLValue]>) throws

  /// Collects what the body makes of each row.
  func query<R>(_ sql: String, _ arguments: [SQLValue], _ body: (SQLRow) throws -> R) throws -> [R]

  /// Hands over row after row without keeping them. The body may use the transaction; it ends the reading by throwing.
  func forEach(_ sql: String, _ arguments: [SQLValue], _ body: (SQLRow) throws -> Void) throws
}

extension Transaction {
  /// Runs a statement without arguments.
  @discardableResult
  package func run(_ sql: String) throws -> Int { try run(sql, []) }

  /// The first row, or nil when there is none.
  package func first<R>(_ sql: String, _ arguments: [SQLValue] = [], _ body: (SQLRow) throws -> R) throws -> R? {
    try query(sql, arguments, body).first
  }

  /// The first column of the first row, or nil when there is no row.
  package func value<R: SQLReadable>(_ sql: String, _ arguments: [SQLValue] = [], as type: R.Type = R.self) throws -> R?
  {
    try first(sql, arguments) { row in try row[0] as R }
  }
}
