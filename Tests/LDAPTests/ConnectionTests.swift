// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization
import Testing
import TestSupport
import Wire

@testable import LDAP

/// The connection against servers that behave, misbehave and stall.
@Suite struct ConnectionTests {
  @Test func answersMayComeInAnyOrder() async throws {
    let held = Mutex<[Int32]>([])
    try await FakeServer.with(
      .testing,
      { message, peer in
        let ids = held.withLock { ids in
          ids.append(message.id)
          return ids
        }
        guard ids.count == 10 else { return }
        for id in ids.reversed() {
          peer.send(id, .compareResponse(LDAPResult(id % 2 == 0 ? .compareTrue : .compareFalse)))
        }
      },
      test: { connection, server in
        try await withThrowingTaskGroup(of: Bool.self) { group in
          for _ in 0..<10 {
            group.addTask { try await connection.compare("CN=a", attribute: "cn", value: [0x61]) }
          }
          var results: [Bool] = []
          for try await result in group { results.append(result) }
          #expect(results.filter { $0 }.count == 5)
        }
        #expect(Set(server.received.map(\.id)).count == 10)
      })
  }

  @Test func updatesSucceedAndFail() async throws {
    try await FakeServer.with(
      .testing,
      { message, peer in
        switch message.operation {
        case .modifyRequest: peer.send(message.id, .modifyResponse(LDAPResult(.success)))
        case .addRequest: peer.send(message.id, .addResponse(LDAPResult(.entryAlreadyExists)))
        case .deleteRequest: peer.send(message.id, .deleteResponse(LDAPResult(.noSuchObject)))
        case .modifyDNRequest: peer.send(message.id, .modifyDNResponse(LDAPResult(.success)))
        case .compareRequest: peer.send(message.id, .deleteResponse(LDAPResult(.success)))
        case .extendedRequest:
          peer.send(message.id, .extendedResponse(ExtendedResponse(LDAPResult(.success), value: [1])))
        default: break
        }
      },
      test: { connection, server in
        try await connection.modify("CN=a", [.replace("mail", ["x"])])
        try await connection.modifyDN("CN=a", newRDN: "CN=b")
        #expect(await ldapError { try await connection.add("CN=a", []) }?.code == .alreadyExists)
        #expect(await ldapError { try await connection.delete("CN=a") }?.code == .noSuchObject)
        #expect(
          await ldapError { _ = try await connection.compare("CN=a", attribute: "cn", value: []) }?.code
            == .protocolViolation)
        let value1 = try await connection.extended(.whoAmI).value
        #expect(value1 == [1])
      })
  }

  /// What a hostile server may say to a search, and what becomes of it.
  static let hostile: [(name: String, bytes: [UInt8], code: LDAPError.Code)] = [
    ("a huge length", hex("30 84 7f ff ff ff 02"), .protocolViolation),
    ("a length of nine octets", hex("30 89 00 00 00 00 00 00 00 00 00"), .protocolViolation),
    ("an indefinite length", hex("30 80 02 01 01 00 00"), .protocolViolation),
    ("no message", hex("48 54 54 50 2f 31 2e 31"), .protocolViolation),
    ("a truncated element", hex("30 05 02 01 01 64 7f"), .protocolViolation),
    ("a message inside out", hex("30 03 02 01 01"), .protocolViolation),
    ("a wrong identifier", LDAPMessage(id: 77, .done()).encoded, .protocolViolation),
    ("a negative identifier", hex("30 0c 02 01 ff 65 07 0a 01 00 04 00 04 00"), .protocolViolation),
    ("another operation's answer", LDAPMessage(id: 1, .addResponse(LDAPResult(.success))).encoded, .protocolViolation),
    ("a request", LDAPMessage(id: 1, .unbindRequest).encoded, .protocolViolation),
    (
      "a thousand nested controls",
      {
        var bytes: [UInt8] = []
        for _ in 0..<1000 {
          var writer = BERWriter()
          writer.octetString(bytes, 0xA0)
          bytes = writer.bytes
        }
        var writer = BERWriter()
        writer.constructed {
          $0.integer(1)
          ProtocolOperation.done().encode(into: &$0)
          $0.raw(bytes)
        }
        return writer.bytes
      }(), .protocolViolation
    ),
    (
      "a notice of disconnection",
      LDAPMessage(
        id: 0,
        .extendedResponse(ExtendedResponse(LDAPResult(.unavailable), name: ExtendedResponse.noticeOfDisconnection))
      ).encoded, .unavailable
    ),
  ]

  @Test(arguments: hostile.indices)
  func hostileAnswers(index: Int) async throws {
    let row = Self.hostile[index]
    try await FakeServer.with(.testing, { _, peer in peer.sendRaw(row.bytes) }) { connection, _ in
      let error = await ldapError { _ = try await connection.rootDSE() }
      #expect(error?.code == row.code, "\(row.name): \(String(describing: error))")
    }
  }

  @Test func bytesThatTrickleIn() async throws {
    try await FakeServer.with(
      .testing,
      { message, peer in
        let entry = LDAPMessage(id: message.id, .entry("", [Attribute("dnsHostName", ["dc1"])])).encoded
        for byte in entry + LDAPMessage(id: message.id, .done()).encoded { peer.sendRaw([byte]) }
      },
      test: { connection, _ in
        let root = try await connection.rootDSE()
        #expect(root.dnsHostName == "dc1")
      })
  }

  @Test func aServerThatCloses() async throws {
    try await FakeServer.with(.testing, { _, peer in peer.close() }) { connection, _ in
      #expect(await ldapError { _ = try await connection.rootDSE() }?.code == .closed)
      #expect(await ldapError { try await connection.delete("CN=a") }?.code == .closed)
    }
  }

  @Test func nobodyListens() async throws {
    let server = try await FakeServer.start { _, _ in }
    // A port that no other test is given.
    #expect(await ldapError { _ = try await server.connect(port: 1) }?.code == .unreachable)
    #expect(server.flows.uses.isEmpty)
  }

  @Test func aSilentServerTimesOutAndTheOperationIsAbandoned() async throws {
    var options = LDAPOptions.testing
    options.operationTimeout = .milliseconds(150)
    try await FakeServer.with(options, { _, _ in }) { connection, server in
      #expect(await ldapError { _ = try await connection.rootDSE() }?.code == .timeout)
      try await server.waits { $0.contains { $0.operation == .abandonRequest(id: 1) } }
    }
  }

  /// A read of changes is waited for as long as it says, whatever holds for all else.
  @Test(arguments: [(Duration.seconds(60), Duration.milliseconds(50)), (.milliseconds(50), .seconds(60))])
  func aReadOfChangesHasAPatienceOfItsOwn(others: Duration, patience: Duration) async throws {
    var options = LDAPOptions.testing
    options.operationTimeout = others
    try await FakeServer.with(options, { _, _ in }) { connection, server in
      let request = DirSyncRequest(
        base: "DC=a", filter: .present("objectClass"), attributes: ["cn"], patience: patience)
      let reading = Task { for try await _ in connection.dirSyncParts(request) {} }
      if patience < others {
        #expect(await ldapError { try await reading.value }?.code == .timeout)
        return
      }
      // It outlives an operation that was begun after it.
      try await server.waits { !$0.isEmpty }
      #expect(await ldapError { _ = try await connection.rootDSE() }?.code == .timeout)
      reading.cancel()
      await #expect(throws: CancellationError.self) { try await reading.value }
    }
  }

  @Test func cancellationAbandons() async throws {
    try await FakeServer.with(.testing, { _, _ in }) { connection, server in
      let reading = Task { try await connection.rootDSE() }
      try await server.waits { !$0.isEmpty }
      reading.cancel()
      await #expect(throws: CancellationError.self) { try await reading.value }
      try await server.waits { $0.contains { $0.operation == .abandonRequest(id: 1) } }
      // A late answer to the abandoned operation harms nothing.
    }
  }

  @Test func lateAnswersToAbandonedOperationsAreIgnored() async throws {
    try await FakeServer.with(
      .testing,
      { message, peer in
        switch message.operation {
        case .abandonRequest(let id):
          peer.send(id, .entry("CN=late"))
          peer.send(id, .done())
        case .compareRequest: peer.send(message.id, .compareResponse(LDAPResult(.compareTrue)))
        default: break
        }
      },
      test: { connection, server in
        let reading = Task { try await connection.rootDSE() }
        try await server.waits { !$0.isEmpty }
        reading.cancel()
        _ = try? await reading.value
        try await server.waits { $0.count >= 2 }
        let value2 = try await connection.compare("CN=a", attribute: "cn", value: [])
        #expect(value2)
      })
  }

  @Test func closingSaysUnbind() async throws {
    let server = try await FakeServer.start { _, _ in }
    let connection = try await server.connect()
    #expect(server.flows.uses.map(\.row) == ["connect-ad/ldap"])
    #expect(server.flows.uses.first?.address == "127.0.0.1")
    await connection.close()
    try await server.waits { $0.last?.operation == .unbindRequest }
    #expect(await ldapError { _ = try await connection.rootDSE() }?.code == .closed)
    try await server.channel.close()
  }

  @Test func aForgottenConnectionCloses() async throws {
    let server = try await FakeServer.start { _, _ in }
    _ = try await server.connect()
    try await server.waits { $0.last?.operation == .unbindRequest }
    try await server.channel.close()
  }
}
