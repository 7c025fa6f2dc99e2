// SPDX-License-Identifier: Apache-2.0

import Connect
import Wire

/// What the demo did: printed as text while it goes on, or as JSON at its end.
struct DemoReport: Encodable {
  struct Step: Encodable {
    let name: String
    let detail: [String]
    /// Seconds.
    let elapsed: Double
  }

  var steps: [Step] = []
  /// Objects in the tenant after the first run, by kind.
  var counts: [String: Int] = [:]
  /// Seconds that the first run spent in each phase.
  var phases: [String: Double] = [:]
  /// The rows of the reference that were really used.
  var flows: [String] = []
  /// Each use: with whom, how often, how protected.
  var flowUses: [ConnectStatus.Flow] = []
  /// Seconds.
  var elapsed: Double = 0
}

/// A step of the demo that did not show what it should.
struct DemoError: DiagnosableError {
  let message: String
  var identifier: String { "demo.notSeen" }
  var remedy: String { "run the demo again with --log-level debug and report what it says." }
}
