// SPDX-License-Identifier: Apache-2.0

import WCF

/// What an object is. The raw values are the interface's.
package enum SyncObjectType: String, Sendable, Hashable, CaseIterable {
  case user = "User"
  case group = "Group"
  case contact = "Contact"
  case device = "Device"
}

/// What is done with an object.
package enum SyncOperation: String, Sendable, Hashable, CaseIterable {
  /// Creates it, or changes the properties that are named.
  case set = "Set"
  case add = "Add"
  case delete = "Delete"
}

/// One object of a request, or of what is read back (`AzureADSyncObject`):
/// ```
/// <b:AzureADSyncObject>
///   <b:PropertyValues xmlns:c="…/Serialization/Arrays">
///     <c:KeyValueOfstringanyType>
///       <c:Key>displayName</c:Key>
///       <c:Value i:type="d:string" xmlns:d="http://www.w3.org/2001/XMLSchema">…</c:Value>
///     </c:KeyValueOfstringanyType>
///   </b:PropertyValues>
///   <b:SyncObjectType>User</b:SyncObjectType>
///   <b:SyncOperation>Set</b:SyncOperation>
/// </b:AzureADSyncObject>
/// ```
package struct SyncObject: Sendable, Hashable {
  package static let sourceAnchor = "SourceAnchor"
  package static let cloudAnchor = "CloudAnchor"

  package var type: SyncObjectType
  package var operation: SyncOperation
  package var properties: SyncProperties

  package init(_ type: SyncObjectType, _ operation: SyncOperation, _ properties: SyncProperties) {
    self.type = type
    self.operation = operation
    self.properties = properties
  }

  package var sourceAnchor: String? { properties.text(Self.sourceAnchor) }
  package var cloudAnchor: String? { properties.text(Self.cloudAnchor) }

  // MARK: Writing

  func write(_ writer: inout MessageWriter) {
    writer.element(.b("AzureADSyncObject")) { writer in
      writer.element(.b("PropertyValues"), [.namespace(prefix: "c", uri: Namespace.arrays)]) { writer in
        for (name, value) in properties.entries {
          writer.element(.c("KeyValueOfstringanyType")) { writer in
            writer.leaf(.c("Key"), name)
            value.write(&writer)
          }
        }
      }
      writer.leaf(.b("SyncObjectType"), type.rawValue)
      writer.leaf(.b("SyncOperation"), operation.rawValue)
    }
  }

  // MARK: Reading

  /// - Parameter reader: within the object.
  init(_ reader: inout MessageReader) throws(SyncAPIError) {
    var (type, operation, properties) = (SyncObjectType?.none, SyncOperation?.none, SyncProperties())
    while let part = try reader.child() {
      switch part.name {
      case "PropertyValues":
        while try reader.child() != nil {
          guard properties.count < SyncAPILimits.properties else {
            throw SyncAPIError(.tooLarge, "An object has more than \(SyncAPILimits.properties) properties.")
          }
          var (name, value) = ("", SyncValue.null)
          while let member = try reader.child() {
            switch member.name {
            case "Key": name = try reader.text()
            case "Value": value = try SyncValue(&reader, member)
            default: try reader.skip()
            }
          }
          if !name.isEmpty { properties[name] = value }
        }
      case "SyncObjectType": type = SyncObjectType(rawValue: try reader.text())
      case "SyncOperation": operation = SyncOperation(rawValue: try reader.text())
      default: try reader.skip()
      }
    }
    guard let type, let operation else {
      throw MessageReader.malformed("an object has no type or operation that is known")
    }
    self.init(type, operation, properties)
  }
}

/// The properties of an object. Names compare without regard to case: clients of the field spell some in two ways.
package struct SyncProperties: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  private struct Entry: Sendable, Hashable {
    var name: String
    var value: SyncValue
  }

  private var values: [String: Entry] = [:]

  package init() {}

  package init(dictionaryLiteral elements: (String, SyncValue)...) {
    for (name, value) in elements { self[name] = value }
  }

  package var count: Int { values.count }

  /// In the order of their names.
  package var entries: [(name: String, value: SyncValue)] {
    values.sorted { $0.key < $1.key }.map { ($0.value.name, $0.value.value) }
  }

  package subscript(name: String) -> SyncValue? {
    get { values[name.lowercased()]?.value }
    set { values[name.lowercased()] = newValue.map { Entry(name: name, value: $0) } }
  }

  package func text(_ name: String) -> String? {
    if case .string(let text)? = self[name], !text.isEmpty { text } else { nil }
  }
}
