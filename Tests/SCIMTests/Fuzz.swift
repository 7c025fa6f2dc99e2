// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Mutates valid texts, the same way in every run.
///
/// `BRIDGEHEAD_FUZZ_ITERATIONS` sets the number; `BRIDGEHEAD_FUZZ_SEED` makes other ones, and repeats a run.
struct Fuzz {
  private static let environment = ProcessInfo.processInfo.environment
  /// From the environment, so that a long run is a matter of the caller.
  static let iterations = environment["BRIDGEHEAD_FUZZ_ITERATIONS"].flatMap(Int.init) ?? 3000
  private static let seed = environment["BRIDGEHEAD_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1

  private let seeds: [[UInt8]]
  private let tokens: [[UInt8]]
  /// Odd, hence never 0, from which this generator does not come away.
  private var state: UInt64 = 0x9E37_79B9_7F4A_7C15 &* (2 &* seed &- 1)

  init(seeds: [[UInt8]], tokens: [String] = ["\"", "\\", "[", "]", "{", "}", "(", ")", ",", ":", "null", "1e9", "\\u"])
  {
    self.seeds = seeds
    self.tokens = tokens.map { Array($0.utf8) }
  }

  private mutating func random(_ bound: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state % UInt64(max(bound, 1)))
  }

  mutating func next() -> [UInt8] {
    var bytes = seeds[random(seeds.count)]
    for _ in 0...random(4) {
      let place = random(bytes.count + 1)
      switch random(6) {
      case 0: if place < bytes.count { bytes[place] = UInt8(random(256)) }
      case 1: if place < bytes.count { bytes.remove(at: place) }
      case 2: bytes.insert(contentsOf: tokens[random(tokens.count)], at: place)
      case 3: bytes.removeLast(min(bytes.count, random(8)))
      case 4:
        let end = min(bytes.count, place + random(12))
        let part = Array(bytes[place..<end])
        bytes.insert(contentsOf: part, at: random(bytes.count + 1))
      default:
        let end = min(bytes.count, place + random(12))
        bytes.removeSubrange(place..<end)
      }
    }
    return bytes
  }
}
