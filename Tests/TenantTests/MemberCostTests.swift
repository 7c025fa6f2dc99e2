// SPDX-License-Identifier: Apache-2.0

import SCIM
import Store
import Synchronization
import Testing

@testable import Tenant

/// Counts the statements and rows of what goes through it.
private final class CountingStore: Store {
  struct Counts {
    var changed = 0
    var read = 0
  }

  private let base: any Store
  private let counts = Mutex(Counts())

  init(_ base: any Store) { self.base = base }

  /// What happened since the last call.
  func take() -> Counts {
    counts.withLock { counts in
      defer { counts = Counts() }
      return counts
    }
  }

  fileprivate func add(changed: Int = 0, read: Int = 0) {
    counts.withLock {
      $0.changed += changed
      $0.read += read
    }
  }

  func read<R: Sendable>(_ body: @escaping @Sendable (any Transaction) throws -> R) async throws -> R {
    try await base.read { try body(CountingTransaction(base: $0, store: self)) }
  }

  func write<R: Sendable>(
    durability: Durability, _ body: @escaping @Sendable (any Transaction) throws -> R
  ) async throws -> R {
    try await base.write(durability: durability) { try body(CountingTransaction(base: $0, store: self)) }
  }
}

private struct CountingTransaction: Transaction {
  let base: any Transaction
  let store: CountingStore

  var rowsWritten: Int { base.rowsWritten }

  func run(_ sql: String, _ arguments: [SQLValue]) throws -> Int {
    let changed = try base.run(sql, arguments)
    store.add(changed: changed)
    return changed
  }

  func run(_ sql: String, rows: some Sequence<[SQLValue]>) throws {
    for row in rows { _ = try run(sql, row) }
  }

  func query<R>(_ sql: String, _ arguments: [SQLValue], _ body: (SQLRow) throws -> R) throws -> [R] {
    try base.query(sql, arguments) { row in
      store.add(read: 1)
      return try body(row)
    }
  }

  func forEach(_ sql: String, _ arguments: [SQLValue], _ body: (SQLRow) throws -> Void) throws {
    try base.forEach(sql, arguments) { row in
      store.add(read: 1)
      try body(row)
    }
  }
}

@Suite struct MemberCostTests {
  @Test func oneMemberCostsTheSameInSmallAndLargeGroups() async throws {
    var counting: CountingStore?
    func wrap(_ store: any Store) -> any Store {
      let wrapped = CountingStore(store)
      counting = wrapped
      return wrapped
    }
    try await TestTenant.with(wrap: wrap) { tenant in
      let store = try #require(counting)
      let count = 5000
      let ids: [String] = try await tenant.directory.write(by: TestTenant.actor) { writer in
        try (0..<count).map { index in
          try writer.create(
            .user, ["schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": .string("u\(index)")]
          ).id
        }
      }
      let large = try await tenant.makeGroup("Large", members: Array(ids.dropLast()))
      let small = try await tenant.makeGroup("Small")
      let last = try #require(ids.last)
      for operation in [
        ResourceTests.add(last), "{\"op\": \"remove\", \"path\": \"members[value eq \\\"\(last)\\\"]\"}",
      ] {
        var costs: [[Int]] = []
        for group in [small, large] {
          _ = store.take()
          #expect(await tenant.patch("/Groups/\(group)", operation).status == 204)
          let counts = store.take()
          costs.append([counts.changed, counts.read])
        }
        #expect(costs[0] == costs[1])
        // The member's row, the group's version, the audit entry; and the token and the group are read.
        #expect(costs[1] == [3, 2])
      }
      #expect(try await tenant.members(large).count == count - 1)
    }
  }
}
