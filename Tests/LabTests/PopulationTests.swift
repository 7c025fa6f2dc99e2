// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Lab

/// The generator runs as the loader runs it, in Debian's Python, but without Samba.
@Suite struct PopulationTests {
  struct Entry: Decodable {
    var kind: String
    var rdn: String
    var attributes: [String: [String]]
    var links: [String: [String]]
  }
  struct Summary: Decodable {
    var digest: String
    var counts: [String: Int]
  }

  private func generate(_ arguments: [String], hashSeed: String = "random") async throws -> Command.Result {
    let directory = try TemporaryDirectory()
    try SambaScript.install(directory.path)
    let result = try await Command(
      SambaScript.interpreter, ["\(directory.path)/population.py"] + arguments,
      environment: ["PYTHONHASHSEED": hashSeed, "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"]
    ).run()
    try #require(result.status == 0, "\(result.errorText)")
    return result
  }

  private func summary(_ arguments: [String], hashSeed: String = "random") async throws -> Summary {
    let result = try await generate(arguments + ["--summary"], hashSeed: hashSeed)
    return try JSONDecoder().decode(Summary.self, from: Data(result.output))
  }

  private func entries(_ arguments: [String]) async throws -> [Entry] {
    try await generate(arguments).text.split(separator: "\n").map {
      try JSONDecoder().decode(Entry.self, from: Data($0.utf8))
    }
  }

  @Test func equalSeedsGiveEqualPopulations() async throws {
    let arguments = ["--users", "300", "--groups", "40", "--seed", "7"]
    let first = try await summary(arguments, hashSeed: "1")
    let second = try await summary(arguments, hashSeed: "2")
    #expect(first.digest == second.digest)
    let other = try await summary(["--users", "300", "--groups", "40", "--seed", "8"])
    #expect(other.digest != first.digest)
    #expect(first.counts["user"] == 300)
    #expect(first.counts["group"] == 40)
    #expect(first.counts["organizationalUnit"] == 64)
  }

  @Test func everyKindOfTroubleIsThere() async throws {
    let counts = try await summary(["--users", "1000", "--groups", "100"]).counts
    for kind in [
      "disabledUsers", "expiredUsers", "usersThatWillExpire", "usersWithoutMail", "usersWithoutUserPrincipalName",
      "usersWithUnverifiedSuffix", "usersWithPhoto", "usersOutOfScope", "emptyGroups", "nestedGroups", "contact",
      "computer",
    ] {
      #expect(counts[kind, default: 0] > 0, "\(kind)")
    }
  }

  @Test func namesAreUniqueAndParentsAndTargetsExist() async throws {
    let all = try await entries(["--users", "400", "--groups", "60"])
    var seen: Set<String> = [""]
    for entry in all {
      // The parent is what follows the first comma that is not escaped.
      let parent = entry.rdn.replacing("\\,", with: "..").firstIndex(of: ",").map {
        String(entry.rdn[entry.rdn.index(after: $0)...])
      }
      #expect(seen.contains(parent ?? ""), "\(entry.rdn) precedes its parent")
      for target in entry.links.values.joined() { #expect(seen.contains(target), "\(entry.rdn) → \(target)") }
      #expect(seen.insert(entry.rdn).inserted, "\(entry.rdn) is there twice")
    }
    for attribute in ["sAMAccountName", "userPrincipalName", "mail", "proxyAddresses"] {
      let values = all.flatMap { $0.attributes[attribute] ?? [] }
      #expect(Set(values).count == values.count, "\(attribute)")
      #expect(values.allSatisfy { $0.utf8.allSatisfy { $0 < 0x80 } }, "\(attribute)")
    }
    let names = all.compactMap { $0.attributes["displayName"]?.first }
    #expect(names.contains { $0.contains("ü") } && names.contains { $0.contains("佐藤") })
    let everyone = try #require(all.first { $0.rdn.hasPrefix("CN=All Employees,") })
    #expect(everyone.links["member"]?.count == 400)
  }

  @Test func exchangeAttributesOnlyWithTheExtendedSchema() async throws {
    let plain = try await entries(["--users", "50", "--groups", "5"])
    #expect(plain.allSatisfy { $0.attributes["mailNickname"] == nil && $0.attributes["extensionAttribute1"] == nil })
    let extended = try await entries(["--users", "50", "--groups", "5", "--extended"])
    #expect(extended.contains { $0.attributes["extensionAttribute15"] != nil })
    #expect(extended.contains { $0.attributes["msExchHideFromAddressLists"] == ["TRUE"] })
  }

  /// ITU-T T.81: SOI, then marker segments up to the scan, its data without a stray marker, EOI.
  @Test func photosAreWellFormedJPEG() async throws {
    let photos = try await entries(["--users", "80", "--groups", "1"]).compactMap {
      $0.attributes["thumbnailPhoto"]?.first
    }
    try #require(photos.count == 20)
    #expect(Set(photos).count == 20)
    for photo in photos {
      let bytes = try #require(Self.bytes(photo))
      #expect(Array(bytes.prefix(2)) == [0xff, 0xd8])
      #expect(Array(bytes.suffix(2)) == [0xff, 0xd9])
      var at = 2
      var markers: [UInt8] = []
      while markers.last != 0xda {
        try #require(at + 4 <= bytes.count && bytes[at] == 0xff)
        markers.append(bytes[at + 1])
        at += 2 + Int(bytes[at + 2]) << 8 + Int(bytes[at + 3])
      }
      #expect(markers == [0xe0, 0xdb, 0xc0, 0xc4, 0xc4, 0xda])
      let scan = bytes[at..<(bytes.count - 2)]
      #expect(!zip(scan, scan.dropFirst()).contains { $0 == 0xff && $1 != 0 })
    }
  }

  private static func bytes(_ hex: String) -> [UInt8]? {
    let digits = Array(hex.utf8)
    let pairs = stride(from: 0, to: digits.count - 1, by: 2).map {
      UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16)
    }
    return pairs.contains(nil) ? nil : pairs.compactMap { $0 }
  }
}
