// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kerberos
import Synchronization
import Testing
import TestSupport
import Wire

/// Tickets and contexts from a real KDC, accepted by a real LDAP server.
@Suite(.enabled(if: Lab.current != nil)) struct KerberosTests {
  private let lab: KerberosLab

  init() throws { lab = try KerberosLab() }

  private func failure(_ provider: KerberosProvider, _ service: ServicePrincipal? = nil) async -> SecurityError? {
    do {
      _ = try await provider.initiate(service ?? lab.ldap, SecurityParameters())
      Issue.record("the request succeeded")
      return nil
    } catch {
      #expect(error is SecurityError, "\(error)")
      return error as? SecurityError
    }
  }

  /// The account without its realm.
  private var account: Substring { lab.forest.serviceAccount.principal.prefix { $0 != "@" } }

  @Test(arguments: [SecurityParameters.Mechanism.spnego, .kerberos])
  func bindsWithAPassword(_ mechanism: SecurityParameters.Mechanism) async throws {
    try await lab.bindAndAsk(lab.provider(), SecurityParameters(mechanism: mechanism))
  }

  /// Only what was asked for: MIT would seal unasked.
  @Test(arguments: [SecurityParameters.Mechanism.spnego, .kerberos])
  func signsWithoutSealing(_ mechanism: SecurityParameters.Mechanism) async throws {
    try await lab.bindAndAsk(lab.provider(), SecurityParameters(mechanism: mechanism, protection: .integrity))
  }

  /// Outside DCE style a token and what it seals, one behind the other, are a message as `GSS_Wrap` makes it (RFC 4121
  /// 4.2.4): a real server reads what was sealed in place.
  @Test(arguments: [SecurityParameters.Mechanism.spnego, .kerberos])
  func sealsInPlace(_ mechanism: SecurityParameters.Mechanism) async throws {
    let context = try await lab.provider().initiate(lab.ldap, SecurityParameters(mechanism: mechanism))
    #expect(throws: SecurityError.self) { try context.sessionKey() }
    let conversation = try SealedConversation(lab)
    try conversation.bind(context)
    #expect(try context.sessionKey().count == 32)
    let identifier = try conversation.ownIdentifier(context) { message in
      var buffer = message
      let segments = [Segment.sealed(0..<message.count)]
      let expected = try context.tokenLength(segments)
      let token = try context.seal(&buffer, segments)
      #expect(token.count == expected && buffer.count == message.count && buffer != message)
      return token + buffer
    }
    #expect(identifier.description.hasPrefix(lab.forest.domainSID))
    // Our own message is not the server's, and parts that overlap are none.
    var buffer = [UInt8](repeating: 1, count: 32)
    let token = try context.seal(&buffer, [.sealed(0..<32)])
    #expect(throws: SecurityError.self) { try context.unseal(&buffer, [.sealed(0..<32)], token: token) }
    #expect(throws: SecurityError.self) { try context.seal(&buffer, [.sealed(0..<33)]) }
    #expect(throws: SecurityError.self) { try context.seal(&buffer, [.sealed(0..<8), .sealed(8..<16)]) }
  }

  @Test func bindsWithAKeytab() async throws {
    let path = try temporaryKeytab()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await lab.bindAndAsk(lab.provider(keytab: path), SecurityParameters())
    if let exported = lab.forest.serviceAccount.keytabFile {
      try await lab.bindAndAsk(lab.provider(keytab: exported), SecurityParameters())
    }
  }

  /// Made by MIT's ktutil from the password, with the salt that the KDC tells.
  private func temporaryKeytab() throws -> String {
    let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString).keytab"
    let principal = "\(account)@\(lab.forest.realm)"
    let password = try lab.forest.serviceAccount.password()
    let script = """
      add_entry -password -p \(principal) -k 1 -e aes256-cts-hmac-sha1-96 -f
      \(password)
      write_kt \(path)

      """
    let (code, output) = try withConfiguration { try lab.run("ktutil", [], input: script, environment: $0) }
    try #require(FileManager.default.fileExists(atPath: path), "ktutil: \(code) \(output)")
    return path
  }

  /// A krb5.conf for MIT's own tools.
  private func withConfiguration<R>(_ body: ([String: String]) throws -> R) throws -> R {
    let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString).conf"
    let text = """
      [libdefaults]
        default_realm = \(lab.forest.realm)
        dns_lookup_kdc = false
        rdns = false
      [realms]
        \(lab.forest.realm) = {
          kdc = \(lab.kdc)
        }

      """
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(["KRB5_CONFIG": path, "KRB5CCNAME": path + ".cache", "LC_ALL": "C"])
  }

  @Test func agreesWithKinit() async throws {
    let good = try lab.forest.serviceAccount.password()
    let principal = "\(account)@\(lab.forest.realm)"
    func kinit(_ principal: String, _ password: String) throws -> (code: Int32, output: String) {
      try withConfiguration { environment in
        defer { try? FileManager.default.removeItem(atPath: environment["KRB5CCNAME"] ?? "") }
        return try lab.run("kinit", [principal], input: password + "\n", environment: environment)
      }
    }
    #expect(try kinit(principal, good).code == 0)
    try await lab.provider().authenticate()
    let wrong = try kinit(principal, "not the password")
    #expect(wrong.code != 0 && wrong.output.contains("Password incorrect"), "\(wrong)")
    #expect(await failure(try lab.provider(password: "not the password"))?.code == .wrongPassword)
    let unknown = try kinit("nobody-here@\(lab.forest.realm)", "x")
    #expect(unknown.code != 0 && unknown.output.contains("not found in Kerberos database"), "\(unknown)")
    #expect(await failure(try lab.provider(principal: "nobody-here"))?.code == .unknownPrincipal)
  }

  @Test func saysWhichServiceIsUnknown() async throws {
    let provider = try lab.provider()
    let error = await failure(provider, ServicePrincipal(service: "ldap", host: "nowhere.corp.example"))
    #expect(error?.code == .unknownService)
    #expect(error?.message.contains("ldap/nowhere.corp.example") == true, "\(String(describing: error))")
    // One refusal does not spoil the provider.
    _ = try await provider.initiate(lab.ldap, SecurityParameters())
  }

  /// Samba sends a ticket over TCP when it does not fit a datagram, so that UDP is the first transport, not the only one.
  @Test(arguments: [(1465, TransportProtocol.udp), (0, .tcp)])
  func usesAndRecordsTheTransport(_ limit: Int, _ transport: TransportProtocol) async throws {
    let flows = RecordedFlows()
    try await lab.provider(flows: flows, adjust: { $0.udpPreferenceLimit = limit }).authenticate()
    #expect(flows.uses.first?.transport == transport)
    #expect(limit != 0 || flows.uses.allSatisfy { $0.transport == .tcp })
    #expect(flows.uses.allSatisfy { $0.row == "connect-ad/kerberos" && $0.address == lab.controller.address })
  }

  @Test func asksTheNextKDC() async throws {
    let flows = RecordedFlows()
    let dead = Endpoint(host: "127.0.0.254", port: 9)
    try await lab.provider(kdcs: [dead, lab.kdc], flows: flows).authenticate()
    #expect(Set(flows.uses.map(\.address)) == [lab.controller.address])
    let error = await failure(try lab.provider(kdcs: [dead]))
    #expect(error?.code == .noKDC)
    #expect(error?.message.contains("udp 127.0.0.254:9: connection refused") == true, "\(String(describing: error))")
  }

  /// The user principal name has the domain's own suffix in small letters, or is sent as an enterprise name.
  @Test func knowsTheUserPrincipalName() async throws {
    let provider = try lab.provider(principal: "\(account)@\(lab.forest.realm.lowercased())")
    try await lab.bindAndAsk(provider, SecurityParameters())
  }

  @Test func reportsTheSkewOfARealClock() async throws {
    let late: @Sendable () -> Date = { Date().addingTimeInterval(-600) }
    let error = await failure(try lab.provider(now: late))
    #expect(error?.code == .clockSkew)
    #expect(error?.message.contains("behind that of KDC") == true, "\(String(describing: error))")
    let tolerant = try lab.provider(now: late, adjust: { $0.allowedClockSkew = .seconds(900) })
    try await tolerant.authenticate()
    let skew = try #require(await tolerant.clockSkew)
    #expect((.seconds(598)...(.seconds(602))).contains(skew))
  }

  /// The same with a clock that is wrong for libkrb5 and GSSAPI too: the tests below in a process of their own.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/faketime")), arguments: [-600, 600])
  func worksWithASkewedClock(_ seconds: Int) throws {
    let (code, output) = try lab.run(
      "faketime",
      [
        "-f", "\(seconds < 0 ? "" : "+")\(seconds)s", "/proc/\(ProcessInfo.processInfo.processIdentifier)/exe",
        "--testing-library", "swift-testing", "--filter", "KerberosSkewedClockTests",
      ], environment: ["BRIDGEHEAD_SKEWED_CLOCK": String(seconds), "FAKETIME_DONT_FAKE_MONOTONIC": "1"])
    #expect(code == 0 && output.contains("with 2 tests in 1 suite passed"), "\(output)")
  }

  @Test func keepsTicketsUntilTheyAreDue() async throws {
    let flows = RecordedFlows()
    let clock = MovableClock()
    let provider = try lab.provider(flows: flows, now: clock.now, adjust: { $0.allowedClockSkew = .seconds(86_400) })
    _ = try await provider.initiate(lab.ldap, SecurityParameters())
    let first = flows.uses.count
    _ = try await provider.initiate(lab.ldap, SecurityParameters())
    #expect(flows.uses.count == first)
    let expiry = try #require(await provider.initialTicketExpiry)
    clock.set(expiry.addingTimeInterval(-300))
    try await provider.authenticate()
    #expect(flows.uses.count > first)
  }

  @Test func refusesWhatItWasNotGranted() async throws {
    let provider = try lab.provider(adjust: { $0.encryptionTypes = [.aes256SHA2] })
    #expect(await failure(provider)?.code == .unsupportedEncryption)
  }

  @Test func refusesUnsealedAndRepeatedMessages() async throws {
    let context = try await lab.provider().initiate(lab.ldap, SecurityParameters())
    #expect(throws: SecurityError.self) { try context.wrap([1]) }
    try SealedConversation(lab).bind(context)
    // Our own message is not one of the server's, whole or damaged.
    let sealed = try context.wrap([1, 2, 3])
    #expect(throws: SecurityError.self) { try context.unwrap(sealed) }
    #expect(throws: SecurityError.self) { try context.unwrap([1, 2, 3]) }
    #expect(throws: SecurityError.self) { try context.unwrap([]) }
    #expect(throws: SecurityError.self) { try context.step([]) }
  }

  @Test func refusesAForgedServer() async throws {
    let context = try await lab.provider().initiate(lab.ldap, SecurityParameters())
    _ = try context.step(nil)
    #expect(throws: SecurityError.self) { try context.step([0xa1, 3, 0x30, 1, 0]) }
    #expect(context.protection == .none)
  }
}

private let skewedSeconds = ProcessInfo.processInfo.environment["BRIDGEHEAD_SKEWED_CLOCK"].flatMap { Int($0) }

/// Run by `worksWithASkewedClock`, with the process's clock off by as many seconds as the environment says.
@Suite(.enabled(if: Lab.current != nil && skewedSeconds != nil)) struct KerberosSkewedClockTests {
  private let lab: KerberosLab

  init() throws { lab = try KerberosLab() }

  @Test func refusesWhatIsNotAllowed() async throws {
    let error = try #require(
      await #expect(throws: SecurityError.self) { try await lab.provider().authenticate() })
    #expect(error.code == .clockSkew)
    let words = skewedSeconds ?? 0 < 0 ? "behind" : "ahead of"
    #expect(error.message.contains("10 min \(words)") || error.message.contains("s \(words)"), "\(error)")
  }

  @Test func passesWhatIsAllowed() async throws {
    let provider = try lab.provider(adjust: { $0.allowedClockSkew = .seconds(900) })
    try await lab.bindAndAsk(provider, SecurityParameters(mechanism: .spnego))
    try await lab.bindAndAsk(provider, SecurityParameters(mechanism: .kerberos))
    let skew = try #require(await provider.clockSkew).components.seconds
    #expect(abs(Int(skew) + (skewedSeconds ?? 0)) <= 2)
  }
}

/// A clock that a test sets.
final class MovableClock: Sendable {
  private let offset = Mutex(TimeInterval(0))
  var now: @Sendable () -> Date { { Date().addingTimeInterval(self.offset.withLock { $0 }) } }
  func set(_ date: Date) { offset.withLock { $0 = date.timeIntervalSinceNow } }
}
