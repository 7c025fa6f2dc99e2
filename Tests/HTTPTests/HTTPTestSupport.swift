// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import Foundation
import HTTP
import NIOCore
import NIOSSL
import Synchronization
import TestSupport
import TrustTestSupport
import Wire
import X509

/// Every name is 127.0.0.1.
struct LoopbackResolver: NameResolver {
  func addresses(of host: String) async throws -> [String] { ["127.0.0.1"] }
}

extension RecordedFlows {
  var flows: HTTPFlows {
    HTTPFlows(
      https: Flow(row: "connect-cloud/https", recorder: self), http: Flow(row: "connect-cloud/http", recorder: self))
  }
}

extension LoopbackServer {
  func url(_ path: String = "/", scheme: String = "http", host: String = "server.example") throws -> HTTPURL {
    try HTTPURL("\(scheme)://\(host):\(port)\(path)")
  }
}

func response(_ body: String, status: String = "200 OK", _ fields: String...) -> [UInt8] {
  let extra = fields.map { $0 + "\r\n" }.joined()
  return Array("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(extra)\r\n\(body)".utf8)
}

func plainClient(_ edit: (inout HTTPClientConfiguration) -> Void = { _ in }) -> HTTPClient {
  var configuration = HTTPClientConfiguration()
  edit(&configuration)
  return HTTPClient(configuration: configuration, tls: nil, resolver: LoopbackResolver())
}

extension HTTPResponse {
  var text: String { String(decoding: body, as: UTF8.self) }
}

/// An authority, a server certificate and the client that trusts it, with a CRL on a server of its own.
struct TestSite {
  let root: TestAuthority
  let identity: TestIdentity
  let tls: TLSConfiguration

  /// - Parameters:
  ///   - listPort: where the CRL server listens.
  ///   - address: names the server and the CRL server by address instead, for a proxy that resolves for itself.
  init(listPort: Int, address: [UInt8]? = nil) throws {
    root = try TestAuthority("Root")
    identity = try root.issue("server") {
      $0.names = ["server.example"]
      $0.addresses = address.map { [$0] } ?? []
      $0.points = [["http://crl.example:\(listPort)/ca.crl"]]
    }
    tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: [.certificate(try NIOSSLCertificate(bytes: identity.certificate.der, format: .der))],
      privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(identity.pem.utf8), format: .pem)))
  }

  /// The client of the product's composition: https with revocation over a plain client of its own.
  func client(
    flows: HTTPFlows = HTTPFlows(), proxy: HTTPProxy? = nil, _ edit: (inout HTTPClientConfiguration) -> Void = { _ in }
  ) throws -> HTTPClient {
    let now: @Sendable () -> Date = { TestAuthority.now }
    var configuration = HTTPClientConfiguration(flows: flows)
    edit(&configuration)
    let lists = HTTPClient(configuration: configuration, tls: nil, resolver: LoopbackResolver())
    let cache = RevocationListCache(
      source: RevocationListSources([HTTPRevocationListSource(client: lists)]), now: now)
    let policy = try TLSClientPolicy(
      anchors: TrustAnchors([root.certificate]),
      revocation: RevocationPolicy(.require, cache: cache, grace: 0, now: now),
      now: now)
    configuration.proxy = proxy
    return HTTPClient(configuration: configuration, tls: policy, resolver: LoopbackResolver())
  }
}

/// A CRL server whose answer a test sets.
final class ListServer: Sendable {
  private let server: LoopbackServer
  var port: Int { server.port }
  var received: LoopbackServer.Received { server.received }

  init() async throws {
    let answer = Answer()
    server = try await LoopbackServer { _, _ in [.send(answer.value)] }
    self.answer = answer
  }

  private let answer: Answer
  private final class Answer: Sendable {
    private let bytes = Mutex<[UInt8]>([])
    var value: [UInt8] {
      get { bytes.withLock { $0 } }
      set { bytes.withLock { $0 = newValue } }
    }
  }

  func serve(_ list: [UInt8], type: String = "application/pkix-crl") {
    answer.value =
      Array("HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\nContent-Length: \(list.count)\r\n\r\n".utf8) + list
  }
  func serve(status: String) { answer.value = response("gone", status: status) }
  func stop() async { await server.stop() }
}
