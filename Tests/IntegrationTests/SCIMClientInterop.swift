// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTP
import Logging
import SCIM
import Testing
import Wire

/// The service that the suite talks to.
private enum Service {
  static let environment = ProcessInfo.processInfo.environment
  static let url = environment["BRIDGEHEAD_SCIM2_SERVER"]
  static let token = environment["BRIDGEHEAD_SCIM2_TOKEN"]
}

/// Our client against a SCIM service that we did not write; Tests/Interop/test_scim_client.py starts scim2-server and
/// tells its base URL and token.
@Suite(.enabled(if: Service.url != nil), .serialized) struct SCIMClientInterop {
  func withClient(
    token: String = Service.token ?? "none", pageSize: Int = 500, _ body: (SCIMClient) async throws -> Void
  ) async throws {
    var configuration = SCIMClientConfiguration(baseURL: try HTTPURL(try #require(Service.url)))
    configuration.pageSize = pageSize
    let http = HTTPClient(tls: nil)
    let client = SCIMClient(
      configuration, http: http, timing: SCIMClientTiming(now: { Date() }), logger: Logger(label: "interop"),
      token: { SecretBytes(token.utf8) })
    let result: Result<Void, any Error>
    do { result = .success(try await body(client)) } catch { result = .failure(error) }
    await http.shutdown()
    try result.get()
  }

  func user(_ name: String, anchor: String? = nil) -> SCIMResource {
    var user = SCIMUser(userName: name)
    user.externalId = anchor
    user.givenName = "Grete"
    user.familyName = "Müller"
    user.emails = [SCIMMultiValue("\(name)@corp.example", type: "work", primary: true)]
    user.active = true
    user.enterprise.department = "Research"
    return user.resource
  }

  func filter(_ text: String) throws -> ListQuery {
    var query = ListQuery()
    query.filter = try Filter.parse(text)
    return query
  }

  func operation(_ kind: PatchOperation.Kind, _ path: String, _ value: JSONValue? = nil) throws -> PatchOperation {
    PatchOperation(kind, try PatchPath.parse(path), value)
  }

  @Test func discoversTheService() async throws {
    try await withClient { client in
      let config = try await client.serviceProviderConfig()
      #expect(config.patch)
      #expect(config.filter)
      let bulk = try #require(config.bulk)
      #expect(bulk.maximumOperations > 0)
    }
  }

  @Test func createsReadsChangesAndDeletesAUser() async throws {
    try await withClient { client in
      let made = try await client.create("/Users", user("crud", anchor: "anchor-crud"))
      let id = try #require(made.id)
      #expect(SCIMUser(made).enterprise.department == "Research")
      let read = try #require(try await client.get("/Users", id: id))
      #expect(read.externalId == "anchor-crud")
      if let version = read.meta?.version.flatMap(EntityTag.init(header:)) {
        #expect(try await client.get("/Users", id: id, ifNoneMatch: version) == nil)
      }
      let partial = try #require(try await client.get("/Users", id: id, attributes: ["userName"]))
      #expect(partial.attributes["emails"] == nil)

      for text in [
        #"userName eq "CRUD""#, #"externalId eq "anchor-crud""#,
        #"emails[type eq "work"].value eq "crud@corp.example""#,
        #"name.familyName co "üll" and active eq true"#,
      ] {
        #expect(try await client.list("/Users", try filter(text)).resources.compactMap(\.id) == [id], "\(text)")
      }
      #expect(try await client.list("/Users", try filter(#"userName eq "nobody""#)).totalResults == 0)

      let patched = try await client.patch(
        "/Users", id: id,
        PatchRequest([
          try operation(.replace, "title", "Researcher"), try operation(.replace, "active", false),
          try operation(.replace, #"emails[type eq "work"].value"#, "new@corp.example"),
          try operation(.add, "\(SCIMURI.enterpriseUser):division", "North"),
          try operation(.remove, "name.givenName"),
        ]))
      // A service may answer 204 and keep the resource to itself.
      let current: SCIMResource? = if let patched { patched } else { try await client.get("/Users", id: id) }
      let now = SCIMUser(try #require(current))
      #expect(now.title == "Researcher")
      #expect(now.active == false)
      #expect(now.emails.map(\.value) == ["new@corp.example"])
      #expect(now.enterprise.division == "North")
      #expect(now.givenName == nil)

      var replacement = SCIMUser(user("crud", anchor: "anchor-crud"))
      replacement.displayName = "Grete"
      let replaced = try #require(try await client.replace("/Users", id: id, replacement.resource))
      #expect(replaced["displayName"] == "Grete")
      #expect(replaced["title"] == nil)

      try await client.delete("/Users", id: id)
      await expectError(.notFound) { try await client.get("/Users", id: id) }
      await expectError(.notFound) { try await client.delete("/Users", id: id) }
    }
  }

  @Test func staleVersionsAndTakenNamesAreRefused() async throws {
    try await withClient { client in
      let made = try await client.create("/Users", user("version"))
      let id = try #require(made.id)
      await expectError(.conflict) { try await client.create("/Users", user("VERSION")) }
      let version = try #require(made.meta?.version.flatMap(EntityTag.init(header:)))
      let change = PatchRequest([try operation(.replace, "title", "a")])
      _ = try await client.patch("/Users", id: id, change, ifMatch: version)
      await expectError(.preconditionFailed) {
        try await client.patch(
          "/Users", id: id, PatchRequest([try operation(.replace, "title", "b")]), ifMatch: version)
      }
      await expectError(.refused) { try await client.create("/Users", SCIMResource(schemas: [SCIMURI.user])) }
      try await client.delete("/Users", id: id)
    }
  }

  @Test func changesTheMembersOfAGroup() async throws {
    try await withClient { client in
      let people = try await create(client, (0..<3).map { "member\($0)" })
      var group = SCIMResource(schemas: [SCIMURI.group])
      group["displayName"] = "Research"
      group.attributes["members"] = .array([GroupMember(people[0], type: "User").json])
      let made = try await client.create("/Groups", group)
      let id = try #require(made.id)
      func members() async throws -> Set<String> {
        let group = try #require(try await client.get("/Groups", id: id))
        return Set((group.attributes["members"]?.array ?? []).compactMap { GroupMember($0)?.value })
      }
      #expect(try await members() == [people[0]])
      let add = try operation(
        .add, "members", .array(people[1...].map { GroupMember($0, type: "User").json }))
      _ = try await client.patch("/Groups", id: id, PatchRequest([add]), excludedAttributes: ["members"])
      #expect(try await members() == Set(people))
      let remove = try operation(.remove, "members[value eq \"\(people[1])\"]")
      _ = try await client.patch("/Groups", id: id, PatchRequest([remove]))
      #expect(try await members() == [people[0], people[2]])
      try await client.delete("/Groups", id: id)
      for person in people { try await client.delete("/Users", id: person) }
    }
  }

  @Test func readsAListPageByPage() async throws {
    try await withClient(pageSize: 4) { client in
      let people = try await create(client, (0..<10).map { "page\($0)" })
      var read: [String] = []
      var pages = 0
      for try await page in client.pages("/Users", try filter(#"userName sw "page""#)) {
        read += page.compactMap(\.id)
        pages += 1
      }
      #expect(Set(read) == Set(people))
      #expect(read.count == 10)
      #expect(pages == 3)
      var search = try filter(#"userName sw "page""#)
      search.filter = .and([
        try #require(search.filter),
        .or(
          (0..<150).map { .equal(AttributePath("userName")!, "page\($0)-is-a-name") } + [
            .equal(AttributePath("userName")!, "page3")
          ]),
      ])
      #expect(try await client.list("/Users", search).resources.compactMap { $0["userName"] } == ["page3"])
      for person in people { try await client.delete("/Users", id: person) }
    }
  }

  @Test(arguments: [true, false]) func performsManyChanges(_ inBulk: Bool) async throws {
    try await withClient { client in
      let bulk = inBulk ? try await client.serviceProviderConfig().bulk : nil
      let names = (0..<12).map { "many\(inBulk)\($0)" }
      let made = await client.perform(names.map { .create(endpoint: "/Users", user($0)) }, bulk: bulk)
      let ids = try made.map { try #require(try $0.get().id) }
      #expect(Set(ids).count == names.count)
      var changes: [SCIMChange] = []
      for (index, id) in ids.enumerated() {
        changes.append(
          index % 2 == 0
            ? .patch(endpoint: "/Users", id: id, PatchRequest([try operation(.replace, "title", "x")]))
            : .delete(endpoint: "/Users", id: id))
      }
      changes.append(.create(endpoint: "/Users", user(names[0])))
      changes.append(.delete(endpoint: "/Users", id: "no-such-id"))
      let results = await client.perform(changes, bulk: bulk)
      for result in results.dropLast(2) { #expect(throws: Never.self) { try result.get() } }
      #expect(code(results[results.count - 2]) == .conflict)
      #expect(code(results[results.count - 1]) == .notFound)
      let left = try await client.list("/Users", try filter(#"userName sw "many\#(inBulk)" and title eq "x""#))
      #expect(left.totalResults == 6)
      for result in await client.perform(ids.map { .delete(endpoint: "/Users", id: $0) }, bulk: bulk) {
        if let code = code(result) { #expect(code == .notFound) }
      }
    }
  }

  @Test(.enabled(if: Service.token != nil))
  func aWrongTokenIsRefusedWithARemedy() async throws {
    try await withClient(token: "wrong") { client in
      await expectError(.unauthorized) { try await client.list("/Users") }
    }
  }

  // MARK: Helpers

  func create(_ client: SCIMClient, _ names: [String]) async throws -> [String] {
    var ids: [String] = []
    for name in names { ids.append(try #require(try await client.create("/Users", user(name)).id)) }
    return ids
  }

  func code(_ result: Result<SCIMChangeResult, SCIMClientError>) -> SCIMClientError.Code? {
    if case .failure(let error) = result { error.code } else { nil }
  }

  func expectError<R>(
    _ code: SCIMClientError.Code, _ body: () async throws -> R, sourceLocation: SourceLocation = #_sourceLocation
  ) async {
    do {
      _ = try await body()
      Issue.record("no error", sourceLocation: sourceLocation)
    } catch {
      #expect((error as? SCIMClientError)?.code == code, "\(error)", sourceLocation: sourceLocation)
    }
  }
}
