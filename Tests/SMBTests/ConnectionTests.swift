// SPDX-License-Identifier: Apache-2.0

import Testing
import TestSupport
import Wire

@testable import SMB

/// Whole conversations over sockets with a server that keeps to the protocol.
@Suite struct ConnectionTests {
  typealias Behaviour = FakeSMBServer.Behaviour

  static let protections: [(Dialect, SigningAlgorithm?, Cipher?, String)] = [
    (.smb210, nil, nil, "SMB 2.1, signing HMAC-SHA256, encryption none, a test's key"),
    (.smb300, nil, nil, "SMB 3.0, signing AES-CMAC, encryption none, a test's key"),
    (.smb300, nil, .aes128CCM, "SMB 3.0, signing AES-CMAC, encryption AES-128-CCM, a test's key"),
    (.smb302, nil, .aes128CCM, "SMB 3.0.2, signing AES-CMAC, encryption AES-128-CCM, a test's key"),
    (.smb311, nil, nil, "SMB 3.1.1, signing AES-CMAC, encryption none, a test's key"),
    (.smb311, .aesGMAC, nil, "SMB 3.1.1, signing AES-GMAC, encryption none, a test's key"),
    (.smb311, .aesCMAC, .aes128CCM, "SMB 3.1.1, signing AES-CMAC, encryption AES-128-CCM, a test's key"),
    (.smb311, .aesGMAC, .aes128GCM, "SMB 3.1.1, signing AES-GMAC, encryption AES-128-GCM, a test's key"),
    (.smb311, .aesGMAC, .aes256CCM, "SMB 3.1.1, signing AES-GMAC, encryption AES-256-CCM, a test's key"),
    (.smb311, .aesGMAC, .aes256GCM, "SMB 3.1.1, signing AES-GMAC, encryption AES-256-GCM, a test's key"),
  ]

  @Test(arguments: protections)
  func everyProtection(dialect: Dialect, signing: SigningAlgorithm?, cipher: Cipher?, words: String) async throws {
    try await FakeSMBServer.with(Behaviour(dialect: dialect, signing: signing, cipher: cipher)) { server in
      let connection = try await server.connect()
      #expect(connection.protection == words)
      #expect(server.flows.uses.map(\.protection) == [words])
      #expect(server.flows.uses.first?.row == "connect-ad/smb")
      let pipe = try await connection.openPipe("samr")
      #expect(try await pipe.transceive([1, 2, 3]) == [3, 2, 1])
      try await pipe.write([4, 5])
      #expect(try await pipe.read() == [5, 4])
      // Longer than the parts that the server sends.
      let long = (0..<2500).map { UInt8(truncatingIfNeeded: $0) }
      #expect(try await pipe.transceive(long) == long.reversed())
      #expect(pipe.sessionKey.count == 16)
      await pipe.close()
      await connection.close()
      let handshake: [SMBCommand] = [.negotiate, .sessionSetup, .treeConnect]
      // Before SMB 3.1.1 the negotiation is confirmed.
      let confirmation: [SMBCommand] = dialect < .smb311 ? [.ioctl] : []
      let use: [SMBCommand] = [.create, .ioctl, .write, .read, .ioctl, .read, .read, .close, .treeDisconnect, .logoff]
      #expect(server.commands == handshake + confirmation + use)
      // Everything behind the sign-in is encrypted, or nothing.
      #expect(server.encryptedCount == (cipher == nil ? 0 : server.commands.count - 2))
    }
  }

  @Test func encryptsOnlyWhereDemandedIfToldSo() async throws {
    try await FakeSMBServer.with(Behaviour()) { server in
      let connection = try await server.connect { $0.encryption = .whereDemanded }
      #expect(!connection.isEncrypted && server.encryptedCount == 0)
      await connection.close()
    }
  }

  @Test func encryptsWhereTheSessionDemandsIt() async throws {
    let behaviour = Behaviour { request, reply in
      if request.header.command == .sessionSetup {
        reply.body = SessionSetupResponse(flags: .encryptData, securityToken: FakeProvider.answer)
      }
    }
    try await FakeSMBServer.with(behaviour) { server in
      let connection = try await server.connect { $0.encryption = .whereDemanded }
      #expect(connection.isEncrypted && server.encryptedCount == 1)
      await connection.close()
    }
  }

  @Test func encryptsWhereTheShareDemandsIt() async throws {
    let behaviour = Behaviour { request, reply in
      if request.header.command == .treeConnect {
        reply.body = TreeConnectResponse(shareType: TreeConnectResponse.pipeShare, flags: .encryptData)
      }
    }
    try await FakeSMBServer.with(behaviour) { server in
      let connection = try await server.connect { $0.encryption = .whereDemanded }
      #expect(connection.isEncrypted && server.encryptedCount == 0)
      _ = try await connection.openPipe("samr")
      #expect(server.encryptedCount == 1)
      await connection.close()
    }
  }

  @Test func answersThatComeLater() async throws {
    // The interim response grants the credit, the final one none (MS-SMB2 3.3.4.2).
    let behaviour = Behaviour { request, reply in
      guard request.header.command == .create else { return }
      var interim = reply.header
      interim.flags = [.response, .asynchronous]
      interim.status = .pending
      interim.asyncID = 5
      interim.treeID = 0
      reply.header.flags = [.response, .asynchronous]
      reply.header.asyncID = 5
      reply.header.credits = 0
      reply.interim = SMBMessage(interim, ErrorResponse()).bytes
    }
    try await FakeSMBServer.with(behaviour) { server in
      let connection = try await server.connect { $0.encryption = .whereDemanded }
      let pipe = try await connection.openPipe("samr")
      #expect(try await pipe.transceive([1, 2]) == [2, 1])
      await connection.close()
    }
  }

  @Test func manyPipesAtOnce() async throws {
    try await FakeSMBServer.with(Behaviour()) { server in
      let connection = try await server.connect()
      // More than there are credits: requests wait for their turn.
      let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
        for number in 0..<150 {
          group.addTask {
            let pipe = try await connection.openPipe("samr")
            return try await pipe.transceive([UInt8(number), 1]) == [1, UInt8(number)]
          }
        }
        return try await group.reduce(into: 0) { if $1 { $0 += 1 } }
      }
      #expect(answers == 150)
      await connection.close()
    }
  }

  @Test func namesWhatIsMissing() async throws {
    let behaviour = Behaviour { request, reply in
      guard request.header.command == .create else { return }
      reply.header.status = .objectNameNotFound
      reply.body = ErrorResponse()
    }
    try await FakeSMBServer.with(behaviour) { server in
      let connection = try await server.connect()
      let error = await #expect(throws: SMBError.self) { try await connection.openPipe("nothing") }
      #expect(error?.code == .noSuchPipe && error?.status == .objectNameNotFound)
      #expect(error?.message.contains("pipe nothing") == true)
      await connection.close()
    }
  }

  /// Nothing depends on the answer to a farewell.
  @Test func closingAPipeDoesNotWaitForASilentServer() async throws {
    let behaviour = Behaviour { request, reply in
      if request.header.command == .close { reply.frames = [] }
    }
    try await FakeSMBServer.with(behaviour) { server in
      let connection = try await server.connect { $0.operationTimeout = .seconds(600) }
      let pipe = try await connection.openPipe("samr")
      let took = await ContinuousClock().measure { await pipe.close() }
      #expect(server.commands.contains(.close))
      #expect(took < .seconds(300))
      await connection.close()
    }
  }

  @Test func aPipeIsUsedByOneAtATime() async throws {
    let behaviour = Behaviour { request, reply in
      if request.header.command == .ioctl { reply.frames = [] }
    }
    try await FakeSMBServer.with(behaviour) { server in
      let connection = try await server.connect()
      let pipe = try await connection.openPipe("samr")
      let first = Task { try await pipe.transceive([1]) }
      try await eventually { server.commands.contains(.ioctl) }
      let second = await #expect(throws: SMBError.self) { try await pipe.transceive([2]) }
      #expect(second?.code == .badRequest)
      first.cancel()
      await #expect(throws: CancellationError.self) { try await first.value }
      // The server is told, and a pipe out of step is not used again.
      try await eventually { server.commands.contains(.cancel) }
      let third = await #expect(throws: SMBError.self) { try await pipe.transceive([3]) }
      #expect(third?.code == .closed)
      await pipe.close()
      await connection.close()
    }
  }
}
