// SPDX-License-Identifier: Apache-2.0

import Wire

/// Finds the addresses of a target: those of its name, and what of a wildcard or of a whole network can be tried.
struct TargetLocator: Sendable {
  /// Addresses of one name that are probed. The names of the large clouds have up to eight of each family.
  static let maximumAddresses = 16

  let names: NameCache
  /// What is tried of networks that no name leads into; nil for nothing.
  var draw: AddressDraw?
  /// Whether this machine has a route to a numeric address.
  var hasRoute: @Sendable (String) -> Bool = NumericAddress.hasRoute

  /// - Returns: the target once for each address; empty when there is none, and the log says why.
  func locate(_ target: ProbeTarget, _ log: ConversationLog) async -> [ProbeTarget] {
    if let pattern = target.sample?.untriedNames {
      log.observe(
        .notProbed("\(pattern) stands for any number of names, and the topology names none of them as a sample"))
      return []
    }
    guard target.address.isEmpty else { return [target] }
    let name = target.relay?.host ?? target.host
    if let networks = target.sample?.networks, !name.contains(".") {
      if let draw { return choose(by: draw, networks, target, log) }
      log.observe(.notProbed("\(networks.joined(separator: ", ")): no address in it is known"))
      return []
    }
    let index = log.begin(.resolve, sent: "the addresses of \(name)")
    switch await names.addresses(of: name) {
    case .success(let addresses):
      log.end(index, received: addresses.joined(separator: ", "))
      return choose(addresses, of: name, target, log).map { address in
        var found = target
        found.address = address
        return found
      }
    case .failure(let failure):
      log.end(index, received: failure.words)
      if let networks = target.sample?.networks {
        log.observe(.notProbed("\(networks.joined(separator: ", ")): the name \(name) leads to no address in it"))
      } else {
        log.observe(failure.observation)
      }
      return []
    }
  }

  /// Those that a client would use: of the planned families, with a route, and not too many.
  private func choose(
    _ addresses: [String], of name: String, _ target: ProbeTarget, _ log: ConversationLog
  ) -> [String] {
    var chosen = addresses.filter { target.families.contains(Self.family($0)) }
    if chosen.isEmpty {
      log.observe(
        .recordMissing(name: name, type: target.families.map { $0 == .ipv4 ? "A" : "AAAA" }.joined(separator: " or ")))
      return []
    }
    if let networks = target.sample?.networks {
      let parsed = networks.compactMap(IPNetwork.init(parsing:))
      chosen = chosen.filter { address in
        IPNetwork(parsing: address).map { one in parsed.contains { $0.contains(one) } } ?? false
      }
      guard !chosen.isEmpty else {
        log.observe(
          .notProbed(
            "\(networks.joined(separator: ", ")): \(name) has the addresses \(addresses.joined(separator: ", ")), none of "
              + "them in it"))
        return []
      }
    }
    // RFC 6724 6: a family without a route is never chosen where the other one has one.
    let routed = chosen.filter { Self.family($0) == .ipv4 || hasRoute($0) }
    if !routed.isEmpty, routed.count < chosen.count {
      log.observe(
        .note("\(chosen.count - routed.count) IPv6 addresses were not tried: this machine has no route for IPv6"))
      chosen = routed
    }
    if chosen.count > Self.maximumAddresses {
      log.observe(.note("of \(chosen.count) addresses the first \(Self.maximumAddresses) were tried"))
    }
    // Servers turn the order of their answers: a check finds each address in the same place as the one before.
    return chosen.prefix(Self.maximumAddresses).sorted { (Self.family($0), $0) < (Self.family($1), $1) }
  }

  /// Addresses that chance chooses.
  private func choose(
    by draw: AddressDraw, _ networks: [String], _ target: ProbeTarget, _ log: ConversationLog
  ) -> [ProbeTarget] {
    let drawn = draw.addresses(
      of: networks.compactMap(IPNetwork.init(parsing:)), host: target.relay?.host ?? target.host)
    if !drawn.tooLarge.isEmpty {
      let list = drawn.tooLarge.map(\.description).joined(separator: ", ")
      let words = "\(list): too large to meet a host by chance"
      guard !drawn.addresses.isEmpty else {
        log.observe(.notProbed(words))
        return []
      }
      log.observe(.note(words))
    }
    log.observe(.note("drawn by chance: \(drawn.addresses.count) of \(drawn.population) addresses"))
    return drawn.addresses.map { address in
      var found = target
      (found.address, found.sample) = (address, .drawn(from: networks))
      return found
    }
  }

  private static func family(_ address: String) -> IPNetwork.Family { address.contains(":") ? .ipv6 : .ipv4 }
}
