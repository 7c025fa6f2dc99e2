// SPDX-License-Identifier: Apache-2.0

@testable import Connect
import IdentityModel
import Synchronization

/// A directory that a test writes to as an administrator would, and that answers as a domain controller does: changes
/// carry what changed, children of a moved container are not told, groups that lose a deleted member are not told.
final class ScriptedDirectory: ImportSource, AnchorWriter {
  struct Object {
    var anchor: Anchor
    var kind: ObjectKind
    var rdn: String
    var parent: Anchor?
    var attributes: Attributes
    var links: [String: [Anchor]] = [:]
  }

  private struct State {
    var objects: [Anchor: Object] = [:]
    var order: [Anchor] = []
    var log: [Change] = []
    var nextAnchor: UInt16 = 1
    var invocation: [UInt8] = [1]
    var batchSize = 3
    /// Batches after which the next reading breaks; nil for never.
    var breakAfter: Int?
    /// Whether the end of the next full reading says that it was complete.
    var isComplete = true
    var isUnreachable = false
    var isSilent = false
    var attempts = 0
    var readings: [ImportReading.Mode] = []
    var rereads = 0
    var refusesAnchors = false
    var anchorsWritten = 0
    var anchorTurns = 0
    /// The domains that are read; nil for the forest's only one. Others are empty.
    var domains: [String]?
  }

  let name: String
  /// The first byte of its GUIDs, so that no two forests have the same.
  private let space: UInt8
  private let state = Mutex(State())

  init(name: String = "corp.example", space: UInt8 = 0) {
    self.name = name
    self.space = space
  }

  // MARK: What an administrator does

  /// Creates an object and returns its GUID.
  @discardableResult
  func add(
    _ kind: ObjectKind, _ rdn: String, in parent: Anchor?, _ attributes: [String: [String]] = [:],
    links: [String: [Anchor]] = [:]
  ) -> Anchor {
    state.withLock { state in
      let number = [UInt8(state.nextAnchor >> 8), UInt8(truncatingIfNeeded: state.nextAnchor)]
      let anchor = Anchor([space] + [UInt8](repeating: 0, count: 13) + number)
      state.nextAnchor += 1
      let object = Object(
        anchor: anchor, kind: kind, rdn: rdn, parent: parent, attributes: Attributes(texts: attributes), links: links)
      state.objects[anchor] = object
      state.order.append(anchor)
      state.log.append(Self.whole(object, state))
      return anchor
    }
  }

  func user(_ account: String, in parent: Anchor?, _ more: [String: [String]] = [:], links: [String: [Anchor]] = [:])
    -> Anchor
  {
    let attributes: [String: [String]] = [
      "samaccountname": [account], "userprincipalname": ["\(account)@corp.example"], "displayname": [account],
      "cn": [account], "useraccountcontrol": ["512"], "accountexpires": ["0"],
    ]
    return add(.user, "CN=\(account)", in: parent, attributes.merging(more) { $1 }, links: links)
  }

  func group(_ account: String, in parent: Anchor?, members: [Anchor] = []) -> Anchor {
    add(
      .group, "CN=\(account)", in: parent,
      ["samaccountname": [account], "displayname": [account], "cn": [account], "grouptype": ["-2147483646"]],
      links: ["member": members])
  }

  /// A foreign security principal for a security identifier.
  func foreign(_ sid: String, in parent: Anchor?) -> Anchor {
    add(.foreign, "CN=\(sid)", in: parent, ["cn": [sid], "objectsid": [sid]])
  }

  /// Replaces attributes; empty values clear them.
  func modify(_ anchor: Anchor, _ changes: [String: [String]]) {
    state.withLock { state in
      let changes = Attributes(texts: changes)
      state.objects[anchor]?.attributes.merge(changes)
      state.log.append(Change(anchor: anchor, name: Self.name(anchor, state), attributes: changes))
    }
  }

  /// Renames or moves.
  func move(_ anchor: Anchor, rdn: String? = nil, to parent: Anchor? = nil) {
    state.withLock { state in
      if let rdn { state.objects[anchor]?.rdn = rdn }
      if let parent { state.objects[anchor]?.parent = parent }
      state.log.append(
        Change(anchor: anchor, name: Self.name(anchor, state), parent: state.objects[anchor]?.parent))
    }
  }

  func link(_ owner: Anchor, _ attribute: String, add: [Anchor] = [], remove: [Anchor] = []) {
    state.withLock { state in
      state.objects[owner]?.links[attribute, default: []].removeAll { remove.contains($0) || add.contains($0) }
      state.objects[owner]?.links[attribute, default: []] += add
      var links: [LinkChange] = []
      if !add.isEmpty { links.append(LinkChange(attribute, .add, add)) }
      if !remove.isEmpty { links.append(LinkChange(attribute, .remove, remove)) }
      state.log.append(Change(anchor: owner, name: Self.name(owner, state), links: links))
    }
  }

  func delete(_ anchor: Anchor) {
    state.withLock { state in
      state.objects[anchor] = nil
      for owner in state.objects.keys {
        for attribute in state.objects[owner]?.links.keys.map({ $0 }) ?? [] {
          state.objects[owner]?.links[attribute]?.removeAll { $0 == anchor }
        }
      }
      state.log.append(Change(anchor: anchor, isDeleted: true))
    }
  }

  /// Moves an object to a domain that is not read: what refers to it still does.
  func leave(_ anchor: Anchor) {
    state.withLock { state in
      state.objects[anchor] = nil
      state.log.append(Change(anchor: anchor, isDeleted: true))
    }
  }

  /// Brings a deleted object back: the change tells only its name and place.
  func restore(
    _ anchor: Anchor, _ kind: ObjectKind, _ rdn: String, in parent: Anchor?, _ attributes: [String: [String]]
  ) {
    state.withLock { state in
      state.objects[anchor] = Object(
        anchor: anchor, kind: kind, rdn: rdn, parent: parent, attributes: Attributes(texts: attributes))
      if !state.order.contains(anchor) { state.order.append(anchor) }
      state.log.append(Change(anchor: anchor, name: Self.name(anchor, state), parent: parent))
    }
  }

  /// Brings a deleted object back from a recycle bin, with who referred to it: no owner of a reference tells that.
  func restoreWithReferences(
    _ anchor: Anchor, _ kind: ObjectKind, _ rdn: String, in parent: Anchor?, _ attributes: [String: [String]],
    referrers: [(attribute: String, owner: Anchor)]
  ) {
    restore(anchor, kind, rdn, in: parent, attributes)
    state.withLock { state in
      for referrer in referrers {
        state.objects[referrer.owner]?.links[referrer.attribute, default: []].append(anchor)
      }
    }
  }

  /// Deletes an object and brings it back before anybody looks: of both, one change is told, with the name and the place.
  ///
  /// - Parameter keepsLinks: the forest has a recycle bin, which brings back also who referred to it.
  func reanimate(_ anchor: Anchor, keepsLinks: Bool) {
    state.withLock { state in
      if !keepsLinks {
        for owner in state.objects.keys {
          for attribute in state.objects[owner]?.links.keys.map({ $0 }) ?? [] {
            state.objects[owner]?.links[attribute]?.removeAll { $0 == anchor }
          }
        }
      }
      var change = Change(anchor: anchor, name: Self.name(anchor, state), parent: state.objects[anchor]?.parent)
      change.isRestored = true
      state.log.append(change)
    }
  }

  // MARK: Faults

  func useAnotherDatabase() { state.withLock { $0.invocation[0] += 1 } }
  func breakOnce(afterBatches count: Int) { state.withLock { $0.breakAfter = count } }
  func beUnreachable(_ isUnreachable: Bool) { state.withLock { $0.isUnreachable = isUnreachable } }
  /// Neither answers nor refuses.
  func beSilent(_ isSilent: Bool) { state.withLock { $0.isSilent = isSilent } }
  /// How often somebody began to read.
  var attempts: Int { state.withLock { $0.attempts } }
  func readDomains(_ domains: [String]?) { state.withLock { $0.domains = domains } }
  func answerIncompletely() { state.withLock { $0.isComplete = false } }
  /// Removes an object as if it could no longer be seen.
  func hide(_ anchor: Anchor) { state.withLock { $0.objects[anchor] = nil } }
  var readings: [ImportReading.Mode] { state.withLock { $0.readings } }
  var rereads: Int { state.withLock { $0.rereads } }

  func refuseAnchors(_ refuses: Bool) { state.withLock { $0.refusesAnchors = refuses } }
  var anchorsWritten: Int { state.withLock { $0.anchorsWritten } }
  /// How often somebody wanted to write one.
  var anchorTurns: Int { state.withLock { $0.anchorTurns } }

  // MARK: AnchorWriter

  var source: String { name }

  func write(_ anchors: [AnchorWrite], in partition: String) async throws -> [String?] {
    anchors.map { write in
      let refusal = state.withLock { state -> String? in
        state.anchorTurns += 1
        if state.refusesAnchors { return "insufficient rights" }
        if state.objects[write.entry]?.attributes["ms-ds-consistencyguid"].isEmpty == false { return "it has one" }
        state.anchorsWritten += 1
        return nil
      }
      if let refusal { return refusal }
      modify(write.entry, ["ms-ds-consistencyguid": [String(decoding: write.anchor, as: UTF8.self)]])
      return nil
    }
  }

  // MARK: ImportSource

  func partitions() async throws -> [String] { state.withLock { $0.domains } ?? [name] }

  func read(_ partition: String, since watermark: Watermark?) async throws -> ImportReading {
    state.withLock { $0.attempts += 1 }
    while state.withLock({ $0.isSilent }) { try await Task.sleep(for: .milliseconds(1)) }
    if state.withLock({ $0.isUnreachable }) { throw ImportInterruption(reason: "nobody answers") }
    let (mode, changes, end, batchSize, breakAfter) = state.withLock { state in
      let sequence = Int64(state.log.count)
      let mark = Watermark(
        cookie: [UInt8(clamping: sequence)], server: "dc1", invocation: state.invocation, sequence: sequence)
      let objects = partition == name ? state.order.compactMap { state.objects[$0] } : []
      let isDelta = watermark.map { $0.invocation == state.invocation && $0.sequence <= sequence } ?? false
      let changes =
        isDelta
        ? partition == name ? Array(state.log[Int(watermark?.sequence ?? 0)...]) : []
        : objects.map { Self.whole($0, state) }
      let end = Batch.End(watermark: mark, isComplete: state.isComplete)
      defer { (state.breakAfter, state.isComplete) = (nil, true) }
      state.readings.append(isDelta ? .delta : .full)
      return (isDelta ? ImportReading.Mode.delta : .full, changes, end, state.batchSize, state.breakAfter)
    }
    let batches = Mutex(
      stride(from: 0, to: changes.count, by: batchSize).map { Array(changes[$0..<min($0 + batchSize, changes.count)]) })
    let position = Mutex(0)
    return ImportReading(
      mode: mode, note: nil, expected: changes.count, reread: { [self] anchors in reread(anchors) },
      batches: AsyncThrowingStream {
        let index = position.withLock { index in
          defer { index += 1 }
          return index
        }
        if let breakAfter, index >= breakAfter { throw ImportInterruption(reason: "the server went away") }
        let count = batches.withLock { $0.count }
        if index < count { return Batch(batches.withLock { $0[index] }) }
        return index == count ? Batch([], end: end) : nil
      })
  }

  func referrers(to anchors: [Anchor], in partition: String) async throws -> [Change] { [] }

  private func reread(_ anchors: [Anchor]) -> [Change] {
    state.withLock { state in
      state.rereads += 1
      return anchors.compactMap { state.objects[$0] }.map { object in
        var change = Self.whole(object, state)
        change.links = change.links.map { LinkChange($0.attribute, .replace, $0.targets) }
        for attribute in ["manager", "managedBy", "member"] {
          let owners = state.objects.values.filter { $0.links[attribute]?.contains(object.anchor) == true }
          change.referrers.append(LinkChange(attribute, .replace, owners.map(\.anchor)))
        }
        return change
      }
    }
  }

  private static func whole(_ object: Object, _ state: State) -> Change {
    Change(
      anchor: object.anchor, kind: object.kind, name: name(object.anchor, state), parent: object.parent,
      isComplete: true, attributes: object.attributes,
      links: object.links.map { LinkChange($0.key, .add, $0.value) })
  }

  private static func name(_ anchor: Anchor, _ state: State) -> String {
    var names: [String] = []
    var current: Anchor? = anchor
    while let anchor = current, let object = state.objects[anchor] {
      names.append(object.rdn)
      current = object.parent
    }
    return names.joined(separator: ",")
  }
}
