// SPDX-License-Identifier: Apache-2.0

import LDAP

/// Cuts a domain into slices by `uSNCreated` (MS-ADTS 3.1.1.1.9: the update sequence number with which the server made
/// its copy of an object), which never changes and is indexed: each object is in one slice, also one that is made
/// meanwhile, and one without a number is in the first.
///
/// Nothing says how objects are spread over the numbers: each slice is as wide as the ones before it suggest, and narrower
/// towards the end, so that all readers end at about the same time (guided self-scheduling).
struct CreationRanges {
  /// Numbers from `lower` on and below `upper`; without one of them that side is open.
  struct Slice: Sendable, Equatable {
    var lower: Int64?
    var upper: Int64?

    var filter: Filter {
      switch (lower, upper) {
      case (nil, nil): .present("objectClass")
      case (nil, let upper?): .not(.greaterOrEqual("uSNCreated", Self.text(upper)))
      case (let lower?, nil): .greaterOrEqual("uSNCreated", Self.text(lower))
      case (let lower?, let upper?):
        .and([
          .greaterOrEqual("uSNCreated", Self.text(lower)), .lessOrEqual("uSNCreated", Self.text(upper - 1)),
        ])
      }
    }

    private static func text(_ number: Int64) -> [UInt8] { Array(String(number).utf8) }
  }

  /// Where the next slice begins; nil when the last was handed out.
  private var position: Int64? = 0
  private var width: Int64 = 2_048
  /// The server's highest number: beyond it is only what is made meanwhile.
  private let end: Int64
  private let readers: Int

  /// Objects that a slice is meant to have: fewer cost the server more than they spare, more keep its memory and us waiting.
  private static let aim = 500.0...8_000.0
  /// How much wider than the last one a slice may be.
  private static let growth: Int64 = 8
  private static let widest = 0x1p62

  init(end: Int64, readers: Int) {
    self.end = end
    self.readers = readers
  }

  mutating func next() -> Slice? {
    guard let lower = position else { return nil }
    // The end is the server's word, and may be the highest number there is.
    let (upper, isBeyond) = lower.addingReportingOverflow(width)
    position = isBeyond || upper > end ? nil : upper
    return Slice(lower: lower == 0 ? nil : lower, upper: position)
  }

  /// What a slice turned out to hold.
  mutating func read(_ slice: Slice, objects: Int) {
    guard let upper = slice.upper, let position else { return }
    let span = upper - (slice.lower ?? 0)
    guard objects > 0 else {
      width = max(width, span.multipliedReportingOverflow(by: Self.growth).partialValue)
      return
    }
    let density = Double(objects) / Double(span)
    let left = density * Double(max(0, end - position))
    let wanted = min(max(left / Double(2 * readers), Self.aim.lowerBound), Self.aim.upperBound)
    width = max(1, Int64(min(wanted / density, Double(span) * Double(Self.growth), Self.widest)))
  }
}
