// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import Wire

@Suite struct NumericAddressTests {
  @Test func tellsAddressesFromNames() {
    #expect(NumericAddress.family(of: "192.0.2.1") == AF_INET && NumericAddress.family(of: "2001:db8::1") == AF_INET6)
    #expect(NumericAddress.family(of: "fe80::1%lo") == AF_INET6 && NumericAddress.family(of: "192.0.2.1%lo") == nil)
    for name in ["", "dc1.corp.example", "192.0.2", "192.0.2.256", "[::1]", "1"] {
      #expect(!NumericAddress.isNumeric(name), "\(name)")
    }
  }

  @Test func bytesAndTextAreEachOthersInverse() throws {
    for text in ["192.0.2.1", "2001:db8::1", "::", "255.255.255.255"] {
      #expect(NumericAddress.text(try #require(NumericAddress.bytes(of: text))) == text)
    }
    #expect(NumericAddress.text([1, 2, 3]) == nil && NumericAddress.bytes(of: "fe80::1%lo") == nil)
  }

  @Test func readsSocketAddresses() {
    var four = [UInt8](repeating: 0, count: 16)
    four.replaceSubrange(0..<8, with: [UInt8(AF_INET), 0, 0x01, 0x85, 192, 0, 2, 1])
    #expect(four.withUnsafeBytes { NumericAddress.endpoint($0) } == Endpoint(host: "192.0.2.1", port: 389))
    #expect(four.prefix(7).withUnsafeBytes { NumericAddress.endpoint($0) } == nil)
    var six = [UInt8](repeating: 0, count: 28)
    six.replaceSubrange(0..<4, with: [UInt8(AF_INET6), 0, 0, 88])
    six[23] = 1
    #expect(six.withUnsafeBytes { NumericAddress.endpoint($0) } == Endpoint(host: "::1", port: 88))
    #expect(six.prefix(23).withUnsafeBytes { NumericAddress.endpoint($0) } == nil)
    #expect([UInt8(AF_UNIX), 0, 47].withUnsafeBytes { NumericAddress.endpoint($0) } == nil)
  }

  @Test func asksTheRoutingTable() {
    #expect(NumericAddress.hasRoute(to: "127.0.0.1"))
    #expect(NumericAddress.source(towards: "127.0.0.1") == "127.0.0.1")
    #expect(!NumericAddress.hasRoute(to: "dc1.corp.example") && NumericAddress.source(towards: "") == nil)
    #expect(!NumericAddress.hasRoute(to: "fe80::1"))
  }
}
