// SPDX-License-Identifier: Apache-2.0

package enum Transport: String, CaseIterable, Sendable, Codable { case tcp, udp }

/// A destination port, or a range of them with both ends included.
package struct Ports: Hashable, Sendable, Codable, CustomStringConvertible {
  package let first: UInt16
  package let last: UInt16

  package init(_ port: UInt16) { (first, last) = (port, port) }
  package init(_ range: ClosedRange<UInt16>) { (first, last) = (range.lowerBound, range.upperBound) }

  package func contains(_ port: UInt16) -> Bool { first <= port && port <= last }
  package var description: String { first == last ? "\(first)" : "\(first)-\(last)" }
}
