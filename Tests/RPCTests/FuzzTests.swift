// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Wire

@testable import RPC

/// Mutated fragments and answers: the decoders must refuse or read them, never trap.
///
/// `BRIDGEHEAD_FUZZ_ITERATIONS` sets the number; `BRIDGEHEAD_FUZZ_SEED` repeats a run.
@Suite struct FuzzTests {
  private let iterations: Int
  private let seed: UInt64

  init() {
    let environment = ProcessInfo.processInfo.environment
    iterations = environment["BRIDGEHEAD_FUZZ_ITERATIONS"].flatMap { Int($0) } ?? 20_000
    seed = environment["BRIDGEHEAD_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
  }

  @Test func fragments() {
    var random = SplitMix64(state: seed)
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
    var random = SplitMix64(state: seed)
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

/// Steele, Lea and Flood's generator: the same numbers on each machine.
struct SplitMix64 {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
    return value ^ value >> 31
  }

  mutating func mutate(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return bytes.append(UInt8(truncatingIfNeeded: next())) }
    let index = Int(next() % UInt64(bytes.count))
    switch next() % 6 {
    case 0: bytes[index] ^= 1 << (next() % 8)
    case 1: bytes[index] = UInt8(truncatingIfNeeded: next())
    case 2: bytes.removeLast(min(bytes.count, 1 + Int(next() % 8)))
    case 3: bytes.insert(UInt8(truncatingIfNeeded: next()), at: index)
    case 4: bytes[index] = 0xff
    default: bytes.append(contentsOf: bytes.prefix(16))
    }
  }
}
