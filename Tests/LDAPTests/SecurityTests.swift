// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import Foundation
import NIOCore
import NIOEmbedded
import Synchronization
import Testing
import TestSupport
import Wire

@testable import LDAP

/// What goes wrong before and under a protected connection. The real handshakes run against a domain controller in the
/// integration tests.
@Suite struct SecurityTests {
  /// A context whose protection is a marker and a transposition: enough to see what passes through it.
  final class MarkedContext: SecurityContext {
    let steps = Mutex<[SecurityStep]>([])
    let protection: Protection
    let summary = "marked"

    init(_ steps: [SecurityStep], protection: Protection = .confidentiality) {
      self.protection = protection
      self.steps.withLock { $0 = steps }
    }

    func step(_ token: [UInt8]?) throws(SecurityError) -> SecurityStep {
      let next = steps.withLock { $0.isEmpty ? nil : $0.removeFirst() }
      guard let next else { throw SecurityError(.rejectedToken, "no step is left", remedy: "") }
      return next
    }

    func wrap(_ message: [UInt8]) throws(SecurityError) -> [UInt8] { [0x5E] + message.map { $0 ^ 0xFF } }
    func unwrap(_ message: [UInt8]) throws(SecurityError) -> [UInt8] {
      guard message.first == 0x5E else { throw SecurityError(.rejectedToken, "forged", remedy: "") }
      return message.dropFirst().map { $0 ^ 0xFF }
    }
    func wrapSigned(_ message: [UInt8]) throws(SecurityError) -> [UInt8] { [0x51] + message }
    func unwrapSigned(_ message: [UInt8]) throws(SecurityError) -> [UInt8] {
      guard message.first == 0x51 else { throw SecurityError(.rejectedToken, "forged", remedy: "") }
      return Array(message.dropFirst())
    }

    // LDAP protects a stream, never a PDU.
    private var unused: SecurityError { SecurityError(.internalFailure, "not a stream's method", remedy: "") }
    func tokenLength(_ segments: [Segment]) throws(SecurityError) -> Int { throw unused }
    func seal(_ buffer: inout [UInt8], _ segments: [Segment]) throws(SecurityError) -> [UInt8] { throw unused }
    func unseal(_ buffer: inout [UInt8], _ segments: [Segment], token: [UInt8]) throws(SecurityError) { throw unused }
    func sessionKey() throws(SecurityError) -> SecretBytes { throw unused }
  }

  struct Provider: SecurityContextProvider {
    let make: @Sendable () -> MarkedContext
    func initiate(_ to: ServicePrincipal, _ parameters: SecurityParameters) async throws -> any SecurityContext {
      make()
    }
  }

  // MARK: The layer

  func layer(maximumReceived: Int = 1000, maximumSent: Int = 1000) throws -> EmbeddedChannel {
    let handler = SASLLayerHandler(
      MarkedContext([]), server: "dc1", maximumReceived: maximumReceived, maximumSent: maximumSent)
    return EmbeddedChannel(handler: handler)
  }

  func framed(_ plain: [UInt8]) throws -> [UInt8] {
    let sealed = try MarkedContext([]).wrap(plain)
    return [0, 0, 0, UInt8(sealed.count)] + sealed
  }

  @Test func framesArriveByteByByteAndTogether() throws {
    let channel = try layer()
    let bytes = try framed([1, 2, 3]) + framed([]) + framed([4])
    for byte in bytes { try channel.writeInbound(ByteBuffer(bytes: [byte])) }
    #expect(try channel.readInbound(as: ByteBuffer.self) == ByteBuffer(bytes: [1, 2, 3]))
    #expect(try channel.readInbound(as: ByteBuffer.self) == ByteBuffer(bytes: [4]))
    try channel.writeInbound(ByteBuffer(bytes: bytes))
    #expect(try channel.readInbound(as: ByteBuffer.self) == ByteBuffer(bytes: [1, 2, 3]))
    #expect(try channel.readInbound(as: ByteBuffer.self) == ByteBuffer(bytes: [4]))
    #expect(try channel.finish().isClean)
  }

  @Test func framesAreBoundedAndForgeriesRefused() throws {
    for bytes in [[0, 0, 4, 0], [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 2, 0x00, 0x01]] as [[UInt8]] {
      let channel = try layer()
      #expect(throws: LDAPError.self) { try channel.writeInbound(ByteBuffer(bytes: bytes)) }
      _ = try? channel.finish()
    }
  }

  @Test func longMessagesAreCutToTheServersBuffer() throws {
    let channel = try layer(maximumSent: 228)
    try channel.writeOutbound(ByteBuffer(bytes: [UInt8](repeating: 1, count: 250)))
    var sent = try #require(try channel.readOutbound(as: ByteBuffer.self))
    var sizes: [Int] = []
    while let length = sent.readInteger(as: UInt32.self), sent.readSlice(length: Int(length)) != nil {
      sizes.append(Int(length))
    }
    #expect(sizes == [101, 101, 51] && sent.readableBytes == 0)
    _ = try? channel.finish()
  }

  // MARK: Signing in

  func connect(
    _ steps: [SecurityStep], protection: Protection = .confidentiality, mechanism: SASLMechanism = .spnego,
    _ script: @escaping FakeServer.Script
  ) async throws -> (error: (any Error)?, server: FakeServer) {
    let server = try await FakeServer.start(script)
    let provider = Provider { MarkedContext(steps, protection: protection) }
    do {
      let connection = try await server.connect(security: .sealed(provider, mechanism: mechanism))
      await connection.close()
      try await server.channel.close()
      return (nil, server)
    } catch {
      try await server.channel.close()
      return (error, server)
    }
  }

  static func answer(_ code: ResultCode, _ token: [UInt8]? = nil) -> FakeServer.Script {
    { message, peer in
      guard case .bindRequest = message.operation else { return }
      peer.send(message.id, .bindResponse(BindResponse(LDAPResult(code), serverCredentials: token)))
    }
  }

  @Test func aServerThatDoesNotProveItsIdentity() async throws {
    let (error, server) = try await connect([.send([1]), .complete], Self.answer(.success))
    #expect((error as? LDAPError)?.code == .protocolViolation)
    #expect(server.flows.uses.isEmpty)
  }

  @Test func lessProtectionThanRequired() async throws {
    let (error, server) = try await connect(
      [.send([1]), .complete], protection: .integrity, Self.answer(.success, [2]))
    #expect((error as? LDAPError)?.code == .weakProtection)
    #expect(server.flows.uses.isEmpty)
  }

  @Test func aHandshakeWithoutEnd() async throws {
    let steps = (0..<20).map { _ in SecurityStep.send([1]) }
    let (error, _) = try await connect(steps, Self.answer(.saslBindInProgress, [2]))
    #expect((error as? LDAPError)?.code == .protocolViolation)
  }

  @Test func unprotectedBytesBehindTheBindAreRefused() async throws {
    let (error, server) = try await connect([.send([1]), .complete]) { message, peer in
      guard case .bindRequest = message.operation else { return }
      let answer = LDAPMessage(
        id: message.id, .bindResponse(BindResponse(LDAPResult(.success), serverCredentials: [2])))
      peer.sendRaw(answer.encoded + [0x30])
    }
    #expect((error as? LDAPError)?.code == .protocolViolation)
    #expect(server.flows.uses.isEmpty)
  }

  @Test func refusedSignIns() async throws {
    let (error, _) = try await connect([.send([1]), .complete], Self.answer(.strongerAuthRequired))
    #expect((error as? LDAPError)?.code == .strongerAuthRequired)
  }

  @Test(arguments: [
    ([UInt8(0x51), 4, 0, 16, 0], nil), ([0x51, 7, 0, 16, 0], nil),
    ([0x51, 3, 0, 16, 0], LDAPError.Code.weakProtection),
    ([0x51, 4], .protocolViolation),
  ])
  func layersOfGSSAPI(offer: [UInt8], code: LDAPError.Code?) async throws {
    let (error, server) = try await connect([.sendAndComplete([1])], mechanism: .gssapi) { message, peer in
      guard case .bindRequest(let request) = message.operation,
        case .sasl("GSSAPI", let credentials) = request.authentication
      else { return }
      let isChoice = credentials?.first == 0x51
      let response = BindResponse(
        LDAPResult(isChoice ? .success : .saslBindInProgress), serverCredentials: isChoice ? nil : offer)
      peer.send(message.id, .bindResponse(response))
    }
    #expect((error as? LDAPError)?.code == code)
    if code == nil {
      guard case .bindRequest(let choice)? = server.received.dropFirst().first?.operation else { return }
      // Confidentiality, and the largest buffer that three octets can say.
      #expect(choice.authentication == .sasl(mechanism: "GSSAPI", credentials: [0x51, 4, 0xFF, 0xFF, 0xFF]))
    }
  }

  @Test func aSilentServerDoesNotHangTheSignIn() async throws {
    let server = try await FakeServer.start { _, _ in }
    var options = LDAPOptions.testing
    options.handshakeTimeout = .milliseconds(100)
    let error = await ldapError {
      _ = try await server.connect(
        options, security: .sealed(Provider { MarkedContext([.send([1]), .complete]) }))
    }
    #expect(error?.code == .timeout)
    try await server.channel.close()
  }

  @Test func aStalledTLSHandshakeDoesNotHang() async throws {
    let server = try await FakeServer.start { _, _ in }
    let policy = try TLSClientPolicy(
      anchors: TrustAnchors([]), revocation: .off, handshakeDeadline: .milliseconds(100), now: { Date() })
    let error = await #expect(throws: LDAPError.self) {
      _ = try await server.connect(security: .tls(policy, .anonymous))
    }
    #expect(error?.code == .timeout)
    try await server.channel.close()
  }

  @Test func aServerThatClosesDuringTLS() async throws {
    let server = try await FakeServer.start(accepted: { $0.close() }) { _, _ in }
    let policy = try TLSClientPolicy(anchors: TrustAnchors([]), revocation: .off, now: { Date() })
    await #expect(throws: (any Error).self) {
      _ = try await server.connect(security: .tls(policy, .anonymous))
    }
    #expect(server.flows.uses.isEmpty)
    try await server.channel.close()
  }
}
