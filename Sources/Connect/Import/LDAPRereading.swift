// SPDX-License-Identifier: Apache-2.0

import DirectoryLocator
import IdentityModel
import LDAP
import Wire

/// Reads single objects, on a connection of its own to the domain controller that is being read: another one may not have
/// heard of what that one told, and the reading's own connection waits until what came is stored.
struct LDAPRereading: Sendable {
  private let session: LDAPSession

  init(_ session: LDAPSession) { self.session = session }

  /// Objects in one DirSync read: a filter of some 3 kB.
  private static let objectsPerRead = 100

  /// Objects as they are now, with who refers to them in the domain.
  ///
  /// - Throws: ``ImportInterruption`` when the controller knows nothing of one: it told of it a moment ago.
  @Sendable func read(_ anchors: [Anchor]) async throws -> [Change] {
    do {
      return try await session.another().use { connection in
        let back = try await connection.backLinks(of: session.selection.links, connection.rootDSE())
        var changes: [Change] = []
        var unseen: [Anchor] = []
        var silent: [Anchor: Set<String>] = [:]
        for anchor in anchors {
          guard let guid = GUID(anchor.bytes) else { continue }
          let entry = try await connection.entry(
            "<GUID=\(guid)>", attributes: session.attributes + back.values, filter: session.selection.filter,
            extendedDNs: true)
          guard let entry, entry.bool("isDeleted") != true else {
            unseen.append(anchor)
            continue
          }
          var change = try session.mapper.change(whole: entry, links: .replace)
          for (link, name) in back {
            let owners = try entry.links(name).compactMap { $0.guid.map { Anchor($0.bytes) } }
            change.referrers.append(IdentityModel.LinkChange(link, .replace, owners))
            if owners.isEmpty { silent[anchor, default: []].insert(name) }
          }
          changes.append(change)
        }
        try await keepHidden(silent, back, in: &changes, connection)
        return try await changes + whole(unseen, connection)
      }
    } catch {
      throw await session.lost(error)
    }
  }

  /// That nobody refers to an object is believed where the account may see who does.
  private func keepHidden(
    _ silent: [Anchor: Set<String>], _ back: [String: String], in changes: inout [Change], _ connection: LDAPConnection
  ) async throws {
    guard !silent.isEmpty else { return }
    let rights = LDAPReadingRights(session)
    let judge = try await rights.judge(connection, Set(back.values.map { $0.lowercased() }), since: nil)
    let objects = try await rights.objects(Array(silent.keys), connection)
    for index in changes.indices {
      let anchor = changes[index].anchor
      guard let names = silent[anchor] else { continue }
      let hidden = judge.among(Set(names.map { $0.lowercased() }), of: objects[anchor])
      changes[index].referrers.removeAll { back[$0.attribute].map { hidden.contains($0.lowercased()) } ?? true }
    }
  }

  /// What a search does not show the account: DirSync does, and it tells what was deleted meanwhile.
  private func whole(_ unseen: [Anchor], _ connection: LDAPConnection) async throws -> [Change] {
    var changes: [Change] = []
    for slice in unseen.chunks(of: Self.objectsPerRead) {
      let guids = slice.compactMap { GUID($0.bytes) }
      let request = session.request(since: [], only: .or(guids.map { .equal("objectGUID", $0) }))
      for try await part in connection.dirSyncParts(request) {
        for entry in part.entries {
          var change = try session.mapper.change(entry, isFull: true)
          change.links = session.selection.links.map { name in
            IdentityModel.LinkChange(name, .replace, change.links.filter { $0.attribute == name }.flatMap(\.targets))
          }
          changes.append(change)
        }
      }
    }
    if let missing = Set(unseen).subtracting(changes.map(\.anchor)).first.flatMap({ GUID($0.bytes) }) {
      throw LDAPError(
        .incomplete, "\(session.controller.hostName) told of the object \(missing) and does not find it.",
        remedy: "It is read again.")
    }
    return changes
  }

  /// Who refers to objects of another domain, asked by the references themselves: a back link is told by an object's own
  /// domain only.
  func referrers(to anchors: [Anchor], _ connection: LDAPConnection) async throws -> [Change] {
    var changes: [Change] = []
    for anchor in anchors {
      guard let guid = GUID(anchor.bytes) else { continue }
      var change = Change(anchor: anchor)
      for link in session.selection.links {
        let found = connection.search(
          base: session.base, filter: .equal(link, "<GUID=\(guid)>"), attributes: ["objectGUID"])
        var owners: [Anchor] = []
        for try await entry in found { if let owner = entry.guid("objectGUID") { owners.append(Anchor(owner.bytes)) } }
        if !owners.isEmpty { change.referrers.append(IdentityModel.LinkChange(link, .add, owners)) }
      }
      changes.append(change)
    }
    return changes
  }
}
