// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import Foundation
import NIOCore
import NIOPosix
import Testing
import TestSupport
import TrustTestSupport
import Wire

@testable import HTTP

/// A real proxy, tinyproxy, on loopback.
struct TinyProxy {
  static let path = "/usr/bin/tinyproxy"

  /// False where the program is missing; the reason is printed.
  static let isPresent: Bool = {
    let present = FileManager.default.isExecutableFile(atPath: path)
    if !present { print("skipped: \(path) is not installed (Debian package tinyproxy), so no real proxy is tried") }
    return present
  }()

  let port: Int
  private let process = Process()
  private let directory: URL

  /// - Parameter connectPort: the only port that tunnels may go to.
  init(user: String? = nil, password: String? = nil, connectPort: Int) async throws {
    // The system picks a free port; the proxy takes it at once.
    let probe = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0).get()
    port = probe.localAddress?.port ?? 0
    try await probe.close().get()
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("bridgehead-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let file = directory.appendingPathComponent("tinyproxy.conf")
    var text = """
      Port \(port)
      Listen 127.0.0.1
      Timeout 20
      LogLevel Error
      MaxClients 20
      Allow 127.0.0.1
      ConnectPort \(connectPort)

      """
    if let user, let password { text += "BasicAuth \(user) \(password)\n" }
    try text.write(to: file, atomically: true, encoding: .utf8)
    process.executableURL = URL(fileURLWithPath: Self.path)
    process.arguments = ["-d", "-c", file.path]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    // It listens when a connection is accepted.
    let deadline = NIODeadline.now() + .seconds(60)
    while NIODeadline.now() < deadline {
      if let channel = try? await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(host: "127.0.0.1", port: port).get()
      {
        try await channel.close().get()
        return
      }
    }
  }

  func stop() {
    // A child inherits the blocked signals of the thread that started it: SIGTERM would not arrive.
    kill(process.processIdentifier, SIGKILL)
    try? FileManager.default.removeItem(at: directory)
  }

  func proxy(_ user: String? = nil, _ password: String = "") -> HTTPProxy {
    HTTPProxy(
      endpoint: Endpoint(host: "proxy.example", port: port),
      credentials: user.map { .init(user: $0, password: SecretBytes(Array(password.utf8))) })
  }
}

@Suite struct ProxyTests {
  /// The names in these tests exist for our resolver only: tinyproxy is given an address.
  private func site() async throws -> (ListServer, TestSite, LoopbackServer) {
    let lists = try await ListServer()
    let site = try TestSite(listPort: lists.port, address: [127, 0, 0, 1])
    lists.serve(try TestRevocationList(site.root).encoded())
    let server = try await LoopbackServer(tls: site.tls) { _, _ in [.send(response("hello"))] }
    return (lists, site, server)
  }

  @Test(.enabled(if: TinyProxy.isPresent)) func tunnels() async throws {
    let (lists, site, server) = try await site()
    let tiny = try await TinyProxy(connectPort: server.port)
    defer { tiny.stop() }
    let book = RecordedFlows()
    let client = try site.client(flows: book.flows, proxy: tiny.proxy())
    for _ in 0..<2 {
      let url = try server.url(scheme: "https", host: "127.0.0.1")
      #expect(try await client.send(HTTPRequest("GET", url)).text == "hello")
    }
    #expect(server.received.connections == 1)
    let use = try #require(book.uses.last)
    #expect(use.row == "connect-cloud/https" && use.host == "127.0.0.1" && use.port == tiny.port)
    #expect(
      use.protection.hasPrefix("TLS 1.3") && use.protection.hasSuffix("through the proxy proxy.example:\(tiny.port)"))
    // Another port is forbidden.
    let elsewhere = try HTTPURL("https://127.0.0.1:\(lists.port)/")
    let error = await #expect(throws: HTTPError.self) { _ = try await client.send(HTTPRequest("GET", elsewhere)) }
    #expect(error?.code == .proxyForbidden)
    await client.shutdown()
    await server.stop()
    await lists.stop()
  }

  @Test(.enabled(if: TinyProxy.isPresent)) func authenticates() async throws {
    let (lists, site, server) = try await site()
    let tiny = try await TinyProxy(user: "bridge", password: "head", connectPort: server.port)
    defer { tiny.stop() }
    let url = try server.url(scheme: "https", host: "127.0.0.1")
    for (proxy, expected) in [
      (tiny.proxy(), HTTPError.Code.proxyAuthenticationRequired),
      (tiny.proxy("bridge", "wrong"), .proxyAuthenticationRequired),
      (tiny.proxy("bridge", "head"), nil),
    ] as [(HTTPProxy, HTTPError.Code?)] {
      let client = try site.client(proxy: proxy)
      var code: HTTPError.Code?
      do throws(HTTPError) {
        #expect(try await client.send(HTTPRequest("GET", url)).text == "hello")
      } catch {
        code = error.code
        #expect(!error.message.contains("wrong"))
      }
      #expect(code == expected)
      await client.shutdown()
    }
    #expect(server.received.texts.allSatisfy { !$0.contains("Proxy-Authorization") })
    await server.stop()
    await lists.stop()
  }

  @Test(.enabled(if: TinyProxy.isPresent)) func plainHTTPUsesTheAbsoluteForm() async throws {
    let server = try await LoopbackServer { _, _ in [.send(response("plain"))] }
    let tiny = try await TinyProxy(user: "bridge", password: "head", connectPort: 443)
    defer { tiny.stop() }
    let client = plainClient { $0.proxy = tiny.proxy("bridge", "head") }
    #expect(try await client.send(HTTPRequest("GET", try server.url("/x", host: "127.0.0.1"))).text == "plain")
    let text = try #require(server.received.texts.first)
    #expect(text.hasPrefix("GET /x HTTP/1.") && !text.contains("Proxy-Authorization"))
    let anonymous = plainClient { $0.proxy = tiny.proxy() }
    let error = await #expect(throws: HTTPError.self) {
      _ = try await anonymous.send(HTTPRequest("GET", try server.url(host: "127.0.0.1")))
    }
    #expect(error?.code == .proxyAuthenticationRequired)
    await anonymous.shutdown()
    let direct = plainClient {
      $0.proxy = tiny.proxy()
      $0.proxy?.exceptions = ["127.0.0.1"]
    }
    #expect(try await direct.send(HTTPRequest("GET", try server.url(host: "127.0.0.1"))).text == "plain")
    await client.shutdown()
    await direct.shutdown()
    await server.stop()
  }

  @Test(arguments: [
    ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", HTTPError.Code.proxyAuthenticationRequired),
    ("HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope", .proxyForbidden),
    ("HTTP/1.1 502 Bad Gateway\r\n\r\n", .proxyFailed),
    ("garbage\r\n\r\n", .proxyFailed),
    ("HTTP/1.1 200 OK\r\n\r\nunasked", .proxyFailed),
    ("HTTP/1.1 200 OK\r\n" + String(repeating: "X: y\r\n", count: 4_000), .proxyFailed),
  ])
  func whatAProxyMayAnswer(_ answer: String, _ expected: HTTPError.Code) async throws {
    let lists = try await ListServer()
    let site = try TestSite(listPort: lists.port)
    let fake = try await LoopbackServer { _, _ in [.send(answer)] }
    let client = try site.client(proxy: HTTPProxy(endpoint: Endpoint(host: "proxy.example", port: fake.port)))
    let error = await #expect(throws: HTTPError.self) {
      _ = try await client.send(HTTPRequest("GET", try HTTPURL("https://server.example/")))
    }
    #expect(error?.code == expected && error?.mayHaveReachedServer == false)
    #expect(fake.received.texts == ["CONNECT server.example:443 HTTP/1.1\r\nHost: server.example:443\r\n\r\n"])
    await client.shutdown()
    await fake.stop()
    await lists.stop()
  }

  @Test func aSilentProxyEnds() async throws {
    let lists = try await ListServer()
    let site = try TestSite(listPort: lists.port)
    for step in [LoopbackServer.Step.stall, .close, .reset] {
      let fake = try await LoopbackServer { _, _ in [step] }
      let client = try site.client(proxy: HTTPProxy(endpoint: Endpoint(host: "proxy.example", port: fake.port))) {
        $0.proxyDeadline = .milliseconds(100)
      }
      let error = await #expect(throws: HTTPError.self) {
        _ = try await client.send(HTTPRequest("GET", try HTTPURL("https://server.example/")))
      }
      #expect(error?.code == .timedOut || error?.code == .proxyFailed)
      await client.shutdown()
      await fake.stop()
    }
    await lists.stop()
  }
}
