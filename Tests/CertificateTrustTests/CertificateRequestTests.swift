// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Testing
import TrustTestSupport
import X509

@testable import CertificateTrust

/// Real handshakes over loopback with servers that ask for a client certificate, or do not.
@Suite struct CertificateRequestTests {
  let authority: TestAuthority
  let clients: TestAuthority

  init() throws {
    authority = try TestAuthority("Root")
    clients = try TestAuthority("Clients")
  }

  private enum Asking { case nothing, list, listInsisting, anyone }

  private func server(_ asking: Asking, _ version: TLSVersion) async throws -> LoopbackServer {
    let clients = try NIOSSLCertificate(bytes: clients.certificate.der, format: .der)
    return try await LoopbackServer(
      tls: try HandshakeTests.server(try authority.issue("server") { $0.names = ["server.example"] }) {
        $0.minimumTLSVersion = version
        $0.maximumTLSVersion = version
        guard asking != .nothing else { return }
        $0.trustRoots = .certificates([clients])
        $0.sendCANameList = asking != .anyone
        $0.certificateVerification = asking == .listInsisting ? .noHostnameVerification : .optionalVerification
      }, script: { _, _ in [] })
  }

  private func handshake(
    _ server: LoopbackServer, offersTLS13: Bool = false, host: String = "server.example"
  ) async throws -> (request: CertificateRequest?, peer: Result<TLSPeer, TrustError>) {
    let policy = try TLSClientPolicy(
      anchors: TrustAnchors([authority.certificate]), revocation: .off, now: { TestAuthority.now })
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: server.port).get()
    defer { channel.close(promise: nil) }
    return await policy.secureNotingRequest(channel, host: host, offersTLS13: offersTLS13)
  }

  @Test func theListOfAuthoritiesIsSeen() async throws {
    let server = try await server(.list, .tlsv12)
    let outcome = try await handshake(server)
    #expect(outcome.request?.issuers == ["\(clients.certificate.subject)"])
    #expect(try outcome.peer.get().version == "TLS 1.2")
    await server.stop()
  }

  @Test func aServerThatTakesAnyone() async throws {
    let server = try await server(.anyone, .tlsv12)
    #expect(try await handshake(server).request?.issuers == [])
    await server.stop()
  }

  @Test func aServerThatInsistsWasAskedForAndValidated() async throws {
    let server = try await server(.listInsisting, .tlsv12)
    let outcome = try await handshake(server)
    #expect(outcome.request?.issuers == ["\(clients.certificate.subject)"])
    guard case .failure(let error) = outcome.peer else { throw Unexpected() }
    #expect([.handshakeFailed, .connectionClosed, .noCommonProtocol].contains(error.code), "\(error)")
    await server.stop()
  }
  private struct Unexpected: Error {}

  /// TLS 1.3 seals the list; that there was a request is known all the same.
  @Test func withTLS13() async throws {
    let asking = try await server(.list, .tlsv13)
    #expect(try await handshake(asking, offersTLS13: true).request == CertificateRequest(issuers: nil))
    let refused = try await handshake(asking)
    guard case .failure(let error) = refused.peer else { throw Unexpected() }
    #expect(error.code == .noCommonProtocol && refused.request == nil, "\(error)")
    await asking.stop()
    let silent = try await server(.nothing, .tlsv13)
    #expect(try await handshake(silent, offersTLS13: true).request == nil)
    await silent.stop()
  }

  @Test func aServerThatDoesNotAsk() async throws {
    let server = try await server(.nothing, .tlsv12)
    let outcome = try await handshake(server)
    #expect(outcome.request == nil)
    #expect(try outcome.peer.get().version == "TLS 1.2")
    await server.stop()
  }

  /// A request of somebody who is not trusted is no finding: the reason of the refusal is.
  @Test func theServersOwnCertificateComesFirst() async throws {
    let server = try await server(.list, .tlsv12)
    guard case .failure(let error) = try await handshake(server, host: "other.example").peer else { throw Unexpected() }
    #expect(error.code == .wrongName)
    await server.stop()
  }

  @Test func presentedCertificatesWithoutTrust() async throws {
    let point = "http://crl.example/ca.crl"
    let stranger = try TestAuthority("Stranger")
    let identity = try stranger.issue("server") { $0.points = [[point]] }
    let server = try await LoopbackServer(tls: try HandshakeTests.server(identity), script: { _, _ in [] })
    let policy = try TLSClientPolicy(
      anchors: TrustAnchors([authority.certificate]), revocation: .off, now: { TestAuthority.now })
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: server.port).get()
    let presented = try await policy.presented(channel, host: "server.example")
    #expect(presented.revocationLocations == [point])
    let list = try CertificateList(TestRevocationList(stranger).encoded(), from: point)
    let other = try CertificateList(TestRevocationList(authority).encoded(), from: point)
    let namesake = try CertificateList(TestRevocationList(TestAuthority("Stranger")).encoded(), from: point)
    #expect(presented.isSigned(list, trusting: TrustAnchors([])) == nil)
    #expect(presented.isSigned(list, trusting: TrustAnchors([stranger.certificate])) == true)
    #expect(presented.isSigned(other, trusting: TrustAnchors([authority.certificate])) == false)
    #expect(presented.isSigned(namesake, trusting: TrustAnchors([stranger.certificate])) == false)
    await server.stop()
  }

  /// Any bytes in any pieces: the parser waits or gives up, never traps.
  @Test(arguments: 0..<300) func hostileFlights(seed: Int) {
    var random = SystemRandomNumberGenerator()
    // A good flight: hello, request for one name, done.
    let name: [UInt8] = [0x30, 0x00]
    let body: [UInt8] = [1, 64, 0, 2, 4, 1, 0, 4, 0, 2] + name
    var flight: [UInt8] = [2, 0, 0, 1, 0] + [13, 0, 0, UInt8(body.count)] + body + [14, 0, 0, 0]
    flight = [22, 3, 3, 0, UInt8(flight.count)] + flight
    var parser = CertificateRequestParser()
    for byte in flight { parser.consume([byte]) }
    #expect(parser.authorities == [name])
    for _ in 0..<3 {
      flight[Int.random(in: 0..<flight.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
    }
    var other = CertificateRequestParser()
    other.consume(flight)
    other.consume(flight)
    #expect((other.authorities ?? []).count <= CertificateRequestParser.maximumAuthorities)
  }
}
