// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@testable import LDAP

/// The datagrams were recorded from Samba 4.17 (domain corp.example, DC dc1).
@Suite struct CLDAPTests {
  static let request = hex(
    """
    305f 020107 635a 0400 0a0100 0a0100 020100 020100 010100
    a03b                                                       # and
    a319 0409 446e73446f6d61696e 040c 636f72702e6578616d706c65 # DnsDomain=corp.example
    a30f 0404 486f7374 0407 434c49454e5431                     # Host=CLIENT1
    a30d 0405 4e74566572 0404 16000000                         # NtVer
    300a 0408 4e65744c6f676f6e                                 # NetLogon
    """)

  static let answer = hex(
    """
    3076 020107 6471 0400 306d 306b 0408 6e65746c6f676f6e 315f 045d
    1700 0000 bd110000                         # opcode 23, flags
    fa4293307f130a4bbfa9ded65f1d1a65           # DomainGuid
    04636f7270 076578616d706c65 00             # forest corp.example
    c018                                       # domain
    03646331 c018                              # dc1.corp.example
    04434f5250 00                              # CORP
    03444331 00                                # DC1
    00                                         # no user
    1744656661756c742d46697273742d536974652d4e616d65 00
    c03a                                       # client site
    05000000 ffff ffff                         # NtVersion 1 | 5EX, tokens
    300c 020107 6507 0a0100 0400 0400          # SearchResultDone
    """)

  @Test func asksAsOthersDo() {
    let ping = NetlogonPing(
      domain: "corp.example", host: "CLIENT1", version: [.version5, .version5EX, .withClosestSite])
    #expect(ping.datagram(messageID: 7) == Self.request)
  }

  @Test func readsSambasAnswer() throws {
    guard case .found(let reply) = try NetlogonAnswer(datagram: Self.answer, messageID: 7) else {
      Issue.record("no reply")
      return
    }
    #expect(reply.forest == "corp.example" && reply.domain == "corp.example")
    #expect(reply.hostName == "dc1.corp.example")
    #expect(reply.netbiosDomain == "CORP" && reply.netbiosComputer == "DC1")
    #expect(reply.site == "Default-First-Site-Name" && reply.clientSite == reply.site)
    #expect(reply.domainGUID == GUID("309342fa-137f-4b0a-bfa9-ded65f1d1a65"))
    #expect(reply.flags.isSuperset(of: [.pdc, .globalCatalog, .ldap, .kdc, .writable]))
    #expect(!reply.flags.contains(.webServices) && !reply.flags.contains(.readOnly))
    #expect(try NetlogonAnswer(datagram: Self.answer, messageID: 8) == .unrelated)
  }

  @Test func aWrongDomainHasNoEntry() throws {
    let datagram = hex("300c 020107 6507 0a0100 0400 0400")
    #expect(try NetlogonAnswer(datagram: datagram, messageID: 7) == .wrongDomain)
  }

  static let reply = NetlogonReply(
    flags: [.ldap, .writable], domainGUID: someGUID, forest: "corp.example",
    domain: "emea.corp.example", hostName: "dc7.emea.corp.example", netbiosDomain: "EMEA", netbiosComputer: "DC7",
    site: "Berlin", clientSite: "", nextClosestSite: "Paris", version: [.version1, .version5EX, .withClosestSite])

  @Test func repliesRoundTrip() throws {
    #expect(try NetlogonReply(Self.reply.encoded) == Self.reply)
  }

  @Test func everyPrefixIsRefused() throws {
    let bytes = Self.reply.encoded
    for count in 0..<bytes.count {
      #expect(throws: ByteError.self) { try NetlogonReply(Array(bytes[..<count])) }
    }
  }

  @Test(arguments: [
    "c018",  // to itself
    "c019 0361c018",  // forwards
    "01 61 c018",  // back to its own start
    "80 00",  // label type 2
    "40 00",
    "3f 61",  // truncated label
    "c0ff",
  ])
  func pointersCannotLoop(name: String) {
    let head = Array(Self.reply.encoded[..<24])
    let bytes = head + hex(name) + [UInt8](repeating: 0, count: 16)
    #expect(throws: ByteError.self) { try NetlogonReply(bytes) }
  }

  @Test func namesAreBounded() {
    var reader = ByteReader((0..<5).flatMap { _ in [63] + [UInt8](repeating: 0x61, count: 63) } + [0])
    #expect(throws: ByteError.self) { try CompressedName.read(&reader) }
  }
}
