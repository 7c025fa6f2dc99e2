// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Wire

/// How one attribute of the metaverse stands in one property, in both directions.
struct SyncField: Sendable {
  let attribute: String
  let property: String
  /// Nil where the object has no value.
  let value: @Sendable (Attributes) -> SyncValue?
  /// The attribute's values; none for null and for what cannot be read as one.
  let values: @Sendable (SyncValue) -> [[UInt8]]

  static func text(_ attribute: String, _ property: String? = nil) -> SyncField {
    SyncField(
      attribute: attribute, property: property ?? attribute, value: { $0.text(attribute).map(SyncValue.string) },
      values: { $0.text.map { [Array($0.utf8)] } ?? [] })
  }

  static func texts(_ attribute: String, _ property: String? = nil) -> SyncField {
    SyncField(
      attribute: attribute, property: property ?? attribute,
      value: { attributes in
        let texts = attributes.texts(attribute)
        return texts.isEmpty ? nil : .strings(texts)
      },
      values: { value in
        if case .strings(let texts) = value { return texts.filter { !$0.isEmpty }.map { Array($0.utf8) } }
        return value.text.map { [Array($0.utf8)] } ?? []
      })
  }

  /// - Parameter always: what an object without the attribute is told to have; nil leaves it out.
  static func flag(_ attribute: String, _ property: String? = nil, always: Bool? = nil) -> SyncField {
    SyncField(
      attribute: attribute, property: property ?? attribute,
      value: { attributes in (attributes.text(attribute).map { $0 != "false" } ?? always).map(SyncValue.boolean) },
      values: { value in
        switch value {
        case .boolean(let flag): [Array((flag ? "true" : "false").utf8)]
        case .string(let text): ["true", "false"].contains(text.lowercased()) ? [Array(text.lowercased().utf8)] : []
        default: []
        }
      })
  }

  static func bytes(_ attribute: String, _ property: String) -> SyncField {
    SyncField(
      attribute: attribute, property: property, value: { $0[attribute].first.map(SyncValue.data) },
      values: { value in if case .data(let bytes) = value, !bytes.isEmpty { [bytes] } else { [] } })
  }

  static func allBytes(_ attribute: String) -> SyncField {
    SyncField(
      attribute: attribute, property: attribute,
      value: { attributes in
        let values = attributes[attribute]
        return values.isEmpty ? nil : .datas(values)
      },
      values: { value in
        switch value {
        case .datas(let values): values.filter { !$0.isEmpty }
        case .data(let bytes): bytes.isEmpty ? [] : [bytes]
        default: []
        }
      })
  }

  /// A GUID: a text in the metaverse, the 16 bytes of its packet form here.
  static func identifier(_ attribute: String) -> SyncField {
    SyncField(
      attribute: attribute, property: attribute,
      value: { $0.text(attribute).flatMap { GUID($0) }.map { .data($0.bytes) } },
      values: { value in
        switch value {
        case .data(let bytes): GUID(bytes).map { [Array($0.description.utf8)] } ?? []
        case .string(let text): GUID(text).map { [Array($0.description.utf8)] } ?? []
        default: []
        }
      })
  }
}

extension SyncValue {
  /// The text of what has one; nil for the empty one.
  fileprivate var text: String? {
    switch self {
    case .string(let text): text.isEmpty ? nil : text
    case .integer(let number): String(number)
    case .boolean(let flag): flag ? "true" : "false"
    default: nil
    }
  }
}
