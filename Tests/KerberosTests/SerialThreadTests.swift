// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import TestSupport

@testable import Kerberos

@Suite struct SerialThreadTests {
  private actor Worker {
    private let thread: SerialThread
    private var sum = 0

    init(_ thread: SerialThread) { self.thread = thread }
    deinit { thread.stop() }
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    func add(_ value: Int) -> pthread_t {
      sum += value
      return pthread_self()
    }
    var total: Int { sum }
  }

  @Test func runsEverythingOnOneThread() async throws {
    let worker = Worker(try #require(SerialThread()))
    let threads = await withTaskGroup(of: pthread_t.self) { group in
      for value in 0..<100 { group.addTask { await worker.add(value) } }
      return await group.reduce(into: Set<pthread_t>()) { $0.insert($1) }
    }
    #expect(threads.count == 1)
    #expect(await worker.total == 4950)
  }

  @Test func endsWithItsActor() async throws {
    weak var thread: SerialThread?
    do {
      let own = try #require(SerialThread())
      thread = own
      _ = await Worker(own).add(1)
    }
    try await eventually { thread == nil }
  }
}
