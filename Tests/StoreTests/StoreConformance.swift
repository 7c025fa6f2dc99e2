// SPDX-License-Identifier: Apache-2.0

import Store
import Testing
import Wire

/// What every store promises. A store's own suite calls ``run`` with a fresh store of this schema.
enum StoreConformance {
  static let migrations = [
    Migration(
      name: "conformance-1",
      statements: [
        "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT UNIQUE, size DOUBLE PRECISION, data BLOB)",
        "CREATE TABLE part (item INTEGER NOT NULL REFERENCES item (id), name TEXT NOT NULL)",
      ])
  ]

  struct Stop: Error {}

  static func run(_ store: some Store) async throws {
    try await valuesComeBack(store)
    try await bodyThatThrowsIsUndone(store)
    try await rulesRefuse(store)
    try await rowsAreStreamedAndNested(store)
    try await readersSeeTheLastCommit(store)
    try await typesAreChecked(store)
  }

  static func valuesComeBack(_ store: some Store) async throws {
    let rows: [[SQLValue]] = [
      [1, "plain", .real(1.5), .blob([0, 255])],
      [2, "", .real(-0.0), .blob([])],
      [3, .text("a\u{0}b \u{1F511} ü"), nil, nil],
      [.integer(.max), nil, .real(.greatestFiniteMagnitude), .blob([UInt8](repeating: 7, count: 70_000))],
    ]
    try await store.write(durability: .full) { transaction in
      try transaction.run("INSERT INTO item (id, name, size, data) VALUES (?, ?, ?, ?)", rows: rows)
    }
    let read = try await store.read { transaction in
      try transaction.query("SELECT id, name, size, data FROM item ORDER BY id", []) { row in
        [try row[0], try row["name"], try row[2], try row["data"]] as [SQLValue]
      }
    }
    #expect(read == rows)
    let changed = try await store.write { transaction in
      try transaction.run("UPDATE item SET size = ? WHERE id <= ?", [.real(2), 3])
    }
    #expect(changed == 3)
  }

  static func bodyThatThrowsIsUndone(_ store: some Store) async throws {
    let before = try await count(store)
    await #expect(throws: Stop.self) {
      try await store.write(durability: .normal) { transaction in
        try transaction.run("DELETE FROM item")
        throw Stop()
      }
    }
    #expect(try await count(store) == before)
  }

  static func rulesRefuse(_ store: some Store) async throws {
    let before = try await count(store)
    let statements = [
      "INSERT INTO item (id, name) VALUES (100, 'plain')", "INSERT INTO part (item, name) VALUES (99, 'x')",
      "INSERT INTO part (item) VALUES (1)",
    ]
    for statement in statements {
      await expect(.constraint) { try await store.write { transaction in _ = try transaction.run(statement) } }
    }
    // A caller may handle the refusal and go on in the same transaction.
    try await store.write { transaction in
      do {
        try transaction.run("INSERT INTO item (id, name) VALUES (100, 'plain')")
      } catch let error as StoreError where error.code == .constraint {
        try transaction.run("INSERT INTO item (id, name) VALUES (100, 'other')")
      }
    }
    #expect(try await count(store) == before + 1)
    await expect(.statement) { _ = try await store.read { try $0.run("SELEKT 1") } }
    await expect(.statement) { _ = try await store.read { try $0.run("SELECT ?", [1, 2]) } }
    await expect(.readOnly) { _ = try await store.read { try $0.run("DELETE FROM item") } }
  }

  static func rowsAreStreamedAndNested(_ store: some Store) async throws {
    let pairs = try await store.read { transaction in
      var pairs = 0
      let sql = "SELECT id FROM item WHERE id < 100"
      try transaction.forEach(sql, []) { _ in
        try transaction.forEach(sql, []) { _ in pairs += 1 }
      }
      return pairs
    }
    #expect(pairs == 9)
    await #expect(throws: Stop.self) {
      try await store.read { transaction in
        try transaction.forEach("SELECT id FROM item", []) { _ in throw Stop() }
      }
    }
  }

  static func readersSeeTheLastCommit(_ store: some Store) async throws {
    let before = try await count(store)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask {
          try await store.write { transaction in
            try transaction.run("INSERT INTO item (id) VALUES (?)", [.integer(Int64(1000 + 2 * writer))])
            try transaction.run("INSERT INTO item (id) VALUES (?)", [.integer(Int64(1001 + 2 * writer))])
          }
        }
        group.addTask {
          let seen = try await count(store)
          #expect((seen - before).isMultiple(of: 2))
        }
      }
      try await group.waitForAll()
    }
    #expect(try await count(store) == before + 16)
  }

  static func typesAreChecked(_ store: some Store) async throws {
    await expect(.typeMismatch) { _ = try await store.read { try $0.value("SELECT 'x'", as: Int64.self) } }
    await expect(.typeMismatch) { _ = try await store.read { try $0.value("SELECT NULL", as: String.self) } }
    await expect(.typeMismatch) { _ = try await store.read { try $0.first("SELECT 1") { try $0[1] as Int64 } } }
    await expect(.typeMismatch) { _ = try await store.read { try $0.first("SELECT 1") { try $0["x"] as Int64 } } }
    let null = try await store.read { try $0.value("SELECT NULL", as: String?.self) }
    #expect(null == .some(.none))
    let missing = try await store.read { try $0.value("SELECT 1 WHERE 1 = 0", as: Int.self) }
    #expect(missing == nil)
  }

  static func count(_ store: some Store) async throws -> Int {
    try await store.read { try $0.value("SELECT count(*) FROM item") ?? -1 }
  }

  static func expect(
    _ code: StoreErrorCode, sourceLocation: SourceLocation = #_sourceLocation, _ work: () async throws -> Void
  ) async {
    do {
      try await work()
      Issue.record("Nothing was thrown instead of \(code).", sourceLocation: sourceLocation)
    } catch let error as StoreError {
      #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
      #expect(!error.remedy.isEmpty, sourceLocation: sourceLocation)
    } catch {
      Issue.record(error, sourceLocation: sourceLocation)
    }
  }
}
