// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SCIM

@Suite struct BulkTests {
  func parse(_ operations: String, _ extra: String = "") throws -> BulkRequest {
    let text = #"{"schemas":["\#(SCIMURI.bulkRequest)"],\#(extra)"Operations":[\#(operations)]}"#
    return try BulkRequest(try JSONValue.parse(text), maximumOperations: 3)
  }

  @Test func readsRequests() throws {
    let request = try parse(
      #"{"method":"post","path":"/Users","bulkId":"q","data":{"userName":"a"}},"#
        + #"{"method":"PATCH","path":"/Users/5","version":"W/\"1\"","data":{}},{"method":"DELETE","path":"/Groups/6"}"#,
      #""failOnErrors":1,"#)
    #expect(request.failOnErrors == 1)
    #expect(request.operations.map(\.method) == [.post, .patch, .delete])
    #expect(request.operations[1].target?.id == "5")
    #expect(request.operations[0].target?.endpoint == "/Users")
    #expect(try BulkRequest(request.json, maximumOperations: 3) == request)
  }

  @Test(arguments: [
    (#"{"method":"POST","path":"/Users","data":{}}"#, 400),
    (#"{"method":"POST","path":"/Users/1","bulkId":"a","data":{}}"#, 400),
    (#"{"method":"GET","path":"/Users/1"}"#, 400), (#"{"method":"PUT","path":"/Users","data":{}}"#, 400),
    (#"{"method":"PUT","path":"/Users/1"}"#, 400), (#"{"method":"DELETE","path":"Users/1"}"#, 400),
    (#"{"method":"DELETE","path":"/Users/1/x"}"#, 400), (#"{"method":"DELETE","path":"//"}"#, 400), ("", 400),
    ("1", 400),
    (
      #"{"method":"POST","path":"/Users","bulkId":"a","data":{}},{"method":"POST","path":"/Users","bulkId":"a","data":{}}"#,
      400
    ),
    (Array(repeating: #"{"method":"DELETE","path":"/Users/1"}"#, count: 4).joined(separator: ","), 413),
  ])
  func refusesRequests(_ operations: String, _ status: Int) {
    let error = #expect(throws: SCIMError.self) { try parse(operations) }
    #expect(error?.status == status)
  }

  @Test func resolvesReferences() throws {
    let group = BulkOperation(
      .post, path: "/Groups", bulkId: "g",
      data: ["displayName": "x", "members": [["value": "bulkId:u", "type": "User"]]])
    var references = BulkReferences()
    let error = #expect(throws: SCIMError.self) { try references.resolve(group) }
    #expect(error?.status == 409)
    references.record("u", id: "77")
    #expect(
      try references.resolve(group).data == ["displayName": "x", "members": [["value": "77", "type": "User"]]])
    let patch = BulkOperation(.patch, path: "/Users/bulkId:u", data: [:])
    #expect(try references.resolve(patch).path == "/Users/77")
  }

  @Test func runsOperationsAfterThoseTheyReferTo() {
    func post(_ bulkId: String, needs: String? = nil) -> BulkOperation {
      BulkOperation(
        .post, path: "/Groups", bulkId: bulkId, data: needs.map { ["x": .string("bulkId:\($0)")] } ?? [:])
    }
    #expect(BulkReferences.executionOrder([post("a", needs: "c"), post("b"), post("c", needs: "b")]) == [1, 2, 0])
    #expect(BulkReferences.executionOrder([post("a"), post("b")]) == [0, 1])
    #expect(BulkReferences.executionOrder([post("a", needs: "b"), post("b", needs: "a")]).sorted() == [0, 1])
    #expect(BulkReferences.executionOrder([post("a", needs: "a"), post("b", needs: "none")]) == [0, 1])
    let chain = (0..<20_000).map { post("\($0)", needs: "\($0 + 1)") }
    #expect(BulkReferences.executionOrder(chain) == Array((0..<20_000).reversed()))
  }

  @Test func responsesAreReadInEveryDialect() throws {
    let results = [
      BulkResult(.post, bulkId: "a", location: "https://x/Users/1", version: "W/\"1\"", status: 201),
      BulkResult(BulkOperation(.delete, path: "/Users/2"), failed: .notFound("gone")),
    ]
    let response = BulkResponse(results)
    #expect(try BulkResponse(response.json) == response)
    #expect(results[0].resourceID == "1")
    #expect(!results[1].isSuccess)
    func status(_ text: String) throws -> Int? {
      try BulkResponse(
        try JSONValue.parse(
          #"{"schemas":["\#(SCIMURI.bulkResponse)"],"Operations":[{"method":"PUT","status":\#(text)}]}"#)
      ).results.first?.status
    }
    #expect(try status("\"200\"") == 200)
    #expect(try status("200") == 200)
    #expect(try status(#"{"code":"204"}"#) == 204)
    #expect(throws: SCIMError.self) { try status("\"ok\"") }
  }
}
