// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOPosix
import Testing
import TestSupport
import Wire

@testable import SMB

/// Servers, or somebody in between, that want less protection, somebody else's session, or a client that hangs. In each case
/// there must be no connection, no recorded flow, and an error that says why.
@Suite struct HostileServerTests {
  typealias Behaviour = FakeSMBServer.Behaviour

  private func refusal(
    _ behaviour: Behaviour, adjust: (inout SMBOptions) -> Void = { _ in }
  ) async throws -> SMBError? {
    try await FakeSMBServer.with(behaviour) { await $0.refusal(adjust: adjust) }
  }

  // MARK: - Less protection than there could be

  /// Somebody takes SMB 3 out of the offer; the server, asked under the session's key, knows nothing of it.
  @Test(arguments: [Dialect.smb210, .smb300]) func dialectsCutOutOfTheOffer(dialect: Dialect) async throws {
    let behaviour = Behaviour(dialect: dialect, cipher: nil) { request, reply in
      guard let ioctl = try? IoctlRequest(request), ioctl.control == .validateNegotiateInfo,
        let asked = try? ValidateNegotiateInfoRequest(ioctl.input), asked.dialects.count == 4
      else { return }
      // A real server would have chosen SMB 3.0.2 of these; MS-SMB2 3.3.5.15.12 has it end the connection or say so.
      reply.body = IoctlResponse(
        control: ioctl.control, file: ioctl.file,
        output: ValidateNegotiateInfoResponse(
          NegotiateResponse(
            securityMode: .signingEnabled, dialect: Dialect.smb302.rawValue, serverGUID: Samples.guid,
            systemTime: FileTime(ticks: 1))
        ).encoded)
    }
    #expect(try await refusal(behaviour)?.code == .downgraded)
  }

  @Test func encryptionCutOutOfTheAnswer() async throws {
    // The server offered encryption; on the wire the capability is cleared.
    let behaviour = Behaviour(dialect: .smb300, cipher: .aes128CCM) { request, reply in
      guard request.header.command == .negotiate else { return }
      reply.damage = { $0.replaceSubrange(64 + 24..<64 + 28, with: [0, 0, 0, 0]) }
    }
    #expect(try await refusal(behaviour)?.code == .downgraded)
  }

  /// In SMB 3.1.1 each side hashes what it saw: keys differ where that was not the same.
  @Test func alteredNegotiationOf311() async throws {
    let behaviour = Behaviour { request, reply in
      guard request.header.command == .negotiate else { return }
      // One bit of the server's clock, which nobody else protects.
      reply.damage = { $0[64 + 40] ^= 1 }
    }
    #expect(try await refusal(behaviour)?.code == .badProtection)
    let offer = Behaviour(seen: { $0[64 + 12] ^= 1 })
    #expect(try await refusal(offer)?.code == .badProtection)
  }

  @Test func refusedConfirmation() async throws {
    let behaviour = Behaviour(dialect: .smb302, cipher: nil) { request, reply in
      guard request.header.command == .ioctl else { return }
      reply.header.status = .accessDenied
      reply.body = ErrorResponse()
    }
    #expect(try await refusal(behaviour)?.code == .downgraded)
    // SMB 3 servers know the question: not knowing it is no excuse.
    let ignorant = Behaviour(dialect: .smb302, cipher: nil) { request, reply in
      guard request.header.command == .ioctl else { return }
      reply.header.status = .fileClosed
      reply.body = ErrorResponse()
    }
    #expect(try await refusal(ignorant)?.code == .downgraded)
  }

  @Test func choicesThatWereNotOffered() async throws {
    #expect(try await refusal(Behaviour(dialect: .smb202))?.code == .protocolViolation)
    let cipher = try await refusal(Behaviour(cipher: .aes128CCM)) { $0.offer.ciphers = [.aes256GCM] }
    #expect(cipher?.code == .protocolViolation)
    let signing = try await refusal(Behaviour(signing: .hmacSHA256))
    #expect(signing?.code == .protocolViolation)
    let encryption = try await refusal(Behaviour(cipher: nil)) { $0.encryption = .required }
    #expect(encryption?.code == .noCommonProtection)
    let old = try await refusal(Behaviour(dialect: .smb210, cipher: nil)) { $0.encryption = .required }
    #expect(old?.code == .noCommonProtection)
  }

  @Test func noPreauthenticationIntegrity() async throws {
    let behaviour = Behaviour { request, reply in
      guard request.header.command == .negotiate else { return }
      reply.body = NegotiateResponse(
        securityMode: .signingEnabled, dialect: Dialect.smb311.rawValue, serverGUID: Samples.guid,
        systemTime: FileTime(ticks: 1), contexts: [.encryption([2])])
    }
    #expect(try await refusal(behaviour)?.code == .protocolViolation)
  }

  @Test func noSigning() async throws {
    let behaviour = Behaviour(dialect: .smb210, cipher: nil) { request, reply in
      guard request.header.command == .negotiate else { return }
      reply.body = NegotiateResponse(
        securityMode: [], dialect: Dialect.smb210.rawValue, serverGUID: Samples.guid, systemTime: FileTime(ticks: 1))
    }
    #expect(try await refusal(behaviour)?.code == .noCommonProtection)
  }

  // MARK: - Somebody else

  @Test(arguments: [SessionSetupResponse.Flags.guest, .anonymous])
  func strangers(flags: SessionSetupResponse.Flags) async throws {
    let behaviour = Behaviour { request, reply in
      guard request.header.command == .sessionSetup else { return }
      reply.body = SessionSetupResponse(flags: flags, securityToken: FakeProvider.answer)
    }
    let error = try await refusal(behaviour)
    #expect(error?.code == .guest)
    #expect(error?.message.contains(flags == .guest ? "a guest" : "nobody") == true)
  }

  @Test func aServerWithoutTheKey() async throws {
    try await FakeSMBServer.with(Behaviour()) { server in
      let other = FakeProvider(key: [UInt8](repeating: 1, count: 32))
      let error = await #expect(throws: SMBError.self) { try await server.connect(other) }
      #expect(error?.code == .badProtection && server.flows.uses.isEmpty)
    }
  }

  @Test(arguments: [SMBCommand.sessionSetup, .treeConnect]) func unsigned(command: SMBCommand) async throws {
    let behaviour = Behaviour { request, reply in
      if request.header.command == command { reply.isSigned = false }
    }
    let error = try await refusal(behaviour) { $0.encryption = .whereDemanded }
    #expect(error?.code == .badProtection)
    #expect(error?.message.contains("signed") == true)
  }

  @Test func wrongSignature() async throws {
    let behaviour = Behaviour { request, reply in
      if request.header.command == .treeConnect { reply.damage = { $0[50] ^= 1 } }
    }
    let error = try await refusal(behaviour) { $0.encryption = .whereDemanded }
    #expect(error?.code == .badProtection && error?.message.contains("wrong signature") == true)
  }

  @Test func unencryptedAnswerInAnEncryptedSession() async throws {
    let behaviour = Behaviour { request, reply in
      if request.header.command == .treeConnect { reply.isSigned = false }
    }
    #expect(try await refusal(behaviour)?.code == .badProtection)
    let damaged = Behaviour { request, reply in
      if request.header.command == .treeConnect { reply.damage = { $0[60] ^= 1 } }
    }
    #expect(try await refusal(damaged)?.code == .badProtection)
  }

  // MARK: - Answers to nothing

  @Test func answersThatNobodyAskedFor() async throws {
    let cases: [@Sendable (inout FakeSMBServer.Reply) -> Void] = [
      { $0.header.messageID += 1 },
      { $0.header.flags = [] },
      { $0.header.command = .close },
      { $0.header.sessionID = 5 },
      { $0.header.nextCommand = 8 },
    ]
    for change in cases {
      let behaviour = Behaviour { request, reply in
        if request.header.command == .treeConnect { change(&reply) }
      }
      let error = try await refusal(behaviour) { $0.encryption = .whereDemanded }
      #expect(error?.code == .protocolViolation)
    }
  }

  @Test func noCredits() async throws {
    let behaviour = Behaviour { _, reply in reply.header.credits = 0 }
    let error = try await refusal(behaviour)
    #expect(error?.code == .protocolViolation && error?.message.contains("credit") == true)
  }

  @Test func endlessPending() async throws {
    let behaviour = Behaviour { request, reply in
      guard request.header.command == .treeConnect else { return }
      var interim = reply.header
      interim.flags = [.response, .asynchronous]
      interim.status = .pending
      interim.asyncID = 5
      reply.frames = [[UInt8]](repeating: SMBMessage(interim, ErrorResponse()).bytes, count: 100)
    }
    let error = try await refusal(behaviour) { $0.encryption = .whereDemanded }
    #expect(error?.code == .protocolViolation)
    #expect(error?.message.contains("put off its answer \(SMBLimits.interimResponses + 1) times") == true)
  }

  /// One interim answer is no reason to wait for ever.
  @Test func pendingAndThenSilence() async throws {
    let behaviour = Behaviour { request, reply in
      guard request.header.command == .treeConnect else { return }
      var interim = reply.header
      interim.flags = [.response, .asynchronous]
      interim.status = .pending
      interim.asyncID = 5
      reply.frames = [SMBMessage(interim, ErrorResponse()).bytes]
    }
    let error = try await refusal(behaviour) {
      $0.encryption = .whereDemanded
      $0.operationTimeout = .milliseconds(50)
    }
    #expect(error?.code == .timeout)
  }

  @Test func endlessSignIn() async throws {
    let behaviour = Behaviour { request, reply in
      if request.header.command == .sessionSetup {
        reply.header.status = .moreProcessingRequired
        reply.isSigned = false
      }
    }
    try await FakeSMBServer.with(behaviour) { server in
      let error = await #expect(throws: SMBError.self) { try await server.connect() }
      #expect(error?.code == .protocolViolation)
    }
  }

  // MARK: - What is no SMB server

  @Test func otherProtocols() async throws {
    let web = try await refusal(Behaviour(greeting: Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)))
    #expect(web?.code == .wrongService)
    // MS-CIFS 2.2.3.1: an answer of SMB 1, of 64 bytes.
    let old = [0, 0, 0, 64] + SMBHeader.olderProtocolIdentifier + [UInt8](repeating: 0, count: 60)
    #expect(try await refusal(Behaviour(greeting: old))?.code == .obsoleteProtocol)
    #expect(try await refusal(Behaviour(greeting: [0, 0xFF, 0xFF, 0xFF]))?.code == .wrongService)
  }

  @Test func silenceAndHangUp() async throws {
    let silent = try await refusal(Behaviour(isSilent: true)) { $0.handshakeTimeout = .milliseconds(50) }
    #expect(silent?.code == .timeout)
    let closed = try await refusal(Behaviour(closesAtOnce: true))
    #expect(closed?.code == .closed && closed?.isTransient == true)
    var port = 0
    try await FakeSMBServer.with(Behaviour()) { port = $0.port }
    let server = ServerAddress(host: "dc1.corp.example", address: "127.0.0.1", port: port)
    let refused = await #expect(throws: SMBError.self) {
      try await SMBLink.open(server, SMBOptions(), MultiThreadedEventLoopGroup.singleton, Logger(label: "test"))
    }
    #expect(refused?.code == .unreachable)
  }

  @Test func aShareThatIsNoPipe() async throws {
    let behaviour = Behaviour { request, reply in
      if request.header.command == .treeConnect { reply.body = TreeConnectResponse(shareType: 1) }
    }
    #expect(try await refusal(behaviour)?.code == .protocolViolation)
  }

  /// A message that never ends is cut where no message of RPC can be longer.
  @Test func endlessMessage() async throws {
    let behaviour = Behaviour { request, reply in
      guard request.header.command == .read || request.header.command == .ioctl else { return }
      reply.header.status = .bufferOverflow
      reply.body =
        request.header.command == .read
        ? ReadResponse(data: [UInt8](repeating: 1, count: 30_000))
        : IoctlResponse(control: .pipeTransceive, file: Samples.file, output: [UInt8](repeating: 1, count: 30_000))
    }
    try await FakeSMBServer.with(behaviour) { server in
      let connection = try await server.connect()
      let pipe = try await connection.openPipe("samr")
      let error = await #expect(throws: SMBError.self) { try await pipe.transceive([1]) }
      #expect(error?.code == .protocolViolation)
      await connection.close()
    }
  }
}
