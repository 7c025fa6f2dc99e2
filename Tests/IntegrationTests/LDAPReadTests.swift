// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import Foundation
import LDAP
import Logging
import Testing
import TestSupport
import Wire

/// Signing in and reading, on every port of a real domain controller.
@Suite(.enabled(if: Lab.current != nil)) struct LDAPReadTests {
  @Test func sealedOn389() async throws {
    let lab = try LDAPLab()
    let connection = try await lab.service()
    #expect(connection.protection.contains("seal") && connection.protection.contains("aes"))
    // Nobody in particular may not read this.
    let domain = try await connection.entry(lab.base, attributes: ["objectSid"])
    #expect(domain?.sid("objectSid")?.description == lab.forest.domainSID)
    let use = try #require(lab.flows.uses.last { $0.row == "connect-ad/ldap" })
    #expect(use.address == lab.controller.address && use.port == 389 && use.protection == connection.protection)
    await connection.close()
  }

  /// RFC 4752: the layer is agreed on after the Kerberos handshake.
  @Test func sealedWithGSSAPI() async throws {
    let lab = try LDAPLab()
    let connection = try await lab.connect(.sealed(try lab.kerberos.provider(), mechanism: .gssapi), port: 389)
    #expect(connection.protection.contains("seal"))
    let domain = try await connection.entry(lab.base, attributes: ["objectSid"])
    #expect(domain?.sid("objectSid")?.description == lab.forest.domainSID)
    await connection.close()
  }

  @Test func countsAgreeWithLdapsearch() async throws {
    let lab = try LDAPLab()
    let connection = try await lab.service()
    for text in ["(objectClass=user)", "(objectClass=group)", "(mail=*)", "(&(objectClass=user)(!(mail=*)))"] {
      for pageSize in [7, 100, 1000] as [Int32] {
        try await lab.expectSameCount(text) {
          let found = try await connection.search(
            base: lab.base, filter: Filter(text), attributes: ["1.1"], pageSize: pageSize
          ).all()
          return Set(found.map(\.dn)).count
        }
      }
    }
    await connection.close()
  }

  @Test func partitionsHoldEverythingOnce() async throws {
    let lab = try LDAPLab()
    let connection = try await lab.service()
    try await lab.expectSameCount("(objectClass=*)") {
      var parts: [String] = []
      for partition in try await connection.partitions(of: lab.base) {
        parts += try await connection.search(
          base: partition.base, scope: partition.scope, filter: .present("objectClass"), attributes: ["1.1"]
        ).all().map(\.dn)
      }
      #expect(Set(parts).count == parts.count)
      return parts.count
    }
    await connection.close()
  }

  @Test func tlsWithChannelBindingOn636() async throws {
    let lab = try LDAPLab()
    let connection = try await lab.connect(
      .tls(try lab.tls(), .negotiated(try lab.kerberos.provider())), port: 636)
    #expect(connection.protection.contains("TLS 1.") && connection.protection.contains("Kerberos"))
    // Nobody in particular may not read this.
    let domain = try await connection.entry(lab.base, attributes: ["objectSid"])
    #expect(domain?.sid("objectSid")?.description == lab.forest.domainSID)
    try await lab.expectSameCount("(objectClass=user)") {
      try await connection.search(base: lab.base, filter: .equal("objectClass", "user"), attributes: ["1.1"]).all()
        .count
    }
    #expect(lab.flows.uses.contains { $0.row == "connect-cloud/http" })
    await connection.close()
  }

  @Test func globalCatalogOn3268And3269() async throws {
    let lab = try LDAPLab()
    let sealed = try await lab.connect(.sealed(try lab.kerberos.provider()), port: 3268)
    let encrypted = try await lab.connect(.tls(try lab.tls(), .negotiated(try lab.kerberos.provider())), port: 3269)
    for connection in [sealed, encrypted] {
      // The empty base is the whole forest.
      try await lab.expectSameCount("(objectClass=group)") {
        try await connection.search(base: "", filter: .equal("objectClass", "group"), attributes: ["1.1"]).all().count
      }
      await connection.close()
    }
  }

  @Test func simpleBindOverTLS() async throws {
    let lab = try LDAPLab()
    let password = SecretBytes(Array(try lab.forest.serviceAccount.password().utf8))
    let connection = try await lab.connect(
      .tls(try lab.tls(), .simple(name: lab.forest.serviceAccount.principal, password: password)), port: 636)
    let root = try await connection.rootDSE()
    #expect(root.defaultNamingContext == lab.base)
    await connection.close()

    let wrong = await thrownError(LDAPError.self) {
      _ = try await lab.connect(
        .tls(
          try lab.tls(),
          .simple(name: lab.forest.serviceAccount.principal, password: SecretBytes(Array("wrong".utf8)))), port: 636)
    }
    #expect(wrong?.code == .invalidCredentials)
    #expect(wrong?.message.contains("wrong") != true || wrong?.message.contains("password is wrong") == true)
  }

  @Test func aWrongNameIsRefused() async throws {
    let lab = try LDAPLab()
    let error = await thrownError(TrustError.self) {
      _ = try await LDAPConnection.connect(
        to: ServerAddress(host: "dc9.corp.example", address: lab.controller.address, port: 636),
        security: .tls(try lab.tls(), .anonymous), flow: lab.flow, logger: .init(label: "ldap"))
    }
    #expect(error?.code == .wrongName)
    #expect(!lab.flows.uses.contains { $0.row == "connect-ad/ldap" })
  }

  @Test func rootDSEAndInvocationID() async throws {
    let lab = try LDAPLab()
    let connection = try await lab.service()
    let root = try await connection.rootDSE()
    #expect(root.defaultNamingContext == lab.base && root.dnsHostName?.lowercased() == lab.controller.host)
    #expect(root.supportedControls.isSuperset(of: [.dirSync, .pagedResults, .extendedDN, .showDeleted]))
    #expect(root.supportedSASLMechanisms.contains("GSS-SPNEGO"))
    #expect((root.highestCommittedUSN ?? 0) > 0 && root.isSynchronized)
    #expect(root.currentTime.map { abs(Double($0) - Date().timeIntervalSince1970) < 300 } == true)
    let id = try await connection.invocationID(of: root)
    #expect(id == GUID(lab.controller.invocationID))
    await connection.close()
  }

  @Test func schema() async throws {
    let lab = try LDAPLab()
    let connection = try await lab.service()
    let root = try await connection.rootDSE()
    let names = [
      "mail", "member", "memberOf", "objectSid", "thumbnailPhoto", "proxyAddresses", "manager", "noSuchThing",
    ]
    let schema = try await connection.schema(of: names, root)
    #expect(Set(schema.keys) == Set(names.dropLast().map { $0.lowercased() }))
    // MS-ADA2: their numbers and syntaxes.
    #expect(schema["member"]?.linkID == 2 && schema["member"]?.isSingleValued == false)
    #expect(schema["memberof"]?.linkID == 3)
    #expect(schema["manager"]?.linkID == 42 && schema["manager"]?.isSingleValued == true)
    #expect(schema["thumbnailphoto"]?.syntax == "2.5.5.10" && schema["objectsid"]?.syntax == "2.5.5.17")
    #expect(schema["mail"]?.syntax == "2.5.5.12" && schema["mail"]?.linkID == nil)
    await connection.close()
  }

  @Test func linksCarryIdentifiersAndBinaryValuesArrive() async throws {
    let lab = try LDAPLab()
    let connection = try await lab.service()
    let groups = try await connection.search(
      base: lab.base, filter: try Filter("(&(objectClass=group)(member=*))"), attributes: ["member", "objectGUID"],
      extendedDNs: true
    ).all()
    let group = try #require(groups.first { ($0["member"]?.values.count ?? 0) > 2 })
    #expect(group.extendedDN?.guid == group.guid("objectGUID"))
    for link in try group.links("member").prefix(3) {
      let guid = try #require(link.guid)
      let member = try #require(try await connection.entry("<GUID=\(guid)>", attributes: ["objectSid", "objectGUID"]))
      #expect(member.dn == link.dn && member.guid("objectGUID") == guid)
      #expect(member.sid("objectSid") == link.sid)
    }
    let photo = try await connection.search(
      base: lab.base, filter: .present("thumbnailPhoto"), attributes: ["thumbnailPhoto"]
    ).all().first
    // JPEG begins with FF D8.
    #expect(photo?.bytes("thumbnailPhoto")?.prefix(2) == [0xFF, 0xD8])
    await connection.close()
  }

  @Test func absentObjectsAreNil() async throws {
    let lab = try LDAPLab()
    let connection = try await lab.service()
    let absent = try await connection.entry("CN=nobody,\(lab.base)", attributes: ["cn"])
    #expect(absent == nil)
    let error = await thrownError(LDAPError.self) {
      _ = try await connection.search(
        base: "OU=nowhere,\(lab.base)", filter: .present("objectClass"), attributes: ["1.1"]
      ).all()
    }
    #expect(error?.code == .noSuchObject)
    await connection.close()
  }

  @Test func manyReadsOnOneConnection() async throws {
    let lab = try LDAPLab()
    let connection = try await lab.service()
    let base = lab.base
    let counts = try await withThrowingTaskGroup(of: Int.self, returning: [Int].self) { group in
      for index in 0..<8 {
        group.addTask {
          try await connection.search(
            base: "OU=Service Accounts,\(base)", filter: .present("objectClass"), attributes: ["cn"],
            pageSize: Int32(1 + index)
          ).all().count
        }
      }
      return try await group.all()
    }
    #expect(counts.count == 8 && Set(counts).count == 1 && counts[0] > 2)
    await connection.close()
  }
}
