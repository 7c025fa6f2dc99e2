// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TestSupport
import Wire

@testable import RPC

/// Mutated fragments and answers: the decoders must refuse or read them, never trap.
///
/// `BRIDGEHEAD_FUZZ_ITERATIONS` sets the number; `BRIDGEHEAD_FUZZ_SEED` repeats a run.
@Suite struct FuzzTests {
  private let iterations = Fuzzing.iterations(otherwise: 20_000)
  private let seed = Fuzzing.seed

  @Test func fragments() {
    var random = SeededGenerator(seed: seed)
    var (read, refused) = (0, 0)
    let corpus = PDUTests.examples.map {
      Fragment($0.type, callID: 1, body: $0.body, security: (.kerberos, 1), tokenLength: 16).bytes
    }
    for _ in 0..<iterations {
      var bytes = corpus[Int(random.next() % UInt64(corpus.count))]
      for _ in 0...Int(random.next() % 4) { random.mutate(&bytes) }
      var assembler = FragmentAssembler()
      assembler.append(bytes)
      do {
        while let next = try assembler.next() { _ = try PDU(Fragment(next)) }
        read += 1
      } catch {
        refused += 1
      }
    }
    #expect(read + refused == iterations && read > 0 && refused > 0, "seed \(seed)")
  }

  /// Every reader of an answer's stub.
  @Test func answers() throws {
    var random = SeededGenerator(seed: seed)
    var outcomes: [String: (read: Int, refused: Int)] = [:]
    for (name, stub, read) in Stubs.all {
      // What is not mutated can be read.
      var reader = NDRReader(stub)
      try read(&reader)
      for _ in 0..<iterations / Stubs.all.count {
        var bytes = stub
        for _ in 0...Int(random.next() % 4) { random.mutate(&bytes) }
        var reader = NDRReader(bytes)
        do {
          try read(&reader)
          outcomes[name, default: (0, 0)].read += 1
        } catch {
          outcomes[name, default: (0, 0)].refused += 1
        }
      }
    }
    #expect(outcomes.count == Stubs.all.count)
    for (name, outcome) in outcomes { #expect(outcome.refused > 0, "\(name): \(outcome), seed \(seed)") }
  }
}
