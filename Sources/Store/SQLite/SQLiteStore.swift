// SPDX-License-Identifier: Apache-2.0

import Dispatch
import GRDB
import Glibc
import Wire

/// One SQLite file in write-ahead mode: a writer, and readers that do not wait for it.
///
/// The file, and with it its -wal and -shm files, is readable by its owner alone. GRDB runs every body on its own
/// dispatch queues.
package final class SQLiteStore: Store {
  package struct Options: Sendable {
    /// How long a write waits for another process, in seconds.
    package var busyTimeout: Double = 5
    /// The number of snapshots that can be read at a time.
    package var maximumReaders = 4
    /// The size in bytes that the database may not outgrow; nil for as much as the disk has.
    package var maximumBytes: Int?
    /// Where the work of statements is counted; nil when nobody asks.
    package var work: StoreWork?

    package init(
      busyTimeout: Double = 5, maximumReaders: Int = 4, maximumBytes: Int? = nil, work: StoreWork? = nil
    ) {
      self.work = work
      self.busyTimeout = busyTimeout
      self.maximumReaders = maximumReaders
      self.maximumBytes = maximumBytes
    }
  }

  package let path: String
  private let pool: DatabasePool
  private let work: StoreWork?

  /// The write-ahead file is cut back to this size after a checkpoint, so that one large import does not keep the disk.
  private static let walBytesKept = 64 << 20
  /// What the writer may keep of the database: the indexes of some hundred thousand rows, which every insert touches.
  private static let writerCacheBytes = 24 << 20
  /// How many pages of the write-ahead file are taken over at once: a page that was written often is taken over once.
  private static let checkpointPages = 4_000
  /// SQLite's default, named because ``Options/maximumBytes`` is counted in pages.
  private static let pageBytes = 4096

  /// Opens or creates the database and brings it to the schema of `migrations`.
  ///
  /// - Throws: ``StoreError``; the file is then as it was before.
  package static func open(
    path: String, migrations: [Migration], options: Options = Options()
  ) async throws -> SQLiteStore {
    try await withCheckedThrowingContinuation { continuation in
      // Opening waits for the disk and for other processes, so it leaves the cooperative threads.
      DispatchQueue(label: "bridgehead.store.open").async {
        continuation.resume(
          with: Result {
            do {
              return try SQLiteStore(path: path, migrations: migrations, options: options)
            } catch {
              throw StoreError.from(error, path: path)
            }
          })
      }
    }
  }

  private init(path: String, migrations: [Migration], options: Options) throws {
    self.path = path
    work = options.work
    try Self.createPrivately(path)
    var configuration = Configuration()
    configuration.label = "bridgehead.store"
    configuration.busyMode = .timeout(options.busyTimeout)
    configuration.maximumReaderCount = options.maximumReaders
    let maximumPages = options.maximumBytes.map { max(1, $0 / Self.pageBytes) }
    configuration.prepareDatabase { database in
      try database.execute(sql: "PRAGMA journal_size_limit = \(Self.walBytesKept)")
      if !database.configuration.readonly {
        try database.execute(sql: "PRAGMA cache_size = \(-Self.writerCacheBytes / 1024)")
        try database.execute(sql: "PRAGMA wal_autocheckpoint = \(Self.checkpointPages)")
      }
      if let maximumPages { try database.execute(sql: "PRAGMA max_page_count = \(maximumPages)") }
    }
    pool = try DatabasePool(path: path, configuration: configuration)
    do {
      let migrator = Migrator(migrations: migrations, path: path)
      try pool.writeWithoutTransaction { database in
        var isCurrent = false
        try database.inTransaction(.deferred) {
          isCurrent = try migrator.isCurrent(SQLiteTransaction(database, path: path, work: nil))
          return .commit
        }
        guard !isCurrent else { return }
        try Self.transact(database, path: path, work: nil, durability: .full) { try migrator.run($0) }
      }
    } catch {
      try? pool.close()
      throw error
    }
  }

  package func read<R: Sendable>(_ body: @escaping @Sendable (any Transaction) throws -> R) async throws -> R {
    do {
      return try await pool.read { [path, work] database in
        try body(SQLiteTransaction(database, path: path, work: work))
      }
    } catch {
      throw StoreError.from(error, path: path)
    }
  }

  package func write<R: Sendable>(
    durability: Durability, _ body: @escaping @Sendable (any Transaction) throws -> R
  ) async throws -> R {
    do {
      return try await pool.writeWithoutTransaction { [path, work] database in
        try Self.transact(database, path: path, work: work, durability: durability, body)
      }
    } catch {
      throw StoreError.from(error, path: path)
    }
  }

  /// Waits for what is running, then closes; later calls throw the code `closed`.
  package func close() async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      DispatchQueue(label: "bridgehead.store.close").async { [pool, path] in
        continuation.resume(
          with: Result {
            do { try pool.close() } catch { throw StoreError.from(error, path: path) }
          })
      }
    }
  }

  private static func transact<R>(
    _ database: Database, path: String, work: StoreWork?, durability: Durability,
    _ body: (any Transaction) throws -> R
  ) throws -> R {
    // The pragma has no effect inside a transaction.
    try database.execute(sql: durability == .full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL")
    var result: R?
    try database.inTransaction(.immediate) {
      result = try body(SQLiteTransaction(database, path: path, work: work))
      return .commit
    }
    guard let result else { throw StoreError(.statement, "A transaction ended without a result.") }
    return result
  }

  /// SQLite would create the file with the rights of the umask; the -wal and -shm files inherit those of the file.
  private static func createPrivately(_ path: String) throws {
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else {
      switch errno {
      case EACCES, EPERM, EROFS: throw DatabaseError(resultCode: .SQLITE_READONLY)
      case ENOSPC, EDQUOT: throw DatabaseError(resultCode: .SQLITE_FULL)
      default: throw DatabaseError(resultCode: .SQLITE_CANTOPEN)
      }
    }
    defer { Glibc.close(descriptor) }
    // Fails only for a file of somebody else that we may write: its owner chose the rights.
    _ = fchmod(descriptor, 0o600)
  }
}
