// SPDX-License-Identifier: Apache-2.0

/// One value of a multi-valued complex attribute with the standard sub-attributes (RFC 7643 2.4).
package struct SCIMMultiValue: Sendable, Hashable {
  package var value: String
  package var type: String?
  package var display: String?
  package var primary: Bool
  /// The URI of the resource that `value` names.
  package var ref: String?

  package init(
    _ value: String, type: String? = nil, display: String? = nil, primary: Bool = false, ref: String? = nil
  ) {
    self.value = value
    self.type = type
    self.display = display
    self.primary = primary
    self.ref = ref
  }

  package init?(_ json: JSONValue) {
    guard let object = json.object, let value = object["value"]?.string else { return nil }
    self.init(
      value, type: object["type"]?.string, display: object["display"]?.string,
      primary: object["primary"]?.bool ?? false, ref: object["$ref"]?.string)
  }

  package var json: JSONValue {
    var object: JSONObject = ["value": .string(value)]
    object["$ref"] = ref.map(JSONValue.string)
    object["type"] = type.map(JSONValue.string)
    object["display"] = display.map(JSONValue.string)
    if primary { object["primary"] = true }
    return .object(object)
  }
}

/// A typed view of a User (RFC 7643 4.1) with the enterprise extension (4.3).
package struct SCIMUser: Sendable, Hashable {
  package var resource: SCIMResource

  package init(_ resource: SCIMResource) { self.resource = resource }

  package init(userName: String) {
    resource = SCIMResource(schemas: [SCIMURI.user])
    self.userName = userName
  }

  package var externalId: String? {
    get { resource.externalId }
    set { resource.externalId = newValue }
  }
  package var userName: String? {
    get { resource["userName"] }
    set { resource["userName"] = newValue }
  }
  package var displayName: String? {
    get { resource["displayName"] }
    set { resource["displayName"] = newValue }
  }
  package var givenName: String? {
    get { resource["name", "givenName"] }
    set { resource["name", "givenName"] = newValue }
  }
  package var familyName: String? {
    get { resource["name", "familyName"] }
    set { resource["name", "familyName"] = newValue }
  }
  package var title: String? {
    get { resource["title"] }
    set { resource["title"] = newValue }
  }
  package var active: Bool? {
    get { resource.attributes["active"]?.bool }
    set { resource.attributes["active"] = newValue.map(JSONValue.bool) }
  }
  package var emails: [SCIMMultiValue] {
    get { values("emails") }
    set { setValues("emails", newValue) }
  }
  package var enterprise: EnterpriseUser {
    get { EnterpriseUser(resource.attributes[SCIMURI.enterpriseUser]?.object ?? JSONObject()) }
    set {
      resource.attributes[SCIMURI.enterpriseUser] = newValue.attributes.isEmpty ? nil : .object(newValue.attributes)
      if !newValue.attributes.isEmpty { resource.declare(SCIMURI.enterpriseUser) }
    }
  }

  private func values(_ name: String) -> [SCIMMultiValue] {
    resource.attributes[name]?.array?.compactMap(SCIMMultiValue.init) ?? []
  }

  private mutating func setValues(_ name: String, _ values: [SCIMMultiValue]) {
    resource.attributes[name] = values.isEmpty ? nil : .array(values.map(\.json))
  }
}

/// The enterprise extension of a User (RFC 7643 4.3).
package struct EnterpriseUser: Sendable, Hashable {
  package var attributes: JSONObject

  package init(_ attributes: JSONObject = JSONObject()) { self.attributes = attributes }

  package var division: String? {
    get { attributes["division"]?.string }
    set { attributes["division"] = newValue.map(JSONValue.string) }
  }
  package var department: String? {
    get { attributes["department"]?.string }
    set { attributes["department"] = newValue.map(JSONValue.string) }
  }
}
