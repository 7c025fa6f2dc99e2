// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import Foundation
import NIOCore
import Testing
import TestSupport
import TrustTestSupport
import Wire

@testable import HTTP

/// https with everything real: TLS, the CRL over http, verification before the first byte.
@Suite struct VerifiedRequestTests {
  @Test func aGoodServerIsAskedAndRecorded() async throws {
    let lists = try await ListServer()
    let site = try TestSite(listPort: lists.port)
    lists.serve(try TestRevocationList(site.root).encoded())
    let server = try await LoopbackServer(tls: site.tls) { _, _ in [.send(response("hello"))] }
    let book = RecordedFlows()
    let client = try site.client(flows: book.flows)
    for _ in 0..<3 {
      #expect(try await client.send(HTTPRequest("GET", try server.url(scheme: "https"))).text == "hello")
    }
    #expect(server.received.connections == 1 && lists.received.requests.count == 1)
    #expect(book.uses.map(\.row) == ["connect-cloud/http", "connect-cloud/https"])
    let use = try #require(book.uses.last)
    #expect(use.host == "server.example" && use.address == "127.0.0.1" && use.port == server.port)
    #expect(use.protection.hasPrefix("TLS 1.3, TLS_"))
    await client.shutdown()
    await server.stop()
    await lists.stop()
  }

  /// Revoked, wrong name, unknown issuer, no CRL, a web page for a CRL: the server never sees a byte of a request.
  @Test func aRefusedServerSeesNothing() async throws {
    let lists = try await ListServer()
    let site = try TestSite(listPort: lists.port)
    let stranger = try TestSite(listPort: lists.port)
    let book = RecordedFlows()
    let server = try await LoopbackServer(tls: site.tls) { _, _ in [.send(response("hello"))] }

    func refusal(_ site: TestSite, host: String = "server.example") async throws -> TrustError? {
      let client = try site.client(flows: HTTPFlows(https: Flow(row: "connect-cloud/https", recorder: book)))
      var request = HTTPRequest("POST", try server.url(scheme: "https", host: host), body: Array("secret".utf8))
      request.fields["Authorization"] = "Bearer secret"
      let error = await #expect(throws: HTTPError.self) { _ = try await client.send(request) }
      #expect(error?.code == .untrusted && error?.mayHaveReachedServer == false)
      await client.shutdown()
      return error?.trust
    }
    lists.serve(try TestRevocationList(site.root, revoking: [.init(site.identity.certificate, reason: 1)]).encoded())
    let revoked = try await refusal(site)
    #expect(revoked?.code == .revoked && revoked?.revocation?.reason == .keyCompromise)
    lists.serve(try TestRevocationList(site.root).encoded())
    #expect(try await refusal(site, host: "other.example")?.code == .wrongName)
    #expect(try await refusal(stranger)?.code == .unknownIssuer)
    lists.serve(status: "404 Not Found")
    let missing = try await refusal(site)
    #expect(missing?.code == .listUnreachable && missing?.message.contains("404") == true)
    lists.serve(Array("<html>Please sign in</html>".utf8), type: "text/html")
    let portal = try await refusal(site)
    #expect(portal?.code == .listUnreachable && portal?.remedy.contains("captive portal") == true)
    lists.serve(Array("garbage".utf8))
    #expect(try await refusal(site)?.code == .listMalformed)
    await lists.stop()
    let unreachable = try await refusal(site)
    #expect(unreachable?.code == .listUnreachable && unreachable?.message.contains("refused") == true)

    #expect(server.received.bytes == 0 && server.received.requests.isEmpty)
    #expect(server.received.connections >= 7)
    #expect(book.uses.isEmpty)
    await server.stop()
  }

  @Test func listsAreNotFetchedOverHTTPS() async throws {
    let source = HTTPRevocationListSource(client: HTTPClient(tls: nil, resolver: LoopbackResolver()))
    let error = await #expect(throws: TrustError.self) { _ = try await source.fetch("https://crl.example/a.crl") }
    #expect(error?.code == .listUnreachable)
  }

  @Test func cancellationReachesTheHandshake() async throws {
    let lists = try await ListServer()
    let site = try TestSite(listPort: lists.port)
    let server = try await LoopbackServer(stallsHandshake: true) { _, _ in [] }
    let client = try site.client()
    let url = try server.url(scheme: "https")
    let task = Task { try await client.send(HTTPRequest("GET", url)) }
    try await eventually { server.received.connections > 0 }
    task.cancel()
    let error = await #expect(throws: HTTPError.self) { _ = try await task.value }
    #expect(error?.code == .cancelled)
    await client.shutdown()
    await server.stop()
    await lists.stop()
  }
}
