// SPDX-License-Identifier: Apache-2.0

/// The target of a PATCH operation (RFC 7644 3.5.2, figure 7): `name.familyName`, `members[value eq "…"]`,
/// `emails[type eq "work"].value`.
package struct PatchPath: Sendable, Hashable, CustomStringConvertible {
  package var attribute: AttributePath
  /// Selects elements of a multi-valued attribute.
  package var filter: Filter?
  /// After the filter; without a filter the sub-attribute is part of `attribute`.
  package var subAttribute: String?

  package init(attribute: AttributePath, filter: Filter? = nil, subAttribute: String? = nil) {
    self.attribute = attribute
    self.filter = filter
    self.subAttribute = subAttribute
  }

  /// - Throws: 400 `invalidPath` with the position of what is wrong.
  package static func parse(_ text: String, limits: FilterLimits = .standard) throws(SCIMError) -> PatchPath {
    guard text.utf8.count <= limits.maximumLength else {
      throw .invalidPath("The path is longer than \(limits.maximumLength) bytes.")
    }
    var parser = FilterParser(Array(text.utf8), limits: limits)
    do {
      return try parser.parsePatchPath()
    } catch {
      throw .invalidPath("The path \"\(text.prefix(128))\" is not valid. \(error.detail)")
    }
  }

  package var description: String {
    attribute.text + (filter.map { "[\($0)]" } ?? "") + (subAttribute.map { ".\($0)" } ?? "")
  }
}

/// One operation of a PATCH request (RFC 7644 3.5.2).
package struct PatchOperation: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable { case add, remove, replace }

  package var kind: Kind
  package var path: PatchPath?
  package var value: JSONValue?

  package init(_ kind: Kind, _ path: PatchPath? = nil, _ value: JSONValue? = nil) {
    self.kind = kind
    self.path = path
    self.value = value
  }

  var json: JSONValue {
    var object: JSONObject = ["op": .string(kind.rawValue)]
    object["path"] = path.map { .string($0.description) }
    object["value"] = value
    return .object(object)
  }
}

/// A PATCH request (RFC 7644 3.5.2): operations that are applied in order, all or none.
package struct PatchRequest: Sendable, Hashable {
  package var operations: [PatchOperation]

  package init(_ operations: [PatchOperation]) { self.operations = operations }

  /// A client's change to one resource has a few operations; members come as one value.
  static let maximumOperations = 1000

  /// - Throws: 400 `invalidSyntax` for a malformed message, `invalidPath`, `noTarget` for a removal without path,
  ///   `invalidValue` for a missing value.
  package init(_ message: JSONValue) throws(SCIMError) {
    guard let object = message.object else { throw .invalidSyntax("A PATCH request must be an object.") }
    try SCIMURI.require(SCIMURI.patchOp, in: object)
    guard let list = object.value(named: "Operations")?.array, !list.isEmpty else {
      throw .invalidSyntax("A PATCH request must have the array \"Operations\" with at least one operation.")
    }
    guard list.count <= Self.maximumOperations else {
      throw .payloadTooLarge("A PATCH request may have at most \(Self.maximumOperations) operations.")
    }
    operations = try list.map { entry throws(SCIMError) in try Self.operation(entry) }
  }

  private static func operation(_ entry: JSONValue) throws(SCIMError) -> PatchOperation {
    guard let object = entry.object else { throw .invalidSyntax("A PATCH operation must be an object.") }
    guard let name = object.value(named: "op")?.string, let kind = PatchOperation.Kind(rawValue: name.lowercased())
    else { throw .invalidSyntax("A PATCH operation must have an \"op\" of add, remove or replace.") }
    var path: PatchPath?
    switch object.value(named: "path") {
    case nil, .null: break
    case .string(""): break
    case .string(let text): path = try PatchPath.parse(text)
    default: throw .invalidSyntax("A PATCH operation's \"path\" must be a string.")
    }
    let value = object.value(named: "value")
    switch kind {
    case .remove:
      guard path != nil else { throw .noTarget("A removal must have a path.") }
    case .add, .replace:
      guard let value else { throw .invalidValue("The operation \(name) must have a value.") }
      guard path != nil || value.object != nil else {
        throw .invalidValue("Without a path, the value of \(name) must be an object.")
      }
    }
    return PatchOperation(kind, path, value)
  }

  package var json: JSONValue {
    ["schemas": [.string(SCIMURI.patchOp)], "Operations": .array(operations.map(\.json))]
  }
}

extension FilterParser {
  mutating func parsePatchPath() throws(SCIMError) -> PatchPath {
    var path = PatchPath(attribute: try parseAttributePath())
    if let filter = try parseBracket() {
      path.filter = filter
      path.subAttribute = try parseSubAttribute()
    }
    try expectEnd()
    return path
  }
}
