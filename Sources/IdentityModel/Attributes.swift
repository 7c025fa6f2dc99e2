// SPDX-License-Identifier: Apache-2.0

/// Attribute names and their values. An attribute without values is the same as an absent one, except in a ``Change``,
/// where it says that the attribute was cleared.
///
/// Names compare exactly; sources spell them in lower case, the metaverse in its own vocabulary. The order of the values
/// of one attribute is kept but means nothing: see ``sameValues(as:for:)``.
///
/// They are kept in the form in which the store keeps them (``encoded()``): what a source sent reaches the store without
/// a value of its own for each of its parts, and a lookup walks some dozens of names.
package struct Attributes: Sendable, Equatable {
  /// The version byte, then each attribute in the order of its name.
  var bytes: [UInt8]

  package init() { bytes = [Self.version] }

  package init(_ storage: [String: [[UInt8]]]) {
    self.init()
    for (name, values) in storage.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
      Self.append(name, values, to: &bytes)
    }
  }

  /// Values as text.
  package init(texts: [String: [String]]) {
    self.init(texts.mapValues { $0.map { Array($0.utf8) } })
  }

  package subscript(_ name: String) -> [[UInt8]] {
    get { field(name).map { values(of: $0) } ?? [] }
    set {
      var replacement: [UInt8] = []
      Self.append(name, newValue, to: &replacement)
      replace(name, with: replacement)
    }
  }

  package var isEmpty: Bool { bytes.count <= 1 }
  package var names: [String] { fields.map { name(of: $0) } }

  package var storage: [String: [[UInt8]]] {
    Dictionary(fields.map { (name(of: $0), values(of: $0)) }) { _, last in last }
  }

  package func texts(_ name: String) -> [String] {
    self[name].map { String(decoding: $0, as: UTF8.self) }
  }

  /// The first value as text.
  package func text(_ name: String) -> String? {
    guard let field = field(name), field.count > 0 else { return nil }
    var position = field.values
    let length = Self.number(bytes, &position)
    return bytes.withUnsafeBufferPointer { String(decoding: $0[position..<position + length], as: UTF8.self) }
  }

  package mutating func set(_ name: String, texts: [String]) {
    if texts.isEmpty { remove(name) } else { self[name] = texts.map { Array($0.utf8) } }
  }

  /// Those whose names are included.
  package func filter(_ isIncluded: (String) -> Bool) -> Attributes {
    fields.reduce(into: Attributes()) { result, field in
      if isIncluded(name(of: field)) { result.bytes += bytes[field.range] }
    }
  }

  package mutating func remove(_ name: String) { replace(name, with: []) }

  /// Takes over the attributes of a change; those without values are cleared.
  package mutating func merge(_ changes: Attributes) {
    for field in changes.fields {
      replace(changes.name(of: field), with: field.count == 0 ? [] : Array(changes.bytes[field.range]))
    }
  }

  /// Whether both hold the same values of an attribute, whatever their order.
  package func sameValues(as other: Attributes, for name: String) -> Bool {
    let (left, right) = (self[name], other[name])
    if left == right { return true }
    return left.count == right.count && left.count > 1 && Set(left) == Set(right)
  }
}
