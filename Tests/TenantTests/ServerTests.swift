// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import ServiceLifecycle
import Testing
import Wire

@testable import Tenant

/// The service behind a real TLS socket, with well-behaved, slow and hostile clients.
@Suite struct ServerTests {
  private func head(_ served: ServedTenant, _ line: String, _ fields: String = "") -> String {
    "\(line) HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer \(served.tenant.token)\r\n\(fields)\r\n"
  }

  private static let user = """
    {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@contoso.example"}
    """

  @Test func answersSeveralRequestsOfOneConnection() async throws {
    try await ServedTenant.with { served in
      try await served.connect(alpn: ["http/1.1"]) { connection in
        let body = Self.user
        try await connection.send(
          head(served, "POST /Users", "content-type: application/scim+json\r\ncontent-length: \(body.utf8.count)\r\n")
            + body)
        let created = try await connection.answer()
        #expect(created.status == 201)
        #expect(created.head.lowercased().contains("location: https://localhost/users/"))
        #expect(created.head.lowercased().contains("\r\ndate: "))
        // Two at once, then one by one.
        try await connection.send(head(served, "GET /Users?count=1") + head(served, "GET /nothing"))
        let listed = try await connection.answer()
        #expect(listed.status == 200)
        #expect(listed.body.contains("ada@contoso.example"))
        #expect(try await connection.answer().status == 404)
        try await connection.send(head(served, "HEAD /Users"))
        #expect(try await connection.answer().status == 405)
        try await connection.send("GET /Users HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        #expect(await connection.readToEnd().hasPrefix("HTTP/1.1 401 "))
      }
    }
  }

  @Test func speaksHTTP2() async throws {
    try await ServedTenant.with { served in
      try await served.connect(alpn: ["h2", "http/1.1"]) { connection in
        try await connection.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        try await connection.send("\u{0}\u{0}\u{0}\u{4}\u{0}\u{0}\u{0}\u{0}\u{0}")
        let settings = try #require(await connection.next())
        // RFC 9113 4.1: the fourth byte is the frame's type, 4 is SETTINGS.
        #expect(settings.count >= 9 && settings[3] == 4)
      }
    }
  }

  @Test func limitsWhatIsSent() async throws {
    var limits = TestTenant.unlimited
    limits.bodyBytes = 10_000
    try await ServedTenant.with(limits: limits) { served in
      // Told beforehand, and found out while reading.
      try await served.connect { connection in
        try await connection.send(head(served, "POST /Users", "content-length: 10001\r\n"))
        let refused = try await connection.answer()
        #expect(refused.status == 413)
      }
      try await served.connect { connection in
        let chunk = "1000\r\n" + String(repeating: "x", count: 0x1000) + "\r\n"
        try await connection.send(
          head(served, "POST /Users", "transfer-encoding: chunked\r\n") + chunk + chunk + chunk + "0\r\n\r\n")
        let refused = try await connection.answer()
        #expect(refused.status == 413)
        // The rest was read, so the connection goes on.
        try await connection.send(head(served, "GET /Users"))
        #expect(try await connection.answer().status == 200)
      }
      for (field, count) in [("x: " + String(repeating: "a", count: 100_000), 1), ("x: a", 200)] {
        try await served.connect { connection in
          let fields = Array(repeating: field, count: count).joined(separator: "\r\n") + "\r\n"
          do { try await connection.send(head(served, "GET /Users", fields)) } catch is ChannelError {}
          let answer = await connection.readToEnd()
          #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(answer)")
        }
      }
      for garbage in [
        "GET\r\n\r\n", "\u{16}\u{3}\u{1}", "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
      ] {
        try await served.connect { connection in
          try await connection.send(garbage + head(served, "GET /Users", "connection: close\r\n"))
          let answer = await connection.readToEnd()
          #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(garbage.debugDescription): \(answer)")
        }
      }
      // The server lives.
      try await served.connect { connection in
        try await connection.send(head(served, "GET /Users"))
        let answer = try await connection.answer()
        #expect(answer.status == 200)
      }
    }
  }

  @Test(.timeLimit(.minutes(5))) func slowClientsAreLeft() async throws {
    var limits = TestTenant.unlimited
    limits.handshakeSeconds = 1
    limits.idleSeconds = 1
    limits.bodySeconds = 1
    try await ServedTenant.with(limits: limits) { served in
      try await withThrowingTaskGroup(of: Void.self) { group in
        // No handshake at all.
        group.addTask { try await served.connect(tls: false) { connection in _ = await connection.readToEnd() } }
        // No request after the handshake, half a header, half a body.
        for start in [
          "", "GET /Users HTTP/1.1\r\nhost: local", head(served, "POST /Users", "content-length: 100\r\n") + "{",
        ] {
          group.addTask {
            try await served.connect { connection in
              // On a busy machine, the client may come so late that it has been left already.
              if !start.isEmpty { try? await connection.send(start) }
              let answer = await connection.readToEnd()
              #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(answer)")
            }
          }
        }
        // A trickle does not extend the deadline.
        group.addTask {
          try await served.connect { connection in
            // Ends when the server has closed the connection.
            await #expect(throws: (any Error).self) {
              try await connection.send("GET /Users HTTP/1.1\r\n")
              while true {
                try await connection.send("x: y\r\n")
                try await Task.sleep(for: .milliseconds(20))
              }
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test func stopLetsRequestsUnderWayFinish() async throws {
    try await ServedTenant.with { served in
      try await served.connect { connection in
        let body = Self.user
        try await connection.send(head(served, "POST /Users", "content-length: \(body.utf8.count)\r\n"))
        // One whole request before, so that the connection is known to be accepted and its header read.
        try await connection.send(String(body.prefix(10)))
        try await served.connect { other in
          try await other.send(head(served, "GET /Users", "connection: close\r\n"))
          _ = await other.readToEnd()
        }
        await served.group.triggerGracefulShutdown()
        try await connection.send(String(body.dropFirst(10)))
        let created = try await connection.answer()
        #expect(created.status == 201)
        _ = await connection.readToEnd()
      }
    }
  }

  @Test func startNamesWhatIsWrong() async throws {
    try await ServedTenant.with { served in
      let logger = served.tenant.service.logger
      func server(_ port: Int, _ certificate: String, _ key: String) throws -> TenantServer {
        try TenantServer(
          directory: served.tenant.directory,
          configuration: TenantServerConfiguration(
            host: "127.0.0.1", port: port, certificateChainPath: certificate, privateKeyPath: key), logger: logger)
      }
      let (certificate, key) = (served.certificate.certificatePath, served.certificate.keyPath)
      let other = try TestCertificate(in: NSTemporaryDirectory())
      for (certificate, key) in [("/none", key), (certificate, "/none"), (key, key), (certificate, other.keyPath)] {
        let error = #expect(throws: (any Error).self) { _ = try server(0, certificate, key) } as? any DiagnosableError
        #expect(error?.message.contains(certificate) == true || error?.message.contains(key) == true)
      }
      let second = try server(served.port, certificate, key)
      let error = await #expect(throws: TenantError.self) { try await second.run() }
      #expect(error?.code == .bind)
      #expect(error?.message.contains("\(served.port)") == true)
      await #expect(throws: TenantError.self) { _ = try await second.port() }
    }
  }
}
