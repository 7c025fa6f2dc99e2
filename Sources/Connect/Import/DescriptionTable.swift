// SPDX-License-Identifier: Apache-2.0

/// Finds what an attribute description means, without a string for each that arrives. Compares without regard to ASCII
/// case (RFC 4512 2.5).
struct DescriptionTable<Meaning: Sendable>: Sendable {
  private var slots: [(description: [UInt8], meaning: Meaning)?] = Array(repeating: nil, count: 16)
  private var count = 0

  subscript(description: String) -> Meaning? {
    get {
      let bytes = Array(description.utf8)
      return find(bytes, 0..<bytes.count)
    }
    set {
      guard let newValue else { return }
      let bytes = Array(description.utf8)
      if let slot = slot(bytes, 0..<bytes.count), slots[slot] != nil {
        slots[slot]?.meaning = newValue
        return
      }
      count += 1
      if count * 2 > slots.count {
        let old = slots.compactMap { $0 }
        slots = Array(repeating: nil, count: slots.count * 2)
        for entry in old { place(entry) }
      }
      place((bytes, newValue))
    }
  }

  func find(_ bytes: [UInt8], _ description: Range<Int>) -> Meaning? {
    slot(bytes, description).flatMap { slots[$0]?.meaning }
  }

  private mutating func place(_ entry: (description: [UInt8], meaning: Meaning)) {
    if let slot = slot(entry.description, 0..<entry.description.count) { slots[slot] = entry }
  }

  /// The slot that holds a description, or where it belongs. At most half of the slots are taken.
  private func slot(_ bytes: [UInt8], _ range: Range<Int>) -> Int? {
    bytes.withUnsafeBufferPointer { bytes in
      let text = UnsafeBufferPointer(rebasing: bytes[range])
      // FNV-1a, 64 bits; 0x20 tells the cases of a letter apart.
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for byte in text { hash = (hash ^ UInt64(byte | 0x20)) &* 0x100_0000_01b3 }
      var slot = Int(truncatingIfNeeded: hash >> 32) & (slots.count - 1)
      while let held = slots[slot] {
        if Self.isSame(text, held.description) { break }
        slot = (slot + 1) & (slots.count - 1)
      }
      return slot
    }
  }

  private static func isSame(_ text: UnsafeBufferPointer<UInt8>, _ description: [UInt8]) -> Bool {
    guard text.count == description.count else { return false }
    for (left, right) in zip(text, description) where left != right {
      guard left ^ right == 0x20, (0x61...0x7A).contains(left | 0x20) else { return false }
    }
    return true
  }
}
