// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Store
import Wire

/// The conformance suite, and what is SQLite's own: the file.
@Suite struct SQLiteStoreTests {
  private func withDirectory(_ body: (String) async throws -> Void) async throws {
    let directory = NSTemporaryDirectory() + "bridgehead-store-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await body(directory)
  }

  private func open(
    _ path: String, _ migrations: [Migration] = StoreConformance.migrations,
    _ options: SQLiteStore.Options = .init(busyTimeout: 0.05)
  ) async throws -> SQLiteStore {
    try await SQLiteStore.open(path: path, migrations: migrations, options: options)
  }

  @Test func conforms() async throws {
    try await withDirectory { directory in
      let store = try await open(directory + "/a.db")
      try await StoreConformance.run(store)
      try await store.close()
      await StoreConformance.expect(.closed) { _ = try await StoreConformance.count(store) }
      // It is all there after opening again.
      let again = try await open(directory + "/a.db")
      #expect(try await StoreConformance.count(again) == 21)
    }
  }

  @Test func workFollowsTheRowsThatAreVisited() async throws {
    try await withDirectory { directory in
      let work = StoreWork()
      let store = try await open(directory + "/a.db", StoreConformance.migrations, .init(work: work))
      try await store.write { transaction in
        try transaction.run("INSERT INTO item (id) VALUES (?)", rows: (1...4_000).map { [.integer(Int64($0))] })
      }
      func steps(_ sql: String) async throws -> Int {
        let before = work.steps
        _ = try await store.read { transaction in try transaction.value(sql, as: Int?.self) }
        return work.steps - before
      }
      let (one, other) = (
        try await steps("SELECT id FROM item WHERE id = 7"), try await steps("SELECT id FROM item WHERE id = 3900")
      )
      #expect(one > 0 && one == other)
      // Looking for what no index knows visits them all, whether they are found or not.
      let scan = try await steps("SELECT COUNT(*) FROM item WHERE id % 4001 = 0")
      #expect(scan >= 4_000)
      #expect(work.heaviest(1).first?.uses == 1 && work.heaviest(1).first.map { $0.steps >= 4_000 } == true)
      #expect(work.heaviest(9).map(\.steps) == work.heaviest(9).map(\.steps).sorted(by: >))
      try await store.close()
    }
  }

  @Test func filesArePrivate() async throws {
    try await withDirectory { directory in
      let path = directory + "/a.db"
      try Data().write(to: URL(filePath: path))
      chmod(path, 0o644)
      let store = try await open(path)
      try await store.write { _ = try $0.run("INSERT INTO item (id) VALUES (1)") }
      for file in try FileManager.default.contentsOfDirectory(atPath: directory) {
        let attributes = try FileManager.default.attributesOfItem(atPath: directory + "/" + file)
        #expect(attributes[.posixPermissions] as? Int == 0o600, "\(file)")
      }
      try await store.close()
    }
  }

  @Test func fullDatabaseKeepsTheLastCommit() async throws {
    try await withDirectory { directory in
      let store = try await open(
        directory + "/a.db", StoreConformance.migrations, .init(busyTimeout: 0.05, maximumBytes: 200_000))
      try await fill(store)
    }
  }

  /// Scripts/test sets BRIDGEHEAD_SMALL_DISK to a directory on a file system with less than 8 MiB free.
  @Test(
    .enabled(
      if: ProcessInfo.processInfo.environment["BRIDGEHEAD_SMALL_DISK"] != nil, "needs BRIDGEHEAD_SMALL_DISK"))
  func fullDiskKeepsTheLastCommit() async throws {
    let directory = try #require(ProcessInfo.processInfo.environment["BRIDGEHEAD_SMALL_DISK"])
    let store = try await open(directory + "/full-\(UUID().uuidString).db")
    try await fill(store, swallowed: .diskFull)
  }

  /// - Parameter swallowed: what comes of going on after the error. SQLite undoes a transaction that reached the limit of the
  ///   database; on a full disk the next write fails as well.
  private func fill(_ store: SQLiteStore, swallowed: StoreErrorCode = .statement) async throws {
    try await store.write { _ = try $0.run("INSERT INTO item (id, data) VALUES (1, ?)", [.blob([1])]) }
    await StoreConformance.expect(.diskFull) {
      try await store.write(durability: .full) { transaction in
        try transaction.run("UPDATE item SET data = ? WHERE id = 1", [.blob([2])])
        for id in 2..<20_000 {
          try transaction.run(
            "INSERT INTO item (id, data) VALUES (?, ?)",
            [.integer(Int64(id)), .blob([UInt8](repeating: 1, count: 1000))])
        }
      }
    }
    // A body that swallows the error must not commit the rest.
    await StoreConformance.expect(swallowed) {
      try await store.write(durability: .full) { transaction in
        for id in 2..<20_000 {
          let row: [SQLValue] = [.integer(Int64(id)), .blob([UInt8](repeating: 1, count: 1000))]
          do {
            try transaction.run("INSERT INTO item (id, data) VALUES (?, ?)", row)
          } catch let error as StoreError where error.code == .diskFull {
            try transaction.run("INSERT INTO item (id) VALUES (20001)")
          }
        }
      }
    }
    let rows = try await store.read {
      try $0.query("SELECT id, data FROM item", []) { [try $0[0], try $0[1]] as [SQLValue] }
    }
    #expect(rows == [[1, .blob([1])]])
    try await store.write { _ = try $0.run("UPDATE item SET size = 1") }
  }

  @Test func anotherWriterIsNamed() async throws {
    try await withDirectory { directory in
      let path = directory + "/a.db"
      let holder = try await open(path)
      let other = try await open(path)
      let (held, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
      async let holding: Void = holder.write { transaction in
        try transaction.run("INSERT INTO item (id) VALUES (1)")
        held.signal()
        release.wait()
      }
      await withCheckedContinuation { continuation in
        DispatchQueue.global().async {
          held.wait()
          continuation.resume()
        }
      }
      // Who only looks waits for nobody, not even to open.
      let looker = try await open(path)
      let seen = try await looker.read { try $0.value("SELECT count(*) FROM item", as: Int.self) }
      #expect(seen == 0)
      await StoreConformance.expect(.locked) {
        try await other.write { _ = try $0.run("INSERT INTO item (id) VALUES (2)") }
      }
      await StoreConformance.expect(.locked) {
        _ = try await open(path, StoreConformance.migrations + [Migration(name: "conformance-2", statements: [])])
      }
      // Readers go on, in the last commit.
      #expect(try await StoreConformance.count(other) == 0)
      release.signal()
      try await holding
      #expect(try await StoreConformance.count(other) == 1)
    }
  }

  @Test func foreignFilesAreRefusedAndLeftAlone() async throws {
    try await withDirectory { directory in
      let text = directory + "/text.db"
      let content = Data(String(repeating: "This is not a database.\n", count: 100).utf8)
      try content.write(to: URL(filePath: text))
      await StoreConformance.expect(.notADatabase) { _ = try await open(text) }
      #expect(try Data(contentsOf: URL(filePath: text)) == content)

      let role = directory + "/role.db"
      try await open(role, [Migration(name: "other-1", statements: ["CREATE TABLE x (y)"])]).close()
      await StoreConformance.expect(.foreign) { _ = try await open(role) }

      await StoreConformance.expect(.cannotOpen) { _ = try await open(directory + "/absent/a.db") }
      await StoreConformance.expect(.cannotOpen) { _ = try await open(directory) }
    }
  }

  @Test func damageIsNamed() async throws {
    try await withDirectory { directory in
      let path = directory + "/a.db"
      let store = try await open(path)
      try await store.write { transaction in
        try transaction.run(
          "INSERT INTO item (id, data) VALUES (?, ?)",
          rows: (0..<500).map { [.integer($0), .blob([UInt8](repeating: 1, count: 1000))] })
      }
      try await store.close()
      var bytes = try Data(contentsOf: URL(filePath: path))
      // Everything but the header and the schema on the first pages.
      for index in 5 * 4096..<bytes.count { bytes[index] = 0xa5 }
      try bytes.write(to: URL(filePath: path))
      await StoreConformance.expect(.corrupt) {
        let store = try await open(path)
        try await store.write { _ = try $0.run("UPDATE item SET data = x'00'") }
      }
    }
  }

  @Test func readOnlyFileIsNamed() async throws {
    try await withDirectory { directory in
      let path = directory + "/a.db"
      try await open(path).close()
      chmod(path, 0o400)
      // Root may write what is read-only, except on a file system that is: one that begins and ends at this file.
      if getuid() == 0 {
        try run("/bin/mount", "--bind", path, path)
        try run("/bin/mount", "-o", "remount,bind,ro", path)
      }
      await StoreConformance.expect(.readOnly) { _ = try await open(path) }
      if getuid() == 0 { try run("/bin/umount", path) }
    }
  }

  private func run(_ program: String, _ arguments: String...) throws {
    let process = try Process.run(URL(filePath: program), arguments: arguments)
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(program) \(arguments)")
  }

  @Test func newerSchemaIsRefusedAndOlderIsUpgraded() async throws {
    try await withDirectory { directory in
      let path = directory + "/a.db"
      let second = Migration(name: "conformance-2", statements: ["ALTER TABLE item ADD COLUMN note TEXT"])
      try await open(path).close()
      try await open(path, StoreConformance.migrations + [second]).close()
      await StoreConformance.expect(.newerSchema) { _ = try await open(path) }
      // A migration that fails leaves the schema it found.
      let bad = Migration(name: "conformance-3", statements: ["CREATE TABLE good (x)", "CREATE TABLE"])
      await StoreConformance.expect(.statement) {
        _ = try await open(path, StoreConformance.migrations + [second, bad])
      }
      let store = try await open(path, StoreConformance.migrations + [second])
      let tables = try await store.read {
        try $0.value("SELECT count(*) FROM sqlite_master WHERE name = 'good'", as: Int.self)
      }
      #expect(tables == 0)
    }
  }

  @Test func cancelledWriteIsUndone() async throws {
    try await withDirectory { directory in
      let store = try await open(directory + "/a.db")
      let (started, go) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
      let task = Task {
        try await store.write { transaction in
          try transaction.run("INSERT INTO item (id) VALUES (1)")
          started.signal()
          go.wait()
          try transaction.run("INSERT INTO item (id) VALUES (2)")
        }
      }
      await withCheckedContinuation { continuation in
        DispatchQueue.global().async {
          started.wait()
          continuation.resume()
        }
      }
      task.cancel()
      go.signal()
      await #expect(throws: CancellationError.self) { try await task.value }
      #expect(try await StoreConformance.count(store) == 0)
    }
  }
}
