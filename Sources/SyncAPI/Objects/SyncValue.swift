// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import WCF

/// The value of a property, with the `i:type` that says what it is.
package enum SyncValue: Sendable, Hashable {
  /// `i:nil`: the property has no value; in a change, it is cleared.
  case null
  /// `d:string`.
  case string(String)
  /// `d:boolean`.
  case boolean(Bool)
  /// `d:long`, and `d:int`.
  case integer(Int64)
  /// `d:base64Binary`.
  case data([UInt8])
  /// `c:ArrayOfstring`.
  case strings([String])
  /// `c:ArrayOfbase64Binary`.
  case datas([[UInt8]])
  /// `SyncReferenceChangeCollection`.
  case references([ReferenceChange])

  // MARK: Writing

  func write(_ writer: inout MessageWriter) {
    let name = BinaryName.c("Value")
    let schema = BinaryAttribute.namespace(prefix: "d", uri: Namespace.schema)
    switch self {
    case .null: writer.null(name)
    case .string(let text): writer.leaf(name, text, [.type("d:string"), schema])
    case .boolean(let flag): writer.leaf(name, flag ? "true" : "false", [.type("d:boolean"), schema])
    case .integer(let number): writer.leaf(name, String(number), [.type("d:long"), schema])
    case .data(let bytes): writer.leaf(name, data: bytes, [.type("d:base64Binary"), schema])
    case .strings(let texts):
      writer.element(name, [.type("c:ArrayOfstring")]) { writer in
        for text in texts { writer.leaf(.c("string"), text) }
      }
    case .datas(let values):
      writer.element(name, [.type("c:ArrayOfbase64Binary")]) { writer in
        for value in values { writer.leaf(.c("base64Binary"), data: value) }
      }
    case .references(let changes):
      // As public clients write it: the type and its members are of the operation's namespace.
      writer.element(name, [.type("SyncReferenceChangeCollection")]) { writer in
        writer.element(.plain("referenceChanges")) { writer in
          for change in changes { change.write(&writer) }
        }
      }
    }
  }

  // MARK: Reading

  init(_ reader: inout MessageReader, _ element: MessageReader.Element) throws(SyncAPIError) {
    guard !element.isNil else {
      try reader.skip()
      self = .null
      return
    }
    switch element.type {
    case "boolean": self = .boolean(try reader.boolean(element))
    case "long", "int", "short", "unsignedInt": self = .integer(try reader.integer(element))
    case "base64Binary": self = .data(try Self.bytes(try reader.text()))
    case "ArrayOfstring": self = .strings(try reader.list(element, maximum: SyncAPILimits.values))
    case "ArrayOfbase64Binary":
      var values: [[UInt8]] = []
      for text in try reader.list(element, maximum: SyncAPILimits.values) { values.append(try Self.bytes(text)) }
      self = .datas(values)
    case "SyncReferenceChangeCollection":
      var changes: [ReferenceChange] = []
      while let list = try reader.child() {
        guard list.name == "referenceChanges" else {
          try reader.skip()
          continue
        }
        while try reader.child() != nil {
          guard changes.count < SyncAPILimits.values else {
            throw SyncAPIError(.tooLarge, "A property has more than \(SyncAPILimits.values) references.")
          }
          changes.append(try ReferenceChange(&reader))
        }
      }
      self = .references(changes)
    default:
      // Dates, GUIDs and whatever else has a text.
      self = .string(try reader.text())
    }
  }

  private static func bytes(_ text: String) throws(SyncAPIError) -> [UInt8] {
    guard let data = Data(base64Encoded: text, options: .ignoreUnknownCharacters) else {
      throw MessageReader.malformed("a value is no base64")
    }
    return Array(data)
  }
}

/// One reference that comes or goes (`SyncReferenceChange`):
/// ```
/// <SyncReferenceChange>
///   <Reference><Anchor>…</Anchor><referenceTypeInt>2</referenceTypeInt></Reference>
///   <operationInt>1</operationInt>
/// </SyncReferenceChange>
/// ```
package struct ReferenceChange: Sendable, Hashable {
  /// `operationInt`.
  package enum Operation: Int64, Sendable {
    case add = 1
    case remove = 2
  }

  package var anchor: SyncAnchor
  package var operation: Operation

  package init(_ operation: Operation, _ anchor: SyncAnchor) {
    self.operation = operation
    self.anchor = anchor
  }

  func write(_ writer: inout MessageWriter) {
    writer.element(.plain("SyncReferenceChange")) { writer in
      writer.element(.plain("Reference")) { writer in
        writer.leaf(.plain("Anchor"), anchor.text)
        writer.leaf(.plain("referenceTypeInt"), String(anchor.type))
      }
      writer.leaf(.plain("operationInt"), String(operation.rawValue))
    }
  }

  init(_ reader: inout MessageReader) throws(SyncAPIError) {
    var (text, type, operation) = (String?.none, Int64?.none, Operation?.none)
    while let part = try reader.child() {
      switch part.name {
      case "Reference":
        while let member = try reader.child() {
          switch member.name {
          case "Anchor": text = try reader.text()
          case "referenceTypeInt": type = try reader.integer(member)
          default: try reader.skip()
          }
        }
      case "operationInt": operation = Operation(rawValue: try reader.integer(part))
      default: try reader.skip()
      }
    }
    guard let text, !text.isEmpty, let operation, let anchor = SyncAnchor(type: type, text) else {
      throw MessageReader.malformed("a change of a reference is incomplete")
    }
    self.init(operation, anchor)
  }
}

/// By which an object is named.
package enum SyncAnchor: Sendable, Hashable {
  /// `User_<objectId>`: the service's own name.
  case cloud(String)
  /// The directory's.
  case source(String)

  /// `referenceTypeInt`.
  var type: Int64 { if case .cloud = self { 1 } else { 2 } }

  package var text: String {
    switch self {
    case .cloud(let text), .source(let text): text
    }
  }

  init?(type: Int64?, _ text: String) {
    switch type {
    case 1: self = .cloud(text)
    case 2: self = .source(text)
    default: return nil
    }
  }

  /// A name whose kind is not said: base64, as which source anchors are written, has no underscore.
  package init(_ text: String) {
    self = SyncObjectType.allCases.contains { text.hasPrefix("\($0.rawValue)_") } ? .cloud(text) : .source(text)
  }

  /// The service's name of an object.
  package static func named(_ type: SyncObjectType, _ id: String) -> SyncAnchor {
    .cloud("\(type.rawValue)_\(id)")
  }
}
