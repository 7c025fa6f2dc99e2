// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Wire

@Suite struct LockedSecretTests {
  private struct Refusal: Error {}

  /// proc(5) `VmFlags`: `lo` is locked in memory, `dd` is left out of cores.
  @Test func isLockedAndLeftOutOfCores() throws {
    let secret = try LockedSecret.make(count: 16) { $0.copyBytes(from: [UInt8](1...16)) }
    #expect(secret.count == 16)
    // The page is given back with the last use of the value, so that all has to be seen within one.
    let (bytes, found) = try secret.withBytes { (Array($0), try Self.flags(of: UInt(bitPattern: $0.baseAddress))) }
    #expect(bytes == [UInt8](1...16))
    let flags = try #require(found)
    #expect(flags.contains("lo") && flags.contains("dd"), "\(flags)")
  }

  @Test func refusesWhatDoesNotFit() {
    #expect(throws: SecurityError.self) { _ = try LockedSecret.make(count: 1 << 20) { _ in } }
    #expect(throws: SecurityError.self) { _ = try LockedSecret.make(count: -1) { _ in } }
    #expect(throws: Refusal.self) { _ = try LockedSecret.make(count: 1) { _ in throw Refusal() } }
  }

  /// Thousands come and go without a page left behind.
  @Test func givesItsPageBack() throws {
    for index in 0..<20_000 {
      let secret = try LockedSecret.make(count: 1) { $0[0] = UInt8(index % 256) }
      #expect(secret.withBytes { $0[0] } == UInt8(index % 256))
    }
  }

  private static func flags(of address: UInt) throws -> [String]? {
    // The file tells no size: it has to be read to its end.
    let file = try #require(FileHandle(forReadingAtPath: "/proc/self/smaps"))
    let text = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
    var isInside = false
    for line in text.split(separator: "\n") {
      let range = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt($0, radix: 16) }
      if range.count == 2 { isInside = (range[0]..<range[1]).contains(address) }
      if isInside, line.hasPrefix("VmFlags:") { return line.dropFirst(8).split(separator: " ").map(String.init) }
    }
    return nil
  }
}
