// SPDX-License-Identifier: Apache-2.0

import Wire

/// Draws addresses out of networks whose hosts nobody named. The same seed draws the same addresses of a host in every check
/// and for every row, so that what several ports of an address say can be put together, and a mend can be tried again.
package struct AddressDraw: Sendable, Hashable {
  /// How many addresses can be drawn of a host: as many as are tried of a name.
  package static let counts = 1...TargetLocator.maximumAddresses
  package static let usualSeed: UInt64 = 1
  /// Networks of more addresses (an IPv4 /16, an IPv6 /112) are not drawn from: hosts are too few in them to be met.
  private static let maximumSize = UInt128(1) << 16

  private let count: Int
  private let seed: UInt64

  /// - Parameter count: within ``counts``.
  package init(count: Int, seed: UInt64) {
    self.count = count
    self.seed = seed
  }

  /// What was drawn, in the order of the addresses.
  struct Drawn: Equatable {
    var addresses: [String]
    /// How many there were to draw from.
    var population: Int
    /// Networks that are too large to draw from.
    var tooLarge: [IPNetwork]
  }

  /// - Parameter host: whose networks they are; each host has its own draw.
  func addresses(of networks: [IPNetwork], host: String) -> Drawn {
    // Each address once, though networks may lie in one another.
    let fitting = Set(networks.filter { Self.size($0) <= Self.maximumSize })
    let widest = fitting.filter { one in !fitting.contains { $0 != one && $0.contains(one) } }.sorted()
    let ranges = widest.map(Self.hosts)
    let population = ranges.reduce(0) { $0 + $1.count }
    var generator = SeededGenerator(seed: seed ^ Self.hash(host.lowercased()))
    var drawn: [(IPNetwork.Family, UInt128)] = []
    // Few of many: an address that comes a second time is drawn again.
    var taken: Set<Int> = []
    while drawn.count < min(count, population) {
      var index = Int.random(in: 0..<population, using: &generator)
      guard taken.insert(index).inserted else { continue }
      for (network, hosts) in zip(widest, ranges) {
        guard index >= hosts.count else {
          drawn.append((network.family, hosts.lowerBound + UInt128(index)))
          break
        }
        index -= hosts.count
      }
    }
    return Drawn(
      addresses: drawn.sorted { $0 < $1 }.map { IPNetwork.text($0.1, $0.0) }, population: population,
      tooLarge: networks.filter { Self.size($0) > Self.maximumSize })
  }

  private static func size(_ network: IPNetwork) -> UInt128 {
    network.isAny && network.family == .ipv6 ? .max : UInt128(1) << UInt128(network.family.bits - network.prefix)
  }

  /// Without the network's own address and, for IPv4, that of broadcasts; links of two (RFC 3021, RFC 6164) have neither.
  private static func hosts(_ network: IPNetwork) -> Range<UInt128> {
    let size = size(network)
    guard size > 2 else { return network.address..<(network.address + size) }
    return (network.address + 1)..<(network.address + size - (network.family == .ipv4 ? 1 : 0))
  }

  /// FNV-1a, 64 bits.
  private static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
  }
}
