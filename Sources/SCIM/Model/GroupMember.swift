// SPDX-License-Identifier: Apache-2.0

/// A member of a group: a User, another Group, a Contact or a Device.
package struct GroupMember: Sendable, Hashable {
  /// The `id` of the member's resource.
  package var value: String
  package var ref: String?
  /// The resource type's name, for example `User`.
  package var type: String?

  package init(_ value: String, type: String? = nil, ref: String? = nil) {
    self.value = value
    self.type = type
    self.ref = ref
  }

  package init?(_ json: JSONValue) {
    guard let object = json.object, let value = object.value(named: "value")?.string else { return nil }
    self.init(value, type: object.value(named: "type")?.string, ref: object.value(named: "$ref")?.string)
  }

  package var json: JSONValue {
    var object: JSONObject = ["value": .string(value)]
    object["$ref"] = ref.map(JSONValue.string)
    object["type"] = type.map(JSONValue.string)
    return .object(object)
  }
}
