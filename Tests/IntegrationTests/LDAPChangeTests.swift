// SPDX-License-Identifier: Apache-2.0

import Foundation
import LDAP
import Testing
import Wire

/// Writing, and seeing what was written through DirSync. Serialized: the suite changes the directory it reads.
@Suite(.enabled(if: Lab.current != nil), .serialized) struct LDAPChangeTests {
  /// LDAP_SERVER_TREE_DELETE_OID (MS-ADTS 3.1.1.3.4.1.15).
  private static let treeDelete = Control(ControlType(rawValue: "1.2.840.113556.1.4.805"), isCritical: true)

  /// An own container for one test, removed afterwards.
  func withUnit(_ body: (LDAPLab, LDAPConnection, String) async throws -> Void) async throws {
    let lab = try LDAPLab()
    let administrator = try await lab.administrator()
    let unit = "OU=LDAP \(UUID().uuidString),\(lab.base)"
    try await administrator.add(unit, [Attribute("objectClass", ["organizationalUnit"])])
    do {
      try await body(lab, administrator, unit)
      try await administrator.delete(unit, controls: [Self.treeDelete])
    } catch {
      try? await administrator.delete(unit, controls: [Self.treeDelete])
      throw error
    }
    await administrator.close()
  }

  func addUser(_ name: String, in unit: String, _ connection: LDAPConnection) async throws -> String {
    let dn = "CN=\(name),\(unit)"
    try await connection.add(
      dn,
      [
        Attribute("objectClass", ["user"]), Attribute("sAMAccountName", ["\(name)\(UUID().uuidString.prefix(8))"]),
        Attribute("mail", ["\(name)@corp.example"]),
      ])
    return dn
  }

  func addGroup(_ name: String, in unit: String, _ members: [String], _ connection: LDAPConnection) async throws
    -> String
  {
    let dn = "CN=\(name),\(unit)"
    try await connection.add(
      dn,
      [
        Attribute("objectClass", ["group"]), Attribute("sAMAccountName", ["\(name)\(UUID().uuidString.prefix(8))"]),
        Attribute("member", members),
      ])
    return dn
  }

  @Test func updatesAndCompare() async throws {
    try await withUnit { _, connection, unit in
      let user = try await addUser("Ägir", in: unit, connection)
      try await connection.modify(user, [.replace("displayName", ["Ägir Þór"]), .add("otherTelephone", ["1", "2"])])
      var entry = try await connection.entry(user, attributes: ["displayName", "otherTelephone"])
      #expect(entry?.string("displayName") == "Ägir Þór" && entry?.strings("otherTelephone").count == 2)
      let isSame = try await connection.compare(user, attribute: "displayName", value: Array("Ägir Þór".utf8))
      let isOther = try await connection.compare(user, attribute: "displayName", value: Array("x".utf8))
      #expect(isSame && !isOther)
      try await connection.modify(user, [.delete("otherTelephone", ["1"]), .replace("displayName", [])])
      entry = try await connection.entry(user, attributes: ["displayName", "otherTelephone"])
      #expect(entry?.string("displayName") == nil && entry?.strings("otherTelephone") == ["2"])
      let photo: [UInt8] = [0xFF, 0xD8, 0, 1, 2, 0xFF]
      try await connection.modify(user, [Modification(.replace, Attribute("thumbnailPhoto", [photo[...]]))])
      entry = try await connection.entry(user, attributes: ["thumbnailPhoto"])
      #expect(entry?.bytes("thumbnailPhoto") == photo)
      try await connection.modifyDN(user, newRDN: "CN=Renamed")
      entry = try await connection.entry("CN=Renamed,\(unit)", attributes: ["cn"])
      #expect(entry?.string("cn") == "Renamed")
      let again = await thrownError(LDAPError.self) {
        try await connection.add(unit, [Attribute("objectClass", ["organizationalUnit"])])
      }
      #expect(again?.code == .alreadyExists)
      try await connection.delete("CN=Renamed,\(unit)")
      entry = try await connection.entry("CN=Renamed,\(unit)", attributes: ["cn"])
      #expect(entry == nil)
    }
  }

  @Test func withoutRights() async throws {
    let lab = try LDAPLab()
    let connection = try await lab.plain()
    let error = await thrownError(LDAPError.self) {
      try await connection.modify(lab.base, [.replace("description", ["x"])])
    }
    #expect(error?.code == .insufficientAccessRights)
    await connection.close()
  }

  // MARK: DirSync

  static let filter = Filter.or([
    .equal("objectClass", "user"), .equal("objectClass", "group"), .equal("objectClass", "organizationalUnit"),
  ])
  static let attributes = ["name", "mail", "displayName", "member", "manager", "parentGUID", "sAMAccountName"]

  struct Delta {
    var changes: [DirectoryChange] = []
    var cookie = DirSyncCookie([])

    func change(_ guid: GUID) -> DirectoryChange? { changes.first { $0.guid == guid } }
  }

  func dirSync(_ connection: LDAPConnection, _ base: String, from cookie: DirSyncCookie) async throws -> Delta {
    var delta = Delta()
    let request = DirSyncRequest(base: base, filter: Self.filter, attributes: Self.attributes, cookie: cookie)
    for try await event in connection.dirSync(request) {
      switch event {
      case .change(let change): delta.changes.append(change)
      case .checkpoint(let cookie, _): delta.cookie = cookie
      }
    }
    return delta
  }

  @Test func theFullReadHoldsEverything() async throws {
    let lab = try LDAPLab()
    let connection = try await lab.service()
    var delta = Delta()
    try await lab.expectSameCount(Self.filter.description) {
      delta = try await dirSync(connection, lab.base, from: DirSyncCookie([]))
      return Set(delta.changes.filter { !$0.isDeleted }.map(\.guid)).count
    }
    let root = try await connection.rootDSE()
    let position = try #require(delta.cookie.position)
    let id = try await connection.invocationID(of: root)
    #expect(position.invocationID == id)
    #expect(!delta.cookie.isAhead(ofUSN: try #require(root.highestCommittedUSN), invocationID: id))
    let next = try await dirSync(connection, lab.base, from: delta.cookie)
    #expect(next.changes.count < delta.changes.count / 2)
    await connection.close()
  }

  @Test func deltas() async throws {
    try await withUnit { lab, administrator, unit in
      let connection = try await lab.service()
      func guid(_ dn: String) async throws -> GUID {
        try #require(try await administrator.entry(dn, attributes: ["objectGUID"])?.guid("objectGUID"))
      }
      let sub = "OU=Sub,\(unit)"
      try await administrator.add(sub, [Attribute("objectClass", ["organizationalUnit"])])
      let alice = try await addUser("alice", in: sub, administrator)
      let bob = try await addUser("bob", in: unit, administrator)
      let group = try await addGroup("g", in: unit, [alice], administrator)
      let (aliceID, bobID, groupID, subID) = (
        try await guid(alice), try await guid(bob), try await guid(group), try await guid(sub)
      )
      var cookie = try await connection.dirSyncCookie(base: lab.base)

      // A member comes, another goes.
      try await administrator.modify(group, [.add("member", [bob]), .delete("member", [alice])])
      var delta = try await dirSync(connection, lab.base, from: cookie)
      let links = try #require(delta.change(groupID)).links
      #expect(links.count == 2)
      #expect(links.contains { $0.kind == .added && $0.target.guid == bobID && $0.target.sid != nil })
      #expect(links.contains { $0.kind == .removed && $0.target.guid == aliceID })
      cookie = delta.cookie

      // A single-valued link, an attribute set, an attribute cleared.
      try await administrator.modify(alice, [.replace("manager", [bob]), .replace("mail", [])])
      try await administrator.modify(bob, [.replace("displayName", ["Bob"])])
      delta = try await dirSync(connection, lab.base, from: cookie)
      let changed = try #require(delta.change(aliceID))
      #expect(changed.cleared.contains("mail"))
      #expect(changed.links == [LinkChange("manager", .added, try #require(changed.links.first?.target))])
      #expect(changed.links.first?.target.guid == bobID)
      #expect(delta.change(bobID)?.entry.string("displayName") == "Bob")
      cookie = delta.cookie

      // The container is renamed: its children are not reported.
      try await administrator.modifyDN(sub, newRDN: "OU=Renamed")
      delta = try await dirSync(connection, lab.base, from: cookie)
      #expect(delta.change(subID)?.dn == "OU=Renamed,\(unit)" && delta.change(aliceID) == nil)
      cookie = delta.cookie

      // A user moves.
      try await administrator.modifyDN(bob, newRDN: "CN=bob", newSuperior: "OU=Renamed,\(unit)")
      delta = try await dirSync(connection, lab.base, from: cookie)
      #expect(delta.change(bobID)?.dn == "CN=bob,OU=Renamed,\(unit)")
      #expect(delta.change(bobID)?.entry.guid("parentGUID") == subID)
      cookie = delta.cookie

      // A user goes.
      try await administrator.delete("CN=alice,OU=Renamed,\(unit)")
      delta = try await dirSync(connection, lab.base, from: cookie)
      let gone = try #require(delta.change(aliceID))
      #expect(gone.isDeleted && gone.lastKnownParent?.guid == subID)
      await connection.close()
    }
  }

  @Test func aDamagedCookieIsRefused() async throws {
    let lab = try LDAPLab()
    let connection = try await lab.service()
    let error = await thrownError(LDAPError.self) {
      _ = try await dirSync(connection, lab.base, from: DirSyncCookie([1, 2, 3]))
    }
    #expect(error?.code == .badCookie)
    await connection.close()
  }

  @Test func withoutTheRightThereIsAFallback() async throws {
    try await withUnit { lab, administrator, unit in
      let connection = try await lab.plain()
      let error = await thrownError(LDAPError.self) { _ = try await connection.dirSyncCookie(base: lab.base) }
      #expect(error?.code == .insufficientAccessRights)
      let usn = try #require(try await connection.rootDSE().highestCommittedUSN)
      let user = try await addUser("late", in: unit, administrator)
      let changes = try await connection.changes(
        sinceUSN: usn, base: lab.base, filter: .equal("objectClass", "user"), attributes: ["mail"]
      ).all()
      let late = try #require(changes.first { $0.dn == user })
      #expect(late.entry.string("mail") == "late@corp.example" && changes.count < 100)
      // The administrator may also see what was deleted.
      try await administrator.delete(user)
      let deleted = try await administrator.changes(
        sinceUSN: usn, base: lab.base, filter: .equal("objectClass", "user"), attributes: ["mail"]
      ).all()
      #expect(deleted.contains { $0.isDeleted && $0.guid == late.guid })
      await connection.close()
    }
  }
}
