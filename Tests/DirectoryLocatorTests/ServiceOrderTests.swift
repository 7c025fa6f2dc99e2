// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import DirectoryLocator
import TestSupport
import Wire

@Suite("RFC 2782 order")
struct ServiceOrderTests {
  private func record(_ target: String, priority: UInt16 = 0, weight: UInt16) -> ServiceRecord {
    ServiceRecord(priority: priority, weight: weight, port: 389, target: target)
  }

  @Test func lowerPriorityComesFirstWhateverTheWeight() {
    var generator: any RandomNumberGenerator & Sendable = SeededGenerator(seed: 1)
    let records = [
      record("c", priority: 20, weight: 60000), record("a", priority: 0, weight: 0),
      record("b", priority: 10, weight: 1),
    ]
    for _ in 0..<100 { #expect(records.ordered(using: &generator).map(\.target) == ["a", "b", "c"]) }
  }

  @Test func firstPlacesFollowTheWeights() {
    var generator: any RandomNumberGenerator & Sendable = SeededGenerator(seed: 42)
    let records = [record("light", weight: 10), record("middle", weight: 30), record("heavy", weight: 60)]
    var first: [String: Int] = [:]
    let draws = 20_000
    for _ in 0..<draws { first[records.ordered(using: &generator)[0].target, default: 0] += 1 }
    // The standard deviation of the heaviest share is 0.35 %; the seed makes the outcome the same each time.
    for (target, share) in [("light", 0.1), ("middle", 0.3), ("heavy", 0.6)] {
      #expect(abs(Double(first[target, default: 0]) / Double(draws) - share) < 0.02, "\(target): \(first)")
    }
  }

  @Test func weightZeroIsRareButPossible() {
    var generator: any RandomNumberGenerator & Sendable = SeededGenerator(seed: 7)
    let records = [record("zero", weight: 0), record("full", weight: 100)]
    let draws = 20_000
    let zeroFirst = (0..<draws).count { _ in records.ordered(using: &generator)[0].target == "zero" }
    #expect(zeroFirst > 0 && zeroFirst < draws / 50)
  }

  @Test func everyRecordAppearsOnceAndTheSeedDecides() {
    let records = (0..<50).map { record("h\($0)", priority: UInt16($0 % 3), weight: UInt16($0 * 7 % 100)) }
    func run(seed: UInt64) -> [ServiceRecord] {
      var generator: any RandomNumberGenerator & Sendable = SeededGenerator(seed: seed)
      return records.ordered(using: &generator)
    }
    #expect(Set(run(seed: 3)) == Set(records))
    #expect(run(seed: 3).count == records.count)
    #expect(run(seed: 3) == run(seed: 3))
    #expect(run(seed: 3) != run(seed: 4))
  }

  @Test func nothingStaysNothing() {
    var generator: any RandomNumberGenerator & Sendable = SeededGenerator(seed: 1)
    #expect([ServiceRecord]().ordered(using: &generator).isEmpty)
  }
}
