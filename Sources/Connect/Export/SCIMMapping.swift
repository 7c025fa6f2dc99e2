// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import SCIM

/// The metaverse's attributes in the words of SCIM (RFC 7643): User with the enterprise extension, Group.
///
/// | metaverse | SCIM |
/// |---|---|
/// | userPrincipalName, displayName, jobTitle, preferredLanguage | userName, displayName, title, preferredLanguage |
/// | givenName, surname | name.givenName, name.familyName |
/// | accountEnabled | active |
/// | proxyAddresses | emails: the primary one of type work, the others of type other |
/// | telephoneNumber, mobile | phoneNumbers of type work and mobile |
/// | streetAddress, city, state, postalCode, country | the address of type work |
/// | department, companyName, employeeId, manager | the enterprise extension |
/// | source anchor | externalId |
/// | displayName, members | of a Group |
enum SCIMMapping {
  static let vocabulary: [ObjectKind: Set<String>] = [
    .user: Set(texts.map(\.name) + addressParts.map(\.name) + phones.map(\.name))
      .union(["accountEnabled", "proxyAddresses", "manager"]),
    .group: ["displayName", "members"],
  ]

  /// Single texts and their paths.
  private static let texts: [(name: String, path: String)] = [
    ("userPrincipalName", "userName"), ("displayName", "displayName"), ("givenName", "name.givenName"),
    ("surname", "name.familyName"), ("jobTitle", "title"), ("preferredLanguage", "preferredLanguage"),
    ("department", SCIMURI.enterpriseUser + ":department"), ("companyName", SCIMURI.enterpriseUser + ":organization"),
    ("employeeId", SCIMURI.enterpriseUser + ":employeeNumber"),
  ]
  private static let addressParts: [(name: String, part: String)] = [
    ("streetAddress", "streetAddress"), ("city", "locality"), ("state", "region"), ("postalCode", "postalCode"),
    ("country", "country"),
  ]
  private static let phones: [(name: String, type: String)] = [("telephoneNumber", "work"), ("mobile", "mobile")]

  static func endpoint(_ kind: ObjectKind) -> String { kind == .group ? "/Groups" : "/Users" }

  /// A string of a SCIM filter (RFC 7644 3.4.2.2: a JSON string).
  static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }

  static func filter(_ key: TargetKey) -> String {
    switch key {
    case .sourceAnchor(let anchor): "externalId eq \(quoted(anchor))"
    case .userName(let name): "userName eq \(quoted(name))"
    case .address(let address): "emails.value eq \(quoted(address))"
    }
  }

  // MARK: To SCIM

  static func change(_ operation: ExportOperation) throws -> SCIMChange {
    switch operation {
    case .create(let kind, let anchor, let attributes):
      return .create(endpoint: endpoint(kind), resource(kind, anchor, attributes))
    case .update(let kind, let id, let changes, let attributes):
      return .patch(endpoint: endpoint(kind), id: id, PatchRequest(try operations(kind, changes, attributes)))
    case .adopt(let kind, let id, let anchor, _, let changes, let attributes):
      return .patch(
        endpoint: endpoint(kind), id: id,
        PatchRequest(
          [try self.operation("externalId", .string(anchor))] + (try operations(kind, changes, attributes))))
    case .link(let kind, let id, let attribute, let add, let remove):
      return .patch(
        endpoint: endpoint(kind), id: id,
        PatchRequest(attribute == "manager" ? try manager(add) : try members(add, remove)))
    case .delete(let kind, let id):
      return .delete(endpoint: endpoint(kind), id: id)
    }
  }

  private static func resource(_ kind: ObjectKind, _ anchor: String, _ attributes: Attributes) -> SCIMResource {
    if kind == .group {
      var group = SCIMGroup(displayName: attributes.text("displayName") ?? "")
      group.externalId = anchor
      return group.resource
    }
    var user = SCIMUser(userName: attributes.text("userPrincipalName") ?? "")
    user.externalId = anchor
    user.active = attributes.text("accountEnabled") != "false"
    user.displayName = attributes.text("displayName")
    user.givenName = attributes.text("givenName")
    user.familyName = attributes.text("surname")
    user.title = attributes.text("jobTitle")
    user.resource["preferredLanguage"] = attributes.text("preferredLanguage")
    user.resource.attributes["emails"] = emails(attributes)
    user.resource.attributes["phoneNumbers"] = phoneNumbers(attributes)
    user.resource.attributes["addresses"] = addresses(attributes)
    var enterprise = user.enterprise
    enterprise.department = attributes.text("department")
    enterprise.organization = attributes.text("companyName")
    enterprise.employeeNumber = attributes.text("employeeId")
    user.enterprise = enterprise
    return user.resource
  }

  private static func emails(_ attributes: Attributes) -> JSONValue? {
    let values = attributes.texts("proxyAddresses").map { address in
      let isPrimary = address.hasPrefix("SMTP:")
      return SCIMMultiValue(Address.bare(address), type: isPrimary ? "work" : "other", primary: isPrimary).json
    }
    return values.isEmpty ? nil : .array(values)
  }

  private static func phoneNumbers(_ attributes: Attributes) -> JSONValue? {
    let values = phones.compactMap { name, type in attributes.text(name).map { SCIMMultiValue($0, type: type).json } }
    return values.isEmpty ? nil : .array(values)
  }

  private static func addresses(_ attributes: Attributes) -> JSONValue? {
    var address = JSONObject()
    for (name, part) in addressParts { address[part] = attributes.text(name).map(JSONValue.string) }
    guard !address.isEmpty else { return nil }
    address["type"] = "work"
    return [.object(address)]
  }

  private static func operations(
    _ kind: ObjectKind, _ changes: Attributes, _ attributes: Attributes
  ) throws -> [PatchOperation] {
    kind == .user
      ? try userOperations(changes, attributes)
      : try changes.names.map { try operation($0, changes.text($0).map(JSONValue.string)) }
  }

  private static func userOperations(_ changes: Attributes, _ attributes: Attributes) throws -> [PatchOperation] {
    let changed = Set(changes.names)
    var operations = try texts.filter { changed.contains($0.name) }.map { name, path in
      try operation(path, changes.text(name).map(JSONValue.string))
    }
    if changed.contains("accountEnabled") {
      operations.append(try operation("active", .bool(changes.text("accountEnabled") != "false")))
    }
    // A value of a multi-valued attribute has no name of its own: the whole attribute is told.
    if changed.contains("proxyAddresses") { operations.append(try operation("emails", emails(attributes))) }
    if phones.contains(where: { changed.contains($0.name) }) {
      operations.append(try operation("phoneNumbers", phoneNumbers(attributes)))
    }
    if addressParts.contains(where: { changed.contains($0.name) }) {
      operations.append(try operation("addresses", addresses(attributes)))
    }
    return operations
  }

  private static func operation(_ path: String, _ value: JSONValue?) throws -> PatchOperation {
    PatchOperation(value == nil ? .remove : .replace, try PatchPath.parse(path), value)
  }

  private static func manager(_ add: [LinkedObject]) throws -> [PatchOperation] {
    let path = SCIMURI.enterpriseUser + ":manager"
    return [try operation(path, add.last.map { ["value": .string($0.id)] })]
  }

  private static func members(_ add: [LinkedObject], _ remove: [LinkedObject]) throws -> [PatchOperation] {
    var operations: [PatchOperation] = []
    for member in remove {
      operations.append(PatchOperation(.remove, try PatchPath.parse("members[value eq \(quoted(member.id))]")))
    }
    if !add.isEmpty {
      let values = add.map { GroupMember($0.id, type: $0.kind == .group ? "Group" : "User").json }
      operations.append(PatchOperation(.add, try PatchPath.parse("members"), .array(values)))
    }
    return operations
  }

  // MARK: From SCIM

  /// Nil when the resource has no id.
  static func record(_ resource: SCIMResource, _ kind: ObjectKind) -> TargetRecord? {
    guard let id = resource.id else { return nil }
    var record = TargetRecord(
      id: id, version: resource.meta?.version, sourceAnchor: resource.externalId, attributes: Attributes())
    func set(_ name: String, _ text: String?) {
      record.attributes.set(name, texts: text.flatMap { $0.isEmpty ? nil : [$0] } ?? [])
    }
    if kind == .group {
      let group = SCIMGroup(resource)
      set("displayName", group.displayName)
      record.links["members"] = group.members.map(\.value)
      return record
    }
    let user = SCIMUser(resource)
    set("userPrincipalName", user.userName)
    set("displayName", user.displayName)
    set("givenName", user.givenName)
    set("surname", user.familyName)
    set("jobTitle", user.title)
    set("preferredLanguage", resource["preferredLanguage"])
    set("accountEnabled", user.active.map { $0 ? "true" : "false" })
    set("department", user.enterprise.department)
    set("companyName", user.enterprise.organization)
    set("employeeId", user.enterprise.employeeNumber)
    record.attributes.set(
      "proxyAddresses", texts: user.emails.map { ($0.primary ? "SMTP:" : "smtp:") + $0.value })
    for (name, type) in phones { set(name, user.phoneNumbers.first { $0.type == type }?.value) }
    let address = resource.attributes["addresses"]?.array?.compactMap(\.object).first {
      $0["type"]?.string == "work"
    }
    for (name, part) in addressParts { set(name, address?[part]?.string) }
    if let manager = user.enterprise.manager { record.links["manager"] = [manager] }
    record.isPrivileged = isPrivileged(resource)
    return record
  }

  /// SCIM has no vocabulary for roles (RFC 7643 4.1.2): those that call themselves administrative or privileged, and
  /// accounts that are marked as the cloud's own.
  private static func isPrivileged(_ resource: SCIMResource) -> Bool {
    ["roles", "entitlements"].contains { name in
      (resource.attributes[name]?.array ?? []).contains { value in
        let texts = value.object.map { object in ["value", "display", "type"].compactMap { object[$0]?.string } }
        return (texts ?? [value.string].compactMap { $0 }).contains { text in
          let folded = text.lowercased()
          return ["admin", "privileged", "cloud-only", "cloudonly"].contains { folded.contains($0) }
        }
      }
    }
  }
}
