// SPDX-License-Identifier: Apache-2.0

/// Brings one attribute's value into the form that its definition demands: names in the schema's spelling, values of the
/// right type, nothing unassigned, nothing that only the service may write.
package struct AttributeNormalizer: Sendable {
  /// Whether attributes that the schema lacks are dropped or refused. RFC 7644 3.3 and 3.5.1 leave the choice; clients
  /// in the field send attributes of their own.
  package enum UnknownAttributes: Sendable { case ignored, refused }

  var unknownAttributes = UnknownAttributes.ignored

  /// - Parameter path: for error texts.
  /// - Returns: nil when the value is unassigned.
  func normalize(
    _ value: JSONValue, as definition: AttributeDefinition, path: String
  ) throws(SCIMError) -> JSONValue? {
    if value.isUnassigned { return nil }
    guard definition.multiValued else { return try normalizeSingle(value, as: definition, path: path) }
    var elements: [JSONValue] = []
    var seen: Set<JSONValue> = []
    // A lone value stands for an array of one: clients in the field send it so.
    for element in value.array ?? [value] {
      guard let element = try normalizeSingle(element, as: definition, path: path) else { continue }
      if seen.insert(element).inserted { elements.append(element) }
    }
    guard elements.count(where: { $0.object?["primary"] == true }) <= 1 else {
      throw .invalidValue("\(path) has more than one primary value.")
    }
    return elements.isEmpty ? nil : .array(elements)
  }

  private func normalizeSingle(
    _ value: JSONValue, as definition: AttributeDefinition, path: String
  ) throws(SCIMError) -> JSONValue? {
    if value.isUnassigned { return nil }
    func mismatch() -> SCIMError {
      .invalidValue("\(path) must be of the type \(definition.type.rawValue), not \(value.kind).")
    }
    switch definition.type {
    case .string, .reference:
      guard value.string != nil else { throw mismatch() }
      return value
    case .binary:
      guard let text = value.string, Self.isBase64(text) else { throw mismatch() }
      return value
    case .dateTime:
      guard let text = value.string, SCIMDateTime.parse(text) != nil else { throw mismatch() }
      return value
    case .boolean:
      guard let bool = Self.boolean(value) else { throw mismatch() }
      return .bool(bool)
    case .integer:
      if case .number(let number) = value, let integer = Int64(exactly: number) { return .integer(integer) }
      guard value.integer != nil else { throw mismatch() }
      return value
    case .decimal:
      switch value {
      case .integer, .number: return value
      default: throw mismatch()
      }
    case .complex:
      guard let object = value.object else { throw mismatch() }
      let result = try normalize(object, of: definition.subAttributes, path: path)
      return result.isEmpty ? nil : .object(result)
    }
  }

  /// The members of an object that the definitions name, without those that are read-only.
  func normalize(
    _ object: JSONObject, of definitions: [AttributeDefinition], path: String?
  ) throws(SCIMError) -> JSONObject {
    var members: [JSONObject.Member] = []
    for member in object.members {
      guard let definition = definitions.first(where: { SCIMText.namesMatch($0.name, member.name) }) else {
        if unknownAttributes == .refused {
          throw .invalidSyntax("There is no attribute \(Self.join(path, member.name)).")
        }
        continue
      }
      guard definition.mutability != .readOnly else { continue }
      guard !members.contains(where: { $0.name == definition.name }) else {
        throw .invalidSyntax("\(Self.join(path, definition.name)) is given twice.")
      }
      let place = Self.join(path, definition.name)
      if let value = try normalize(member.value, as: definition, path: place) {
        members.append(JSONObject.Member(name: definition.name, value: value))
      }
    }
    return JSONObject(distinct: members)
  }

  static func join(_ path: String?, _ name: String) -> String { path.map { "\($0).\(name)" } ?? name }

  /// A boolean, also in the form of the strings that some clients send.
  static func boolean(_ value: JSONValue) -> Bool? {
    switch value {
    case .bool(let value): value
    case .string(let text):
      switch text.lowercased() {
      case "true": true
      case "false": false
      default: nil
      }
    default: nil
    }
  }

  private static func isBase64(_ text: String) -> Bool {
    let padding = text.utf8.reversed().prefix { $0 == UInt8(ascii: "=") }.count
    return padding <= 2
      && text.utf8.dropLast(padding).allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "-"),
          UInt8(ascii: "_"), 0x0A, 0x0D:
          true
        default: false
        }
      }
  }
}
