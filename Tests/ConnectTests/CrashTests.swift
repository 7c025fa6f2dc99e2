// SPDX-License-Identifier: Apache-2.0

import Foundation
import IdentityModel
import Logging
import Store
import Synchronization
import Testing

@testable import Connect

/// A store whose n-th write is lost: either it never happens, or it is committed and the process hears nothing of it.
final class CrashingStore: Store {
  struct Crash: Error {}
  private let inner: any Store
  private let writes: Mutex<Int>
  private let crashAt: Int
  private let isCommitted: Bool

  init(_ inner: any Store, crashAt: Int, isCommitted: Bool) {
    self.inner = inner
    self.crashAt = crashAt
    self.isCommitted = isCommitted
    writes = Mutex(0)
  }

  var count: Int { writes.withLock { $0 } }

  func read<R: Sendable>(_ body: @escaping @Sendable (any Transaction) throws -> R) async throws -> R {
    if count >= crashAt { throw Crash() }
    return try await inner.read(body)
  }

  func write<R: Sendable>(
    durability: Durability, _ body: @escaping @Sendable (any Transaction) throws -> R
  ) async throws -> R {
    let number = writes.withLock { count in
      count += 1
      return count
    }
    // A process that died writes nothing more.
    if number > crashAt || (number == crashAt && !isCommitted) { throw Crash() }
    let result = try await inner.write(durability: durability, body)
    if number == crashAt { throw Crash() }
    return result
  }
}

/// Whatever the moment at which a pass dies, the next one ends where an undisturbed one would have.
@Suite struct CrashTests {
  /// Some of everything: creates, then changes, members in and out, a deletion, a new object under an old name.
  private func populate(_ site: Site) -> [Anchor] {
    let boss = site.directory.user("boss", in: site.people)
    let ann = site.directory.user("ann", in: site.people, links: ["manager": [boss]])
    let bob = site.directory.user("bob", in: site.people)
    let group = site.directory.group("g", in: site.people, members: [ann, bob])
    return [boss, ann, bob, group]
  }

  private func change(_ site: Site, _ anchors: [Anchor]) {
    site.directory.modify(anchors[1], ["department": ["Research"]])
    site.directory.link(anchors[3], "member", add: [anchors[0]], remove: [anchors[1]])
    site.directory.delete(anchors[2])
    _ = site.directory.user("carol", in: site.people)
    _ = site.directory.user("bob", in: site.people, ["displayname": ["bob the second"]])
  }

  private func expected() async throws -> [String: [String: [String]]] {
    var picture: [String: [String: [String]]] = [:]
    try await Site.with { site in
      let anchors = populate(site)
      try await site.sync()
      change(site, anchors)
      try await site.sync()
      picture = site.target.picture
    }
    return picture
  }

  private func check(_ site: Site, _ picture: [String: [String: [String]]], _ moment: String) async throws {
    #expect(site.target.picture == picture, "\(moment)")
    #expect(site.target.creates.values.allSatisfy { $0 == 1 }, "\(moment)")
    #expect(try await site.count("SELECT COUNT(*) FROM pending") == 0, "\(moment)")
    #expect(try await site.count("SELECT COUNT(*) FROM pending_link") == 0, "\(moment)")
    #expect(try await site.count("SELECT COUNT(*) FROM quarantine") == 0, "\(moment)")
  }

  @Test(arguments: zip([false, true], [1, 4]))
  func everyWrite(isCommitted: Bool, operationsPerRequest: Int) async throws {
    let picture = try await expected()
    for inFirst in [true, false] {
      var moment = 1
      while true {
        var isOver = false
        try await Site.with(MemoryTarget(operationsPerRequest: operationsPerRequest)) { site in
          let anchors = populate(site)
          if !inFirst {
            try await site.sync()
            change(site, anchors)
          }
          let store = CrashingStore(site.store, crashAt: moment, isCommitted: isCommitted)
          do {
            _ = try await site.service(store: store).run()
            isOver = true
          } catch is CrashingStore.Crash {}
          if inFirst {
            try await site.sync()
            change(site, anchors)
          }
          try await site.sync()
          try await check(site, picture, "write \(moment) of the \(inFirst ? "first" : "second") pass")
        }
        if isOver { break }
        moment += 1
      }
      #expect(moment > 10)
    }
  }

  @Test(arguments: [false, true])
  func everyRequest(isDone: Bool) async throws {
    let picture = try await expected()
    for inFirst in [true, false] {
      var moment = 1
      while true {
        var isOver = false
        try await Site.with { site in
          let anchors = populate(site)
          if !inFirst {
            try await site.sync()
            change(site, anchors)
          }
          site.target.fail(request: moment, isDone: isDone)
          do {
            try await site.sync()
            isOver = true
            site.target.failNoMore()
          } catch is MemoryTarget.Broken {}
          if inFirst {
            try await site.sync()
            change(site, anchors)
          }
          try await site.sync()
          try await check(site, picture, "request \(moment) of the \(inFirst ? "first" : "second") pass")
        }
        if isOver { break }
        moment += 1
      }
      #expect(moment > 4)
    }
  }
}
