// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import SwiftASN1
import Testing
import TestSupport
import X509

@testable import Tenant

/// A self-signed certificate for localhost in PEM files.
struct TestCertificate {
  let certificatePath: String
  let keyPath: String

  init(in directory: String) throws {
    let key = P256.Signing.PrivateKey()
    let name = try DistinguishedName { CommonName("localhost") }
    let certificate = try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key.publicKey),
      notValidBefore: .now - 3600, notValidAfter: .now + 86_400, issuer: name, subject: name,
      signatureAlgorithm: .ecdsaWithSHA256,
      extensions: try Certificate.Extensions {
        BasicConstraints.isCertificateAuthority(maxPathLength: nil)
        SubjectAlternativeNames([.dnsName("localhost")])
      }, issuerPrivateKey: .init(key))
    certificatePath = directory + "/certificate.pem"
    keyPath = directory + "/key.pem"
    try certificate.serializeAsPEM().pemString.write(toFile: certificatePath, atomically: true, encoding: .utf8)
    try key.pemRepresentation.write(toFile: keyPath, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: keyPath)
  }
}

/// A tenant behind a real TLS socket.
struct ServedTenant {
  let tenant: TestTenant
  let port: Int
  let certificate: TestCertificate
  let group: ServiceGroup

  static func with(
    limits: TenantLimits = TestTenant.unlimited, _ body: (ServedTenant) async throws -> Void
  ) async throws {
    let directory = NSTemporaryDirectory() + "bridgehead-served-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let certificate = try TestCertificate(in: directory)
    try await TestTenant.with(limits: limits) { tenant in
      let quiet = Logger.silent
      let server = try TenantServer(
        directory: tenant.directory,
        configuration: TenantServerConfiguration(
          host: "127.0.0.1", port: 0, certificateChainPath: certificate.certificatePath,
          privateKeyPath: certificate.keyPath, publicURL: "https://localhost"), logger: quiet)
      let group = ServiceGroup(services: [server], logger: quiet)
      async let running: Void = group.run()
      let port = try await server.port()
      try await body(ServedTenant(tenant: tenant, port: port, certificate: certificate, group: group))
      await group.triggerGracefulShutdown()
      try await running
    }
  }

  /// Connects, and hands over the connection and the protocol that was negotiated.
  func connect(
    alpn: [String] = [], tls: Bool = true, _ body: (RawConnection) async throws -> Void
  ) async throws {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.trustRoots = .file(certificate.certificatePath)
    configuration.applicationProtocols = alpn
    let context = try NIOSSLContext(configuration: configuration)
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          if tls {
            try channel.pipeline.syncOperations.addHandler(
              NIOSSLClientHandler(context: context, serverHostname: "localhost"))
          }
          return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    try await channel.executeThenClose { inbound, outbound in
      try await body(RawConnection(inbound: inbound.makeAsyncIterator(), outbound: outbound))
    }
  }
}

/// Bytes to and from the server, below any HTTP library, so that a test can say what no library would.
final class RawConnection {
  private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
  private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
  private var received: [UInt8] = []

  init(
    inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
    outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
  ) {
    self.inbound = inbound
    self.outbound = outbound
  }

  func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }

  /// What arrives next; nil at the end of the connection, whichever way it ends.
  func next() async -> [UInt8]? {
    do { return try await inbound.next().map { Array(buffer: $0) } } catch { return nil }
  }

  /// Reads on until the end of the connection.
  func readToEnd() async -> String {
    while let bytes = await next() { received += bytes }
    return String(decoding: received, as: UTF8.self)
  }

  /// One HTTP/1.1 answer with a content length.
  func answer() async throws -> (status: Int, head: String, body: String) {
    while true {
      if let end = received.firstRange(of: Array("\r\n\r\n".utf8)) {
        let head = String(decoding: received[..<end.lowerBound], as: UTF8.self)
        let line = head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
        let length = line.flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) } ?? 0
        if received.count >= end.upperBound + length {
          let body = String(decoding: received[end.upperBound..<end.upperBound + length], as: UTF8.self)
          received.removeFirst(end.upperBound + length)
          return (Int(head.split(separator: " ")[1]) ?? 0, head, body)
        }
      }
      received += try #require(await next(), "The connection ended in an answer.")
    }
  }
}
