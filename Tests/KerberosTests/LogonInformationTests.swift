// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Wire

@testable import Kerberos

/// `KERB_VALIDATION_INFO` by hand, as MS-PAC 2.5 and MS-RPCE 2.2.6 have it; real ones are in the tests with a KDC.
@Suite struct LogonInformationTests {
  private static let domain = "S-1-5-21-1004336348-1177238915-682003330"

  private struct Sample {
    var relative: UInt32 = 1105
    var groups: UInt32 = 2
    /// Characters of the name; odd ones need padding.
    var name = "anna "
    var hasDomain = true
    var header: [UInt8] = [1, 0x10, 8, 0]

    var bytes: [UInt8] {
      get throws {
        var writer = ByteWriter()
        writer.write(header)
        writer.write([0xCC, 0xCC, 0xCC, 0xCC])
        writer.write([UInt8](repeating: 0, count: 8))
        writer.writeLittleEndian(UInt32(0x20000))
        writer.write([UInt8](repeating: 0xFF, count: 6 * 8))
        let units = Array(name.utf16)
        // EffectiveName has a buffer, the five others have none.
        for index in 0..<6 {
          writer.writeLittleEndian(UInt16(units.count * 2))
          writer.writeLittleEndian(UInt16(units.count * 2))
          writer.writeLittleEndian(UInt32(index == 0 ? 0x20004 : 0))
        }
        writer.writeLittleEndian(UInt32(7))
        writer.writeLittleEndian(relative)
        writer.writeLittleEndian(UInt32(513))
        writer.writeLittleEndian(groups)
        writer.writeLittleEndian(UInt32(groups == 0 ? 0 : 0x20008))
        writer.write([UInt8](repeating: 0, count: 4 + 16))
        for index in 0..<2 {
          writer.writeLittleEndian(UInt32(0))
          writer.writeLittleEndian(UInt32(index == 1 ? 0x2000c : 0))
        }
        writer.writeLittleEndian(UInt32(hasDomain ? 0x20010 : 0))
        writer.write([UInt8](repeating: 0, count: 60))
        string(units, &writer)
        if groups > 0 {
          writer.writeLittleEndian(groups)
          writer.write([UInt8](repeating: 7, count: Int(groups) * 8))
        }
        string(Array("CORP".utf16), &writer)
        if hasDomain {
          let identifier = try #require(SecurityIdentifier(LogonInformationTests.domain))
          writer.writeLittleEndian(UInt32(identifier.subAuthorities.count))
          writer.write(identifier.bytes)
        }
        return writer.bytes
      }
    }

    private func string(_ units: [UInt16], _ writer: inout ByteWriter) {
      writer.writeLittleEndian(UInt32(units.count))
      writer.writeLittleEndian(UInt32(0))
      writer.writeLittleEndian(UInt32(units.count))
      for unit in units { writer.writeLittleEndian(unit) }
      if units.count % 2 == 1 { writer.writeLittleEndian(UInt16(0)) }
    }
  }

  @Test(arguments: ["", "anna", "anna "])
  func readsTheAccount(name: String) throws {
    let information = try LogonInformation(try Sample(name: name).bytes)
    #expect(information.user.description == "\(Self.domain)-1105")
    #expect(try LogonInformation(try Sample(groups: 0, name: name).bytes) == information)
  }

  @Test func refusesAccountsOfNoDomain() throws {
    // MS-PAC 2.5: UserId 0 stands for an identifier among the extra ones, which nothing here reads.
    #expect(throws: ByteError.self) { try LogonInformation(try Sample(relative: 0).bytes) }
    #expect(throws: ByteError.self) { try LogonInformation(try Sample(hasDomain: false).bytes) }
    #expect(throws: ByteError.self) { try LogonInformation(try Sample(header: [1, 0, 8, 0]).bytes) }
  }

  @Test func everyCutIsRefused() throws {
    let bytes = try Sample().bytes
    for count in 0..<bytes.count {
      #expect(throws: ByteError.self, "\(count)") { try LogonInformation(Array(bytes[..<count])) }
    }
  }

  /// No change of a byte traps; one that is accepted still names an account.
  @Test func changedBytesNeverTrap() throws {
    let bytes = try Sample().bytes
    var accepted = 0
    for index in bytes.indices {
      for value: UInt8 in [0, 1, 0x7F, 0xFF] {
        var changed = bytes
        changed[index] = value
        guard let information = try? LogonInformation(changed) else { continue }
        accepted += 1
        #expect(information.user.subAuthorities.count >= 1)
      }
    }
    #expect(accepted > 0 && accepted < bytes.count * 4)
  }

  /// Random changes, removals and insertions: read or refused, never a trap. `BRIDGEHEAD_FUZZ_ITERATIONS` sets the number,
  /// `BRIDGEHEAD_FUZZ_SEED` repeats a run.
  @Test func livesWithFuzz() throws {
    let environment = ProcessInfo.processInfo.environment
    let iterations = environment["BRIDGEHEAD_FUZZ_ITERATIONS"].flatMap { Int($0) } ?? 20_000
    var state = environment["BRIDGEHEAD_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
    // Knuth's linear congruential generator (MMIX); its high bits are the good ones.
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % max(bound, 1)
    }
    let corpus = try [Sample(), Sample(groups: 0), Sample(groups: 40, name: "a longer name")].map { try $0.bytes }
    var (read, refused) = (0, 0)
    for _ in 0..<iterations {
      var bytes = corpus[random(corpus.count)]
      for _ in 0...random(4) {
        let place = random(bytes.count)
        switch random(4) {
        case 0: if place < bytes.count { bytes.remove(at: place) }
        case 1: bytes.insert(UInt8(random(256)), at: place)
        case 2: bytes.removeLast(min(bytes.count, random(16)))
        default: if place < bytes.count { bytes[place] = UInt8(random(256)) }
        }
      }
      if (try? LogonInformation(bytes)) != nil { read += 1 } else { refused += 1 }
    }
    #expect(read + refused == iterations && read > 0 && refused > 0)
  }
}
