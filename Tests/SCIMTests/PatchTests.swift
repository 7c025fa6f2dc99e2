// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import SCIM

@Suite struct PatchTests {
  static func resource(_ members: String) throws -> SCIMResource {
    SCIMResource(
      try #require(
        try JSONValue.parse(#"{"schemas":["\#(SCIMURI.user)"],"id":"1","userName":"u"\#(members)}"#).object))
  }

  static func request(_ operations: String) throws -> PatchRequest {
    try PatchRequest(try JSONValue.parse(#"{"schemas":["\#(SCIMURI.patchOp)"],"Operations":[\#(operations)]}"#))
  }

  struct Case: CustomStringConvertible, Sendable {
    var before: String
    var operations: String
    var after: String
    var description: String { operations }

    init(_ before: String, _ operations: String, _ after: String) {
      self.before = before
      self.operations = operations
      self.after = after
    }
  }

  static let work = #"{"value":"w","type":"work","primary":true}"#
  static let home = #"{"value":"h","type":"home"}"#
  static let ext = SCIMURI.enterpriseUser

  @Test(arguments: [
    Case("", #"{"op":"add","path":"title","value":"t"}"#, #","title":"t""#),
    Case("", #"{"op":"ADD","value":{"title":"t","nickName":"n"}}"#, #","title":"t","nickName":"n""#),
    Case(#","title":"t""#, #"{"op":"Replace","path":"TITLE","value":"x"}"#, #","title":"x""#),
    Case(#","title":"t""#, #"{"op":"replace","path":"title","value":null}"#, ""),
    Case(#","title":"t""#, #"{"op":"remove","path":"title"}"#, ""),
    Case("", #"{"op":"remove","path":"title"}"#, ""),
    Case("", #"{"op":"add","path":"name.givenName","value":"g"}"#, #","name":{"givenName":"g"}"#),
    Case(
      #","name":{"givenName":"g","familyName":"f"}"#, #"{"op":"replace","path":"name","value":{"givenName":"x"}}"#,
      #","name":{"givenName":"x","familyName":"f"}"#),
    Case(
      #","name":{"givenName":"g","familyName":"f"}"#, #"{"op":"replace","path":"name","value":{"givenName":null}}"#,
      #","name":{"familyName":"f"}"#),
    Case(#","name":{"givenName":"g"}"#, #"{"op":"remove","path":"name.givenName"}"#, ""),
    Case("", #"{"op":"add","path":"emails","value":[\#(work)]}"#, #","emails":[\#(work)]"#),
    Case(
      #","emails":[\#(work)]"#, #"{"op":"add","path":"emails","value":[\#(work),\#(home)]}"#,
      #","emails":[\#(work),\#(home)]"#),
    Case(
      #","emails":[\#(work)]"#, #"{"op":"add","path":"emails","value":{"value":"n","primary":true}}"#,
      #","emails":[{"value":"w","type":"work","primary":false},{"value":"n","primary":true}]"#),
    Case(
      #","emails":[\#(work),\#(home)]"#, #"{"op":"replace","path":"emails","value":[\#(home)]}"#,
      #","emails":[\#(home)]"#),
    Case(
      #","emails":[\#(work),\#(home)]"#, #"{"op":"remove","path":"emails[type eq \"work\"]"}"#,
      #","emails":[\#(home)]"#),
    Case(#","emails":[\#(work)]"#, #"{"op":"remove","path":"emails[value pr]"}"#, ""),
    Case(#","emails":[\#(work)]"#, #"{"op":"remove","path":"emails[type eq \"none\"]"}"#, #","emails":[\#(work)]"#),
    Case(
      #","emails":[\#(work),\#(home)]"#, #"{"op":"remove","path":"emails","value":[{"value":"h"}]}"#,
      #","emails":[\#(work)]"#),
    Case(
      #","emails":[\#(work),\#(home)]"#, #"{"op":"replace","path":"emails[type eq \"home\"].value","value":"x"}"#,
      #","emails":[\#(work),{"value":"x","type":"home"}]"#),
    Case(
      #","emails":[\#(work),\#(home)]"#,
      #"{"op":"replace","path":"emails[type eq \"home\"]","value":{"value":"x","type":"other"}}"#,
      #","emails":[\#(work),{"value":"x","type":"other"}]"#),
    Case(
      "", #"{"op":"add","path":"emails[type eq \"work\"].value","value":"x"}"#,
      #","emails":[{"value":"x","type":"work"}]"#),
    Case(
      "", #"{"op":"Add","path":"emails[type eq \"work\" and primary eq true].value","value":"x"}"#,
      #","emails":[{"value":"x","type":"work","primary":true}]"#),
    Case(
      #","emails":[\#(work),\#(home)]"#, #"{"op":"add","path":"emails[type eq \"home\"].primary","value":"True"}"#,
      #","emails":[{"value":"w","type":"work","primary":false},{"value":"h","type":"home","primary":true}]"#),
    Case(
      #","emails":[\#(work)]"#, #"{"op":"remove","path":"emails[type eq \"work\"].type"}"#,
      #","emails":[{"value":"w","primary":true}]"#),
    Case(#","active":true"#, #"{"op":"Replace","path":"active","value":"False"}"#, #","active":false"#),
    Case(
      "",
      #"{"op":"replace","value":{"name.givenName":"g","emails[type eq \"work\"].value":"x","active":"True"}}"#
        .replacing("replace", with: "add"),
      #","name":{"givenName":"g"},"emails":[{"value":"x","type":"work"}],"active":true"#),
    Case(
      "", #"{"op":"add","value":{"id":"9","schemas":["x"],"meta":{"version":"y"},"groups":[{"value":"g"}],"foo":1}}"#,
      ""),
    Case(
      "", #"{"op":"add","path":"\#(ext):department","value":"d"}"#,
      #","\#(ext)":{"department":"d"}"#),
    Case(
      "", #"{"op":"add","path":"\#(ext)","value":{"department":"d","manager":{"value":"m"}}}"#,
      #","\#(ext)":{"department":"d","manager":{"value":"m"}}"#),
    Case(
      "", #"{"op":"add","value":{"\#(ext)":{"department":"d"},"\#(ext):division":"v"}}"#,
      #","\#(ext)":{"department":"d","division":"v"}"#),
    Case(
      #","\#(ext)":{"department":"d","division":"v"}"#, #"{"op":"remove","path":"\#(ext):department"}"#,
      #","\#(ext)":{"division":"v"}"#),
    Case(#","\#(ext)":{"department":"d","division":"v"}"#, #"{"op":"remove","path":"\#(ext)"}"#, ""),
    Case(
      #","\#(ext)":{"manager":{"value":"m"}}"#,
      #"{"op":"replace","path":"\#(ext):manager","value":{"value":"n","$ref":null}}"#,
      #","\#(ext)":{"manager":{"value":"n"}}"#),
    Case(
      #","title":"t""#,
      #"{"op":"replace","path":"title","value":"a"},{"op":"remove","path":"title"},{"op":"add","path":"title","value":"b"}"#,
      #","title":"b""#),
    Case("", #"{"op":"add","path":"password","value":"p"}"#, #","password":"p""#),
    Case("", #"{"op":"add","path":"externalId","value":"e"}"#, #","externalId":"e""#),
    Case("", #"{"op":"add","path":"schemas","value":["urn:x"]}"#, ""),
  ])
  func changes(_ test: Case) throws {
    var expected = try Self.resource(test.after)
    if expected.attributes[Self.ext] != nil { expected.declare(Self.ext) }
    let result = try PatchApplier(.user).apply(try Self.request(test.operations), to: try Self.resource(test.before))
    #expect(result == expected, "\(result.json.text)")
    // What is written is read as the same.
    let request = try Self.request(test.operations)
    #expect(try PatchRequest(request.json) == request)
  }

  @Test(arguments: [
    (#"{"op":"add","path":"foo","value":1}"#, SCIMErrorType.invalidPath),
    (#"{"op":"add","path":"emails[type eq","value":1}"#, .invalidPath),
    (#"{"op":"add","path":"emails[type eq \"a\"].foo","value":1}"#, .invalidPath),
    (#"{"op":"add","path":"emails[type eq \"a\"]x","value":1}"#, .invalidPath),
    (#"{"op":"add","path":"title[value eq \"a\"]","value":"x"}"#, .invalidPath),
    (#"{"op":"add","path":"\#(ext)[value eq \"a\"]","value":{}}"#, .invalidPath),
    (#"{"op":"replace","path":"emails[foo eq \"a\"].value","value":"x"}"#, .invalidFilter),
    (#"{"op":"replace","path":"emails[type eq \"none\"].value","value":"x"}"#, .noTarget),
    (#"{"op":"replace","path":"emails[type eq \"none\"]","value":{"value":"x"}}"#, .noTarget),
    (#"{"op":"add","path":"emails[type sw \"n\"].value","value":"x"}"#, .noTarget),
    (#"{"op":"remove"}"#, .noTarget), (#"{"op":"remove","path":""}"#, .noTarget),
    (#"{"op":"replace","path":"id","value":"x"}"#, .mutability), (#"{"op":"remove","path":"meta"}"#, .mutability),
    (#"{"op":"add","path":"groups","value":[{"value":"x"}]}"#, .mutability),
    (#"{"op":"add","path":"\#(ext):manager.displayName","value":"x"}"#, .mutability),
    (#"{"op":"remove","path":"userName"}"#, .mutability),
    (#"{"op":"replace","path":"userName","value":null}"#, .mutability),
    (#"{"op":"replace","path":"userName","value":""}"#, .invalidValue),
    (#"{"op":"add","path":"title","value":1}"#, .invalidValue), (#"{"op":"add","path":"title"}"#, .invalidValue),
    (#"{"op":"add","value":"x"}"#, .invalidValue), (#"{"op":"add","path":"active","value":"maybe"}"#, .invalidValue),
    (#"{"op":"replace","path":"\#(ext)","value":1}"#, .invalidValue),
    (
      #"{"op":"add","path":"emails","value":[{"value":"a","primary":true},{"value":"b","primary":true}]}"#,
      .invalidValue
    ),
    (#"{"op":"move","path":"title","value":"x"}"#, .invalidSyntax), (#"{"path":"title","value":"x"}"#, .invalidSyntax),
    (#"{"op":"add","path":1,"value":"x"}"#, .invalidSyntax), ("1", .invalidSyntax), ("", .invalidSyntax),
  ])
  func refuses(_ operations: String, _ type: SCIMErrorType) throws {
    let error = #expect(throws: SCIMError.self) {
      try PatchApplier(.user).apply(
        try Self.request(operations), to: try Self.resource(#","emails":[{"value":"w","type":"work"}]"#))
    }
    #expect(error?.scimType == type, "\(error?.detail ?? "")")
    #expect(error?.status == 400)
  }

  @Test func refusesMessagesThatAreNoPatch() throws {
    for text in ["[]", "{}", #"{"schemas":["urn:x"],"Operations":[]}"#, #"{"schemas":["\#(SCIMURI.patchOp)"]}"#] {
      #expect(throws: SCIMError.self) { try PatchRequest(try JSONValue.parse(text)) }
    }
    let many = Array(repeating: #"{"op":"add","path":"title","value":"t"}"#, count: 1001).joined(separator: ",")
    #expect(throws: SCIMError.self) { try Self.request(many) }
  }

  @Test func repeatingAPatchChangesNothing() throws {
    let request = try Self.request(
      #"{"op":"add","path":"emails","value":[\#(Self.work)]},{"op":"remove","path":"emails[type eq \"home\"]"}"#)
    let once = try PatchApplier(.user).apply(request, to: try Self.resource(#","emails":[\#(Self.home)]"#))
    #expect(try PatchApplier(.user).apply(request, to: once) == once)
  }

  // MARK: Groups

  /// A change as text, for comparison.
  static func text(_ change: GroupMemberChange) -> String {
    switch change {
    case .add(let members): "add " + members.map { $0.value + ($0.type.map { ":" + $0 } ?? "") }.joined(separator: ",")
    case .remove(let ids): "remove " + ids.joined(separator: ",")
    case .removeMatching(let selection):
      "remove where " + ["User", "Group"].filter { selection.matches(GroupMember("x", type: $0)) }.joined()
    case .replaceAll(let members): "replace " + members.map(\.value).joined(separator: ",")
    }
  }

  @Test(
    arguments: [
      (
        #"{"op":"add","path":"members","value":[{"value":"a","$ref":null,"type":"User"},{"value":"b"},{"value":"b"}]}"#,
        ["add a:User,b"], 0
      ),
      (#"{"op":"Add","path":"members","value":{"value":"a"}}"#, ["add a"], 0),
      (#"{"op":"add","value":{"members":[{"value":"a"}],"displayName":"x"}}"#, ["add a"], 1),
      (#"{"op":"replace","value":{"MEMBERS":[{"value":"a"}]}}"#, ["replace a"], 0),
      (#"{"op":"add","path":"\#(SCIMURI.group):members","value":[{"value":"a"}]}"#, ["add a"], 0),
      (#"{"op":"remove","path":"members"}"#, ["replace "], 0),
      (#"{"op":"remove","path":"members","value":[{"value":"a"}]}"#, ["remove a"], 0),
      (#"{"op":"remove","path":"members[value eq \"a\"]"}"#, ["remove a"], 0),
      (#"{"op":"remove","path":"members[value eq \"a\" or value eq \"b\"]"}"#, ["remove a,b"], 0),
      (#"{"op":"remove","path":"members[type eq \"group\"]"}"#, ["remove where Group"], 0),
      (#"{"op":"replace","path":"members","value":[]}"#, ["replace "], 0),
      (#"{"op":"add","path":"members","value":[]}"#, [], 0),
      (
        #"{"op":"replace","path":"displayName","value":"x"},{"op":"remove","path":"members[value eq \"a\"]"},{"op":"add","path":"members","value":[{"value":"b"}]}"#,
        ["remove a", "add b"], 1
      ),
    ] as [(String, [String], Int)])
  func plansMemberChanges(_ operations: String, _ changes: [String], _ others: Int) throws {
    let plan = try PatchPlan(try Self.request(operations))
    #expect(plan.memberChanges.map(Self.text) == changes)
    #expect(plan.remainder.operations.count == others)
  }

  @Test(arguments: [
    (#"{"op":"add","path":"members","value":[{"type":"User"}]}"#, SCIMErrorType.invalidValue),
    (#"{"op":"add","path":"members","value":[{"value":""}]}"#, .invalidValue),
    (#"{"op":"add","path":"members","value":["a"]}"#, .invalidValue),
    (#"{"op":"replace","path":"members[value eq \"a\"].value","value":"b"}"#, .mutability),
    (#"{"op":"replace","path":"members.value","value":"b"}"#, .mutability),
    (#"{"op":"replace","path":"members[value eq \"a\"]","value":{"value":"b"}}"#, .mutability),
    (#"{"op":"remove","path":"members[foo eq \"a\"]"}"#, .invalidFilter),
  ])
  func refusesMemberChanges(_ operations: String, _ type: SCIMErrorType) throws {
    let error = #expect(throws: SCIMError.self) { try PatchPlan(try Self.request(operations)) }
    #expect(error?.scimType == type)
  }

  @Test func survivesMutations() throws {
    let seeds = [
      #"{"schemas":["\#(SCIMURI.patchOp)"],"Operations":[{"op":"add","path":"emails[type eq \"work\"].value","value":"x"},{"op":"remove","path":"members[value eq \"a\"]"}]}"#,
      #"{"schemas":["\#(SCIMURI.patchOp)"],"Operations":[{"op":"replace","value":{"name.givenName":"g","\#(Self.ext):manager":{"value":"m"},"active":"True"}}]}"#,
    ]
    var fuzz = Fuzz(seeds: seeds.map { Array($0.utf8) })
    let user = FilterTests.barbara
    for _ in 0..<Fuzz.iterations {
      guard let value = try? JSONValue.parse(fuzz.next()), let request = try? PatchRequest(value) else { continue }
      _ = try? PatchPlan(request)
      guard let result = try? PatchApplier(.user).apply(request, to: user) else { continue }
      // Whatever passed leaves a valid resource.
      #expect(result.id == user.id)
      #expect(throws: Never.self) { try ResourceNormalizer(.user).create(result.json) }
    }
  }
}

@Suite struct LargeRequestTests {
  /// How many times the processor time a task takes with four times as much to do: 4 when it is linear, 16 when it is
  /// quadratic. This thread's time, so that it does not matter what else the machine does.
  private func growth<Input>(
    from size: Int, _ prepare: (Int) throws -> Input, _ task: (Input) throws -> Void
  ) throws -> Double {
    func time(_ size: Int) throws -> Double {
      let input = try prepare(size)
      let start = threadTime()
      try task(input)
      return threadTime() - start
    }
    return try time(4 * size) / time(size)
  }

  private func threadTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }

  /// Each of these took quadratic time once.
  @Test func stayLinear() throws {
    let applier = PatchApplier(.user)
    let emails = try PatchPath.parse("emails")
    func addresses(_ count: Int) -> JSONValue {
      .array((0..<count).map { ["value": .string("v\($0)"), "type": "work"] })
    }
    func user(_ emails: JSONValue) -> SCIMResource {
      SCIMResource(["schemas": [.string(SCIMURI.user)], "userName": "u", "emails": emails])
    }
    let adding = try growth(from: 4000, addresses) { many in
      let again = try applier.apply(PatchRequest([PatchOperation(.add, emails, many)]), to: user(many))
      #expect(again == user(many))
    }
    #expect(adding < 8)
    let removing = try growth(from: 4000, { $0 }) { count in
      let some = JSONValue.array((1..<count).map { ["value": .string("v\($0)")] })
      let rest = try applier.apply(PatchRequest([PatchOperation(.remove, emails, some)]), to: user(addresses(count)))
      #expect(rest.attributes["emails"] == [["value": "v0", "type": "work"]])
    }
    #expect(removing < 8)

    let strangers = try growth(from: 10_000, { (0..<$0).map { "\"x\($0)\":0" }.joined(separator: ",") }) { members in
      let strange = try JSONValue.parse(#"{"schemas":["\#(SCIMURI.group)"],"displayName":"g",\#(members)}"#)
      #expect(try ResourceNormalizer(.group).create(strange)["displayName"] == "g")
      #expect(try PatchPlan(PatchRequest([PatchOperation(.add, nil, strange)])).memberChanges.isEmpty)
    }
    #expect(strangers < 8)

    // A text and a part of it that both grow: comparing at every place is quadratic.
    let searching = try growth(from: 2000, { $0 }) { count in
      let long = SCIMResource(["userName": .string(String(repeating: "a", count: 125 * count))])
      let filter = try Filter.parse("userName co \"\(String(repeating: "a", count: count))b\"")
      #expect(try !CompiledFilter(filter, for: .user).matches(long))
    }
    #expect(searching < 8)
  }

  /// Texts of two letters, so that the search often has to fall back; the standard library is the judge.
  @Test func findsLongParts() throws {
    var fuzz = Fuzz(seeds: [Array(String(repeating: "aabab", count: 30).utf8)], tokens: ["a", "b", "ab", "aab"])
    var found = 0
    for _ in 0..<500 {
      let text = String(decoding: fuzz.next().filter { $0 == 0x61 || $0 == 0x62 }, as: UTF8.self)
      let part = String(String(decoding: fuzz.next().filter { $0 == 0x61 || $0 == 0x62 }, as: UTF8.self).suffix(60))
      let expected = text.contains(part)
      found += expected ? 1 : 0
      let compiled = try CompiledFilter(try Filter.parse("userName co \"\(part)\""), for: .user)
      #expect(compiled.matches(SCIMResource(["userName": .string(text)])) == expected, "\(part) in \(text)")
    }
    #expect((50..<450).contains(found))
  }
}
