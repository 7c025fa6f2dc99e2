// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import Synchronization
import Testing

@testable import Connect

/// What an export costs, and how it is packed into requests.
@Suite struct ExportTests {
  /// Users that are all in one group, with managers, at a target that also takes kinds of which there are none.
  private func steps(ofFirstPassWith count: Int) async throws -> Int {
    let target = MemoryTarget(vocabulary: MemoryTarget.everything)
    let steps = Mutex(0)
    try await Site.with(target) { site in
      var users: [Anchor] = []
      for number in 0..<count {
        let user = site.directory.user("u\(number)", in: site.people)
        if let manager = users.last { site.directory.link(user, "manager", add: [manager]) }
        users.append(user)
      }
      _ = site.directory.group("all", in: site.people, members: users)
      let report = try await site.sync()
      #expect(report.pending == 0 && target.members("all").count == count)
      steps.withLock { $0 = site.work.steps }
    }
    return steps.withLock { $0 }
  }

  @Test func aFirstExportCostsEachObjectTheSame() async throws {
    let (few, many) = (try await steps(ofFirstPassWith: 150), try await steps(ofFirstPassWith: 600))
    #expect(Double(many) < 4.4 * Double(few))
  }

  @Test func aLargeGroupGoesInSeveralOperationsOneAfterTheOther() async throws {
    try await Site.with(MemoryTarget(operationsPerRequest: 10, concurrency: 4)) { site in
      let users = (0..<1201).map { site.directory.user("u\($0)", in: site.people) }
      _ = site.directory.group("all", in: site.people, members: users)
      try await site.sync()
      let carried = site.target.operations.compactMap { operation -> Int? in
        guard case .link(.group, _, _, let add, _) = operation else { return nil }
        return add.count
      }
      #expect(carried == [500, 500, 201])
      #expect(site.target.members("all").count == 1201)
    }
  }

  @Test func requestsAreFilledByOperationsAndByReferences() {
    func operation(_ links: Int) -> PlannedOperation {
      PlannedOperation(
        object: 1, kind: .group, sourceAnchor: "a", revision: 1,
        links: (0..<links).map { PlannedLink(member: Int64($0), operation: .add, revision: 1) },
        operation: .delete(.group, id: "1"))
    }
    func packed(_ links: [Int]) -> [[Int]] {
      links.map(operation).requests(operations: 3, links: 10).map { $0.map(\.links.count) }
    }
    #expect(packed([]) == [])
    #expect(packed([0, 0, 0, 0]) == [[0, 0, 0], [0]])
    #expect(packed([1, 1, 9, 1]) == [[1, 1], [9, 1]])
    #expect(packed([20, 1, 10]) == [[20], [1], [10]])
  }
}
