// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Logging
import Testing
import TestSupport
import Wire

@testable import Kerberos

@Suite struct KerberosConfigurationTests {
  @Test func tellsTheLibraryNoKDCAndNoDNS() {
    let profile = KerberosConfiguration(realm: "CORP.EXAMPLE", principal: "svc").profile
    #expect(profile[["libdefaults", "default_realm"]] == "CORP.EXAMPLE")
    #expect(profile[["libdefaults", "dns_lookup_kdc"]] == "false")
    #expect(profile[["libdefaults", "dns_canonicalize_hostname"]] == "false")
    #expect(profile[["libdefaults", "clockskew"]] == "300")
    #expect(profile.keys.allSatisfy { $0.first == "libdefaults" })
  }

  @Test func offersRC4OnlyOnRequest() {
    var configuration = KerberosConfiguration(realm: "CORP.EXAMPLE", principal: "svc")
    #expect(
      configuration.profile[["libdefaults", "permitted_enctypes"]]
        == "aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96 aes256-cts-hmac-sha384-192 aes128-cts-hmac-sha256-128")
    configuration.encryptionTypes.append(.rc4)
    #expect(configuration.profile[["libdefaults", "permitted_enctypes"]]?.hasSuffix(" arcfour-hmac") == true)
  }

  @Test(arguments: [
    ("svc", "svc@CORP.EXAMPLE", false), ("svc@CORP.EXAMPLE", "svc@CORP.EXAMPLE", false),
    ("svc@corp.example", "svc@CORP.EXAMPLE", false), ("svc@example.org", "svc\\@example.org@CORP.EXAMPLE", true),
  ])
  func namesTheClient(_ principal: String, _ text: String, _ isEnterprise: Bool) {
    let name = KerberosConfiguration(realm: "CORP.EXAMPLE", principal: principal).clientName
    #expect(name.text == text)
    #expect(name.isEnterprise == isEnterprise)
  }

  /// The profile in memory is what the library reads: a realm of ours becomes its default.
  @Test func reachesTheLibrary() throws {
    let library = try KerberosLibrary(KerberosConfiguration(realm: "CORP.EXAMPLE", principal: "svc"))
    #expect(try library.principal("svc").name == "svc@CORP.EXAMPLE")
  }

  @Test func quotesServiceNames() throws {
    let library = try KerberosLibrary(KerberosConfiguration(realm: "CORP.EXAMPLE", principal: "svc"))
    let service = ServicePrincipal(service: "ldap", host: "dc1/x@EVIL.EXAMPLE")
    #expect(
      try library.principal(service, defaultRealm: "CORP.EXAMPLE").name == "ldap/dc1\\/x\\@EVIL.EXAMPLE@CORP.EXAMPLE")
  }
}

@Suite struct KerberosProviderTests {
  private let flows = RecordedFlows()
  private static let now = Date(timeIntervalSince1970: 1_700_000_000.5)

  private func provider(
    _ credentials: KerberosCredentialSource = .password(SecretBytes(Array("secret".utf8))), now: Date = Self.now,
    allowedClockSkew: Duration = .seconds(300), timeouts: [Duration] = [.seconds(60)], kdc: KDCAddress? = nil
  ) throws -> KerberosProvider {
    let endpoints = kdc.map { [Endpoint(host: $0.address, port: $0.port)] } ?? []
    return try KerberosProvider(
      KerberosConfiguration(
        realm: "CORP.EXAMPLE", principal: "svc", allowedClockSkew: allowedClockSkew, attemptTimeouts: timeouts),
      credentials: credentials, flow: Flow(row: "connect-ad/kerberos", recorder: flows), now: { now },
      logger: .silent, kdcs: { _ in endpoints })
  }

  private func failure(_ provider: KerberosProvider) async -> SecurityError? {
    do {
      try await provider.authenticate()
      Issue.record("the credentials were accepted")
      return nil
    } catch {
      #expect(error is SecurityError, "\(error)")
      return error as? SecurityError
    }
  }

  @Test func refusesASkewedClock() async throws {
    let server = try FakeKDC(.udp) { _ in [.answer(Messages.error(25))] }
    let provider = try provider(now: Self.now.addingTimeInterval(-603), kdc: server.kdc)
    let error = await failure(provider)
    #expect(error?.code == .clockSkew)
    #expect(error?.message.contains("10 min 3 s behind") == true)
    #expect(await provider.clockSkew == .seconds(603))
    #expect(server.requests.count == 1)
  }

  @Test func passesASkewThatIsAllowed() async throws {
    let server = try FakeKDC(.udp) { _ in [.answer(Messages.error(6))] }
    let provider = try provider(
      now: Self.now.addingTimeInterval(-603), allowedClockSkew: .seconds(900), kdc: server.kdc)
    #expect(await failure(provider)?.code == .unknownPrincipal)
    #expect(await provider.clockSkew == .seconds(603))
  }

  @Test func survivesATicketOfGarbage() async throws {
    let server = try FakeKDC(.udp) { _ in [.answer(Messages.ticket)] }
    let error = await failure(try provider(kdc: server.kdc))
    #expect(error?.code == .rejectedToken, "\(String(describing: error))")
  }

  /// A KDC that wants pre-authentication without saying how, over and over.
  @Test func doesNotAskForever() async throws {
    let server = try FakeKDC(.udp) { _ in [.answer(Messages.error(25))] }
    _ = await failure(try provider(kdc: server.kdc))
    #expect(server.requests.count <= 24)
  }

  @Test func refusesAnEmptyPassword() async throws {
    let server = try FakeKDC(.udp) { _ in [] }
    let error = await failure(try provider(.password(SecretBytes([])), kdc: server.kdc))
    #expect(error?.code == .badCredentialSource)
    #expect(server.requests.isEmpty)
  }

  @Test func refusesAPrincipalThatIsNone() {
    #expect(throws: SecurityError.self) {
      try KerberosProvider(
        KerberosConfiguration(realm: "CORP.EXAMPLE", principal: "svc\0"),
        credentials: .password(SecretBytes([1])), flow: Flow(row: "connect-ad/kerberos", recorder: flows),
        now: { Self.now }, logger: Logger(label: "test"), kdcs: { _ in [] })
    }
  }

  @Test func endsWhenItsTaskIsCancelled() async throws {
    let (requests, arrival) = AsyncStream.makeStream(of: Void.self)
    let server = try FakeKDC(.udp) { _ in
      arrival.yield()
      return []
    }
    let provider = try provider(timeouts: [.seconds(600)], kdc: server.kdc)
    let task = Task { try await provider.authenticate() }
    for await _ in requests { break }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  /// Two providers, each blocked on a KDC that answers only after the other was asked.
  @Test func severalWorkAtOnce() async throws {
    let both = Barrier(2)
    let server = { try FakeKDC(.udp) { _ in both.wait() ? [.answer(Messages.error(6))] : [] } }
    let (first, second) = (try server(), try server())
    let providers = [try provider(kdc: first.kdc), try provider(kdc: second.kdc)]
    await withTaskGroup(of: SecurityError?.self) { group in
      for provider in providers { group.addTask { await failure(provider) } }
      for await error in group { #expect(error?.code == .unknownPrincipal) }
    }
  }
}

@Suite struct KeytabTests {
  private let library: KerberosLibrary
  private let client: Principal
  private let directory: String

  init() throws {
    library = try KerberosLibrary(KerberosConfiguration(realm: "CORP.EXAMPLE", principal: "svc"))
    client = try library.principal("svc")
    directory = FileManager.default.temporaryDirectory.path + "/keytab-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }

  /// MIT's file format, version 2: one entry of a principal with one component.
  private func keytab(_ name: String, type: UInt16, mode: Int = 0o600) throws -> String {
    func counted(_ text: String) -> [UInt8] { [0, UInt8(text.utf8.count)] + Array(text.utf8) }
    let size = type == 18 || type == 20 ? 32 : 16
    let entry: [UInt8] =
      [0, 1] + counted("CORP.EXAMPLE") + counted(name) + [0, 0, 0, 1] + [0, 0, 0, 0] + [1] + [0, UInt8(type)]
      + [0, UInt8(size)] + [UInt8](repeating: 7, count: size)
    return try file([5, 2, 0, 0, 0, UInt8(entry.count)] + entry, mode: mode)
  }

  private func file(_ bytes: [UInt8], mode: Int = 0o600) throws -> String {
    let path = directory + "/" + UUID().uuidString
    _ = FileManager.default.createFile(atPath: path, contents: Data(bytes), attributes: [.posixPermissions: mode])
    return path
  }

  private func failure(_ path: String) -> SecurityError? {
    do throws(SecurityError) {
      _ = try Keytab(library, path: path, principal: client, encryptionTypes: EncryptionType.aes)
      Issue.record("the keytab was accepted")
      return nil
    } catch {
      return error
    }
  }

  @Test func acceptsAKeyOfTheClient() throws {
    _ = try Keytab(
      library, path: keytab("svc", type: 18), principal: client, encryptionTypes: EncryptionType.aes)
  }

  @Test func saysWhatIsWrong() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    #expect(failure(directory + "/none")?.message.contains("does not exist") == true)
    #expect(failure(directory)?.message.contains("no regular file") == true)
    #expect(failure(try file(Array("no keytab".utf8)))?.code == .badCredentialSource)
    #expect(failure(try file([]))?.code == .badCredentialSource)
    #expect(failure(try file([5, 2]))?.message.contains("none at all") == true)
    #expect(failure(try file([5, 2, 0x7f, 0xff, 0xff, 0xff, 1]))?.code == .badCredentialSource)
    #expect(failure(try keytab("other", type: 18))?.message.contains("it has other@CORP.EXAMPLE") == true)
    #expect(failure(try keytab("svc", type: 18, mode: 0o644))?.message.contains("mode 644") == true)
    let rc4 = failure(try keytab("svc", type: 23))
    #expect(rc4?.code == .unsupportedEncryption)
    #expect(rc4?.message.contains("arcfour-hmac") == true)
  }
}
