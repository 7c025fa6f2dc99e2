// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import Foundation
import HTTP
import Kerberos
import LDAP
import Logging
import Testing
import TestSupport
import Wire

/// Connections to the lab's first domain controller, and the system's tools to compare with.
struct LDAPLab {
  let kerberos: KerberosLab
  let flows = RecordedFlows()
  var forest: LabDescription.Forest { kerberos.forest }
  var controller: LabDescription.Controller { kerberos.controller }
  var base: String { forest.baseDN }

  init() throws { kerberos = try KerberosLab() }

  var flow: Flow { Flow(row: "connect-ad/ldap", recorder: flows) }

  func server(_ port: Int) -> ServerAddress {
    ServerAddress(host: controller.host, address: controller.address, port: port)
  }

  func connect(
    _ security: ConnectionSecurity, port: Int, options: LDAPOptions = LDAPOptions()
  ) async throws -> LDAPConnection {
    try await LDAPConnection.connect(
      to: server(port), security: security, flow: flow, options: options, logger: Logger(label: "ldap"))
  }

  /// The service account with its documented rights, sealed on 389.
  func service(options: LDAPOptions = LDAPOptions()) async throws -> LDAPConnection {
    try await connect(.sealed(try kerberos.provider()), port: 389, options: options)
  }

  func administrator() async throws -> LDAPConnection {
    try await connect(.sealed(try provider(forest.administrator)), port: 389)
  }

  /// An account without any right.
  func plain() async throws -> LDAPConnection {
    try await connect(.sealed(try provider(forest.plainAccount)), port: 389)
  }

  func provider(_ account: LabDescription.Account) throws -> KerberosProvider {
    try kerberos.provider(principal: account.principal, password: try account.password())
  }

  /// The lab's authority, its list fetched over HTTP.
  func tls(now: @escaping @Sendable () -> Date = { Date() }) throws -> TLSClientPolicy {
    let lab = try #require(Lab.current)
    let http = HTTPClient(
      configuration: HTTPClientConfiguration(
        flows: HTTPFlows(http: Flow(row: "connect-cloud/http", recorder: flows))), tls: nil,
      resolver: LabNames(forest: forest))
    let cache = RevocationListCache(source: HTTPRevocationListSource(client: http), directory: nil, now: now)
    return try TLSClientPolicy(
      anchors: try .files([lab.certificateAuthorityFile]),
      revocation: RevocationPolicy(.require, cache: cache, now: now),
      now: now)
  }

  /// How many objects ldapsearch finds, paged, as the administrator over LDAPS.
  func ldapsearchCount(_ filter: String, base: String? = nil, port: Int = 636) throws -> Int {
    let result = try kerberos.run(
      "ldapsearch",
      [
        "-LLL", "-x", "-H", "ldaps://\(controller.address):\(port)", "-D", "\(forest.netbios)\\Administrator",
        "-y", "/dev/stdin", "-E", "pr=100/noprompt", "-b", base ?? self.base, filter, "1.1",
      ], input: try forest.administrator.password(), environment: ["LDAPTLS_REQCERT": "never"])
    try #require(result.code == 0, "\(result.output)")
    return result.output.split(separator: "\n").count { $0.hasPrefix("dn:") }
  }

  /// Compares a count with ldapsearch's while nobody else changes the directory: other suites may.
  func expectSameCount(
    _ filter: String, base: String? = nil, sourceLocation: SourceLocation = #_sourceLocation,
    _ count: () async throws -> Int
  ) async throws {
    for _ in 0..<10 {
      let before = try ldapsearchCount(filter, base: base)
      let found = try await count()
      guard try ldapsearchCount(filter, base: base) == before else { continue }
      #expect(found == before, "\(filter)", sourceLocation: sourceLocation)
      return
    }
    Issue.record("the directory does not hold still", sourceLocation: sourceLocation)
  }
}

/// The names that the lab's certificates mention.
struct LabNames: NameResolver {
  let forest: LabDescription.Forest

  func addresses(of host: String) async throws -> [String] {
    host == URL(string: forest.crlURL)?.host() ? [forest.crlAddress] : [host]
  }
}

/// The error that the body must throw, for comparing codes.
func thrownError<E: Error>(_: E.Type = E.self, _ body: () async throws -> Void) async -> E? {
  do {
    try await body()
    return nil
  } catch {
    return error as? E
  }
}

extension AsyncSequence {
  func all() async throws -> [Element] {
    var elements: [Element] = []
    for try await element in self { elements.append(element) }
    return elements
  }
}
