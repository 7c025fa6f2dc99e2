// SPDX-License-Identifier: Apache-2.0

/// A map for what strangers can make grow: when it is full, it forgets the tenth that was written longest ago, and nothing
/// else. Whoever fills it cannot make it forget what is written now.
package struct BoundedMap<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  /// The most entries that it holds.
  package let capacity: Int
  private var entries: [Key: (value: Value, written: UInt64)] = [:]
  private var writes: UInt64 = 0

  /// - Parameter capacity: at least 1.
  package init(capacity: Int) { self.capacity = max(1, capacity) }

  package var count: Int { entries.count }

  package subscript(key: Key) -> Value? {
    get { entries[key]?.value }
    set {
      guard let newValue else {
        entries[key] = nil
        return
      }
      if entries[key] == nil, entries.count >= capacity { forgetOldest() }
      writes += 1
      entries[key] = (newValue, writes)
    }
  }

  package mutating func removeAll(where isOver: (Value) -> Bool) {
    entries = entries.filter { !isOver($0.value.value) }
  }

  private mutating func forgetOldest() {
    let order = entries.values.map(\.written).sorted()
    let last = order[max(1, capacity / 10) - 1]
    entries = entries.filter { $0.value.written > last }
  }
}
