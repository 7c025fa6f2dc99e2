// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization
import Testing
import TestSupport
import Wire

@testable import LDAP

/// Paged reads against a server that pages, refers, cuts and stalls.
@Suite struct SearchTests {
  static func page(_ message: LDAPMessage) -> [UInt8]? {
    message.control(.pagedResults).flatMap { try? PagedResults($0) }?.cookie
  }

  /// Serves `pages` of entries, the cookie being the page's number.
  static func serve(_ pages: [[String]]) -> FakeServer.Script {
    { message, peer in
      guard case .searchRequest = message.operation, let cookie = page(message) else { return }
      let number = Int(cookie.first ?? 0)
      for dn in pages[number] { peer.send(message.id, .entry(dn)) }
      let next = number + 1 < pages.count ? [UInt8(number + 1)] : []
      peer.send(message.id, .done(), [PagedResults(size: 0, cookie: next).control])
    }
  }

  func read(_ connection: LDAPConnection, pageSize: Int32 = 1000) -> SearchStream {
    connection.search(base: "DC=x", filter: .present("objectClass"), attributes: ["cn"], pageSize: pageSize)
  }

  @Test func allPagesInOrder() async throws {
    let pages = [["CN=1", "CN=2"], [], ["CN=3"], ["CN=4", "CN=5"]]
    try await FakeServer.with(.testing, Self.serve(pages)) { connection, server in
      let value1 = try await read(connection, pageSize: 2).collect().map(\.dn)
      #expect(value1 == pages.flatMap { $0 })
      let controls = server.received.first?.controls ?? []
      #expect(controls.contains { $0.type == .pagedResults && $0.isCritical })
      #expect(controls.contains { $0.type == .domainScope })
    }
  }

  @Test func theNextPageIsAskedForBeforeOneIsConsumed() async throws {
    try await FakeServer.with(.testing, Self.serve([["CN=1", "CN=2"], ["CN=3"]])) { connection, server in
      var entries = read(connection).makeAsyncIterator()
      let value2 = try await entries.next()?.dn
      #expect(value2 == "CN=1")
      try await server.waits { $0.count == 2 }
      let value3 = try await entries.next()?.dn
      #expect(value3 == "CN=2")
      let value4 = try await entries.next()?.dn
      #expect(value4 == "CN=3")
      let value5 = try await entries.next()
      #expect(value5 == nil)
      let value6 = try await entries.next()
      #expect(value6 == nil)
    }
  }

  /// Ends of a page that must not be taken for the end of the result.
  static let partial: [(name: String, last: ProtocolOperation, controls: [Control])] = [
    ("size limit", .done(.sizeLimitExceeded), []),
    ("size limit with a page's control", .done(.sizeLimitExceeded), [PagedResults(size: 0, cookie: []).control]),
    ("time limit", .done(.timeLimitExceeded), []),
    ("admin limit", .done(.adminLimitExceeded), []),
    ("referral", .done(.referral, referrals: ["ldap://other/DC=x"]), []),
    ("no control", .done(), []),
    ("a control without value", .done(), [Control(.pagedResults, isCritical: false)]),
  ]

  @Test(arguments: partial.indices)
  func partialResultsAreErrors(index: Int) async throws {
    let row = Self.partial[index]
    try await FakeServer.with(
      .testing,
      { message, peer in
        peer.send(message.id, .entry("CN=1"))
        peer.send(message.id, row.last, row.controls)
      },
      test: { connection, _ in
        var entries = read(connection).makeAsyncIterator()
        let value7 = try await entries.next()?.dn
        #expect(value7 == "CN=1")
        #expect(await ldapError { _ = try await entries.next() }?.code == .incomplete, "\(row.name)")
      })
  }

  @Test func aReferenceIsIncomplete() async throws {
    try await FakeServer.with(
      .testing,
      { message, peer in
        peer.send(message.id, .entry("CN=1"))
        peer.send(message.id, .searchResultReference(["ldap://child.x/DC=child,DC=x"]))
        peer.send(message.id, .done(), [PagedResults(size: 0, cookie: []).control])
      },
      test: { connection, _ in
        #expect(await ldapError { _ = try await read(connection).collect() }?.code == .incomplete)
      })
  }

  @Test func aServerThatDiesInMidPage() async throws {
    try await FakeServer.with(
      .testing,
      { message, peer in
        peer.send(message.id, .entry("CN=1"))
        let second = LDAPMessage(id: message.id, .entry("CN=2")).encoded
        peer.sendRaw(Array(second.dropLast(3)))
        peer.close()
      },
      test: { connection, _ in
        var entries = read(connection).makeAsyncIterator()
        let value8 = try await entries.next()?.dn
        #expect(value8 == "CN=1")
        #expect(await ldapError { _ = try await entries.next() }?.code == .closed)
      })
  }

  @Test func emptyPagesWithoutEnd() async throws {
    try await FakeServer.with(
      .testing,
      { message, peer in peer.send(message.id, .done(), [PagedResults(size: 0, cookie: [1]).control]) },
      test: { connection, _ in
        #expect(await ldapError { _ = try await read(connection).collect() }?.code == .incomplete)
      })
  }

  @Test func leavingTheLoopAbandons() async throws {
    try await FakeServer.with(
      .testing, { message, peer in peer.send(message.id, .entry("CN=1")) },
      test: { connection, server in
        for try await _ in read(connection) { break }
        try await server.waits { $0.contains { $0.operation == .abandonRequest(id: 1) } }
      })
  }

  // MARK: Ranges

  /// A group whose members come in parts of at most `size`, as Active Directory's MaxValRange makes them.
  static func group(_ members: [String], size: Int) -> FakeServer.Script {
    { message, peer in
      guard case .searchRequest(let request) = message.operation else { return }
      let low = request.attributes.lazy.compactMap { Attribute($0, [String]()).range?.low }.first ?? 0
      let part = members.dropFirst(low).prefix(size)
      let isLast = low + part.count >= members.count
      let option = isLast && low == 0 ? "" : ";range=\(low)-\(isLast ? "*" : String(low + part.count - 1))"
      var attributes = [Attribute("cn", ["g"]), Attribute("member\(option)", Array(part))]
      if !option.isEmpty { attributes.append(Attribute("member", [String]())) }
      peer.send(message.id, .entry("CN=g", attributes))
      peer.send(
        message.id, .done(), message.control(.pagedResults) == nil ? [] : [PagedResults(size: 0, cookie: []).control])
    }
  }

  @Test(arguments: [0, 1, 1499, 1500, 1501, 3000, 4000])
  func rangedValuesAreCompleted(count: Int) async throws {
    let members = (0..<count).map { "CN=u\($0)" }
    try await FakeServer.with(.testing, Self.group(members, size: 1500)) { connection, server in
      let entry = try #require(try await read(connection).collect().first)
      #expect(entry.strings("member") == members)
      #expect(entry.attributes.map(\.name).sorted() == ["cn", "member"])
      let single = try #require(try await connection.entry("CN=g", attributes: ["member"]))
      #expect(single.strings("member") == members)
      if count == 4000 {
        let asked = server.received.compactMap { message -> [String]? in
          if case .searchRequest(let request) = message.operation { request.attributes } else { nil }
        }
        #expect(asked.contains(["member;range=1500-*"]) && asked.contains(["member;range=3000-*"]))
      }
    }
  }

  static let brokenRanges: [[String]] = [
    ["member;range=0-1", "member;range=3-*"],  // a hole
    ["member;range=0-1", "member;range=0-1"],  // the same again
    ["member;range=0-1", "other;range=2-*"],
    ["member;range=0-5", "member;range=6-*"],  // fewer values than said
    ["member;range=2-3", "member;range=4-*"],  // not from the start
  ]

  @Test(arguments: brokenRanges)
  func brokenRangesAreIncomplete(names: [String]) async throws {
    try await FakeServer.with(
      .testing,
      { message, peer in
        guard case .searchRequest(let request) = message.operation else { return }
        let name = request.attributes == ["cn"] ? names[0] : names[1]
        peer.send(message.id, .entry("CN=g", [Attribute(name, ["a", "b"])]))
        peer.send(
          message.id, .done(), message.control(.pagedResults) == nil ? [] : [PagedResults(size: 0, cookie: []).control])
      },
      test: { connection, _ in
        #expect(await ldapError { _ = try await read(connection).collect() }?.code == .incomplete)
      })
  }

  // MARK: Back-pressure

  /// A consumer that stops makes the server stop: what lies between is the buffer limit and what sockets hold.
  @Test func aSlowConsumerStopsTheServer() async throws {
    let entry = LDAPMessage(
      id: 1, .entry("CN=x", [Attribute("blob", [[UInt8](repeating: 7, count: 10_000)[...]])])
    ).encoded
    let written = Mutex(0)
    @Sendable func more(_ peer: FakeServer.Peer) {
      // The next entry once the kernel has taken this one: the count is that of accepted bytes.
      peer.channel.writeAndFlush(ByteBuffer(bytes: entry)).whenSuccess {
        written.withLock { $0 += entry.count }
        more(peer)
      }
    }
    var options = LDAPOptions.testing
    options.bufferLimit = 256 << 10
    try await FakeServer.with(
      options,
      { message, peer in if case .searchRequest = message.operation { more(peer) } },
      test: { connection, _ in
        var entries = read(connection).makeAsyncIterator()
        let value9 = try await entries.next()
        #expect(value9 != nil)
        // Wait until nothing moves any more.
        var last = -1
        var still = 0
        try await eventually {
          try await Task.sleep(for: .milliseconds(10))
          let now = written.withLock { $0 }
          still = now == last ? still + 1 : 0
          last = now
          return still >= 10 && last >= entry.count
        }
        #expect(last < 32 << 20, "\(last) bytes were accepted from the server")
        // And it goes on when the consumer does.
        for _ in 0..<(2 * last / entry.count) { _ = try await entries.next() }
        #expect(written.withLock { $0 } > last)
      })
  }

  /// A consumer that is behind may use the same connection for something else without a deadlock.
  @Test func otherOperationsPassASlowConsumer() async throws {
    let blob = Attribute("blob", [[UInt8](repeating: 7, count: 100_000)[...]])
    var options = LDAPOptions.testing
    options.bufferLimit = 1000
    try await FakeServer.with(
      options,
      { message, peer in
        switch message.operation {
        case .searchRequest:
          for _ in 0..<100 { peer.send(message.id, .entry("CN=x", [blob])) }
          peer.send(message.id, .done(), [PagedResults(size: 0, cookie: []).control])
        default: peer.send(message.id, .compareResponse(LDAPResult(.compareTrue)))
        }
      },
      test: { connection, _ in
        var entries = read(connection).makeAsyncIterator()
        var count = 0
        while try await entries.next() != nil {
          count += 1
          if count == 1 {
            let isTrue = try await connection.compare("CN=a", attribute: "cn", value: [])
            #expect(isTrue)
          }
        }
        #expect(count == 100)
      })
  }
}
