// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@testable import Readiness

/// What is tried of networks whose hosts nobody named.
@Suite struct AddressDrawTests {
  private func networks(_ texts: String...) -> [IPNetwork] { texts.compactMap { IPNetwork(parsing: $0) } }

  @Test func addressesLieInTheNetworksOnce() throws {
    let given = networks("192.0.2.0/25", "192.0.2.0/24", "2001:db8::/120", "198.51.100.7")
    for seed in 0..<200 as Range<UInt64> {
      let drawn = AddressDraw(count: 16, seed: seed).addresses(of: given, host: "wap1")
      #expect(drawn.addresses.count == 16 && Set(drawn.addresses).count == 16)
      // 254 of the wider network, 255 without the IPv6 network's own address, 1.
      #expect(drawn.population == 510 && drawn.tooLarge.isEmpty)
      for address in drawn.addresses {
        let one = try #require(IPNetwork(parsing: address))
        #expect(given.contains { $0.contains(one) })
        #expect(!["192.0.2.0", "192.0.2.255", "2001:db8::"].contains(address))
      }
    }
  }

  @Test func theSameSeedDrawsTheSameAndEveryAddressIsMet() {
    let given = networks("192.0.2.0/28")
    let draw = AddressDraw(count: 3, seed: 7)
    #expect(draw.addresses(of: given, host: "FS1") == draw.addresses(of: given, host: "fs1"))
    let met = Set(
      (0..<200 as Range<UInt64>).flatMap { AddressDraw(count: 3, seed: $0).addresses(of: given, host: "fs1").addresses }
    )
    #expect(met == Set((1...14).map { "192.0.2.\($0)" }))
  }

  @Test(arguments: [
    ("192.0.2.8/31", ["192.0.2.8", "192.0.2.9"]), ("192.0.2.9", ["192.0.2.9"]),
    ("192.0.2.8/30", ["192.0.2.9", "192.0.2.10"]), ("2001:db8::/127", ["2001:db8::", "2001:db8::1"]),
    ("2001:db8::/126", ["2001:db8::1", "2001:db8::2", "2001:db8::3"]),
  ])
  func smallNetworksAreDrawnWhole(_ network: String, _ addresses: [String]) {
    #expect(AddressDraw(count: 16, seed: 1).addresses(of: networks(network), host: "a").addresses == addresses)
  }

  @Test func hugeNetworksAreNotDrawnFrom() {
    let drawn = AddressDraw(count: 4, seed: 1).addresses(
      of: networks("10.0.0.0/8", "::/0", "0.0.0.0/0", "2001:db8::/64", "10.9.0.0/16"), host: "a")
    #expect(drawn.tooLarge.map(\.description) == ["10.0.0.0/8", "::/0", "0.0.0.0/0", "2001:db8::/64"])
    #expect(drawn.population == 65_534 && drawn.addresses.allSatisfy { $0.hasPrefix("10.9.") })
    let none = AddressDraw(count: 4, seed: 1).addresses(of: networks("10.0.0.0/8"), host: "a")
    #expect(none.addresses.isEmpty && none.population == 0)
  }

  private func locate(_ host: String, _ networks: [String], _ draw: AddressDraw?) async -> (
    [ProbeTarget], [Observation]
  ) {
    var target = CheckSupport.target(port: 443, address: "")
    (target.host, target.sample) = (host, .networks(networks))
    let log = ConversationLog()
    let found = await TargetLocator(names: NameCache(NoNames()), draw: draw).locate(target, log)
    return (found, log.snapshot.observations)
  }

  @Test func whatIsDrawnSaysSo() async {
    let (found, seen) = await locate("dmz", ["192.0.2.0/24"], AddressDraw(count: 3, seed: 1))
    #expect(found.count == 3 && found.allSatisfy { $0.sample == .drawn(from: ["192.0.2.0/24"]) })
    #expect(seen == [.note("drawn by chance: 3 of 254 addresses")])
  }

  @Test func nothingIsDrawnUnasked() async {
    let (found, seen) = await locate("dmz", ["192.0.2.0/24"], nil)
    #expect(found.isEmpty && seen == [.notProbed("192.0.2.0/24: no address in it is known")])
    let (large, said) = await locate("dmz", ["10.0.0.0/8"], AddressDraw(count: 3, seed: 1))
    #expect(large.isEmpty && said == [.notProbed("10.0.0.0/8: too large to meet a host by chance")])
  }
}
