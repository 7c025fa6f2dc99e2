// SPDX-License-Identifier: Apache-2.0

import X509

/// Where the entries of a list are, by certificate number, so that a handshake does not read a million of them.
struct RevocationIndex: Sendable {
  private struct Place: Sendable {
    /// The last eight octets of the number: entries that share them are told apart by reading them.
    var number: UInt64
    /// In the list's encoding.
    var offset: UInt32
  }

  private var places: [Place] = []
  /// RFC 5280 5.3.3, of an indirect list: from which offset on entries belong to whom.
  private var issuers: [(offset: Int, issuer: DistinguishedName)] = []

  var count: Int { places.count }
  /// What it takes of memory, nearly.
  var byteCount: Int { places.count * MemoryLayout<Place>.stride }

  /// Entries are added in their order, and looked up after ``sort()``.
  mutating func add(serial: ArraySlice<UInt8>, at offset: Int) {
    places.append(Place(number: Self.key(serial), offset: UInt32(offset)))
  }

  mutating func change(issuer: DistinguishedName, at offset: Int) { issuers.append((offset, issuer)) }

  mutating func sort() {
    places.sort { $0.number == $1.number ? $0.offset < $1.offset : $0.number < $1.number }
  }

  /// The offsets of entries that may have this number, in the list's order.
  func offsets(of serial: ArraySlice<UInt8>) -> some Sequence<Int> {
    let key = Self.key(serial)
    let start = Self.firstIndex(places.count) { places[$0].number >= key }
    return places[start...].lazy.prefix { $0.number == key }.map { Int($0.offset) }
  }

  /// Who issued the certificate of the entry; nil for the list's own issuer.
  func issuer(at offset: Int) -> DistinguishedName? {
    let next = Self.firstIndex(issuers.count) { issuers[$0].offset > offset }
    return next == 0 ? nil : issuers[next - 1].issuer
  }

  private static func key(_ serial: ArraySlice<UInt8>) -> UInt64 {
    serial.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// The first index for which it holds, of an order in which it holds from somewhere on; `count` where it holds for none.
  private static func firstIndex(_ count: Int, _ holds: (Int) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if holds(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
