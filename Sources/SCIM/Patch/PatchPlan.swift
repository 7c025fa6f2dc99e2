// SPDX-License-Identifier: Apache-2.0

/// One change to a group's members that can be applied without loading the others.
package enum GroupMemberChange: Sendable {
  /// Those that are members already stay as they are.
  case add([GroupMember])
  /// By the members' ids; those that are no members are passed over.
  case remove([String])
  /// Every member that the selection matches.
  case removeMatching(GroupMemberSelection)
  /// These become the only members; none for a removal of all.
  case replaceAll([GroupMember])
}

/// A filter on a group's members, such as `members[type eq "Group"]`.
package struct GroupMemberSelection: Sendable {
  let node: CompiledFilter.ElementNode

  package func matches(_ member: GroupMember) -> Bool { CompiledFilter.matches(node, element: member.json) }
}

/// A PATCH of a group, taken apart: what it does to the members, in order, and what it does to all else. The two do not
/// depend on each other, so each can be applied on its own, in one transaction.
package struct PatchPlan: Sendable {
  package private(set) var memberChanges: [GroupMemberChange] = []
  /// The operations on other attributes, for `PatchApplier`; perhaps none.
  package private(set) var remainder = PatchRequest([])

  private let resourceType: ResourceTypeDefinition
  private let members: AttributeDefinition

  /// - Parameter resourceType: one whose core schema has `members`.
  /// - Throws: 400 `invalidPath`, `invalidFilter`, `invalidValue`, `mutability`.
  package init(_ request: PatchRequest, for resourceType: ResourceTypeDefinition = .group) throws(SCIMError) {
    guard let members = resourceType.schema.attribute(named: "members") else {
      throw .invalidPath("\(resourceType.name) has no members.")
    }
    self.resourceType = resourceType
    self.members = members
    for operation in request.operations { try take(operation) }
  }

  private mutating func take(_ operation: PatchOperation) throws(SCIMError) {
    if let path = operation.path {
      guard namesMembers(path.attribute) else {
        remainder.operations.append(operation)
        return
      }
      memberChanges += try change(operation.kind, path, operation.value)
      return
    }
    var rest: [JSONObject.Member] = []
    for member in operation.value?.object?.members ?? [] {
      if SCIMText.hasPrefix(member.name, "members") || SCIMText.hasPrefix(member.name, "urn:"),
        let path = try? PatchPath.parse(member.name), namesMembers(path.attribute)
      {
        memberChanges += try change(operation.kind, path, member.value)
      } else {
        rest.append(member)
      }
    }
    if !rest.isEmpty {
      remainder.operations.append(PatchOperation(operation.kind, nil, .object(JSONObject(distinct: rest))))
    }
  }

  private func namesMembers(_ path: AttributePath) -> Bool {
    guard case .attribute(let attribute)? = resourceType.resolve(path) else { return false }
    return attribute.container == nil && attribute.definition.name == members.name
  }

  private func change(
    _ kind: PatchOperation.Kind, _ path: PatchPath, _ value: JSONValue?
  ) throws(SCIMError) -> [GroupMemberChange] {
    guard path.attribute.subAttribute == nil, path.subAttribute == nil else {
      throw .mutability("\(path) cannot be changed; remove the member and add another.")
    }
    if let filter = path.filter {
      guard kind == .remove else { throw .mutability("\(path) cannot be changed; remove the member and add another.") }
      let compiler = FilterCompiler(resourceType: resourceType, unknownAttributes: .refused)
      let node = try compiler.compileElement(filter, of: members)
      if let ids = Self.ids(filter) { return [.remove(ids)] }
      return [.removeMatching(GroupMemberSelection(node: node))]
    }
    let list = try Self.members(value ?? .null, members)
    switch kind {
    case .add: return list.isEmpty ? [] : [.add(list)]
    case .replace: return [.replaceAll(list)]
    case .remove: return list.isEmpty ? [.replaceAll([])] : [.remove(list.map(\.value))]
    }
  }

  /// The ids in `value eq "a" or value eq "b"`; nil for any other filter.
  private static func ids(_ filter: Filter) -> [String]? {
    switch filter {
    case .comparison(let path, .equal, .string(let id)):
      return SCIMText.namesMatch(path.text, "value") ? [id] : nil
    case .or(let terms):
      var all: [String] = []
      for term in terms {
        guard let ids = ids(term) else { return nil }
        all += ids
      }
      return all
    default: return nil
    }
  }

  private static func members(
    _ value: JSONValue, _ definition: AttributeDefinition
  ) throws(SCIMError) -> [GroupMember] {
    let normalized = try AttributeNormalizer().normalize(value, as: definition, path: definition.name)
    var members: [GroupMember] = []
    var seen: Set<String> = []
    for element in normalized?.array ?? [] {
      guard let member = GroupMember(element), !member.value.isEmpty else {
        throw .invalidValue("Each member must have a value, the id of its resource.")
      }
      if seen.insert(member.value).inserted { members.append(member) }
    }
    return members
  }
}
