// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Kerberos
import Logging
import Testing
import TestSupport
import Wire

/// The lab's first forest, as the Kerberos tests see it.
struct KerberosLab {
  let forest: LabDescription.Forest
  let controller: LabDescription.Controller

  init() throws {
    forest = try #require(Lab.current?.forest)
    controller = try #require(forest.controllers.first)
  }

  var kdc: Endpoint { Endpoint(host: controller.address, port: controller.ports["kerberos"] ?? 88) }
  var ldap: ServicePrincipal { ServicePrincipal(service: "ldap", host: controller.host) }

  func provider(
    principal: String? = nil, password: String? = nil, keytab: String? = nil, kdcs: [Endpoint]? = nil,
    flows: RecordedFlows = RecordedFlows(), now: @escaping @Sendable () -> Date = { Date() },
    adjust: (inout KerberosConfiguration) -> Void = { _ in }
  ) throws -> KerberosProvider {
    var configuration = KerberosConfiguration(
      realm: forest.realm, principal: principal ?? forest.serviceAccount.principal,
      attemptTimeouts: [.seconds(1), .seconds(5)])
    adjust(&configuration)
    let secret = try password ?? forest.serviceAccount.password()
    let endpoints = kdcs ?? [kdc]
    return try KerberosProvider(
      configuration, credentials: keytab.map { .keytab(path: $0) } ?? .password(SecretBytes(Array(secret.utf8))),
      flow: Flow(row: "connect-ad/kerberos", recorder: flows), now: now, logger: Logger(label: "kerberos"),
      kdcs: { _ in endpoints })
  }

  /// Binds, checks what was negotiated, and reads its own identity over the protected connection.
  func bindAndAsk(_ provider: KerberosProvider, _ parameters: SecurityParameters) async throws {
    let context = try await provider.initiate(ldap, parameters)
    let conversation = try SealedConversation(self)
    try conversation.bind(context)
    #expect(context.protection == parameters.protection)
    let words = parameters.protection == .confidentiality ? "sign and seal" : "sign"
    #expect(context.summary.hasSuffix("Kerberos \(words), aes256-cts-hmac-sha1-96"))
    // The first relative identifiers of a domain belong to the system's own accounts.
    let identifier = try conversation.ownIdentifier(context)
    #expect(identifier.description.hasPrefix(forest.domainSID) && identifier.relativeIdentifier ?? 0 >= 1000)
  }

  /// Runs a program of the system and returns its exit code and output.
  func run(
    _ program: String, _ arguments: [String], input: String = "", environment: [String: String] = [:]
  ) throws -> (code: Int32, output: String) {
    let process = Process()
    let (stdin, stdout) = (Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = environment.map { "\($0.key)=\($0.value)" } + [program] + arguments
    process.standardInput = stdin
    process.standardOutput = stdout
    process.standardError = stdout
    try process.run()
    try stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try stdin.fileHandleForWriting.close()
    let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }
}

/// Just enough of RFC 4511 and RFC 4422 3.7 on a plain socket to see a context accepted and used by a real server:
/// a SASL bind, then one sealed `Who am I?` (RFC 4532).
final class SealedConversation {
  private let descriptor: Int32

  init(_ lab: KerberosLab) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(lab.controller.ports["ldap"] ?? 389).bigEndian
    inet_pton(AF_INET, lab.controller.address, &address.sin_addr)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
    }
    try #require(result == 0)
  }

  deinit { close(descriptor) }

  /// Binds with SASL mechanism GSS-SPNEGO.
  func bind(_ context: any SecurityContext) throws {
    var token: [UInt8]?
    for identifier in 1...4 as ClosedRange<UInt8> {
      switch try context.step(token) {
      case .complete: return
      case .sendAndComplete(let answer), .send(let answer):
        let credentials = element(0xa3, element(4, Array("GSS-SPNEGO".utf8)) + element(4, answer))
        let request = element(0x60, element(2, [3]) + element(4, []) + credentials)
        try send(element(0x30, element(2, [identifier]) + request))
      }
      let (code, answer) = try bindResult(receiveMessage())
      try #require(code == 0 || code == 14, "the server refuses the bind with result \(code)")
      token = answer
    }
    Issue.record("the handshake does not end")
  }

  /// Reads `tokenGroups` of the root DSE (MS-ADTS 3.1.1.3.2.20), sealed.
  /// - Returns: the SID of whoever bound: `S-1-5-21-…` for an account of a domain.
  /// - Parameter wrap: protects the request; the context's own way unless another is given.
  func ownIdentifier(
    _ context: any SecurityContext, wrap: ((_ message: [UInt8]) throws -> [UInt8])? = nil
  ) throws -> SecurityIdentifier {
    let filter = element(0x87, Array("objectClass".utf8))
    let limits = element(10, [0]) + element(10, [0]) + element(2, [0]) + element(2, [0]) + element(1, [0])
    let attributes = element(0x30, element(4, Array("tokenGroups".utf8)))
    let search = element(0x63, element(4, []) + limits + filter + attributes)
    let message = element(0x30, element(2, [9]) + search)
    let sealed = try wrap.map { try $0(message) } ?? context.wrap(message)
    try send(length(sealed) + sealed)
    let size = try receive(4).reduce(0) { $0 << 8 | Int($1) }
    try #require(size < 65_536)
    let plain = try context.unwrap(receive(size))
    // Revision 1, five sub-authorities, authority 5, the first sub-authority 21.
    let start: [UInt8] = [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0]
    let first = try #require(plain.indices.first { plain[$0...].starts(with: start) }, "no SID: \(Hex.encode(plain))")
    return try SecurityIdentifier(plain[first...].prefix(28))
  }

  private func length(_ bytes: [UInt8]) -> [UInt8] { (0..<4).map { UInt8(bytes.count >> (24 - 8 * $0) & 0xff) } }

  private func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    content.count < 128
      ? [tag, UInt8(content.count)] + content
      : [tag, 0x82, UInt8(content.count >> 8), UInt8(content.count & 0xff)] + content
  }

  private func bindResult(_ message: [UInt8]) throws -> (UInt8, [UInt8]?) {
    var rest = message[...]
    func next() throws -> (UInt8, ArraySlice<UInt8>) {
      try #require(rest.count >= 2)
      let tag = rest.removeFirst()
      var count = Int(rest.removeFirst())
      if count > 127 {
        let width = count & 0x7f
        count = rest.prefix(width).reduce(0) { $0 << 8 | Int($1) }
        rest = rest.dropFirst(width)
      }
      let content = rest.prefix(count)
      rest = rest.dropFirst(count)
      return (tag, content)
    }
    _ = try next()  // messageID
    let (tag, response) = try next()
    try #require(tag == 0x61)
    rest = response
    let code = try #require(try next().1.first)
    _ = try next()  // matchedDN
    _ = try next()  // diagnosticMessage
    while !rest.isEmpty {
      let (tag, content) = try next()
      if tag == 0x87 { return (code, Array(content)) }
    }
    return (code, nil)
  }

  /// - Returns: the content of one LDAPMessage's sequence.
  private func receiveMessage() throws -> [UInt8] {
    let header = try receive(2)
    guard header[1] > 127 else { return try receive(Int(header[1])) }
    return try receive(receive(Int(header[1] & 0x7f)).reduce(0) { $0 << 8 | Int($1) })
  }

  private func send(_ bytes: [UInt8]) throws {
    let sent = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    try #require(sent == bytes.count)
  }

  private func receive(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let received = recv(descriptor, &bytes, count, Int32(MSG_WAITALL))
    try #require(received == count)
    return bytes
  }
}
