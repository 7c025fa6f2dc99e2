// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import LDAP
import Testing

@testable import Connect

@Suite("How a domain is read") struct ReadingTests {
  /// Whatever is found in them, slices meet each other and leave no number out.
  @Test(arguments: [0, 1, 300, 100_000, Int.max / 1_000_000])
  func slicesHoldEveryNumberOnce(density: Int) {
    for end in [Int64(0), 5, 2_048, 100_000, 80_000_000] {
      var ranges = CreationRanges(end: end, readers: 2)
      var slices: [CreationRanges.Slice] = []
      while let slice = ranges.next(), slices.count < 200_000 {
        slices.append(slice)
        ranges.read(slice, objects: min(density, Int((slice.upper ?? end) - (slice.lower ?? 0))))
      }
      #expect(slices.first?.upper == nil)
      #expect(slices.last?.lower == nil)
      #expect(zip(slices, slices.dropFirst()).allSatisfy { $0.lower != nil && $0.lower == $1.upper })
    }
  }

  @Test func slicesGrowWhereNothingIsAndShrinkTowardsTheEnd() {
    var ranges = CreationRanges(end: 100_000_000, readers: 2)
    var count = 0
    while let slice = ranges.next() {
      ranges.read(slice, objects: 0)
      count += 1
    }
    #expect(count < 10)
  }

  /// A server may say any number.
  @Test(arguments: [0, 1]) func theHighestNumberThereIs(objects: Int) {
    var ranges = CreationRanges(end: .max, readers: 2)
    var slices: [CreationRanges.Slice] = []
    while let slice = ranges.next(), slices.count < 100 {
      slices.append(slice)
      ranges.read(slice, objects: objects)
    }
    #expect(slices.count < 100 && slices.last?.lower == nil)
  }

  @Test func readersWaitForTheWriter() async throws {
    let channel = BatchChannel(capacity: 2)
    try await channel.send(Batch([]))
    let waiting = Task { try await channel.send(Batch([Change(anchor: Anchor([1]))])) }
    #expect(try await channel.next()?.changes.count == 0)
    #expect(try await channel.next()?.changes.count == 1)
    try await waiting.value
    try await channel.send(Batch([]))
    channel.finish(.success(()))
    await #expect(throws: CancellationError.self) { try await channel.send(Batch([])) }
    #expect(try await channel.next() != nil)
    #expect(try await channel.next() == nil)
  }

  @Test func aFailureDropsWhatWasNotWritten() async throws {
    let channel = BatchChannel(capacity: 1)
    let waiting = Task { try await channel.send(Batch([])) }
    _ = try await channel.next()
    try? await waiting.value
    channel.finish(.failure(ImportInterruption(reason: "gone")))
    await #expect(throws: ImportInterruption.self) { try await channel.next() }
  }

  private static let guid = "<GUID=3f2504e0-4f89-11d3-9a0c-0305e82c3301>"

  private func entry(_ attributes: [Attribute]) -> UnparsedEntry {
    UnparsedEntry(
      SearchEntry(
        dn: "\(Self.guid);<SID=S-1-5-21-1-2-3-4>;CN=é,DC=x",
        attributes: [Attribute("objectClass", ["top", "person", "user"])] + attributes))
  }

  @Test func anEntryIsMappedInOneWalk() throws {
    let mapper = EntryMapper(["sAMAccountName", "cn", "proxyAddresses", "member", "objectClass"])
    let full = try mapper.change(
      entry([
        Attribute("CN", ["é"]), Attribute("samaccountname", ["e"]), Attribute("proxyAddresses", ["a", "b"]),
        Attribute("whatever", ["x"]), Attribute("member;range=1-1", ["\(Self.guid);CN=y"]),
      ]), isFull: true)
    #expect(full.name == "CN=é,DC=x")
    #expect(full.kind == .user)
    #expect(full.anchor.bytes.count == 16)
    #expect(
      full.attributes == Attributes(texts: ["cn": ["é"], "samaccountname": ["e"], "proxyaddresses": ["a", "b"]]))
    #expect(full.links == [LinkChange("member", .add, [full.anchor])])
    #expect(try Attributes(decoding: full.attributes.encoded()) == full.attributes)

    let delta = try mapper.change(
      entry([
        Attribute("cn", [String]()), Attribute("member;range=1-1", ["\(Self.guid);CN=y"]),
        Attribute("member;range=0-0", ["\(Self.guid);CN=z"]),
      ]), isFull: false)
    #expect(delta.attributes == Attributes(["cn": []]))
    #expect(delta.attributes.encoded() == Attributes().encoded())
    #expect(delta.links.map(\.operation) == [.remove, .add])
    #expect(!delta.isRestored)
    #expect(try mapper.change(entry([Attribute("isDeleted", ["TRUE"])]), isFull: false).isDeleted)
    // Cleared since the last reading: it came back. A full reading tells the same of whoever ever did.
    let cleared = entry([Attribute("isDeleted", [String]())])
    #expect(try mapper.change(cleared, isFull: false).isRestored)
    #expect(try !mapper.change(cleared, isFull: true).isRestored && !mapper.change(cleared, isFull: false).isDeleted)
    #expect(throws: LDAPError.self) {
      try mapper.change(entry([Attribute("proxyAddresses;range=0-1", ["a"])]), isFull: true)
    }
  }

  @Test func attributesAreKeptInOrder() {
    var attributes = Attributes(texts: ["b": ["2"], "d": ["4"]])
    attributes.set("c", texts: ["3"])
    attributes.set("a", texts: ["1"])
    attributes.set("e", texts: ["5"])
    #expect(attributes == Attributes(texts: ["a": ["1"], "b": ["2"], "c": ["3"], "d": ["4"], "e": ["5"]]))
    attributes.merge(Attributes(texts: ["a": [], "b": ["two", "zwei"], "f": ["6"], "g": []]))
    #expect(attributes == Attributes(texts: ["b": ["two", "zwei"], "c": ["3"], "d": ["4"], "e": ["5"], "f": ["6"]]))
    attributes.remove("d")
    #expect(attributes.names == ["b", "c", "e", "f"])
    #expect(attributes.text("b") == "two")
    #expect(attributes.texts("d").isEmpty)
  }
}
