// SPDX-License-Identifier: Apache-2.0

package import IdentityModel

/// A directory that objects are written to.
package protocol ExportTarget: Sendable {
  /// The target's name in the store, in logs and in `connect status`.
  var name: String { get }

  /// The attributes of the metaverse, links included, that a target of this sort can have a place for.
  var vocabulary: [ObjectKind: Set<String>] { get }

  /// The part of ``vocabulary`` that a target has a place for only where it says so.
  var optionalVocabulary: [ObjectKind: Set<String>] { get }

  /// What of ``vocabulary`` the target at hand takes. It is asked whenever the target is read in full, and the answer is
  /// kept in between.
  func offeredVocabulary() async throws -> OfferedVocabulary

  /// Connects and tells what the target can do.
  func prepare() async throws -> TargetCapabilities

  /// Carries out operations on different objects, in any order, and tells the outcome of each in the order given.
  ///
  /// - Throws: when the target as a whole does not answer or refuses everyone; the outcome of every operation is then
  ///   unknown.
  func perform(_ operations: [ExportOperation]) async throws -> [ExportOutcome]

  /// The objects that have a value.
  func find(_ kind: ObjectKind, _ key: TargetKey) async throws -> [TargetRecord]

  /// Of some objects, those that it has: what became of an export that was interrupted.
  func objects(_ wanted: Set<AnchoredObject>) async throws -> [AnchoredObject: TargetRecord]

  /// Every object of these kinds, with its links, in any order. The stream ends without an error only when all were
  /// delivered.
  func reading(of kinds: [ObjectKind]) -> AsyncThrowingStream<[ReadRecord], any Error>

  /// Every deleted object of a kind that can be restored, the latest first; none where the target cannot tell. What was
  /// deleted since is tried to be restored all the same: ``ExportOutcome/notFound`` says that it cannot, and
  /// ``ExportOutcome/held(_:_:)`` that it is privileged.
  func deletedRecords(_ kind: ObjectKind) async throws -> [TargetRecord]

  /// An export in which something was sent has ended.
  func conclude(_ summary: ExportSummary) async throws
}

/// What an export did, for targets that want to know.
package struct ExportSummary: Sendable, Equatable {
  package var operations: Int
  package var successful: Int
}

extension ExportTarget {
  package func conclude(_ summary: ExportSummary) async throws {}

  package var optionalVocabulary: [ObjectKind: Set<String>] { [:] }

  package func offeredVocabulary() async throws -> OfferedVocabulary {
    OfferedVocabulary(kinds: Set(vocabulary.keys), optional: optionalVocabulary)
  }

  package func deletedRecords(_ kind: ObjectKind) async throws -> [TargetRecord] { [] }

  package func objects(_ wanted: Set<AnchoredObject>) async throws -> [AnchoredObject: TargetRecord] {
    var found: [AnchoredObject: TargetRecord] = [:]
    for object in wanted {
      try Task.checkCancellation()
      found[object] = try await find(object.kind, .sourceAnchor(object.sourceAnchor)).first
    }
    return found
  }
}

/// What targets of one sort can have a place for.
package struct TargetVocabulary: Sendable {
  /// The attributes of the metaverse, links included (``ExportTarget/vocabulary``).
  var attributes: [ObjectKind: Set<String>]
  /// The part of them that a target has to name (``ExportTarget/optionalVocabulary``).
  var optional: [ObjectKind: Set<String>]

  init(_ attributes: [ObjectKind: Set<String>], optional: [ObjectKind: Set<String>] = [:]) {
    self.attributes = attributes
    self.optional = optional
  }

  package static let scim = TargetVocabulary(SCIMMapping.vocabulary, optional: SCIMMapping.optionalVocabulary)
  package static let syncAPI = TargetVocabulary(SyncAPIMapping.vocabulary)
}

/// An object by what the target knows it by.
package struct AnchoredObject: Sendable, Hashable {
  package var kind: ObjectKind
  package var sourceAnchor: String

  package init(_ kind: ObjectKind, sourceAnchor: String) {
    self.kind = kind
    self.sourceAnchor = sourceAnchor
  }
}

/// A record of a reading of all kinds.
package struct ReadRecord: Sendable {
  package var kind: ObjectKind
  package var record: TargetRecord

  package init(_ kind: ObjectKind, _ record: TargetRecord) {
    self.kind = kind
    self.record = record
  }
}

/// What a target says that it takes.
package struct OfferedVocabulary: Sendable, Hashable {
  package var kinds: Set<ObjectKind>
  /// Of the attributes that not every target has a place for.
  package var optional: [ObjectKind: Set<String>]

  package init(kinds: Set<ObjectKind>, optional: [ObjectKind: Set<String>] = [:]) {
    self.kinds = kinds
    self.optional = optional
  }

  /// As the store keeps it: `group user user.onPremisesSecurityIdentifier`.
  var text: String {
    let attributes = optional.flatMap { kind, names in names.map { "\(kind.rawValue).\($0)" } }
    return (kinds.map(\.rawValue) + attributes).sorted().joined(separator: " ")
  }

  init(text: String) {
    self.init(kinds: [])
    for word in text.split(separator: " ") {
      let parts = word.split(separator: ".", maxSplits: 1)
      guard let first = parts.first, let kind = ObjectKind(rawValue: String(first)) else { continue }
      if parts.count == 2 { optional[kind, default: []].insert(String(parts[1])) } else { kinds.insert(kind) }
    }
  }
}

/// By what an object is looked up.
package enum TargetKey: Sendable, Hashable {
  case sourceAnchor(String)
  case userName(String)
  /// A mail address without its prefix.
  case address(String)
}

/// What a target can do.
package struct TargetCapabilities: Sendable, Equatable {
  /// How many operations one request may carry.
  package var operationsPerRequest: Int
  /// How many requests may be under way.
  package var concurrency: Int
  package init(operationsPerRequest: Int, concurrency: Int) {
    self.operationsPerRequest = max(1, operationsPerRequest)
    self.concurrency = max(1, concurrency)
  }

  /// Each operation in a request of its own, so that one that the target stumbles over is alone.
  var singly: TargetCapabilities { TargetCapabilities(operationsPerRequest: 1, concurrency: concurrency) }
}

/// An object as the target holds it, in the metaverse's vocabulary.
package struct TargetRecord: Sendable, Equatable {
  package var id: String
  package var version: String?
  package var sourceAnchor: String?
  package var attributes: Attributes
  /// The target's identifiers of linked objects, by attribute; only where the target was asked for them.
  package var links: [String: [String]]
  /// Whether it holds an administrative role, or is marked as the target's own: it is never taken over.
  package var isPrivileged: Bool
  /// Whether it is deleted and can be restored.
  package var isDeleted: Bool

  package init(
    id: String, version: String? = nil, sourceAnchor: String?, attributes: Attributes, links: [String: [String]] = [:],
    isPrivileged: Bool = false, isDeleted: Bool = false
  ) {
    self.isPrivileged = isPrivileged
    self.isDeleted = isDeleted
    self.id = id
    self.version = version
    self.sourceAnchor = sourceAnchor
    self.attributes = attributes
    self.links = links
  }
}

/// One request to a target about one object.
package enum ExportOperation: Sendable, Equatable {
  case create(ObjectKind, sourceAnchor: String, attributes: Attributes)
  /// `changes` holds the attributes that differ from what the target confirmed; those without values are to be removed.
  /// `attributes` is all that the object shall have.
  case update(ObjectKind, id: String, changes: Attributes, attributes: Attributes)
  /// Makes an object that the target holds one of ours: restores it where it is deleted, gives it the source anchor, and
  /// changes what differs.
  case adopt(
    ObjectKind, id: String, sourceAnchor: String, isDeleted: Bool, changes: Attributes, attributes: Attributes)
  case link(ObjectKind, id: String, attribute: String, add: [LinkedObject], remove: [LinkedObject])
  case delete(ObjectKind, id: String)
}

/// An object that another one refers to.
package struct LinkedObject: Sendable, Hashable {
  package var kind: ObjectKind
  package var id: String

  package init(_ kind: ObjectKind, id: String) {
    self.kind = kind
    self.id = id
  }
}

/// What became of an operation.
package enum ExportOutcome: Sendable, Equatable {
  /// Done; the record is what the target says it holds now, nil when it did not say.
  case done(TargetRecord?)
  /// Done, and what was deleted is back: besides the record, the identifiers of the groups that it came back to, as far as
  /// the target tells.
  case restored(TargetRecord?, groups: [String])
  /// It was there before, with this source anchor.
  case existing(TargetRecord)
  /// It was there before, without a source anchor, and is to be taken over.
  case matching(TargetRecord)
  /// What was there before is not taken over.
  case held(QuarantineReason, String)
  /// The object does not exist.
  case notFound
  /// A value that must be unique belongs to another object.
  case conflict(String)
  /// The target will not do it, for a reason of this object alone.
  case refused(String)
  /// Nobody knows whether it was done.
  case unanswered(String)
  /// Nobody knows whether it was done, and nothing else can be: the target as a whole does not answer or refuses
  /// everyone.
  case unavailable(String)

  var isUnanswered: Bool { if case .unanswered = self { true } else { false } }
  var isUnavailable: Bool { if case .unavailable = self { true } else { false } }
}
