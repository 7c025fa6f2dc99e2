// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import IdentityModel
import SCIM
import SyncAPI
import Testing

@testable import Tenant

@Suite struct SyncTests {
  static let actor = Actor(who: "application:test")

  static func user(_ number: Int, _ more: SyncProperties = [:]) -> SyncObject {
    var properties: SyncProperties = [
      "SourceAnchor": .string("anchor-\(number)"), "userPrincipalName": .string("u\(number)@contoso.example"),
      "displayName": .string("U \(number)"),
    ]
    for (name, value) in more.entries { properties[name] = value }
    return SyncObject(.user, .set, properties)
  }

  static func group(_ number: Int, members: [Int]) -> SyncObject {
    SyncObject(
      .group, .set,
      [
        "SourceAnchor": .string("group-\(number)"), "displayName": .string("G \(number)"),
        "member": .strings(members.map { "anchor-\($0)" }),
      ])
  }

  /// Every page of a reading.
  static func read(
    _ directory: TenantDirectory, cookie: String? = nil, isFull: Bool = true
  ) async throws -> (pages: [[SyncObject]], cookie: String?) {
    var pages: [[SyncObject]] = []
    var cookie = cookie
    while true {
      let page = try await directory.readBack(cookie: cookie, isFull: isFull)
      pages.append(page.objects)
      cookie = page.cookie
      if !page.hasMore { return (pages, cookie) }
      try #require(pages.count < 100)
    }
  }

  @Test func aReadingHasEveryObjectOnce() async throws {
    var limits = TestTenant.unlimited
    limits.pageSize = 10
    try await TestTenant.with(limits: limits) { tenant in
      let results = try await tenant.directory.provision((0..<25).map { Self.user($0) }, by: Self.actor)
      #expect(results.filter { !$0.isSuccess }.isEmpty)
      try await tenant.makeUser("stranger")
      let (pages, _) = try await Self.read(tenant.directory)
      #expect(pages.map(\.count) == [10, 10, 5])
      #expect(pages.joined().compactMap(\.sourceAnchor) == (0..<25).map { "anchor-\($0)" })
    }
  }

  @Test func aPageEndsBeforeItHasTooManyMembers() async throws {
    var limits = TestTenant.unlimited
    limits.membersInAnswer = 12
    try await TestTenant.with(limits: limits) { tenant in
      let objects = (0..<10).map { Self.user($0) } + (0..<3).map { Self.group($0, members: Array(0..<8)) }
      let results = try await tenant.directory.provision(objects, by: Self.actor)
      #expect(results.filter { !$0.isSuccess }.isEmpty)
      let (pages, _) = try await Self.read(tenant.directory)
      #expect(pages.map(\.count) == [11, 1, 1])
      let groups = pages.joined().filter { $0.type == .group }
      #expect(groups.allSatisfy { $0.properties["member"] == .strings((0..<8).map { "anchor-\($0)" }) })
    }
  }

  @Test func changesSinceACookie() async throws {
    try await TestTenant.with { tenant in
      _ = try await tenant.directory.provision((0..<5).map { Self.user($0) }, by: Self.actor)
      let (_, cookie) = try await Self.read(tenant.directory)
      tenant.clock.advance(seconds: 60)
      let (_, later) = try await Self.read(tenant.directory, cookie: cookie)
      _ = try await tenant.directory.provision(
        [
          Self.user(1, ["displayName": .string("New")]),
          SyncObject(.user, .delete, ["SourceAnchor": .string("anchor-2")]), Self.user(7),
        ], by: Self.actor)
      let (changes, _) = try await Self.read(tenant.directory, cookie: later, isFull: false)
      let told = changes.joined().map { "\($0.operation.rawValue) \($0.sourceAnchor ?? "-")" }
      #expect(told == ["Set anchor-1", "Delete anchor-2", "Set anchor-7"])
    }
  }

  @Test(arguments: ["", "nonsense", "MTswOzs=", "MjswOzsx", "MTstMTs7MQ=="])
  func foreignCookiesAreRefused(text: String) { #expect(SyncCookie(text) == nil) }

  @Test func cookiesComeBack() {
    for cookie in [SyncCookie(started: 7), SyncCookie(after: 3, since: -1, started: 9)] {
      #expect(SyncCookie(cookie.text) == cookie)
    }
  }

  /// One that is refused leaves nothing; the others stay.
  @Test func objectsAreAppliedEachOnItsOwn() async throws {
    try await TestTenant.with { tenant in
      let wrong = Self.group(1, members: [0, 99])
      let results = try await tenant.directory.provision(
        [Self.user(0), wrong, Self.group(2, members: [0])], by: Self.actor)
      #expect(results.map(\.isSuccess) == [true, false, true])
      #expect(results[1].errorDescription?.contains("anchor-99") == true)
      let (pages, _) = try await Self.read(tenant.directory)
      #expect(pages.joined().compactMap(\.sourceAnchor) == ["anchor-0", "group-2"])
    }
  }

  /// Whoever may choose a source anchor would get the role back with the account.
  @Test func aDeletedPrivilegedAccountIsNotRestored() async throws {
    try await TestTenant.with { tenant in
      _ = try await tenant.directory.provision([Self.user(1), Self.user(2)], by: Self.actor)
      for number in [1, 2] {
        let user = try await tenant.send("GET", "/Users?filter=externalId%20eq%20%22anchor-\(number)%22").json
        let id = try #require(user["Resources"]?.array?.first?.object?["id"]?.string)
        if number == 1 {
          let given = await tenant.patch(
            "/Users/\(id)", #"{"op": "add", "path": "roles", "value": [{"value": "Global Administrator"}]}"#)
          #expect(given.status == 200, "\(given.text)")
        }
        #expect(await tenant.send("DELETE", "/Users/\(id)").status == 204)
      }
      let results = try await tenant.directory.provision([Self.user(1), Self.user(2)], by: Self.actor)
      #expect(results.map(\.errorCode) == [SyncObjectResult.Problem.administrator, nil])
      let (pages, _) = try await Self.read(tenant.directory)
      #expect(pages.joined().compactMap(\.sourceAnchor) == ["anchor-2"])
    }
  }

  /// The whole list, then changes of it, in both versions' words.
  @Test func membersAreReplacedOrChanged() async throws {
    try await TestTenant.with { tenant in
      func members() async throws -> SyncValue? {
        let (pages, _) = try await SyncTests.read(tenant.directory)
        return pages.joined().first(where: { $0.type == .group })?.properties["member"]
      }
      _ = try await tenant.directory.provision(
        (0..<4).map { Self.user($0) } + [Self.group(1, members: [0, 1])], by: Self.actor)
      #expect(try await members() == .strings(["anchor-0", "anchor-1"]))
      _ = try await tenant.directory.provision([Self.group(1, members: [1, 2])], by: Self.actor)
      #expect(try await members() == .strings(["anchor-1", "anchor-2"]))
      let change = SyncObject(
        .group, .set,
        [
          "SourceAnchor": .string("group-1"),
          "member": .references([
            ReferenceChange(.add, .source("anchor-3")), ReferenceChange(.remove, .source("anchor-1")),
            ReferenceChange(.remove, .source("nobody")),
          ]),
        ])
      #expect(try await tenant.directory.provision([change], by: Self.actor)[0].isSuccess)
      #expect(try await members() == .strings(["anchor-2", "anchor-3"]))
      // What does not name the members leaves them.
      let rename = SyncObject(.group, .set, ["SourceAnchor": .string("group-1"), "displayName": .string("X")])
      #expect(try await tenant.directory.provision([rename], by: Self.actor)[0].isSuccess)
      #expect(try await members() == .strings(["anchor-2", "anchor-3"]))
    }
  }

  @Test func groupsStayWhatTheyAre() async throws {
    try await TestTenant.with { tenant in
      func group() async throws -> SyncProperties {
        let (pages, _) = try await SyncTests.read(tenant.directory)
        return pages.joined().first { $0.type == .group }?.properties ?? [:]
      }
      let list = SyncObject(
        .group, .set,
        [
          "SourceAnchor": .string("group-1"), "displayName": .string("List"), "securityEnabled": .boolean(false),
          "mail": .string("list@contoso.example"), "alias": .string("list"), "managedBy": .string("anchor-0"),
          "proxyAddresses": .strings(["SMTP:list@contoso.example", "smtp:l@contoso.example"]),
          "onPremiseSecurityIdentifier": .data([1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]), "member": .strings(["anchor-0"]),
        ])
      let results = try await tenant.directory.provision([Self.user(0), list], by: Self.actor)
      #expect(results.map(\.isSuccess) == [true, true])
      for (name, value) in list.properties.entries { #expect(try await group()[name] == value, "\(name)") }
      let shown = try #require(try await tenant.send("GET", "/Groups").resources.first)
      let own = try #require(shown[SCIMURI.onPremisesGroup]?.object)
      #expect(own["mailEnabled"] == true && own["securityIdentifier"] == "S-1-5-18")
      #expect(own["managedBy"]?.object?["$ref"]?.string?.hasPrefix("https://tenant.example/Users/") == true)
      let change = SyncObject(
        .group, .set,
        [
          "SourceAnchor": .string("group-1"), "securityEnabled": .boolean(true), "proxyAddresses": .null,
          "mail": .null, "alias": .null, "managedBy": .null,
        ])
      #expect(try await tenant.directory.provision([change], by: Self.actor)[0].isSuccess)
      let left = try await group()
      #expect(left["securityEnabled"] == .boolean(true) && left["member"] == .strings(["anchor-0"]))
      #expect(["proxyAddresses", "mail", "alias", "managedBy"].allSatisfy { left[$0] == nil })
    }
  }

  @Test func theIdentifierIsThatOfTheDomain() async throws {
    try await TestTenant.with { tenant in
      let first = try await tenant.directory.companyConfiguration()
      // uuid5 of contoso.example in the namespace of DNS names, by Python.
      #expect(first.tenant == "b05aafed-15fd-5db6-8981-4fa0293ccc6a")
      #expect(first.features == [.enableSoftMatchOnUPN, .enableForcedPasswordChange])
    }
  }
}
