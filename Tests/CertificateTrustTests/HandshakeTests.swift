// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Testing
import TestSupport
import TrustTestSupport
import X509

@testable import CertificateTrust

/// Real handshakes over loopback.
@Suite struct HandshakeTests {
  static let point = "http://crl.example/ca.crl"
  let root: TestAuthority
  let shelf: ListShelf

  init() throws {
    root = try TestAuthority("Root")
    shelf = ListShelf([Self.point: try TestRevocationList(root).encoded()])
  }

  func identity(_ edit: (inout TestAuthority.Request) -> Void = { _ in }) throws -> TestIdentity {
    try root.issue("server") {
      $0.names = ["server.example"]
      $0.points = [[Self.point]]
      edit(&$0)
    }
  }

  static func server(
    _ identity: TestIdentity, _ edit: (inout TLSConfiguration) -> Void = { _ in }
  ) throws -> TLSConfiguration {
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: [.certificate(try NIOSSLCertificate(bytes: identity.certificate.der, format: .der))],
      privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(identity.pem.utf8), format: .pem)))
    edit(&configuration)
    return configuration
  }

  func policy(
    mode: RevocationPolicy.Mode = .require, deadline: TimeAmount = .seconds(60), protocols: [String] = []
  ) throws -> TLSClientPolicy {
    let now: @Sendable () -> Date = { TestAuthority.now }
    let cache = RevocationListCache(source: shelf, now: now)
    return try TLSClientPolicy(
      anchors: TrustAnchors([root.certificate]), revocation: RevocationPolicy(mode, cache: cache, now: now),
      applicationProtocols: protocols, handshakeDeadline: deadline, now: now)
  }

  func connect(_ policy: TLSClientPolicy, port: Int, host: String = "server.example") async throws -> TLSPeer {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: port).get()
    defer { channel.close(promise: nil) }
    return try await policy.secure(channel, host: host)
  }

  @Test(arguments: [TLSVersion.tlsv12, .tlsv13])
  func tellsWhoThePeerIs(_ version: TLSVersion) async throws {
    let identity = try identity()
    let server = try await LoopbackServer(
      tls: try Self.server(identity) {
        $0.maximumTLSVersion = version
        $0.applicationProtocols = ["http/1.1"]
      }, script: { _, _ in [] })
    let peer = try await connect(try policy(protocols: ["http/1.1"]), port: server.port)
    #expect(peer.version == (version == .tlsv12 ? "TLS 1.2" : "TLS 1.3"))
    #expect(peer.cipherSuite.hasPrefix(version == .tlsv12 ? "TLS_ECDHE_ECDSA_WITH_" : "TLS_AES_"))
    #expect(peer.applicationProtocol == "http/1.1")
    #expect(peer.leafDER == identity.certificate.der)
    #expect(Array(peer.chain) == [identity.certificate, root.certificate])
    #expect(
      peer.serverEndPointBinding == Array("tls-server-end-point:".utf8) + SHA256.hash(data: identity.certificate.der))
    #expect(peer.revocation.count == 1)
    await server.stop()
  }

  /// A later handshake of the same policy with the same server is verified anew: no resumed session goes around it.
  @Test(arguments: [TLSVersion.tlsv12, .tlsv13])
  func everyConnectionIsVerified(_ version: TLSVersion) async throws {
    let server = try await LoopbackServer(
      tls: try Self.server(try identity()) { $0.maximumTLSVersion = version }, script: { _, _ in [] })
    let clock = TestClock(TestAuthority.now)
    let cache = RevocationListCache(source: shelf, now: clock.read)
    let policy = try TLSClientPolicy(
      anchors: TrustAnchors([root.certificate]),
      revocation: RevocationPolicy(.require, cache: cache, grace: 0, now: clock.read), now: clock.read)
    for _ in 0..<3 { _ = try await connect(policy, port: server.port) }
    clock.now += 7 * TestAuthority.day
    let stale = await #expect(throws: TrustError.self) { _ = try await connect(policy, port: server.port) }
    #expect(stale?.code == .listStale)
    clock.now += 30 * TestAuthority.day
    let expired = await #expect(throws: TrustError.self) { _ = try await connect(policy, port: server.port) }
    #expect(expired?.code == .expired)
    await server.stop()
  }

  @Test func refusesWithATypedReason() async throws {
    let revoked = try identity()
    let server = try await LoopbackServer(tls: try Self.server(revoked), script: { _, _ in [] })
    let name = await #expect(throws: TrustError.self) {
      _ = try await connect(try policy(), port: server.port, host: "other.example")
    }
    #expect(name?.code == .wrongName)
    #expect(name?.message.contains("server.example") == true)
    let address = await #expect(throws: TrustError.self) {
      _ = try await connect(try policy(), port: server.port, host: "127.0.0.1")
    }
    #expect(address?.code == .wrongName)
    shelf.put(
      try TestRevocationList(root, revoking: [.init(revoked.certificate, reason: 1)]).encoded(), at: Self.point)
    let error = await #expect(throws: TrustError.self) { _ = try await connect(try policy(), port: server.port) }
    #expect(error?.code == .revoked)
    #expect(error?.revocation?.reason == .keyCompromise)
    #expect(error?.revocation?.date == TestAuthority.now - 2 * TestAuthority.day)
    #expect(server.received.bytes == 0)
    await server.stop()
  }

  @Test func aStalledHandshakeEnds() async throws {
    let server = try await LoopbackServer(stallsHandshake: true, script: { _, _ in [] })
    let error = await #expect(throws: TrustError.self) {
      _ = try await connect(try policy(deadline: .milliseconds(100)), port: server.port)
    }
    #expect(error?.code == .handshakeTimedOut)
    #expect(error?.message.contains("server.example") == true)
    await server.stop()
  }

  @Test func aSlowListEndsWithTheHandshake() async throws {
    let server = try await LoopbackServer(tls: try Self.server(try identity()), script: { _, _ in [] })
    let now: @Sendable () -> Date = { TestAuthority.now }
    let cache = RevocationListCache(source: SilentSource(), now: now)
    var message = ""
    // A deadline that a busy machine reaches before it gets to the list says nothing of the list; a longer one does.
    for deadline in [TimeAmount.milliseconds(200), .seconds(2), .seconds(20)] where !message.contains("CRL") {
      let policy = try TLSClientPolicy(
        anchors: TrustAnchors([root.certificate]), revocation: RevocationPolicy(.require, cache: cache, now: now),
        handshakeDeadline: deadline, now: now)
      let error = await #expect(throws: TrustError.self) { _ = try await connect(policy, port: server.port) }
      message = error?.message ?? ""
      #expect(error?.code == (message.contains("CRL") ? .verificationTimedOut : .handshakeTimedOut))
    }
    #expect(message.contains("CRL"), "\(message)")
    await server.stop()
  }

  /// Answers when it is cancelled, or after a minute.
  private struct SilentSource: RevocationListSource {
    let schemes: Set<String> = ["http"]
    func fetch(_ location: String) async throws(TrustError) -> [UInt8] {
      try? await Task.sleep(for: .seconds(60))
      throw TrustError(.listUnreachable, "silence")
    }
  }

  @Test func whatSpeaksNoTLSIsNamed() async throws {
    for steps: [LoopbackServer.Step] in [[.send("HTTP/1.1 400 Bad Request\r\n\r\n")], [.close], [.reset]] {
      let server = try await RawServer(steps)
      let error = await #expect(throws: TrustError.self) { _ = try await connect(try policy(), port: server.port) }
      #expect(error?.code == .notTLS || error?.code == .connectionClosed, "\(String(describing: error))")
      await server.stop()
    }
  }

  @Test func oldVersionsAreRefused() async throws {
    let server = try await LoopbackServer(
      tls: try Self.server(try identity()) {
        $0.minimumTLSVersion = .tlsv1
        $0.maximumTLSVersion = .tlsv11
      }, script: { _, _ in [] })
    let error = await #expect(throws: TrustError.self) { _ = try await connect(try policy(), port: server.port) }
    #expect(error?.code == .noCommonProtocol)
    await server.stop()
  }

  @Test func cancellationEndsAHandshake() async throws {
    let server = try await LoopbackServer(stallsHandshake: true, script: { _, _ in [] })
    let task = Task { try await connect(try policy(deadline: .seconds(60)), port: server.port) }
    try await eventually { server.received.connections > 0 }
    task.cancel()
    await #expect(throws: TrustError.self) { _ = try await task.value }
    await server.stop()
  }

  @Test func serverHelloOneByteAtATime() {
    var parser = ServerHelloParser()
    var hello: [UInt8] = [22, 3, 3, 0, 74, 2, 0, 0, 70, 3, 3]
    hello += [UInt8](repeating: 7, count: 32)
    hello += [2, 0xaa, 0xbb, 0x13, 0x02]
    for byte in hello.dropLast() {
      parser.consume([byte])
      #expect(parser.isWaiting)
    }
    parser.consume([0x02, 0xff])
    #expect(parser.cipherSuite == 0x1302)
    var alert = ServerHelloParser()
    alert.consume([21, 3, 3, 0, 2, 2, 40])
    #expect(!alert.isWaiting && alert.cipherSuite == nil)
    #expect(CipherSuiteName.of(0x1301) == "TLS_AES_128_GCM_SHA256")
  }
}

/// A TCP server that plays steps as soon as the first byte comes.
private final class RawServer: Sendable {
  private let channel: any Channel
  var port: Int { channel.localAddress?.port ?? 0 }

  init(_ steps: [LoopbackServer.Step]) async throws {
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(StepPlayer(steps))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  func stop() async { try? await channel.close().get() }
}
