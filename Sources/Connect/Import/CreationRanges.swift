// SPDX-License-Identifier: Apache-2.0

import LDAP

/// Cuts a domain into slices by `uSNCreated` (MS-ADTS 3.1.1.1.9: the update sequence number with which the server made
/// its copy of an object), which every object has, never changes and is indexed: each object is in one slice, also one
/// that is made meanwhile. A negation ("not from this number on") would find the same and walk through the whole domain.
///
/// Nothing says how objects are spread over the numbers: each slice is as wide as the ones before it suggest, and narrower
/// towards the end, so that all readers end at about the same time (guided self-scheduling). The highest numbers come first:
/// large groups tend to be made after their members, and one of them can take a server longer than a thousand people.
struct CreationRanges {
  /// Numbers from `lower` on and below `upper`; without one of them that side is open.
  struct Slice: Sendable, Equatable {
    var lower: Int64?
    var upper: Int64?

    var filter: Filter {
      switch (lower, upper) {
      case (nil, nil): .present("objectClass")
      case (nil, let upper?): .lessOrEqual("uSNCreated", Self.text(upper - 1))
      case (let lower?, nil): .greaterOrEqual("uSNCreated", Self.text(lower))
      case (let lower?, let upper?):
        .and([
          .greaterOrEqual("uSNCreated", Self.text(lower)), .lessOrEqual("uSNCreated", Self.text(upper - 1)),
        ])
      }
    }

    private static func text(_ number: Int64) -> [UInt8] { Array(String(number).utf8) }
  }

  /// The number below which everything is still to be read; nil when the last slice was handed out.
  private var position: Int64?
  private var width: Int64 = 2_048
  /// The server's highest number: beyond it is only what is made meanwhile, in the first slice.
  private let end: Int64
  private let readers: Int

  /// Objects that a slice is meant to have: fewer cost the server more than they spare, more keep its memory and us waiting.
  private static let aim = 200.0...8_000.0
  /// How much wider than the last one a slice may be.
  private static let growth: Int64 = 8
  private static let widest = 0x1p62

  init(end: Int64, readers: Int) {
    self.end = max(0, end)
    self.readers = readers
    position = self.end
  }

  mutating func next() -> Slice? {
    guard let upper = position else { return nil }
    // Neither is negative.
    let lower = upper - width
    position = lower > 0 ? lower : nil
    return Slice(lower: position, upper: upper == end ? nil : upper)
  }

  /// What a slice turned out to hold.
  mutating func read(_ slice: Slice, objects: Int) {
    guard let position else { return }
    let span = max(1, (slice.upper ?? end) - (slice.lower ?? 0))
    guard objects > 0 else {
      width = max(width, span.multipliedReportingOverflow(by: Self.growth).partialValue)
      return
    }
    let density = Double(objects) / Double(span)
    let left = density * Double(position)
    let wanted = min(max(left / Double(2 * readers), Self.aim.lowerBound), Self.aim.upperBound)
    width = max(1, Int64(min(wanted / density, Double(span) * Double(Self.growth), Self.widest)))
  }
}
