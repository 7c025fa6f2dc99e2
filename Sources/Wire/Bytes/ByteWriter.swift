// SPDX-License-Identifier: Apache-2.0

/// Builds a byte sequence; the counterpart of ``ByteReader``.
package struct ByteWriter: Sendable {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package var count: Int { bytes.count }

  package mutating func write(_ value: some Sequence<UInt8>) {
    bytes.append(contentsOf: value)
  }

  /// Least significant byte first.
  package mutating func writeLittleEndian<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Most significant byte first.
  package mutating func writeBigEndian<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }
}
