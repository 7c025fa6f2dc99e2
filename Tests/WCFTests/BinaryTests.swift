// SPDX-License-Identifier: Apache-2.0

import Testing
import TestSupport
import WCF
import Wire

@Suite struct BinaryTests {
  /// The document as textual XML, without resolving a prefix: what the specification's examples show.
  static func text(_ bytes: [UInt8], _ dictionary: BinaryDictionary = BinaryDictionary()) throws -> String {
    var reader = BinaryReader(bytes, dictionary: dictionary)
    var open: [String] = []
    var text = ""
    while let event = try reader.next() {
      switch event {
      case .startElement(let name, let attributes):
        let full = name.prefix.isEmpty ? name.local : "\(name.prefix):\(name.local)"
        open.append(full)
        text += "<\(full)"
        for attribute in attributes {
          switch attribute {
          case .attribute(let name, let value):
            text += " \(name.prefix.isEmpty ? name.local : "\(name.prefix):\(name.local)")=\"\(value)\""
          case .namespace(let prefix, let uri): text += " xmlns\(prefix.isEmpty ? "" : ":\(prefix)")=\"\(uri)\""
          }
        }
        text += ">"
      case .text(let content): text += content
      case .endElement: text += "</\(open.popLast() ?? "?")>"
      }
    }
    return text
  }

  static func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex.filter { $0 != " " })) }

  /// MC-NBFX 3, with the strings of MC-NBFS where the example says strN; durations and dates as .NET writes them.
  @Test(arguments: [
    ("40 03646F63 01", "<doc></doc>"), ("02 07636F6D6D656E74", ""),
    ("03 40 03617272 01 8B 03 3333 8888 DDDD", "<arr>13107</arr><arr>-30584</arr><arr>-8739</arr>"),
    ("40 03646F63 04 0461747472 84 01", "<doc attr=\"false\"></doc>"),
    (
      "40 03646F63 09 03707265 0A687474703A2F2F616263 05 03707265 0461747472 84 01",
      "<doc xmlns:pre=\"http://abc\" pre:attr=\"false\"></doc>"
    ),
    ("40 03646F63 06 08 86 01", "<doc Header=\"true\"></doc>"),
    ("40 03646F63 08 0A687474703A2F2F616263 01", "<doc xmlns=\"http://abc\"></doc>"),
    ("40 03646F63 0A 04 01", "<doc xmlns=\"http://www.w3.org/2003/05/soap-envelope\"></doc>"),
    (
      "40 03646F63 09 0166 0A687474703A2F2F616263 11 0A 98 0568656C6C6F 01",
      "<doc xmlns:f=\"http://abc\" f:Action=\"hello\"></doc>"
    ),
    (
      "40 03646F63 09 016B 0A687474703A2F2F616263 30 0461747472 86 01",
      "<doc xmlns:k=\"http://abc\" k:attr=\"true\"></doc>"
    ),
    ("41 03707265 03646F63 09 03707265 0A687474703A2F2F616263 01", "<pre:doc xmlns:pre=\"http://abc\"></pre:doc>"),
    ("42 0E 01", "<Body></Body>"),
    ("44 0A 09 0161 0A687474703A2F2F616263 01", "<a:Action xmlns:a=\"http://abc\"></a:Action>"),
    (
      "70 094D794D657373616765 09 0173 0A687474703A2F2F616263 01",
      "<s:MyMessage xmlns:s=\"http://abc\"></s:MyMessage>"
    ),
    ("40 03616263 81", "<abc>0</abc>"), ("40 03616263 83", "<abc>1</abc>"), ("40 03616263 87", "<abc>true</abc>"),
    ("42 0E 89 7F", "<Body>127</Body>"), ("40 03646F63 06 00 88 DE 01", "<doc mustUnderstand=\"-34\"></doc>"),
    ("40 03646F63 06 00 8A 0080 01", "<doc mustUnderstand=\"-32768\"></doc>"),
    ("40 03646F63 06 00 8C 15CD5B07 01", "<doc mustUnderstand=\"123456789\"></doc>"),
    ("42 0E 8F 0000000000010000", "<Body>1099511627776</Body>"),
    ("40 03646F63 04 0161 90 CDCC8C3F 01", "<doc a=\"1.1\"></doc>"),
    ("40 055072696365 91 CDCC0142", "<Price>32.45</Price>"),
    ("40 025049 93 112D4454FB210940", "<PI>3.14159265358979</PI>"),
    (
      "40 03646F63 04 03696E74 94 00000600 00000000 802D4E0000000000 01", "<doc int=\"5.123456\"></doc>"
    ),
    (
      "40 084D617856616C7565 95 00000000 FFFFFFFF FFFFFFFFFFFFFFFF",
      "<MaxValue>79228162514264337593543950335</MaxValue>"
    ),
    ("40 03646F63 06 00 96 FF3F37F47528CA2B 01", "<doc mustUnderstand=\"9999-12-31T23:59:59.9999999\"></doc>"),
    ("42 0E 97 00408EF95B47C808", "<Body>2006-05-17T00:00:00</Body>"),
    ("40 03646F63 98 0568656C6C6F 01", "<doc>hello</doc>"), ("40 0161 9B 0500 68656C6C6F", "<a>hello</a>"),
    ("40 0161 9D 05000000 68656C6C6F", "<a>hello</a>"),
    ("40 03646F63 9E 08 0001020304050607 01", "<doc>AAECAwQFBgc=</doc>"),
    ("40 06426173653634 A3 08000000 0001020304050607", "<Base64>AAECAwQFBgc=</Base64>"),
    ("40 03646F63 04 0161 A4 887B 98 0568656C6C6F 86 A6 01", "<doc a=\"123 hello true\"></doc>"),
    ("40 03646F63 A9", "<doc></doc>"), ("40 04 54797065 AB 0C", "<Type>To</Type>"),
    (
      "40 03646F63 AC 00112233445566778899AABBCCDDEEFF 01",
      "<doc>urn:uuid:33221100-5544-7766-8899-aabbccddeeff</doc>"
    ),
    ("40 03646F63 AE 00C4F532FFFFFFFF 01", "<doc>-PT5M44S</doc>"),
    ("42 0E AF 00B08EF01B000000", "<Body>PT3H20M</Body>"),
    (
      "40 024944 B1 000102030405060708090A0B0C0D0E0F",
      "<ID>03020100-0504-0706-0809-0a0b0c0d0e0f</ID>"
    ),
    ("40 03646F63 B2 FFFFFFFFFFFFFFFF 01", "<doc>18446744073709551615</doc>"),
    ("03 40 03617272 01 B5 03 010001", "<arr>true</arr><arr>false</arr><arr>true</arr>"),
    ("40 03646F63 04 0175 B6 06 75006E006900 01", "<doc u=\"uni\"></doc>"),
    ("40 03553332 BB 04000000 33003200", "<U32>32</U32>"), ("40 0454797065 BD 12 08", "<Type>s:Header</Type>"),
  ])
  func specificationExamples(hex: String, xml: String) throws { #expect(try Self.text(Self.bytes(hex)) == xml) }

  /// MC-NBFSE 3: a table with two strings, then a document that names them by number.
  @Test func sessionStrings() throws {
    var reader = ByteReader(
      try Self.bytes("11 06616374696F6E 09496E76656E746F7279") + Self.bytes("44 0A AB 01 42 03 81".filter { $0 != " " })
    )
    var dictionary = BinaryDictionary()
    try dictionary.readTable(&reader)
    #expect(try Self.text(reader.readRemaining(), dictionary) == "<a:Action>action</a:Action><Inventory>0</Inventory>")
    #expect(throws: WCFError.self) { _ = try Self.text(Self.bytes("42 05 01"), dictionary) }
  }

  @Test(arguments: [
    "40 03646F63", "01", "98 0568656C6C6F", "40 03646F63 04 0161 85 01", "40 04 646F63", "42 CE07 01",
    "40 0161 B4 02 01",
    "03 40 0161 01 8B FFFFFFFF07 0000", "03 40 0161 01 99 01 00", "40 0161 A4 A4 A6 A6 01", "40 0161 9C FFFFFFFF 01",
    "40 0161 96 FFFFFFFFFFFFFFFF 01", "40 0161 94 0000 1D 00 00000000 0000000000000000 01", "40 0161 BE 01", "00", "7F",
    "40 0161 98 02 C328 01", "40 0161 B6 02 00D8 01",
  ])
  func malformed(hex: String) throws {
    let bytes = try Self.bytes(hex)
    let error = #expect(throws: WCFError.self) { _ = try Self.text(bytes) }
    #expect(error?.code == .malformed)
  }

  @Test func depthIsLimited() throws {
    let deep = { (count: Int) -> [UInt8] in
      (0..<count).flatMap { _ in [0x40, 1, 0x61] as [UInt8] } + [UInt8](repeating: 1, count: count)
    }
    _ = try Self.text(deep(BinaryLimits.depth))
    #expect(throws: WCFError.self) { _ = try Self.text(deep(BinaryLimits.depth + 1)) }
  }

  /// What is written is read again: random documents of names and texts, known ones among them.
  @Test(arguments: 0..<100) func roundTrips(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var events: [BinaryEvent] = []
    Self.grow(&events, depth: 0, &random)
    var writer = BinaryWriter()
    for event in events {
      switch event {
      case .startElement(let name, let attributes): writer.start(name, attributes)
      case .text(let text): writer.text(text)
      case .endElement: writer.end()
      }
    }
    #expect(writer.isComplete)
    var reader = BinaryReader(writer.bytes)
    var read: [BinaryEvent] = []
    while let event = try reader.next() { read.append(event) }
    #expect(read == events)
    // Any byte changed: an error or another document, never a crash and never more steps than the bytes can hold.
    for _ in 0..<20 {
      var changed = writer.bytes
      changed[Int.random(in: changed.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      var other = BinaryReader(changed)
      var steps = 0
      while (try? other.next()) != nil { steps += 1 }
      #expect(steps <= 3 * changed.count)
    }
  }

  private static func grow(_ events: inout [BinaryEvent], depth: Int, _ random: inout SeededGenerator) {
    let words = [
      "a", "Envelope", "Body", "http://www.w3.org/2003/05/soap-envelope", "größer", String(repeating: "x", count: 300),
      "",
    ]
    let name = { (random: inout SeededGenerator) -> BinaryName in
      BinaryName(
        ["", "s", "long"].randomElement(using: &random) ?? "", words.dropLast().randomElement(using: &random) ?? "a")
    }
    var attributes: [BinaryAttribute] = []
    for _ in 0..<Int.random(in: 0...3, using: &random) {
      attributes.append(
        Bool.random(using: &random)
          ? .attribute(name(&random), words.randomElement(using: &random) ?? "")
          : .namespace(prefix: ["", "p", "qq"].randomElement(using: &random) ?? "", uri: words[3]))
    }
    events.append(.startElement(name(&random), attributes))
    for _ in 0..<Int.random(in: 0...2, using: &random) {
      if depth < 5, Bool.random(using: &random) {
        grow(&events, depth: depth + 1, &random)
      } else {
        events.append(.text(words.randomElement(using: &random) ?? ""))
      }
    }
    events.append(.endElement)
  }
}
