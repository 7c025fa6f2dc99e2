// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import Testing
import TestSupport
import TrustTestSupport
import Wire

@testable import HTTP

/// The client against servers that play scripts.
@Suite struct HTTPClientTests {
  func send(
    _ steps: [LoopbackServer.Step], limit: Int = 1 << 20, deadline: TimeAmount = .seconds(60)
  ) async throws -> HTTPResponse {
    let server = try await LoopbackServer { _, _ in steps }
    let client = plainClient()
    var request = HTTPRequest("GET", try server.url())
    request.maximumResponseBytes = limit
    request.deadline = deadline
    let result: Result<HTTPResponse, HTTPError>
    do throws(HTTPError) {
      result = .success(try await client.send(request))
    } catch {
      result = .failure(error)
    }
    await client.shutdown()
    await server.stop()
    return try result.get()
  }

  func code(_ steps: [LoopbackServer.Step], limit: Int = 1 << 20, deadline: TimeAmount = .seconds(60)) async throws
    -> HTTPError.Code?
  {
    do {
      _ = try await send(steps, limit: limit, deadline: deadline)
      return nil
    } catch let error as HTTPError {
      #expect(!error.message.isEmpty && !error.remedy.isEmpty)
      return error.code
    }
  }

  @Test func sendsWhatWasAsked() async throws {
    let server = try await LoopbackServer { _, _ in [.send(response("done", status: "201 Created", "X-A: 1", "X-A: 2"))]
    }
    let client = plainClient()
    let request = HTTPRequest(
      "POST", try server.url("/a?b=c"),
      fields: ["Content-Type": "application/json", "Host": "evil", "Connection": "close"],
      body: Array("{}".utf8))
    let answer = try await client.send(request)
    #expect(answer.status == 201 && answer.text == "done" && answer.fields.all("x-a") == ["1", "2"])
    let text = try #require(server.received.texts.first)
    #expect(text.hasPrefix("POST /a?b=c HTTP/1.1\r\nHost: server.example:\(server.port)\r\n"))
    #expect(text.contains("Content-Length: 2\r\n") && text.contains("Content-Type: application/json\r\n"))
    #expect(!text.contains("evil") && !text.contains("Connection:"))
    #expect(text.hasSuffix("\r\n\r\n{}"))
    await client.shutdown()
    await server.stop()
  }

  @Test func keepsConnectionsAndBoundsThem() async throws {
    let server = try await LoopbackServer { _, _ in [.send(response("ok"))] }
    let client = plainClient { $0.maximumConnectionsPerOrigin = 2 }
    for _ in 0..<5 { _ = try await client.send(HTTPRequest("GET", try server.url())) }
    #expect(server.received.connections == 1)
    let url = try server.url()
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<30 { group.addTask { try await client.send(HTTPRequest("GET", url)).status } }
      for try await status in group { #expect(status == 200) }
    }
    #expect(server.received.connections == 2)
    #expect(server.received.requests.count == 35)
    await client.shutdown()
    await server.stop()
  }

  @Test func readsOneByteAtATime() async throws {
    let chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n6;x=y\r\npedia \r\n0\r\nT: v\r\n\r\n"
    #expect(try await send([.trickle(Array(chunked.utf8))]).text == "Wikipedia ")
    #expect(try await send([.trickle(response("hello"))]).text == "hello")
    let early = "HTTP/1.1 100 Continue\r\n\r\n" + String(decoding: response("late"), as: UTF8.self)
    #expect(try await send([.send(early)]).text == "late")
    #expect(try await send([.send("HTTP/1.0 200 OK\r\n\r\nuntil the end"), .close]).text == "until the end")
    #expect(
      try await send([.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")]).status
        == 101)
    #expect(try await send([.send("HTTP/1.1 204 No Content\r\n\r\n")]).status == 204)
  }

  @Test func faultsHaveNames() async throws {
    #expect(try await code([.reset]) == .reset)
    #expect(try await code([.close]) == .closedEarly)
    #expect(try await code([.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), .close]) == .closedEarly)
    #expect(try await code([.send("HTTP/1.1 200 OK\r\nContent-Le"), .close]) == .closedEarly)
    #expect(
      try await code([.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc")]) == .malformedResponse)
    #expect(
      try await code([.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"), .close]) == .closedEarly)
    #expect(try await code([.send("SSH-2.0-OpenSSH\r\n\r\n")]) == .malformedResponse)
    #expect(
      try await code([.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc")])
        == .malformedResponse)
    let huge = "HTTP/1.1 200 OK\r\nX: " + String(repeating: "a", count: 20_000)
    #expect(try await code([.send(huge), .stall]) == .tooLarge)
    let many = "HTTP/1.1 200 OK\r\n" + String(repeating: "X: y\r\n", count: 300)
    #expect(try await code([.send(many), .stall]) == .tooLarge)
    #expect(try await code([.send(response("0123456789")), .stall], limit: 9) == .tooLarge)
    let endless =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + String(repeating: "5\r\nabcde\r\n", count: 10)
    #expect(try await code([.send(endless), .stall], limit: 40) == .tooLarge)
  }

  @Test func deadlinesEndSilenceAndSlowBodies() async throws {
    let short = TimeAmount.milliseconds(100)
    #expect(try await code([.stall], deadline: short) == .timedOut)
    #expect(
      try await code([.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), .stall], deadline: short) == .timedOut)
  }

  @Test func aDeadlineEndsASlowResolver() async throws {
    struct SlowResolver: NameResolver {
      func addresses(of host: String) async throws -> [String] {
        try await Task.sleep(for: .seconds(60))
        return []
      }
    }
    let client = HTTPClient(tls: nil, resolver: SlowResolver())
    var request = HTTPRequest("GET", try HTTPURL("http://server.example/"))
    request.deadline = .milliseconds(50)
    let error = await #expect(throws: HTTPError.self) { _ = try await client.send(request) }
    #expect(error?.code == .timedOut && error?.mayHaveReachedServer == false)
    await client.shutdown()
  }

  @Test func aDeadlineEndsTheWaitForAConnection() async throws {
    let server = try await LoopbackServer { _, _ in [.stall] }
    let client = plainClient { $0.maximumConnectionsPerOrigin = 1 }
    let url = try server.url()
    let first = Task { try await client.send(HTTPRequest("GET", url)) }
    while server.received.requests.isEmpty { await Task.yield() }
    var second = HTTPRequest("GET", url)
    second.deadline = .milliseconds(100)
    let error = await #expect(throws: HTTPError.self) { _ = try await client.send(second) }
    #expect(error?.code == .timedOut && error?.mayHaveReachedServer == false)
    first.cancel()
    let cancelled = await #expect(throws: HTTPError.self) { _ = try await first.value }
    #expect(cancelled?.code == .cancelled)
    await client.shutdown()
    let closed = await #expect(throws: HTTPError.self) { _ = try await client.send(HTTPRequest("GET", url)) }
    #expect(closed?.code == .shutDown)
    await server.stop()
  }

  @Test func refusedAndUnknownNames() async throws {
    let server = try await LoopbackServer { _, _ in [] }
    let url = try server.url()
    await server.stop()
    let client = plainClient()
    let refused = await #expect(throws: HTTPError.self) { _ = try await client.send(HTTPRequest("GET", url)) }
    #expect(refused?.code == .refused && refused?.mayHaveReachedServer == false)
    let real = HTTPClient(tls: nil)
    let unknown = await #expect(throws: HTTPError.self) {
      _ = try await real.send(HTTPRequest("GET", try HTTPURL("http://no-such-host.invalid/")))
    }
    #expect(unknown?.code == .nameNotFound)
    #expect(try await SystemNameResolver().addresses(of: "127.0.0.1") == ["127.0.0.1"])
    let tls = await #expect(throws: HTTPError.self) {
      _ = try await client.send(HTTPRequest("GET", try HTTPURL("https://server.example:\(url.port)/")))
    }
    #expect(tls?.code == .refused || tls?.code == .badRequest)
    await client.shutdown()
    await real.shutdown()
  }

  /// A kept-alive connection that the server ends when the next request comes: replayed only where that is safe.
  @Test func replaysOnlyWhatMayBeReplayed() async throws {
    let server = try await LoopbackServer { number, _ in number % 2 == 0 ? [.send(response("ok"))] : [.close] }
    let client = plainClient()
    let url = try server.url()
    #expect(try await client.send(HTTPRequest("GET", url)).text == "ok")
    // Number 1 is dropped with its connection, number 2 is the replay.
    #expect(try await client.send(HTTPRequest("PUT", url, body: [1])).text == "ok")
    #expect(server.received.requests.count == 3)
    let error = await #expect(throws: HTTPError.self) { _ = try await client.send(HTTPRequest("POST", url, body: [1])) }
    #expect(error?.code == .closedEarly && error?.mayHaveReachedServer == true)
    #expect(server.received.requests.count == 4)
    await client.shutdown()
    await server.stop()
  }

  @Test func aFreshConnectionIsNeverReplayed() async throws {
    let server = try await LoopbackServer { _, _ in [.close] }
    let client = plainClient()
    await #expect(throws: HTTPError.self) { _ = try await client.send(HTTPRequest("GET", try server.url())) }
    #expect(server.received.requests.count == 1)
    await client.shutdown()
    await server.stop()
  }

  @Test func redirectsAreFollowedOnRequestOnly() async throws {
    let other = try await LoopbackServer { _, _ in [.send(response("there"))] }
    let target = try other.url("/there").description
    let server = try await LoopbackServer { _, _ in
      [.send(response("", status: "302 Found", "Location: \(target)"))]
    }
    let client = plainClient()
    var request = HTTPRequest("GET", try server.url(), fields: ["Authorization": "Bearer secret", "X-Other": "1"])
    #expect(try await client.send(request).status == 302)
    request.maximumRedirects = 1
    #expect(try await client.send(request).text == "there")
    let text = try #require(other.received.texts.first)
    #expect(!text.contains("secret") && text.contains("X-Other: 1"))
    var post = HTTPRequest("POST", try server.url(), body: [1])
    post.maximumRedirects = 1
    #expect(try await client.send(post).status == 302)
    await client.shutdown()
    await server.stop()
    await other.stop()
  }

  @Test func badRequestsAreNotSent() async throws {
    let server = try await LoopbackServer { _, _ in [.send(response("ok"))] }
    let client = plainClient()
    let url = try server.url()
    for request in [
      HTTPRequest("GE T", url), HTTPRequest("GET", url, fields: ["A": "b\r\nC: d"]), HTTPRequest("", url),
    ] {
      let error = await #expect(throws: HTTPError.self) { _ = try await client.send(request) }
      #expect(error?.code == .badRequest)
    }
    #expect(server.received.connections == 0)
    await client.shutdown()
    await server.stop()
  }

  @Test func plainHTTPIsRecordedAfterTheResponse() async throws {
    let book = RecordedFlows()
    let server = try await LoopbackServer { number, _ in number == 0 ? [.close] : [.send(response("ok"))] }
    let client = plainClient { $0.flows = book.flows }
    await #expect(throws: HTTPError.self) { _ = try await client.send(HTTPRequest("POST", try server.url())) }
    #expect(book.uses.isEmpty)
    for _ in 0..<2 { _ = try await client.send(HTTPRequest("GET", try server.url())) }
    #expect(
      book.uses == [
        FlowUse(
          row: "connect-cloud/http", transport: .tcp, host: "server.example", address: "127.0.0.1", port: server.port,
          protection: "none")
      ])
    await client.shutdown()
    await server.stop()
  }
}
