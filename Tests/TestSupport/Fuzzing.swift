// SPDX-License-Identifier: Apache-2.0

import Foundation

/// How long suites of mutated messages run, and from which seed: `BRIDGEHEAD_FUZZ_ITERATIONS` and `BRIDGEHEAD_FUZZ_SEED`.
package enum Fuzzing {
  package static func iterations(otherwise usual: Int) -> Int {
    ProcessInfo.processInfo.environment["BRIDGEHEAD_FUZZ_ITERATIONS"].flatMap { Int($0) } ?? usual
  }

  package static let seed = ProcessInfo.processInfo.environment["BRIDGEHEAD_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
}
