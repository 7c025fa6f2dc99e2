// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import LDAP
import Wire

/// Reads access lists, on a connection of its own to the domain controller that is being read: the reading's own one
/// waits until what came is stored.
struct LDAPReadingRights: ReadingRights {
  private let session: LDAPSession

  init(_ session: LDAPSession) { self.session = session }

  /// Objects in one search: a filter of some 3 kB.
  private static let objectsPerSearch = 100

  func hidden(_ losses: [Loss], since watermark: Watermark?) async throws -> [Anchor: Set<String>] {
    // What is asked for no more is no loss.
    let losses = losses.map { Loss($0.anchor, $0.attributes.intersection(session.requestedNames)) }
      .filter { !$0.attributes.isEmpty }
    guard !losses.isEmpty else { return [:] }
    return try await connected { connection in
      let names = losses.reduce(into: Set<String>()) { $0.formUnion($1.attributes) }
      let judge = try await judge(connection, names, since: watermark)
      let objects = try await objects(losses.map(\.anchor), connection)
      var result: [Anchor: Set<String>] = [:]
      for loss in losses {
        let hidden = judge.among(loss.attributes, of: objects[loss.anchor])
        if !hidden.isEmpty { result[loss.anchor] = hidden }
      }
      return result
    }
  }

  func unseen(_ absentees: [Absentee]) async throws -> Set<Anchor> {
    guard !absentees.isEmpty else { return [] }
    return try await connected { connection in
      let judge = try await judge(connection, [], since: nil)
      let absent = Dictionary(absentees.map { ($0.anchor, $0.parent) }) { first, _ in first }
      let parents = try await objects(Array(Set(absentees.compactMap(\.parent))), connection)
      /// The highest of the absentees above one, or itself; as deep as directories are.
      func top(_ anchor: Anchor) -> Anchor {
        var place = anchor
        for _ in 0..<Self.maximumDepth {
          guard let parent = absent[place] ?? nil, absent[parent] != nil else { break }
          place = parent
        }
        return place
      }
      var verdicts: [Anchor: Bool] = [:]
      /// Whether one may be there: its container is not listed for the account, or it is there and does not show its class.
      func isUnseen(_ anchor: Anchor) async throws -> Bool {
        if let known = verdicts[anchor] { return known }
        let parent = absent[anchor] ?? nil
        var verdict = parent.map { !judge.isListed(parents[$0]) } ?? false
        if !verdict { verdict = try await isWithin(anchor, connection) }
        verdicts[anchor] = verdict
        return verdict
      }
      var unseen: Set<Anchor> = []
      for absentee in absentees {
        // Of what is below something that is not shown nothing can be said, nor of its container.
        let top = top(absentee.anchor)
        var isKept = try await isUnseen(top)
        if !isKept, top != absentee.anchor { isKept = try await isWithin(absentee.anchor, connection) }
        if isKept { unseen.insert(absentee.anchor) }
      }
      return unseen
    }
  }

  private static let maximumDepth = 128

  /// Whether an object is in the domain although the enumeration did not bring it: its class is not shown.
  private func isWithin(_ anchor: Anchor, _ connection: LDAPConnection) async throws -> Bool {
    guard let guid = GUID(anchor.bytes), try await connection.isThere("<GUID=\(guid)>") else { return false }
    // One that shows its class and does not match is of another class now.
    return try await connection.entry("<GUID=\(guid)>", attributes: ["objectClass"])?["objectClass"] == nil
  }

  private func connected<R: Sendable>(_ body: (LDAPConnection) async throws -> R) async throws -> R {
    do { return try await session.another().use(body) } catch { throw await session.lost(error) }
  }

  func judge(
    _ connection: LDAPConnection, _ names: Set<String>, since watermark: Watermark?
  ) async throws -> HiddenValues {
    let isSame = watermark?.invocation == session.invocation.bytes
    return HiddenValues(
      token: try await LDAPForestDirectory(connection).token(),
      properties: try await properties(names, connection), last: isSame ? watermark?.sequence : nil)
  }

  private func properties(
    _ names: Set<String>, _ connection: LDAPConnection
  ) async throws -> [String: HiddenValues.Property] {
    guard !names.isEmpty, let base = try await connection.rootDSE().schemaNamingContext else { return [:] }
    var result: [String: HiddenValues.Property] = [:]
    for slice in names.sorted().chunks(of: Self.objectsPerSearch) {
      let filter = Filter.and([
        .equal("objectClass", "attributeSchema"), .or(slice.map { .equal("lDAPDisplayName", $0) }),
      ])
      let found = connection.search(
        base: base, scope: .oneLevel, filter: filter,
        attributes: [
          "lDAPDisplayName", "schemaIDGUID", "attributeSecurityGUID", "searchFlags", "systemFlags", "linkID",
        ])
      for try await entry in found {
        guard let name = entry.string("lDAPDisplayName"), let identifier = entry.guid("schemaIDGUID") else { continue }
        // MS-ADTS 2.2.9: fCONFIDENTIAL. 2.2.10: FLAG_ATTR_NOT_REPLICATED, FLAG_ATTR_IS_CONSTRUCTED. The deletion of an
        // object takes the references to it along without a change of those that hold them.
        result[name.lowercased()] = HiddenValues.Property(
          identifier: identifier, set: entry.guid("attributeSecurityGUID"),
          isConfidential: (entry.integer("searchFlags") ?? 0) & 0x80 != 0,
          isCounted: (entry.integer("systemFlags") ?? 0) & 0x5 == 0 && entry.integer("linkID") == nil)
      }
    }
    return result
  }

  func objects(
    _ anchors: [Anchor], _ connection: LDAPConnection
  ) async throws -> [Anchor: HiddenValues.Object] {
    let directory = LDAPForestDirectory(connection)
    var result: [Anchor: HiddenValues.Object] = [:]
    for slice in anchors.compactMap({ GUID($0.bytes) }).chunks(of: Self.objectsPerSearch) {
      let found = connection.search(
        base: session.base, filter: .or(slice.map { .equal("objectGUID", $0) }),
        attributes: ["objectGUID", "uSNChanged", "nTSecurityDescriptor"],
        controls: [LDAPForestDirectory.accessListOnly])
      for try await entry in found {
        guard let guid = entry.guid("objectGUID") else { continue }
        result[Anchor(guid.bytes)] = HiddenValues.Object(
          sequence: entry.integer("uSNChanged"), descriptor: try directory.descriptor(entry))
      }
    }
    return result
  }
}
