// SPDX-License-Identifier: Apache-2.0

/// An attribute and its characteristics (RFC 7643 2.2 and 7).
package struct AttributeDefinition: Sendable, Hashable {
  /// `type` (RFC 7643 2.3).
  package enum DataType: String, Sendable {
    case string, boolean, decimal, integer, dateTime, binary, reference, complex
  }
  /// `mutability`: who may write it.
  package enum Mutability: String, Sendable { case readOnly, readWrite, immutable, writeOnly }
  /// `returned`: when it is part of an answer.
  package enum Returned: String, Sendable { case always, never, `default`, request }
  /// `uniqueness`: among which resources a value may be only once.
  package enum Uniqueness: String, Sendable { case none, server, global }

  package var name: String
  package var type: DataType
  package var description: String
  package var multiValued: Bool
  package var required: Bool
  package var caseExact: Bool
  package var mutability: Mutability
  package var returned: Returned
  package var uniqueness: Uniqueness
  /// Suggestions; a service accepts other values (RFC 7643 7).
  package var canonicalValues: [String]
  package var referenceTypes: [String]
  package var subAttributes: [AttributeDefinition]

  package init(
    _ name: String, _ type: DataType = .string, _ description: String, multiValued: Bool = false,
    required: Bool = false, caseExact: Bool = false, mutability: Mutability = .readWrite,
    returned: Returned = .default, uniqueness: Uniqueness = .none, canonicalValues: [String] = [],
    referenceTypes: [String] = [], subAttributes: [AttributeDefinition] = []
  ) {
    self.name = name
    self.type = type
    self.description = description
    self.multiValued = multiValued
    self.required = required
    self.caseExact = caseExact || type == .binary || type == .reference
    self.mutability = mutability
    self.returned = returned
    self.uniqueness = uniqueness
    self.canonicalValues = canonicalValues
    self.referenceTypes = referenceTypes
    self.subAttributes = subAttributes
  }

  package func subAttribute(named name: String) -> AttributeDefinition? {
    subAttributes.first { SCIMText.namesMatch($0.name, name) }
  }

  package var json: JSONValue {
    var object: JSONObject = [
      "name": .string(name), "type": .string(type.rawValue), "multiValued": .bool(multiValued),
      "description": .string(description), "required": .bool(required), "mutability": .string(mutability.rawValue),
      "returned": .string(returned.rawValue),
    ]
    switch type {
    case .complex: object["subAttributes"] = .array(subAttributes.map(\.json))
    case .boolean: break
    default:
      object["caseExact"] = .bool(caseExact)
      object["uniqueness"] = .string(uniqueness.rawValue)
    }
    if !canonicalValues.isEmpty { object["canonicalValues"] = .array(canonicalValues.map(JSONValue.string)) }
    if type == .reference { object["referenceTypes"] = .array(referenceTypes.map(JSONValue.string)) }
    return .object(object)
  }
}
