// SPDX-License-Identifier: Apache-2.0

@testable import Connect
import IdentityModel
import Synchronization

/// A directory service in memory with the rules that matter here: sign-in names are unique, members must exist, deleting
/// an object does not touch the groups that name it.
final class MemoryTarget: ExportTarget {
  struct Stored: Equatable {
    var kind: ObjectKind
    var sourceAnchor: String
    var attributes: Attributes
    var links: [String: Set<String>] = [:]
    var isPrivileged = false
  }

  struct Broken: Error {}

  private struct State {
    var objects: [String: Stored] = [:]
    var deleted: [String: Stored] = [:]
    /// The identifiers of those that were deleted, in that order.
    var deletions: [String] = []
    var nextID = 1
    var creates: [String: Int] = [:]
    var requests = 0
    var operations: [ExportOperation] = []
    /// The request that fails, counted from 1, and whether it is carried out all the same.
    var fault: (request: Int, isDone: Bool)?
    var refuses: Set<String> = []
    /// Display names of those that it does not take as members.
    var refusesMembers: Set<String> = []
    var refusesLinks = false
    /// Display names over which a whole request fails without an answer for any of its operations.
    var stumblesOver: Set<String> = []
    var isDown = false
    /// The kinds that it takes; nil for all of its vocabulary.
    var offered: Set<ObjectKind>?
    var asked = 0
    /// How often it was read in full.
    var readings = 0
    /// Operations until the target answers nobody any more; nil for never.
    var lastsFor: Int?
  }

  let name: String
  let vocabulary: [ObjectKind: Set<String>]
  let capabilities: TargetCapabilities
  /// Whether it keeps what is deleted.
  private let restoresDeleted: Bool
  /// Whether no two objects may have one address.
  private let hasUniqueAddresses: Bool
  /// Whether a reading mixes all kinds, instead of telling one after the other.
  private let readsTogether: Bool
  private let state = Mutex(State())

  init(
    _ name: String = "tenant", operationsPerRequest: Int = 1, concurrency: Int = 1,
    restoresDeleted: Bool = false, readsTogether: Bool = false, hasUniqueAddresses: Bool = false,
    vocabulary: [ObjectKind: Set<String>] = MemoryTarget.usersAndGroups
  ) {
    self.name = name
    self.vocabulary = vocabulary
    capabilities = TargetCapabilities(
      operationsPerRequest: operationsPerRequest, concurrency: concurrency)
    self.restoresDeleted = restoresDeleted
    self.readsTogether = readsTogether
    self.hasUniqueAddresses = hasUniqueAddresses
  }

  static let usersAndGroups: [ObjectKind: Set<String>] = [
    .user: [
      "userPrincipalName", "accountEnabled", "displayName", "givenName", "surname", "mail", "proxyAddresses",
      "department", "manager",
    ],
    .group: ["displayName", "members"],
  ]

  static let everything = usersAndGroups.merging([
    .contact: ["displayName", "mail", "proxyAddresses", "manager"],
    .device: ["displayName", "deviceId", "accountEnabled"],
  ]) { $1 }

  // MARK: What a test looks at and does

  var objects: [String: Stored] { state.withLock { $0.objects } }
  var creates: [String: Int] { state.withLock { $0.creates } }
  var requests: Int { state.withLock { $0.requests } }
  var operations: [ExportOperation] { state.withLock { $0.operations } }

  func fail(request: Int, isDone: Bool) { state.withLock { $0.fault = ($0.requests + request, isDone) } }
  func beUnavailable(afterOperations count: Int?) { state.withLock { $0.lastsFor = count } }
  func beDown(_ isDown: Bool) { state.withLock { $0.isDown = isDown } }
  func offer(_ kinds: Set<ObjectKind>?) { state.withLock { $0.offered = kinds } }
  /// How often it was asked what it takes.
  var asked: Int { state.withLock { $0.asked } }
  var readings: Int { state.withLock { $0.readings } }
  func failNoMore() { state.withLock { $0.fault = nil } }
  func refuse(_ names: Set<String>) { state.withLock { $0.refuses = names } }
  func refuseMembers(_ names: Set<String>) { state.withLock { $0.refusesMembers = names } }
  func refuseLinks(_ refuses: Bool) { state.withLock { $0.refusesLinks = refuses } }
  func stumble(over names: Set<String>) { state.withLock { $0.stumblesOver = names } }
  func forgetOperations() { state.withLock { $0.operations = [] } }

  func id(_ name: String) -> String? {
    state.withLock { state in
      state.objects.first {
        $0.value.attributes.text("userPrincipalName") == name || $0.value.attributes.text("displayName") == name
      }?.key
    }
  }

  subscript(_ name: String) -> Stored? { id(name).flatMap { objects[$0] } }

  /// The display names of the members of a group.
  func members(_ group: String) -> [String] {
    let objects = objects
    return (self[group]?.links["members"] ?? []).compactMap { objects[$0]?.attributes.text("displayName") }.sorted()
  }

  /// Those that are deleted and can be restored, by what they were called.
  var deletedNames: [String] {
    state.withLock { $0.deleted.values.compactMap { $0.attributes.text("displayName") }.sorted() }
  }

  func purgeDeleted() { state.withLock { $0.deleted = [:] } }

  /// What somebody else deletes at the target, in this order.
  func delete(_ objects: [(id: String, stored: Stored)]) {
    state.withLock { state in
      for (id, stored) in objects {
        state.objects[id] = nil
        state.deleted[id] = stored
        state.deletions.append(id)
      }
    }
  }

  /// Brings back what was deleted, as it was.
  func restore(_ id: String) { state.withLock { $0.objects[id] = $0.deleted.removeValue(forKey: id) } }

  /// What somebody else does at the target.
  func tamper(_ body: (inout [String: Stored]) -> Void) { state.withLock { body(&$0.objects) } }

  /// Everything by names, for comparing two targets.
  var picture: [String: [String: [String]]] {
    let objects = objects
    var picture: [String: [String: [String]]] = [:]
    for object in objects.values {
      var row: [String: [String]] = [:]
      for name in object.attributes.names { row[name] = object.attributes.texts(name).sorted() }
      for (name, ids) in object.links where !ids.isEmpty {
        row[name] = ids.map { objects[$0]?.sourceAnchor ?? "dangling" }.sorted()
      }
      picture[object.sourceAnchor] = row
    }
    return picture
  }

  // MARK: ExportTarget

  func offeredVocabulary() async throws -> OfferedVocabulary {
    try state.withLock { state in
      state.asked += 1
      if state.isDown { throw Broken() }
      return OfferedVocabulary(kinds: state.offered ?? Set(vocabulary.keys))
    }
  }

  func prepare() async throws -> TargetCapabilities {
    if state.withLock({ $0.isDown }) { throw Broken() }
    return capabilities
  }

  func perform(_ operations: [ExportOperation]) async throws -> [ExportOutcome] {
    try state.withLock { state in
      state.requests += 1
      let fault = state.fault.flatMap { $0.request == state.requests ? $0 : nil }
      if let fault, !fault.isDone { throw Broken() }
      let stumbles = operations.contains { operation in
        guard case .create(_, _, let attributes) = operation else { return false }
        return attributes.text("displayName").map(state.stumblesOver.contains) ?? false
      }
      if stumbles { return operations.map { _ in .unanswered("500") } }
      let outcomes = operations.map { operation -> ExportOutcome in
        if let left = state.lastsFor {
          if left == 0 { return .unavailable("503") }
          state.lastsFor = left - 1
        }
        let outcome = apply(operation, &state)
        if !restoresDeleted { state.deleted = [:] }
        return outcome
      }
      if fault != nil { throw Broken() }
      return outcomes
    }
  }

  func find(_ kind: ObjectKind, _ key: TargetKey) async throws -> [TargetRecord] {
    state.withLock { state in
      state.objects.filter { object in
        guard object.value.kind == kind else { return false }
        return switch key {
        case .sourceAnchor(let anchor): object.value.sourceAnchor == anchor
        case .userName(let name):
          object.value.attributes.text("userPrincipalName")?.lowercased() == name.lowercased()
        case .address(let address): Matching.Names(object.value.attributes).address == address.lowercased()
        }
      }.map(Self.record)
    }
  }

  func reading(of kinds: [ObjectKind]) -> AsyncThrowingStream<[ReadRecord], any Error> {
    let pages = state.withLock { state in
      state.readings += 1
      let records = state.objects.map { ReadRecord($0.value.kind, Self.record($0.key, $0.value)) }
        .sorted { ($0.kind.rawValue, $0.record.id) < ($1.kind.rawValue, $1.record.id) }
      // Groups come before their members, and each object on a page of its own.
      if readsTogether { return records.filter { kinds.contains($0.kind) }.map { [$0] } }
      return kinds.map { kind in records.filter { $0.kind == kind } }
    }
    return AsyncThrowingStream { continuation in
      for page in pages { continuation.yield(page) }
      continuation.finish()
    }
  }

  func deletedRecords(_ kind: ObjectKind) async throws -> [TargetRecord] {
    state.withLock { state in
      state.deletions.reversed().compactMap { id in
        guard let stored = state.deleted[id], stored.kind == kind else { return nil }
        return TargetRecord(
          id: id, sourceAnchor: stored.sourceAnchor, attributes: Attributes(), isPrivileged: stored.isPrivileged,
          isDeleted: true)
      }
    }
  }

  private static func record(_ id: String, _ stored: Stored) -> TargetRecord {
    TargetRecord(
      id: id, sourceAnchor: stored.sourceAnchor, attributes: stored.attributes,
      links: stored.links.mapValues { Array($0) }, isPrivileged: stored.isPrivileged)
  }

  private func apply(_ operation: ExportOperation, _ state: inout State) -> ExportOutcome {
    state.operations.append(operation)
    switch operation {
    case .create(let kind, let anchor, let attributes):
      if let outcome = refusal(attributes, nil, state) { return outcome }
      let id = "r\(state.nextID)"
      state.nextID += 1
      let stored = Stored(kind: kind, sourceAnchor: anchor, attributes: attributes)
      state.objects[id] = stored
      state.creates[anchor, default: 0] += 1
      return .done(Self.record(id, stored))
    case .update(_, let id, let changes, _):
      guard var stored = state.objects[id] else { return .notFound }
      if let outcome = refusal(changes, id, state) { return outcome }
      stored.attributes.merge(changes)
      state.objects[id] = stored
      return .done(Self.record(id, stored))
    case .adopt(_, let id, let anchor, let isDeleted, let changes, _):
      guard var stored = isDeleted ? state.deleted[id] : state.objects[id] else { return .notFound }
      if isDeleted, stored.isPrivileged { return .held(.privilegedMatch, "it is privileged") }
      if let outcome = refusal(changes, id, state) { return outcome }
      state.deleted[id] = nil
      stored.sourceAnchor = anchor
      stored.attributes.merge(changes)
      state.objects[id] = stored
      let record = Self.record(id, stored)
      guard isDeleted else { return .done(record) }
      let groups = state.objects.filter { $0.value.links["members"]?.contains(id) == true }.keys
      return .restored(record, groups: groups.sorted())
    case .link(_, let id, let attribute, let add, let remove):
      guard state.objects[id] != nil else { return .notFound }
      if state.refusesLinks { return .refused("no members today") }
      guard add.allSatisfy({ state.objects[$0.id] != nil }) else { return .refused("no such member") }
      let names = add.compactMap { state.objects[$0.id]?.attributes.text("displayName") }
      guard state.refusesMembers.isDisjoint(with: names) else { return .refused("not as a member") }
      if attribute == "manager", !add.isEmpty { state.objects[id]?.links[attribute] = [] }
      for member in remove { state.objects[id]?.links[attribute]?.remove(member.id) }
      for member in add { state.objects[id]?.links[attribute, default: []].insert(member.id) }
      return .done(nil)
    case .delete(_, let id):
      guard let stored = state.objects.removeValue(forKey: id) else { return .notFound }
      state.deleted[id] = stored
      state.deletions.append(id)
      return .done(nil)
    }
  }

  private func refusal(_ attributes: Attributes, _ id: String?, _ state: State) -> ExportOutcome? {
    if let name = attributes.text("userPrincipalName"), state.refuses.contains(name) { return .refused("not this one") }
    let wanted = Claims.wanted(by: attributes).filter { $0.space == .userName || hasUniqueAddresses }
    let isTaken = state.objects.contains { other in
      other.key != id && !wanted.isDisjoint(with: Claims.wanted(by: other.value.attributes))
    }
    return isTaken ? .conflict("the name is taken") : nil
  }
}
