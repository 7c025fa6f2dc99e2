// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import LDAP
import Logging
import Testing
import Wire

/// An OpenLDAP server of one test, with the certificate of the lab's tenant.
final class Slapd {
  static let program = "/usr/sbin/slapd"
  static let isInstalled = FileManager.default.isExecutableFile(atPath: program)
  static let suffix = "dc=x"

  let lab: LDAPLab
  let port: Int
  private let directory: URL
  private let process = Process()
  private let password = UUID().uuidString

  init(_ lab: LDAPLab, port: Int) throws {
    self.lab = lab
    self.port = port
    directory = FileManager.default.temporaryDirectory.appending(path: "slapd-\(UUID().uuidString)")
    let data = directory.appending(path: "data")
    try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
    let schemas = ["core", "cosine", "inetorgperson"].map { "include /etc/ldap/schema/\($0).schema" }
    let configuration =
      schemas + [
        "modulepath /usr/lib/ldap", "moduleload back_mdb",
        "TLSCertificateFile \(lab.forest.tenant.certificateChainFile)",
        "TLSCertificateKeyFile \(lab.forest.tenant.privateKeyFile)", "database mdb", "suffix \(Self.suffix)",
        "rootdn cn=admin,\(Self.suffix)", "rootpw \(password)", "directory \(data.path())",
        "limits dn.exact=\"cn=reader,\(Self.suffix)\" size.soft=20 size.hard=20 size.prtotal=20",
      ]
    let file = directory.appending(path: "slapd.conf")
    try Data((configuration.joined(separator: "\n") + "\n").utf8).write(to: file)
    process.executableURL = URL(filePath: Self.program)
    process.arguments = ["-d", "0", "-f", file.path(), "-h", "ldaps://127.0.0.1:\(port)"]
    process.standardError = FileHandle.nullDevice
    try process.run()
  }

  func stop() {
    // Not SIGTERM: a runner may have it blocked, and slapd inherits that.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: directory)
  }

  func connect(_ name: String) async throws -> LDAPConnection {
    let security = ConnectionSecurity.tls(
      try lab.tls(), .simple(name: "cn=\(name),\(Self.suffix)", password: SecretBytes(Array(password.utf8))))
    let server = ServerAddress(host: lab.forest.tenant.name, address: "127.0.0.1", port: port)
    while true {
      do {
        return try await LDAPConnection.connect(
          to: server, security: security, flow: lab.flow, logger: Logger(label: "ldap"))
      } catch let error as LDAPError where error.code == .unreachable && process.isRunning {
        // It has not opened its port yet.
        try await Task.sleep(for: .milliseconds(20))
      }
    }
  }

  /// A user that the size limit holds for.
  func addReader(_ connection: LDAPConnection) async throws {
    try await connection.add(
      "cn=reader,\(Self.suffix)",
      [Attribute("objectClass", ["person"]), Attribute("sn", ["r"]), Attribute("userPassword", [password])])
  }

  func ldapsearchCount(_ filter: String) throws -> Int {
    let result = try lab.kerberos.run(
      "ldapsearch",
      [
        "-LLL", "-x", "-H", "ldaps://127.0.0.1:\(port)", "-D", "cn=admin,\(Self.suffix)", "-y", "/dev/stdin", "-b",
        Self.suffix, filter, "1.1",
      ], input: password, environment: ["LDAPTLS_REQCERT": "never"])
    return result.output.split(separator: "\n").count { $0.hasPrefix("dn:") }
  }
}

/// The scenarios of the domain controller against a server that is none.
@Suite(.enabled(if: Lab.current != nil && Slapd.isInstalled), .serialized) struct LDAPSlapdTests {
  func withServer(_ port: Int, _ body: (Slapd, LDAPConnection) async throws -> Void) async throws {
    let server = try Slapd(try LDAPLab(), port: port)
    defer { server.stop() }
    let connection = try await server.connect("admin")
    try await connection.add(
      Slapd.suffix,
      [Attribute("objectClass", ["dcObject", "organization"]), Attribute("dc", ["x"]), Attribute("o", ["x"])])
    try await body(server, connection)
    await connection.close()
  }

  func addPeople(_ count: Int, _ connection: LDAPConnection) async throws {
    for number in 0..<count {
      try await connection.add(
        "cn=Pérson \(number),\(Slapd.suffix)",
        [Attribute("objectClass", ["inetOrgPerson"]), Attribute("sn", ["Pérson"]), Attribute("mail", ["\(number)@x"])])
    }
  }

  @Test func pagingAndLimits() async throws {
    try await withServer(40636) { server, connection in
      try await addPeople(60, connection)
      try await server.addReader(connection)
      let expected = try server.ldapsearchCount("(mail=*)")
      #expect(expected == 60)
      for pageSize in [1, 7, 60, 1000] as [Int32] {
        let found = try await connection.search(
          base: Slapd.suffix, filter: .present("mail"), attributes: ["mail"], pageSize: pageSize
        ).all()
        #expect(Set(found.compactMap { $0.string("mail") }).count == expected)
      }
      // What the size limit cuts is not complete.
      let reader = try await server.connect("reader")
      let error = await thrownError(LDAPError.self) {
        _ = try await reader.search(
          base: Slapd.suffix, filter: .present("mail"), attributes: ["mail"], pageSize: 5
        ).all()
      }
      #expect(error?.code == .incomplete)
      await reader.close()
    }
  }

  @Test func updatesBinaryValuesAndCompare() async throws {
    try await withServer(40637) { _, connection in
      try await addPeople(1, connection)
      let dn = "cn=Pérson 0,\(Slapd.suffix)"
      let photo = [UInt8](0...255)
      try await connection.modify(
        dn, [Modification(.add, Attribute("jpegPhoto", [photo[...]])), .add("description", ["a", "b"])])
      var entry = try await connection.entry(dn, attributes: ["jpegPhoto", "description"])
      #expect(entry?.bytes("jpegPhoto") == photo && entry?.strings("description") == ["a", "b"])
      let isThere = try await connection.compare(dn, attribute: "description", value: Array("b".utf8))
      #expect(isThere)
      try await connection.modify(dn, [.delete("description", ["a"]), .delete("jpegPhoto")])
      entry = try await connection.entry(dn, attributes: ["jpegPhoto", "description"])
      #expect(entry?.bytes("jpegPhoto") == nil && entry?.strings("description") == ["b"])
      let missing = await thrownError(LDAPError.self) { try await connection.modify(dn, [.delete("jpegPhoto")]) }
      #expect(missing?.code == .noSuchAttribute)
      try await connection.modifyDN(dn, newRDN: "cn=Zoë")
      let who = try await connection.extended(.whoAmI)
      #expect(who.value.map { String(decoding: $0, as: UTF8.self) } == "dn:cn=admin,dc=x")
      try await connection.delete("cn=Zoë,\(Slapd.suffix)")
      let gone = try await connection.entry("cn=Zoë,\(Slapd.suffix)", attributes: ["cn"])
      #expect(gone == nil)
      let root = try await connection.rootDSE()
      #expect(root.namingContexts == [Slapd.suffix] && root.supportedControls.contains(.pagedResults))
      #expect(root.highestCommittedUSN == nil && root.dsServiceName == nil)
    }
  }

  /// A tree that continues on another server: what is read here is this server's part, what lies there is referred to.
  @Test func references() async throws {
    try await withServer(40638) { _, connection in
      try await addPeople(2, connection)
      // RFC 3296: the control lets a referral be written as an object.
      let manage = Control(ControlType(rawValue: "2.16.840.1.113730.3.4.2"), isCritical: true)
      try await connection.add(
        "ou=elsewhere,\(Slapd.suffix)",
        [
          Attribute("objectClass", ["referral", "extensibleObject"]), Attribute("ou", ["elsewhere"]),
          Attribute("ref", ["ldap://other.example/ou=elsewhere,dc=x"]),
        ], controls: [manage])
      // The control for this server's part alone keeps the reference out.
      let here = try await connection.search(
        base: Slapd.suffix, filter: .present("objectClass"), attributes: ["1.1"]
      ).all()
      #expect(here.count == 3)
      let referred = await thrownError(LDAPError.self) {
        _ = try await connection.entry("cn=a,ou=elsewhere,\(Slapd.suffix)", attributes: ["cn"])
      }
      #expect(referred?.code == .incomplete && referred?.result?.referrals.isEmpty == false)
    }
  }
}
