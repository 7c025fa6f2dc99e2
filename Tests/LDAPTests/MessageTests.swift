// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing
import Wire

@testable import LDAP

@Suite struct MessageTests {
  static let everyOperation: [ProtocolOperation] = [
    .bindRequest(BindRequest(name: "cn=a", authentication: .simple([1, 2]))),
    .bindRequest(BindRequest(name: "", authentication: .sasl(mechanism: "GSS-SPNEGO", credentials: [0x60, 0x00]))),
    .bindRequest(BindRequest(name: "", authentication: .sasl(mechanism: "GSSAPI", credentials: nil))),
    .bindResponse(BindResponse(LDAPResult(.saslBindInProgress), serverCredentials: [9, 9])),
    .bindResponse(BindResponse(LDAPResult(.success))),
    .unbindRequest,
    .searchRequest(
      SearchRequest(
        base: "DC=corp,DC=example", scope: .subtree, filter: .and([.present("mail"), .not(.equal("cn", "x"))]),
        attributes: ["mail", "member;range=0-*"], sizeLimit: 5, timeLimit: 6, typesOnly: true)),
    .searchResultEntry(
      SearchEntry(dn: "CN=Ä", attributes: [Attribute("mail", ["a", "b"]), Attribute("member", [String]())])),
    .searchResultReference(["ldap://a/", "ldap://b/"]),
    .searchResultDone(
      LDAPResult(.referral, matchedDN: "DC=x", diagnosticMessage: "é", referrals: ["ldap://other/"])),
    .modifyRequest(ModifyRequest(dn: "CN=a", changes: [.add("x", ["1"]), .delete("y"), .replace("z", ["2", "3"])])),
    .modifyResponse(LDAPResult(.insufficientAccessRights)),
    .addRequest(AddRequest(dn: "CN=a", attributes: [Attribute("objectClass", ["top", "user"])])),
    .addResponse(LDAPResult(.entryAlreadyExists)),
    .deleteRequest(dn: "CN=a"),
    .deleteResponse(LDAPResult(.notAllowedOnNonLeaf)),
    .modifyDNRequest(ModifyDNRequest(dn: "CN=a", newRDN: "CN=b", deleteOldRDN: false, newSuperior: "OU=c")),
    .modifyDNRequest(ModifyDNRequest(dn: "CN=a", newRDN: "CN=b")),
    .modifyDNResponse(LDAPResult(.success)),
    .compareRequest(CompareRequest(dn: "CN=a", attribute: "mail", value: [0x61])),
    .compareResponse(LDAPResult(.compareTrue)),
    .abandonRequest(id: 7),
    .extendedRequest(ExtendedRequest("1.2.3", value: [1])),
    .extendedRequest(.whoAmI),
    .extendedResponse(ExtendedResponse(LDAPResult(.success), name: "1.2.3", value: [2])),
    .intermediateResponse(IntermediateResponse(name: "1.2", value: [3])),
    .intermediateResponse(IntermediateResponse(name: nil, value: nil)),
  ]

  @Test(arguments: everyOperation)
  func roundTrip(operation: ProtocolOperation) throws {
    let controls = [Control(.pagedResults, isCritical: true, value: [1, 2]), Control(.showDeleted, isCritical: false)]
    let message = LDAPMessage(id: 300, operation, controls: controls)
    #expect(try LDAPMessage(message.encoded) == message)
    let plain = LDAPMessage(id: 0, operation)
    #expect(try LDAPMessage(plain.encoded) == plain)
  }

  @Test func searchRequestBytes() {
    let request = SearchRequest(base: "dc=a", scope: .oneLevel, filter: .present("cn"), attributes: ["sn"])
    let message = LDAPMessage(id: 2, .searchRequest(request), controls: [Control(.showDeleted, isCritical: true)])
    let expected = hex(
      """
      30 43               # LDAPMessage
      02 01 02            # messageID 2
      63 1f               # SearchRequest
      04 04 64 63 3d 61   # baseObject dc=a
      0a 01 01            # singleLevel
      0a 01 00            # neverDerefAliases
      02 01 00            # sizeLimit
      02 01 00            # timeLimit
      01 01 00            # typesOnly FALSE
      87 02 63 6e         # present cn
      30 04 04 02 73 6e   # attributes sn
      a0 1d               # controls
      30 1b               # Control
      04 16 31 2e 32 2e 38 34 30 2e 31 31 33 35 35 36 2e 31 2e 34 2e 34 31 37
      01 01 ff            # criticality TRUE
      """)
    #expect(message.encoded == expected)
  }

  @Test func entryAsActiveDirectoryWritesIt() throws {
    let bytes = hex(
      """
      30 84 00 00 00 3b          # LDAPMessage, length in four octets
      02 01 05                   # messageID 5
      64 84 00 00 00 32          # SearchResultEntry
      04 04 43 4e 3d 61          # objectName CN=a
      30 84 00 00 00 26          # attributes
      30 84 00 00 00 10          # PartialAttribute
      04 04 6d 61 69 6c          # mail
      31 84 00 00 00 04          # vals
      04 02 61 40                # a@
      30 84 00 00 00 0a          # PartialAttribute
      04 02 73 6e                # sn
      31 84 00 00 00 00          # vals: none
      """)
    let message = try LDAPMessage(bytes)
    #expect(message.operation == .entry("CN=a", [Attribute("mail", ["a@"]), Attribute("sn", [String]())]))
  }

  @Test func oneByteAtATime() throws {
    let messages = Self.everyOperation.enumerated().map { LDAPMessage(id: Int32($0.offset), $0.element) }
    var framer = MessageFramer(maximumSize: 1 << 20)
    var seen: [LDAPMessage] = []
    for byte in messages.flatMap(\.encoded) {
      framer.append(ByteBuffer(bytes: [byte]))
      while let bytes = try framer.next() { seen.append(try LDAPMessage(bytes)) }
    }
    #expect(seen == messages)
    #expect(framer.isEmpty)
  }

  @Test(arguments: [
    "31 00", "02 01 00", "30 80 00", "30 89 00 00", "30 84 7f ff ff ff", "30 88 7f ff ff ff ff ff ff ff",
  ])
  func framerRefuses(bytes: String) {
    var framer = MessageFramer(maximumSize: 1 << 20)
    framer.append(ByteBuffer(bytes: hex(bytes)))
    #expect(throws: ByteError.self) { try framer.next() }
  }

  @Test func everyPrefixIsRefused() throws {
    for operation in Self.everyOperation {
      let bytes = LDAPMessage(id: 1, operation, controls: [Control(.dirSync, isCritical: true, value: [0])]).encoded
      for count in 0..<bytes.count {
        #expect(throws: ByteError.self) { try LDAPMessage(Array(bytes[..<count])) }
      }
    }
  }

  @Test func elementsAreCounted() throws {
    var limits = LDAPLimits.standard
    limits.elementCount = 10
    let values = (0..<10).map { String($0) }
    let fits = LDAPMessage(id: 1, .entry("", [Attribute("a", Array(values.dropLast()))])).encoded
    #expect(throws: Never.self) { try LDAPMessage(fits, limits: limits) }
    let tooMany = LDAPMessage(id: 1, .entry("", [Attribute("a", values)])).encoded
    #expect(throws: ByteError.self) { try LDAPMessage(tooMany, limits: limits) }
  }

  @Test func typedValues() throws {
    let guid = try #require(GUID("3f2504e0-4f89-11d3-9a0c-0305e82c3301"))
    let sid = try #require(SecurityIdentifier("S-1-5-21-1-2-3-500"))
    let entry = SearchEntry(
      dn: "CN=a",
      attributes: [
        Attribute("objectGUID", [guid.bytes[...]]), Attribute("objectSid", [sid.bytes[...]]),
        Attribute("userAccountControl", ["-2147483136"]), Attribute("accountExpires", ["9223372036854775807"]),
        Attribute("isDeleted", ["TRUE"]), Attribute("proxyAddresses", ["SMTP:a", "smtp:b"]),
        Attribute("bad", ["12x"]), Attribute("huge", ["9223372036854775808"]), Attribute("minus", ["-"]),
      ])
    #expect(entry.guid("OBJECTguid") == guid)
    #expect(entry.sid("objectSid") == sid)
    #expect(entry.integer("userAccountControl") == -2_147_483_136)
    #expect(entry.fileTime("accountExpires")?.isNever == true)
    #expect(entry.bool("isDeleted") == true)
    #expect(entry.strings("proxyAddresses") == ["SMTP:a", "smtp:b"])
    #expect(entry.integer("bad") == nil && entry.integer("huge") == nil && entry.integer("minus") == nil)
    #expect(entry.string("absent") == nil)
  }
}
