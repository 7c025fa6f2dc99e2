// SPDX-License-Identifier: Apache-2.0

/// The comparison of secrets, and of what is derived from them.
package enum ConstantTime {
  /// Whether both are the same bytes, in a time that depends on their lengths only: it does not tell where they differ.
  /// Values of different lengths are never equal, so that nothing matches an empty one but another empty one.
  package static func equal(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
    left.count == right.count && zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
