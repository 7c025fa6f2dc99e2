// SPDX-License-Identifier: Apache-2.0

import Testing
import TestSupport
import WCF
import Wire

@Suite struct FramingTests {
  /// MC-NMF 4.1.1: the preamble of the specification's example.
  static let preamble = Hex.decode(
    "00010001020221" + "6e65742e7463703a2f2f53616d706c655365727665722f53616d706c654170702f" + "0308")

  static let records: [FramingRecord] = [
    .version(major: 1, minor: 0), .mode(.duplex), .via("net.tcp://SampleServer/SampleApp/"),
    .knownEncoding(.binarySession), .extensibleEncoding("application/soap+xml"),
    .upgradeRequest("application/negotiate"),
    .upgradeResponse, .preambleEnd, .preambleAcknowledgement, .end, .fault(FramingFault(.endpointNotFound)),
    .sizedEnvelope([UInt8](repeating: 7, count: 300)), .unsizedEnvelope([1, 2, 3]),
  ]

  @Test func specificationExample() throws {
    let expected = try #require(Self.preamble)
    #expect(Self.records.prefix(4).flatMap(\.bytes) == expected)
    var decoder = RecordDecoder()
    decoder.feed(expected)
    for record in Self.records.prefix(4) { #expect(try decoder.next() == record) }
    #expect(try decoder.next() == nil)
  }

  /// One byte at a time: no record appears early, none late.
  @Test func byteByByte() throws {
    var decoder = RecordDecoder()
    var found: [FramingRecord] = []
    for record in Self.records {
      let bytes = record.bytes
      for byte in bytes.dropLast() {
        decoder.feed([byte])
        #expect(try decoder.next() == nil)
      }
      decoder.feed(bytes.suffix(1))
      found.append(try #require(try decoder.next()))
    }
    #expect(found == Self.records)
    #expect(decoder.pending == 0)
  }

  /// MC-NMF 2.2.2: the ends of each range of the table.
  @Test(arguments: [
    (127, "067f"), (128, "068001"), (16_383, "06ff7f"), (16_384, "06808001"), (2_097_151, "06ffff7f"),
    (2_097_152, "0680808001"),
  ])
  func sizes(count: Int, head: String) throws {
    let record = FramingRecord.sizedEnvelope([UInt8](repeating: 1, count: count))
    #expect(Hex.encode(record.bytes.prefix(head.count / 2)) == head)
    var decoder = RecordDecoder()
    decoder.feed(record.bytes)
    #expect(try decoder.next() == record)
  }

  @Test(arguments: [
    ("0d", "unknown type"), ("0100", "mode 0"), ("0309", "encoding 9"), ("0200", "empty"),
    ("02ffffffff0f", "limit"), ("06ffffffff0f", "limit"), ("06ffffffff7f", "32 bits"), ("0280808080808001", "32 bits"),
    ("0802c328", "UTF-8"), ("0500", "empty"), ("0881804001", "limit"),
  ])
  func refused(hex: String, words: String) throws {
    var decoder = RecordDecoder()
    decoder.feed(try #require(Hex.decode(hex)))
    let error = #expect(throws: WCFError.self) { _ = try decoder.next() }
    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
  }

  @Test func faults() {
    for name in FramingFault.Name.allCases {
      let fault = FramingFault(name)
      #expect(fault.name == name)
      #expect(!fault.meaning.contains("it named the fault"))
    }
    let other = FramingFault(uri: "urn:other")
    #expect(other.name == nil && WCFError(other).message.contains("urn:other"))
  }

  /// Mutated and random streams: an error or a wait, never a crash and never an endless loop.
  @Test(arguments: 0..<200) func hostileStreams(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var bytes = Self.records.flatMap(\.bytes)
    for _ in 0..<Int.random(in: 1...20, using: &random) {
      let index = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<3, using: &random) {
      case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.remove(at: index)
      default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
      }
    }
    var decoder = RecordDecoder()
    decoder.feed(bytes)
    var count = 0
    while (try? decoder.next()) != nil, count <= bytes.count { count += 1 }
    #expect(count <= bytes.count)
  }
}
