// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTP
import Logging
import NIOCore
import Synchronization
import Testing
import TestSupport
import Wire

@testable import SCIM

/// A clock that moves only when somebody sleeps.
final class FakeTime: Sendable {
  private let state = Mutex<(now: Date, slept: [Duration])>((Date(timeIntervalSince1970: 784_111_777), []))

  var slept: [Duration] { state.withLock { $0.slept } }

  var timing: SCIMClientTiming {
    SCIMClientTiming(
      now: { self.state.withLock { $0.now } },
      sleep: { duration in
        try Task.checkCancellation()
        self.state.withLock { state in
          state.slept.append(duration)
          state.now = state.now.addingTimeInterval(duration / .seconds(1))
        }
      }, random: { 0 })
  }
}

struct TokenMissing: DiagnosableError {
  var identifier: String { "test.token" }
  var message: String { "the file is gone" }
  var remedy: String { "Put it back." }
}

@Suite(.timeLimit(.minutes(5))) struct ClientTests {
  struct Settings {
    var concurrency = 8
    var deadline = TimeAmount.seconds(60)
    var maximumAttempts = RetryPolicy().maximumAttempts
    var maximumAnswerBytes = 16 << 20
    /// One for each request, the last for all others; without any, their source fails.
    var tokens = ["t0ken"]
  }

  let time = FakeTime()

  func withClient<R: Sendable>(
    _ service: FakeService, _ settings: Settings = Settings(),
    _ body: (SCIMClient) async throws -> R
  ) async throws -> R {
    let port = try await service.start()
    var configuration = SCIMClientConfiguration(baseURL: try HTTPURL("http://127.0.0.1:\(port)/scim/v2/"))
    configuration.concurrency = settings.concurrency
    configuration.deadline = settings.deadline
    configuration.retry.maximumAttempts = settings.maximumAttempts
    configuration.maximumAnswerBytes = settings.maximumAnswerBytes
    let tokens = Mutex(settings.tokens)
    let http = HTTPClient(tls: nil)
    let client = SCIMClient(
      configuration, http: http, timing: time.timing, logger: .silent,
      token: {
        let token = tokens.withLock { $0.count > 1 ? $0.removeFirst() : $0.first }
        guard let token else { throw TokenMissing() }
        return SecretBytes(token.utf8)
      })
    let result: Result<R, any Error>
    do { result = .success(try await body(client)) } catch { result = .failure(error) }
    await http.shutdown()
    try await service.stop()
    return try result.get()
  }

  static func user(_ id: String) -> JSONValue {
    ["schemas": [.string(SCIMURI.user)], "id": .string(id), "userName": .string("u\(id)")]
  }

  static func list(_ total: Int64, _ ids: [String]) -> JSONValue {
    [
      "schemas": [.string(SCIMURI.listResponse)], "totalResults": .integer(total),
      "Resources": .array(ids.map(user)),
    ]
  }

  static func failure(_ status: Int, _ type: SCIMErrorType? = nil, _ detail: String = "no") -> JSONValue {
    SCIMErrorBody(SCIMError(status: status, scimType: type, detail: detail)).json
  }

  func failing<R: Sendable>(
    _ service: FakeService, _ settings: Settings = Settings(),
    _ body: (SCIMClient) async throws -> R
  ) async throws -> SCIMClientError {
    do {
      _ = try await withClient(service, settings, body)
    } catch let error as SCIMClientError {
      return error
    }
    Issue.record("no error")
    throw TokenMissing()
  }

  // MARK: What is sent

  @Test func sendsTokenMediaTypesAndVersions() async throws {
    let service = FakeService { _, _ in .answer(200, ["ETag": "W/\"7\""], Self.user("a")) }
    let result = try await withClient(service) { client in
      try await client.patch(
        "/Users", id: "a/b", PatchRequest([PatchOperation(.remove, try PatchPath.parse("title"))]),
        ifMatch: EntityTag("3"))
    }
    #expect(result?.id == "a")
    let request = try #require(service.requests.first)
    #expect(request.method == "PATCH")
    #expect(request.target == "/scim/v2/Users/a%2Fb")
    #expect(request.fields["authorization"] == "Bearer t0ken")
    #expect(request.fields["content-type"] == "application/scim+json")
    #expect(request.fields["if-match"] == "W/\"3\"")
    #expect(request.json.object?["Operations"] == [["op": "remove", "path": "title"]])
  }

  @Test func encodesQueriesAndSearchesWhenTheyAreLong() async throws {
    let service = FakeService { _, _ in .answer(200, [:], Self.list(0, [])) }
    try await withClient(service) { client async throws in
      var query = ListQuery()
      query.filter = .equal(AttributePath("userName")!, "a b&c\"ü")
      query.count = 0
      #expect(try await client.list("/Users", query).totalResults == 0)
      query.filter = .or((0..<200).map { .equal(AttributePath("externalId")!, "some-long-identifier-\($0)") })
      #expect(try await client.list("/Users", query).totalResults == 0)
    }
    #expect(
      service.requests[0].target
        == "/scim/v2/Users?filter=userName%20eq%20%22a%20b%26c%5C%22%C3%BC%22&count=0")
    #expect(service.requests[1].method == "POST")
    #expect(service.requests[1].target == "/scim/v2/Users/.search")
    let search = try ListQuery(searchRequest: service.requests[1].json)
    #expect((search.filter?.description.utf8.count ?? 0) > 4000)
  }

  @Test func anUnchangedResourceIsNotReadAgain() async throws {
    let service = FakeService { _, request in
      request.fields["if-none-match"] == nil ? .answer(200, ["ETag": "W/\"7\""], Self.user("a")) : .answer(304)
    }
    try await withClient(service) { client in
      let answer = try await client.get("/Users", id: "a")
      let first = try #require(answer)
      #expect(first.meta?.version == "W/\"7\"")
      let version = try #require(first.meta?.version)
      let tag = try #require(EntityTag(header: version))
      #expect(try await client.get("/Users", id: "a", ifNoneMatch: tag) == nil)
    }
  }

  // MARK: Retries

  @Test func waitsAsLongAsTheServiceAsks() async throws {
    let service = FakeService { number, _ in
      switch number {
      case 0: .answer(429, ["Retry-After": "7"], Self.failure(429))
      case 1: .answer(503, ["Retry-After": "Sun, 06 Nov 1994 08:50:00 GMT"])
      case 2: .answer(503)
      default: .answer(201, [:], Self.user("a"))
      }
    }
    let made = try await withClient(service) { try await $0.create("/Users", SCIMUser(userName: "x").resource) }
    #expect(made.id == "a")
    #expect(service.requests.count == 4)
    // The clock starts at 08:49:37; 7 s later the date is 16 s away; then the third wait of the policy, halved by chance.
    #expect(time.slept == [.seconds(7), .seconds(16), .seconds(1)])
  }

  @Test func doesNotWaitLongerThanTheLimit() async throws {
    let service = FakeService { _, _ in .answer(429, ["Retry-After": "3600"], Self.failure(429, nil, "tomorrow")) }
    let error = try await failing(service) { try await $0.serviceProviderConfig() }
    #expect(error.code == .throttled)
    #expect(error.retryAfter == .seconds(3600))
    #expect(error.detail == "tomorrow")
    #expect(service.requests.count == 1)
    #expect(time.slept.isEmpty)
  }

  @Test func givesUpAfterItsAttempts() async throws {
    let service = FakeService { _, _ in .answer(503, [:], nil) }
    let error = try await failing(service) { try await $0.get("/Users", id: "a") }
    #expect(error.code == .unavailable)
    #expect(error.concernsService)
    #expect(service.requests.count == 6)
    #expect(time.slept == [.milliseconds(250), .milliseconds(500), .seconds(1), .seconds(2), .seconds(4)])
  }

  @Test(arguments: ["GET", "PATCH", "PUT", "DELETE"])
  func repeatsWhatIsHarmlessAfterAReset(_ method: String) async throws {
    let service = FakeService { number, _ in
      switch number {
      case 0: .reset
      case 1: .truncate(Self.user("a"))
      case 2: .answer(502, [:], nil)
      default: method == "DELETE" ? .answer(404, [:], Self.failure(404)) : .answer(200, [:], Self.user("a"))
      }
    }
    try await withClient(service) { client in
      switch method {
      case "GET": #expect(try await client.get("/Users", id: "a")?.id == "a")
      case "PATCH": #expect(try await client.patch("/Users", id: "a", PatchRequest([])) != nil)
      case "PUT": #expect(try await client.replace("/Users", id: "a", SCIMUser(userName: "x").resource) != nil)
      // Gone already: by the attempt that nobody confirmed.
      default: try await client.delete("/Users", id: "a")
      }
    }
    #expect(service.requests.count == 4)
  }

  @Test(arguments: [0, 1, 2, 3, 4])
  func reportsACreationWhoseOutcomeIsUnknown(_ fault: Int) async throws {
    let service = FakeService { _, _ in
      switch fault {
      case 0: .reset
      case 1: .truncate(Self.user("a"))
      case 2: .answer(504, [:], nil)
      case 3: .bytes(201, [:], Array("<html>".utf8))
      default: .answer(201, [:], ["userName": "without id"])
      }
    }
    let error = try await failing(service) { try await $0.create("/Users", SCIMUser(userName: "x").resource) }
    #expect(error.code == .outcomeUnknown)
    #expect(error.remedy.contains("externalId"))
    #expect(service.requests.count == 1)
  }

  @Test func aCreationThatNeverLeftIsRepeated() async throws {
    let service = FakeService { _, _ in .answer(200) }
    let port = try await service.start()
    try await service.stop()
    let http = HTTPClient(tls: nil)
    let client = SCIMClient(
      SCIMClientConfiguration(baseURL: try HTTPURL("http://127.0.0.1:\(port)")), http: http, timing: time.timing,
      logger: .silent, token: { SecretBytes("t".utf8) })
    let error = await #expect(throws: SCIMClientError.self) {
      try await client.create("/Users", SCIMUser(userName: "x").resource)
    }
    await http.shutdown()
    #expect(error?.code == .unreachable)
    #expect(error?.cause == "http.refused")
    #expect(time.slept.count == 5)
  }

  @Test func aVersionThatMovedOnAfterALostAnswerIsUnknown() async throws {
    let service = FakeService { number, _ in number == 0 ? .reset : .answer(412, [:], Self.failure(412)) }
    let error = try await failing(service) {
      try await $0.patch("/Users", id: "a", PatchRequest([]), ifMatch: EntityTag("1"))
    }
    #expect(error.code == .outcomeUnknown)
    let plain = FakeService { _, _ in .answer(412, [:], Self.failure(412)) }
    let other = try await failing(plain) {
      try await $0.patch("/Users", id: "a", PatchRequest([]), ifMatch: EntityTag("1"))
    }
    #expect(other.code == .preconditionFailed)
  }

  @Test func aStalledAnswerEndsAtTheDeadline() async throws {
    let service = FakeService { number, _ in number < 2 ? .stall : .answer(200, [:], Self.user("a")) }
    // On a busy machine, attempts may end at the deadline before they reach the service or its third answer reaches us.
    let resource = try await withClient(service, Settings(deadline: .milliseconds(300), maximumAttempts: 100)) {
      try await $0.get("/Users", id: "a")
    }
    #expect(resource?.id == "a")
    // The two that stalled were repeated after a wait, and nothing was sent but the first attempt and the repetitions.
    #expect(service.requests.count >= 3 && time.slept.count >= 2)
    #expect(service.requests.count <= time.slept.count + 1)
  }

  @Test func stallsThatDoNotEndAreATimeout() async throws {
    let service = FakeService { _, _ in .stall }
    let error = try await failing(service, Settings(deadline: .milliseconds(150))) {
      try await $0.get("/Users", id: "a")
    }
    #expect(error.code == .timedOut)
    #expect(error.cause == "http.timedOut")
    #expect(time.slept.count == 5)
  }

  @Test func aHugeAnswerIsCutOff() async throws {
    let service = FakeService { _, _ in .endless }
    let error = try await failing(service, Settings(maximumAnswerBytes: 1 << 20)) {
      try await $0.get("/Users", id: "a")
    }
    #expect(error.code == .tooLarge)
    #expect(service.requests.count == 1)
  }

  @Test func nestedAndOtherHostileAnswersAreRefused() async throws {
    for body in [String(repeating: "[", count: 100_000), "{\"a\":", "null", "7", "\u{0}", "<html></html>"] {
      let service = FakeService { _, _ in .bytes(200, [:], Array(body.utf8)) }
      let error = try await failing(service) { try await $0.list("/Users") }
      #expect(error.code == .malformedAnswer)
      #expect(service.requests.count == 1)
    }
  }

  // MARK: Errors

  @Test(
    arguments: [
      (400, SCIMErrorType.uniqueness, SCIMClientError.Code.conflict), (400, .invalidValue, .refused),
      (403, nil, .forbidden), (404, nil, .notFound), (409, .uniqueness, .conflict), (412, nil, .preconditionFailed),
      (413, nil, .tooLarge), (500, nil, .serviceFailed), (501, nil, .notSupported), (418, nil, .refused),
    ] as [(Int, SCIMErrorType?, SCIMClientError.Code)])
  func classifiesAnswers(_ status: Int, _ type: SCIMErrorType?, _ code: SCIMClientError.Code) async throws {
    let service = FakeService { _, _ in .answer(status, [:], Self.failure(status, type, "line\nbreak")) }
    let error = try await failing(service) { try await $0.create("/Users", SCIMUser(userName: "x").resource) }
    #expect(error.code == code)
    #expect(error.status == status)
    #expect(error.scimType == type?.rawValue)
    #expect(error.detail == "line break")
    #expect(!error.concernsService)
    #expect(service.requests.count == 1)
  }

  @Test func anExpiredTokenIsRenewedOnce() async throws {
    let service = FakeService { _, request in
      request.fields["authorization"] == "Bearer new" ? .answer(200, [:], Self.user("a")) : .answer(401)
    }
    let resource = try await withClient(service, Settings(tokens: ["old", "new"])) {
      try await $0.get("/Users", id: "a")
    }
    #expect(resource?.id == "a")

    let other = FakeService { _, _ in .answer(401) }
    let error = try await failing(other) { try await $0.get("/Users", id: "a") }
    #expect(error.code == .unauthorized)
    #expect(error.remedy.contains("token"))
    #expect(other.requests.count == 1)
  }

  @Test func withoutAUsableTokenNothingIsSent() async throws {
    let service = FakeService { _, _ in .answer(200) }
    let missing = try await failing(service, Settings(tokens: [])) { try await $0.get("/Users", id: "a") }
    #expect(missing.code == .noToken)
    #expect(missing.message.contains("the file is gone"))
    for text in ["", "a b", "a\r\nX: y", "é"] {
      let error = try await failing(service, Settings(tokens: [text])) { try await $0.get("/Users", id: "a") }
      #expect(error.code == .noToken)
    }
    #expect(service.requests.isEmpty)
  }

  // MARK: Lists

  @Test func readsEveryPage() async throws {
    let ids = (0..<7).map(String.init)
    let service = FakeService { _, request in
      let start = request.target.split(separator: "startIndex=").last.flatMap { Int($0.prefix { $0 != "&" }) } ?? 1
      // Fewer than were asked for, as a service may.
      return .answer(200, [:], Self.list(7, Array(ids.dropFirst(start - 1).prefix(3))))
    }
    let read = try await withClient(service) { client in
      var read: [String] = []
      for try await page in client.pages("/Users") { read += page.compactMap(\.id) }
      return read
    }
    #expect(read == ids)
    #expect(service.requests.count == 3)
  }

  @Test(arguments: [0, 1, 2])
  func anIncompleteListIsAnError(_ fault: Int) async throws {
    let service = FakeService { number, _ in
      switch (fault, number) {
      case (_, 0): .answer(200, [:], Self.list(6, ["a", "b", "c"]))
      case (0, _): .answer(200, [:], Self.list(6, []))
      case (1, _): .answer(200, [:], Self.list(5, ["d", "e"]))
      default: .answer(200, [:], Self.list(6, ["a", "b", "c"]))
      }
    }
    let error = try await failing(service) { client in
      for try await _ in client.pages("/Users") {}
    }
    #expect(error.code == .incomplete)
  }

  // MARK: Many changes

  static let bulk = ServiceProviderConfig.Bulk(maximumOperations: 3, maximumPayloadSize: 100_000)

  static func changes(_ count: Int) -> [SCIMChange] {
    (0..<count).map { .create(endpoint: "/Users", SCIMUser(userName: "u\($0)").resource) }
  }

  /// Answers each operation of a bulk request with 201, or what the test says.
  static func bulkAnswer(
    _ request: FakeService.Request, _ override: (Int, JSONObject) -> JSONValue? = { _, _ in nil }
  ) -> JSONValue {
    let operations = request.json.object?["Operations"]?.array ?? []
    return [
      "schemas": [.string(SCIMURI.bulkResponse)],
      "Operations": .array(
        operations.enumerated().map { index, operation in
          let object = operation.object ?? JSONObject()
          if let result = override(index, object) { return result }
          return [
            "method": object["method"] ?? .null, "bulkId": object["bulkId"] ?? .null, "status": "201",
            "location": .string("https://x/Users/\(object["data"]?.object?["userName"]?.string ?? "?")"),
          ]
        }),
    ]
  }

  @Test func bulkRequestsStayWithinTheLimits() async throws {
    let service = FakeService { _, request in .answer(200, [:], Self.bulkAnswer(request)) }
    let results = try await withClient(service) { await $0.perform(Self.changes(8), bulk: Self.bulk) }
    #expect(results.map { try? $0.get().id } == (0..<8).map { "u\($0)" })
    #expect(service.requests.count == 3)
    #expect(service.requests.allSatisfy { $0.target == "/scim/v2/Bulk" })
    let small = ServiceProviderConfig.Bulk(maximumOperations: 100, maximumPayloadSize: 700)
    let narrow = FakeService { _, request in .answer(200, [:], Self.bulkAnswer(request)) }
    let others = try await withClient(narrow) { await $0.perform(Self.changes(8), bulk: small) }
    #expect(others.allSatisfy { (try? $0.get()) != nil })
    #expect(narrow.requests.count > 1)
    #expect(narrow.requests.allSatisfy { $0.body.count <= 700 })
  }

  @Test func everyOperationOfABulkRequestHasItsOwnOutcome() async throws {
    let service = FakeService { number, request in
      guard request.target == "/scim/v2/Bulk" else { return .answer(201, [:], Self.user("single")) }
      return .answer(
        200, [:],
        Self.bulkAnswer(request) { index, object in
          switch index {
          case 0:
            [
              "method": "POST", "bulkId": object["bulkId"] ?? .null, "status": "409",
              "response": Self.failure(409, .uniqueness, "taken"),
            ]
          case 1: ["method": "POST", "bulkId": object["bulkId"] ?? .null, "status": "429"]
          default: nil
          }
        })
    }
    let results = try await withClient(service) { await $0.perform(Self.changes(3), bulk: Self.bulk) }
    guard case .failure(let conflict) = results[0] else { throw TokenMissing() }
    #expect(conflict.code == .conflict)
    #expect(conflict.detail == "taken")
    #expect(try results[1].get().id == "single")
    #expect(try results[2].get().id == "u2")
  }

  @Test func aBulkRequestWithoutAnswerLeavesCreationsUnknown() async throws {
    let service = FakeService { _, _ in .reset }
    let results = try await withClient(service) { await $0.perform(Self.changes(2), bulk: Self.bulk) }
    for result in results {
      guard case .failure(let error) = result else { throw TokenMissing() }
      #expect(error.code == .outcomeUnknown)
    }
    let stopped = FakeService { _, request in
      var answer = Self.bulkAnswer(request).object ?? JSONObject()
      answer["Operations"] = .array(Array((answer["Operations"]?.array ?? []).prefix(1)))
      return .answer(200, [:], .object(answer))
    }
    let partial = try await withClient(stopped) { await $0.perform(Self.changes(2), bulk: Self.bulk) }
    #expect(try partial[0].get().id == "u0")
    guard case .failure(let error) = partial[1] else { throw TokenMissing() }
    #expect(error.code == .outcomeUnknown)
  }

  @Test func aBulkRequestThatIsTooLargeIsHalved() async throws {
    let service = FakeService { _, request in
      let count = request.json.object?["Operations"]?.array?.count ?? 0
      return count > 1 ? .answer(413, [:], Self.failure(413)) : .answer(200, [:], Self.bulkAnswer(request))
    }
    let results = try await withClient(service) { await $0.perform(Self.changes(3), bulk: Self.bulk) }
    #expect(results.map { try? $0.get().id } == ["u0", "u1", "u2"])
  }

  @Test func aChangeOverWhichTheServiceStumblesDoesNotTakeOthersWithIt() async throws {
    let service = FakeService { _, request in
      switch request.target {
      case "/scim/v2/Bulk", "/scim/v2/Users/bad": .answer(500, [:], Self.failure(500))
      default: .answer(204)
      }
    }
    let changes = ["a", "bad", "c"].map { SCIMChange.delete(endpoint: "/Users", id: $0) }
    let results = try await withClient(service) { await $0.perform(changes, bulk: Self.bulk) }
    #expect(results.map { try? $0.get().id } == ["a", nil, "c"])
    guard case .failure(let error) = results[1] else { throw TokenMissing() }
    #expect(error.code == .serviceFailed)
    // A creation may have been carried out in spite of the answer: it is not repeated.
    let creating = FakeService { _, _ in .answer(500, [:], Self.failure(500)) }
    _ = try await withClient(creating) { await $0.perform(Self.changes(3), bulk: Self.bulk) }
    #expect(creating.requests.count == 1)
  }

  @Test func withoutBulkChangesGoOneByOneInBoundedNumbers() async throws {
    let service = FakeService { _, request in
      .answer(201, [:], ["id": request.json.object?["userName"] ?? .null])
    }
    let results = try await withClient(service, Settings(concurrency: 3)) {
      await $0.perform(Self.changes(20))
    }
    #expect(results.map { try? $0.get().id } == (0..<20).map { "u\($0)" })
  }

  @Test func whenTheServiceRefusesEveryoneTheRestIsNotSent() async throws {
    let service = FakeService { _, _ in .answer(401) }
    let results = try await withClient(service, Settings(concurrency: 2)) {
      await $0.perform(Self.changes(50))
    }
    #expect(results.count == 50)
    for result in results {
      guard case .failure(let error) = result else { throw TokenMissing() }
      #expect(error.code == .unauthorized)
    }
    #expect(service.requests.count < 10)
  }

  @Test func resourceTypesAreReadWhereTheServiceTellsThem() async throws {
    let types: JSONValue = [
      "schemas": [.string(SCIMURI.listResponse)], "totalResults": 3,
      "Resources": [
        ResourceTypeDefinition.user.resource(baseURI: "").json,
        ["name": "Contact", "endpoint": "Contacts", "schema": .string(SCIMURI.contact)],
        ["name": "Broken"],
      ],
    ]
    let service = FakeService { _, request in
      request.target == "/scim/v2/ResourceTypes" ? .answer(200, [:], types) : .answer(500)
    }
    try await withClient(service) { client in
      let offered = try await client.resourceTypes() ?? []
      try #require(offered.count == 2)
      #expect(offered.map(\.endpoint) == ["/Users", "/Contacts"])
      #expect(offered[1].isSame(as: .contact) && !offered[0].isSame(as: .contact))
    }
    for (status, isTold) in [(404, false), (403, false), (501, false), (500, true)] {
      try await withClient(FakeService { _, _ in .answer(status) }) { client in
        if isTold {
          await #expect(throws: SCIMClientError.self) { try await client.resourceTypes() }
        } else {
          let offered = try await client.resourceTypes()
          #expect(offered == nil)
        }
      }
    }
    try await withClient(FakeService { _, _ in .answer(200, [:], ["users": []]) }) { client in
      let error = await #expect(throws: SCIMClientError.self) { try await client.resourceTypes() }
      #expect(error?.code == .malformedAnswer)
    }
  }
}
