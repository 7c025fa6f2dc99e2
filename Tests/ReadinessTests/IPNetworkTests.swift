// SPDX-License-Identifier: Apache-2.0

import PortReference
import Readiness
import Testing

@Suite struct IPNetworkTests {
  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1"), ("192.0.2.0/24", "192.0.2.0/24"), ("0.0.0.0/0", "0.0.0.0/0"), ("::/0", "::/0"),
    ("192.0.2.1/32", "192.0.2.1"), ("2001:DB8:0:0::1", "2001:db8::1"), ("2001:db8::/32", "2001:db8::/32"),
  ])
  func isWrittenCanonically(_ text: String, _ canonical: String) {
    #expect(IPNetwork(parsing: text)?.description == canonical)
  }

  @Test(arguments: [
    "", "192.0.2", "192.0.2.1/33", "192.0.2.1/24", "192.0.2.0/", "192.0.2.0/+8", "2001:db8::1/64", "example.com",
    "192.0.2.1 ", "::/129", "192.0.2.0/24/8", "any",
  ])
  func refusesWhatIsNoNetwork(_ text: String) { #expect(IPNetwork(parsing: text) == nil) }

  @Test func containsAndOverlaps() throws {
    let wide = try #require(IPNetwork(parsing: "10.0.0.0/8"))
    let narrow = try #require(IPNetwork(parsing: "10.1.0.0/16"))
    let other = try #require(IPNetwork(parsing: "11.0.0.0/8"))
    let six = try #require(IPNetwork(parsing: "::/0"))
    #expect(wide.contains(narrow) && !narrow.contains(wide) && narrow.overlaps(wide) && wide.contains(wide))
    #expect(!wide.overlaps(other) && !six.contains(wide))
  }

  @Test func masks() throws {
    let network = try #require(IPNetwork(parsing: "10.16.0.0/12"))
    #expect(network.netmask == "255.240.0.0" && network.wildcardMask == "0.15.255.255")
    let any = try #require(IPNetwork(parsing: "0.0.0.0/0"))
    #expect(any.netmask == "0.0.0.0" && any.wildcardMask == "255.255.255.255")
  }

  @Test(arguments: [("login.example.com", true), ("*.example.com", true), ("LOGIN.Example.COM", true)])
  func takesNames(_ text: String, _: Bool) { #expect(DNSPattern(parsing: text)?.text == text.lowercased()) }

  @Test(arguments: [
    "localhost", "*", "*.com", "a.*.com", "-a.example", "a..b", "192.0.2.1", "a b.example", "ü.example",
  ])
  func refusesWhatIsNoName(_ text: String) { #expect(DNSPattern(parsing: text) == nil) }

  @Test func portRanges() {
    #expect(PortRange(parsing: "50000")?.ports.description == "50000")
    #expect(PortRange(parsing: "50000-50100")?.ports.description == "50000-50100")
    for text in ["", "0", "65536", "10-5", "-5", "5-", "a", "1-2-3"] { #expect(PortRange(parsing: text) == nil) }
  }
}
