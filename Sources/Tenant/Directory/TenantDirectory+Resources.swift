// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import SCIM
import Store

/// Which attributes an answer has, as the client named them (RFC 7644 3.9), and under which base URI.
package struct Selection: Sendable, Hashable {
  /// Without a trailing slash; empty for relative references.
  package var base: String
  package var attributes: [String]
  package var excluded: [String]

  package init(base: String = "", attributes: [String] = [], excluded: [String] = []) {
    self.base = base
    self.attributes = attributes
    self.excluded = excluded
  }

  func projection(_ kind: ResourceKind) throws(SCIMError) -> Projection {
    try Projection(kind.definition, attributes: attributes, excluded: excluded)
  }

  var isEmpty: Bool { attributes.isEmpty && excluded.isEmpty }
}

/// What became of a request for one resource.
package struct ResourceOutcome: Sendable {
  /// Nil when there is nothing to show: the client has this version, or changed a group without asking to see it.
  package let resource: SCIMResource?
  package let tag: EntityTag
  package let location: String
}

/// Everything here throws `SCIMError` for what the client did wrong and `StoreError` for what the store could not do.
extension TenantDirectory {
  package func create(
    _ kind: ResourceKind, _ value: JSONValue, _ selection: Selection = Selection(), by actor: Actor
  ) async throws -> ResourceOutcome {
    let projection = try selection.projection(kind)
    return try await write(by: actor) { writer in
      let stored = try writer.create(kind, value)
      return try outcome(stored, projection, selection, writer.transaction)
    }
  }

  package func resource(
    _ kind: ResourceKind, _ id: String, _ selection: Selection = Selection(), _ preconditions: Preconditions? = nil
  ) async throws -> ResourceOutcome {
    let projection = try selection.projection(kind)
    return try await store.read { [limits] transaction in
      let reader = ResourceReader(transaction: transaction, base: selection.base, limits: limits)
      let stored = try reader.require(kind, id)
      let isNotModified = preconditions?.isNotModified(stored.entityTag) ?? false
      return ResourceOutcome(
        resource: isNotModified ? nil : try reader.represent(stored, projection), tag: stored.entityTag,
        location: kind.uri(id, base: selection.base))
    }
  }

  package func replace(
    _ kind: ResourceKind, _ id: String, _ value: JSONValue, _ selection: Selection = Selection(),
    _ preconditions: Preconditions? = nil, by actor: Actor
  ) async throws -> ResourceOutcome {
    let projection = try selection.projection(kind)
    return try await write(by: actor) { writer in
      let stored = try writer.require(kind, id, preconditions)
      return try outcome(try writer.replace(stored, value), projection, selection, writer.transaction)
    }
  }

  /// A group is shown only when the client names attributes: an answer with all members would cost more than the change.
  package func patch(
    _ kind: ResourceKind, _ id: String, _ request: PatchRequest, _ selection: Selection = Selection(),
    _ preconditions: Preconditions? = nil, by actor: Actor
  ) async throws -> ResourceOutcome {
    let projection = try selection.projection(kind)
    return try await write(by: actor) { writer in
      let stored = try writer.patch(try writer.require(kind, id, preconditions), request)
      let isShown = kind != .group || !selection.isEmpty
      return try outcome(stored, isShown ? projection : nil, selection, writer.transaction)
    }
  }

  package func delete(
    _ kind: ResourceKind, _ id: String, _ preconditions: Preconditions? = nil, by actor: Actor
  ) async throws {
    try await write(by: actor) { writer in try writer.delete(try writer.require(kind, id, preconditions)) }
  }

  func outcome(
    _ stored: StoredResource, _ projection: Projection?, _ selection: Selection, _ transaction: any Transaction
  ) throws -> ResourceOutcome {
    let reader = ResourceReader(transaction: transaction, base: selection.base, limits: limits)
    return ResourceOutcome(
      resource: try projection.map { try reader.represent(stored, $0) }, tag: stored.entityTag,
      location: stored.kind.uri(stored.id, base: selection.base))
  }

  /// What a client was told was written survives the loss of power.
  func write<R: Sendable>(
    by actor: Actor, _ body: @escaping @Sendable (ResourceWriter) throws -> R
  ) async throws -> R {
    let (now, random) = (environment.now(), environment.random)
    return try await store.write(durability: .full) { transaction in
      try body(ResourceWriter(transaction: transaction, actor: actor, now: now, random: random))
    }
  }
}

extension ResourceWriter {
  /// - Throws: `SCIMError` 404 when there is no such live resource, 412 when it has another version.
  func require(_ kind: ResourceKind, _ id: String, _ preconditions: Preconditions?) throws -> StoredResource {
    guard let stored = try StoredResource.find(kind, id, transaction) else {
      throw SCIMError.notFound("There is no \(kind.name) \(id.prefix(64)).")
    }
    try preconditions?.check(stored.entityTag)
    return stored
  }
}
