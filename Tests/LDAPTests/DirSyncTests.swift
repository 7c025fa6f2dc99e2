// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@testable import LDAP

/// DirSync against a server that answers in parts, which Samba never does.
@Suite struct DirSyncTests {
  static func answer(_ cookie: [UInt8], more: Bool) -> Control {
    var writer = BERWriter()
    writer.constructed {
      $0.integer(more ? 1 : 0)
      $0.integer(0)
      $0.octetString(cookie)
    }
    return Control(.dirSync, isCritical: true, value: writer.bytes)
  }

  static func cookie(_ message: LDAPMessage) -> [UInt8] {
    message.control(.dirSync).flatMap { try? DirSyncControl.response($0) }?.cookie ?? []
  }

  static func change(_ number: UInt8) -> ProtocolOperation {
    .entry(
      "<GUID=00000000-0000-0000-0000-0000000000\(Hex.encode([number]))>;CN=\(number)",
      [Attribute("objectGUID", [([UInt8](repeating: 0, count: 15) + [number])[...]])])
  }

  let request = DirSyncRequest(base: "DC=x", filter: .present("objectClass"), attributes: ["cn"])

  @Test func goesOnWhileThereIsMore() async throws {
    try await FakeServer.with(
      .testing,
      { message, peer in
        let number = (Self.cookie(message).first ?? 0) + 1
        peer.send(message.id, Self.change(number))
        peer.send(message.id, .done(), [Self.answer([number], more: number < 4)])
      },
      test: { connection, server in
        var log: [String] = []
        for try await event in connection.dirSync(request) {
          switch event {
          case .change(let change): log.append(change.dn)
          case .checkpoint(let cookie, let hasMore): log.append("\(cookie.bytes) \(hasMore)")
          }
        }
        #expect(log == ["CN=1", "[1] true", "CN=2", "[2] true", "CN=3", "[3] true", "CN=4", "[4] false"])
        let first = try #require(server.received.first)
        guard case .searchRequest(let search) = first.operation else { return }
        #expect(search.scope == .subtree && search.attributes == ["cn", "objectGUID", "isDeleted", "lastKnownParent"])
        #expect(first.control(.dirSync)?.isCritical == true && first.control(.extendedDN) != nil)
      })
  }

  @Test func aCookieAtOnce() async throws {
    try await FakeServer.with(
      .testing, { message, peer in peer.send(message.id, .done(), [Self.answer([9], more: false)]) },
      test: { connection, server in
        let cookie = try await connection.dirSyncCookie(base: "DC=x")
        #expect(cookie.bytes == [9])
        guard case .searchRequest(let search)? = server.received.first?.operation else { return }
        #expect(search.filter == .not(.present("objectClass")))
      })
  }

  @Test func aLoopWithoutProgressEnds() async throws {
    try await FakeServer.with(
      .testing, { message, peer in peer.send(message.id, .done(), [Self.answer([9], more: true)]) },
      test: { connection, _ in
        #expect(await ldapError { _ = try await connection.dirSync(request).collect() }?.code == .protocolViolation)
      })
  }

  @Test(arguments: [
    (ResultCode.insufficientAccessRights, [UInt8](), LDAPError.Code.insufficientAccessRights),
    (.unavailableCriticalExtension, [1], .badCookie), (.unavailableCriticalExtension, [], .criticalExtension),
    (.referral, [], .incomplete),
  ])
  func refusals(result: ResultCode, cookie: [UInt8], code: LDAPError.Code) async throws {
    try await FakeServer.with(
      .testing, { message, peer in peer.send(message.id, .done(result)) },
      test: { connection, _ in
        var request = request
        request.cookie = DirSyncCookie(cookie)
        let error = await ldapError { _ = try await connection.dirSync(request).collect() }
        #expect(error?.code == code)
      })
  }

  @Test func anAnswerWithoutCookieIsNone() async throws {
    try await FakeServer.with(.testing, { message, peer in peer.send(message.id, .done()) }) { connection, _ in
      #expect(await ldapError { _ = try await connection.dirSync(request).collect() }?.code == .protocolViolation)
    }
  }

  @Test func changesByUSN() async throws {
    try await FakeServer.with(
      .testing,
      { message, peer in
        peer.send(message.id, Self.change(1))
        peer.send(message.id, .done(), [PagedResults(size: 0, cookie: []).control])
      },
      test: { connection, server in
        let changes = try await connection.changes(
          sinceUSN: 41, base: "DC=x", filter: .equal("objectClass", "user"), attributes: ["cn"]
        ).collect()
        #expect(changes.map(\.dn) == ["CN=1"])
        guard case .searchRequest(let search)? = server.received.first?.operation else { return }
        #expect(search.filter.description == "(&(uSNChanged>=42)(objectClass=user))")
        #expect(server.received.first?.control(.showDeleted)?.isCritical == true)
      })
  }
}
