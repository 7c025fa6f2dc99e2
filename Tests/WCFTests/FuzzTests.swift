// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import WCF
import Wire

/// Mutated documents and records: the decoders must refuse or read them, never trap, and what they read must stay the same
/// when it is written and read again.
///
/// `BRIDGEHEAD_FUZZ_ITERATIONS` sets the number; `BRIDGEHEAD_FUZZ_SEED` repeats a run.
@Suite struct FuzzTests {
  private static let iterations = Fuzzing.iterations(otherwise: 5000)
  private static let seed = Fuzzing.seed
  /// Lengths and record types at their limits.
  private static let edges: [UInt8] = [0, 0x01, 0x03, 0x7f, 0x80, 0xa4, 0xfe, 0xff]

  /// Every kind of record of MC-NBFX is in one of them.
  private static let documents: [[UInt8]] = {
    var writer = BinaryWriter()
    writer.start(BinaryName("s", "Envelope"), [.namespace(prefix: "s", uri: "http://www.w3.org/2003/05/soap-envelope")])
    writer.start(BinaryName("", "Body"), [.attribute(BinaryName("long", "name"), "value")])
    for text in ["", "x", String(repeating: "ä", count: 300), "http://www.w3.org/2005/08/addressing"] {
      writer.text(text)
    }
    writer.data([UInt8](repeating: 7, count: 300))
    writer.end()
    writer.end()
    let texts = [
      "80", "82", "84", "86", "8801", "8a0102", "8c01020304", "8e0102030405060708", "900000803f", "92000000000000f03f",
      "940000000000000000" + "0100000000000000", "960040ab1a1dd0d808", "98026869", "9a02006869", "9c020000006869",
      "9e03010203", "a00300010203", "a203000000010203", "a488018802a6", "a8", "aa0e",
      "ac000102030405060708090a0b0c0d0e0f", "ae0040ab1a1dd00800", "b0000102030405060708090a0b0c0d0e0f",
      "b2" + "0102030405060708",
      "b401", "b60441004200", "b8040041004200", "ba0400000041004200", "bc0a0e",
    ]
    let typed = texts.compactMap { Hex.decode("4001" + "61" + $0 + "01") }
    let arrays = [
      "034001610" + "18b033333" + "8888dddd", "0340016101b505010001" + "0001", "0340016101" + "8d0201000000ffffffff",
    ]
    .compactMap { Hex.decode($0) }
    return [writer.bytes] + typed + arrays
  }()

  @Test func mutatedDocuments() {
    var random = SeededGenerator(seed: Self.seed)
    var (read, refused, unstable, longest) = (0, 0, [String](), 0.0)
    for _ in 0..<Self.iterations {
      var bytes = Self.documents[Int.random(in: Self.documents.indices, using: &random)]
      for _ in 0...Int.random(in: 0..<4, using: &random) { random.mutate(&bytes, edges: Self.edges, piece: 24) }
      guard !bytes.isEmpty, let events = Self.events(bytes) else {
        refused += 1
        continue
      }
      read += 1
      longest = max(longest, Double(events.count) / Double(bytes.count))
      let again = Self.written(events)
      if Self.events(again).map(Self.written) != again { unstable.append(Hex.encode(bytes)) }
    }
    #expect(read + refused == Self.iterations && read > 0 && refused > 0)
    // An element of an array is three events, and has at least one byte.
    #expect(longest <= 3)
    #expect(unstable.isEmpty, "seed \(Self.seed): \(unstable.prefix(3))")
  }

  @Test func mutatedRecords() {
    var random = SeededGenerator(seed: Self.seed)
    var (records, refused, different) = (0, 0, [String]())
    let genuine = FramingTests.records.flatMap(\.bytes)
    for _ in 0..<max(50, Self.iterations / 10) {
      var bytes = genuine
      for _ in 0...Int.random(in: 0..<4, using: &random) { random.mutate(&bytes, edges: Self.edges, piece: 24) }
      let whole = Self.decode(bytes, chunk: { bytes.count })
      // However the bytes arrive, the records are the same.
      let parts = Self.decode(bytes, chunk: { Int.random(in: 1...20, using: &random) })
      if whole != parts { different.append(Hex.encode(bytes)) }
      records += whole.records.count
      if whole.isRefused { refused += 1 }
    }
    #expect(records > 0 && refused > 0)
    #expect(different.isEmpty, "seed \(Self.seed): \(different.prefix(3))")
  }

  private struct Decoded: Equatable {
    var records: [FramingRecord] = []
    var isRefused = false
  }

  private static func decode(_ bytes: [UInt8], chunk: () -> Int) -> Decoded {
    var (decoder, decoded) = (RecordDecoder(), Decoded())
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = rest.prefix(max(1, chunk()))
      rest = rest.dropFirst(part.count)
      decoder.feed(part)
      do { while let record = try decoder.next() { decoded.records.append(record) } } catch {
        decoded.isRefused = true
        return decoded
      }
    }
    return decoded
  }

  private static func events(_ bytes: [UInt8]) -> [BinaryEvent]? {
    var reader = BinaryReader(bytes)
    var events: [BinaryEvent] = []
    do { while let event = try reader.next() { events.append(event) } } catch { return nil }
    return events
  }

  private static func written(_ events: [BinaryEvent]) -> [UInt8] {
    var writer = BinaryWriter()
    for event in events {
      switch event {
      case .startElement(let name, let attributes): writer.start(name, attributes)
      case .text(let text): writer.text(text)
      case .endElement: writer.end()
      }
    }
    return writer.bytes
  }
}
