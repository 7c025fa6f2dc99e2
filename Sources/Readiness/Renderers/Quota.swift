// SPDX-License-Identifier: Apache-2.0

/// How much of something a platform takes, as it documents it. It is known when the rules are written; the platform says it
/// when half of them are made.
struct Quota: Sendable {
  /// What is counted, and of what: `inbound IPv4 rules of a security group`.
  let what: String
  let limit: Int
  let remedy: String

  /// The quota where it is passed.
  func excess(_ count: Int, at host: String) -> QuotaExcess? {
    guard count > limit else { return nil }
    return QuotaExcess(host: host, message: "\(count) \(what), where \(limit) are the limit", remedy: remedy)
  }

  /// Amazon VPC quotas, 'Inbound or outbound rules per security group': 60 unless a larger quota was granted; inbound and
  /// outbound, IPv4 and IPv6 are counted apart, and each network of a rule counts.
  static func securityGroup(_ direction: Direction, _ family: IPNetwork.Family) -> Quota {
    Quota(
      what:
        "\(direction == .ingress ? "inbound" : "outbound") \(family == .ipv4 ? "IPv4" : "IPv6") rules of a security group",
      limit: 60,
      remedy: "ask AWS for a larger quota (up to 1000 divided by the groups of an interface), or give networks in the "
        + "place of single hosts")
  }

  /// Azure subscription limits, 'NSG rules per NSG'; fewer than there are priorities (100 to 4096).
  static let networkSecurityGroup = Quota(
    what: "rules of a network security group", limit: 1000,
    remedy: "give networks in the place of single hosts, or divide the hosts' roles")

  /// Azure subscription limits, 'IP addresses and ranges specified for source or destination in a security group'; sources
  /// and destinations are counted apart.
  static let networkSecurityGroupAddresses = Quota(
    what: "addresses and networks of peers in a network security group", limit: 4000,
    remedy: "give networks in the place of single hosts")

  /// Azure network security groups: priorities end here.
  static let lastPriority = 4096
}

/// A host whose rules are more than a platform takes.
package struct QuotaExcess: Sendable, Hashable {
  package let host: String
  package let message: String
  package let remedy: String
}
