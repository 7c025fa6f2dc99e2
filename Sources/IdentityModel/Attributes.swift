// SPDX-License-Identifier: Apache-2.0

/// Attribute names and their values. An attribute without values is the same as an absent one, except in a ``Change``,
/// where it says that the attribute was cleared.
///
/// Names compare exactly; sources spell them in lower case, the metaverse in its own vocabulary. The order of the values
/// of one attribute is kept but means nothing: see ``sameValues(as:for:)``.
package struct Attributes: Sendable, Equatable {
  package private(set) var storage: [String: [[UInt8]]]

  package init(_ storage: [String: [[UInt8]]] = [:]) { self.storage = storage }

  /// Values as text.
  package init(texts: [String: [String]]) {
    storage = texts.mapValues { $0.map { Array($0.utf8) } }
  }

  package subscript(_ name: String) -> [[UInt8]] {
    get { storage[name] ?? [] }
    set { storage[name] = newValue }
  }

  package var isEmpty: Bool { storage.isEmpty }
  package var names: [String] { storage.keys.sorted() }

  package func texts(_ name: String) -> [String] {
    (storage[name] ?? []).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The first value as text.
  package func text(_ name: String) -> String? {
    storage[name]?.first.map { String(decoding: $0, as: UTF8.self) }
  }

  package mutating func set(_ name: String, texts: [String]) {
    storage[name] = texts.isEmpty ? nil : texts.map { Array($0.utf8) }
  }

  package mutating func remove(_ name: String) { storage[name] = nil }

  /// Takes over the attributes of a change; those without values are cleared.
  package mutating func merge(_ changes: Attributes) {
    for (name, values) in changes.storage { storage[name] = values.isEmpty ? nil : values }
  }

  /// Whether both hold the same values of an attribute, whatever their order.
  package func sameValues(as other: Attributes, for name: String) -> Bool {
    let (left, right) = (self[name], other[name])
    if left == right { return true }
    return left.count == right.count && left.count > 1 && Set(left) == Set(right)
  }
}
