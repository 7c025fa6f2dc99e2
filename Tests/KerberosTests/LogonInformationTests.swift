// SPDX-License-Identifier: Apache-2.0

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
}
