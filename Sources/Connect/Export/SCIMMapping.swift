// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import SCIM
import Wire

/// Operations as changes of SCIM resources, and resources as records, by the form of each kind (``SCIMForm``).
enum SCIMMapping {
  static let vocabulary: [ObjectKind: Set<String>] = Dictionary(
    uniqueKeysWithValues: ObjectKind.allCases.compactMap { kind in SCIMForm.of(kind).map { (kind, $0.vocabulary) } })

  static let optionalVocabulary: [ObjectKind: Set<String>] = vocabulary.keys.reduce(into: [:]) { result, kind in
    guard let optional = SCIMForm.of(kind)?.optional, !optional.isEmpty else { return }
    result[kind] = Set(optional.keys)
  }

  /// - Throws: ``ConnectError`` for a kind that is never exported.
  static func form(_ kind: ObjectKind) throws -> SCIMForm {
    guard let form = SCIMForm.of(kind) else {
      throw ConnectError.corrupt("an object of type \(kind.rawValue) to export")
    }
    return form
  }

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

  /// Groups that have a member, by the service's identifier.
  static func memberFilter(_ id: String) -> String { "members.value eq \(quoted(id))" }

  // MARK: To SCIM

  static func change(_ operation: ExportOperation) throws -> SCIMChange {
    switch operation {
    case .create(let kind, let anchor, let attributes):
      let form = try form(kind)
      return .create(endpoint: form.endpoint, form.resource(externalId: anchor, attributes))
    case .update(let kind, let id, let changes, let attributes):
      let form = try form(kind)
      return .patch(
        endpoint: form.endpoint, id: id, PatchRequest(try form.operations(changed: Set(changes.names), attributes)))
    case .adopt(let kind, let id, let anchor, let isDeleted, let changes, let attributes):
      let form = try form(kind)
      // What comes back brings along what it referred to: what it refers to now is told afterwards, as of a new one.
      let former = isDeleted ? form.links.filter { form.optional[$0.key] == nil }.sorted { $0.key < $1.key } : []
      return .patch(
        endpoint: form.endpoint, id: id,
        PatchRequest(
          [try SCIMFieldPath("externalId").operation(.string(anchor))]
            + (try form.operations(changed: Set(changes.names), attributes))
            + (try former.map { try $0.value.operation(nil) })))
    case .link(let kind, let id, let attribute, let add, let remove):
      let form = try form(kind)
      let path = form.links[attribute] ?? SCIMFieldPath(attribute)
      return .patch(
        endpoint: form.endpoint, id: id,
        PatchRequest(attribute == "members" ? try members(path, add, remove) : [try reference(path, add)]))
    case .delete(let kind, let id): return .delete(endpoint: try form(kind).endpoint, id: id)
    }
  }

  private static func reference(_ path: SCIMFieldPath, _ add: [LinkedObject]) throws -> PatchOperation {
    try path.operation(add.last.map { ["value": .string($0.id)] })
  }

  private static func members(
    _ path: SCIMFieldPath, _ add: [LinkedObject], _ remove: [LinkedObject]
  ) throws -> [PatchOperation] {
    var operations: [PatchOperation] = []
    for member in remove {
      operations.append(PatchOperation(.remove, try PatchPath.parse("\(path.text)[value eq \(quoted(member.id))]")))
    }
    if !add.isEmpty {
      let values = try add.map { GroupMember($0.id, type: try form($0.kind).type.name).json }
      operations.append(PatchOperation(.add, try PatchPath.parse(path.text), .array(values)))
    }
    return operations
  }

  // MARK: From SCIM

  /// Nil when the resource has no id.
  static func record(_ resource: SCIMResource, _ kind: ObjectKind) -> TargetRecord? {
    guard let id = resource.id, let form = SCIMForm.of(kind) else { return nil }
    var record = TargetRecord(
      id: id, version: resource.meta?.version, sourceAnchor: resource.externalId,
      attributes: form.attributes(of: resource))
    for (name, ids) in form.references(of: resource) where name == "members" || !ids.isEmpty {
      record.links[name] = ids
    }
    record.isPrivileged = kind == .user && resource.isPrivileged
    return record
  }
}
