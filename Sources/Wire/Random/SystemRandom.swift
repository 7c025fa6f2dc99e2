// SPDX-License-Identifier: Apache-2.0

/// The system's generator, for whoever takes random bytes as a parameter.
package enum SystemRandom {
  /// Cryptographically secure bytes: `getrandom(2)` behind `SystemRandomNumberGenerator`.
  package static func bytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
  }
}
