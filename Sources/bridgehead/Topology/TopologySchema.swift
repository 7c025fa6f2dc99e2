// SPDX-License-Identifier: Apache-2.0

import PortReference
import Readiness

extension Schema {
  /// `topology.yaml`.
  static let topology = Schema.object([
    Property("version", .integer(1...1), required: true, "The version of this format."),
    Property("name", .string(.label), required: true, "A name for comments and objects in rules."),
    Property(
      "features", .list(of: .choice(Feature.allCases.map(\.rawValue))), required: true,
      "What is in use; only rows of these features get rules."),
    Property("policy", policy, "How the firewalls work."),
    Property("connect", .list(of: host), required: true, "The Connect servers, active and staging."),
    Property("forests", .list(of: forest), required: true, "The on-premises forests."),
    Property(
      "resolvers", .list(of: host), "Whom Connect asks for the forests' names; the domain controllers when absent."),
    Property("cloud", .list(of: cloudService), "The cloud directory's endpoints."),
    Property("outboundProxy", outboundProxy, "The HTTP proxy on the way to the cloud."),
    Property("federation", federation, "The federation farm."),
    Property("proxies", .list(of: host), "The web application proxies."),
    Property("users", .list(of: host), "The networks that users come from."),
    Property("virtualAddresses", .list(of: virtualAddress), "Load balancers' addresses and the nodes behind them."),
    Property("translations", .list(of: translation), "Network address translation between the roles."),
  ])

  private static let addresses = Property(
    "addresses", .list(of: .string(.network)), "Addresses or networks, IPv4 and IPv6.")
  private static let note = Property("note", .string(.text), "A remark for people; it stands in comments of rules.")
  private static let external = Property(
    "external", .boolean,
    "True: somebody else's, no rules are made for this end. Default: true for cloud services and the whole internet.")

  private static let host = Schema.object([
    Property(
      "name", .string(.label), required: true, "Unique in this file; the full DNS name where there are no addresses."),
    addresses, note, external,
  ])

  private static let policy = Schema.object([
    Property("stateful", .boolean, "Firewalls let answers through by themselves. Default: true."),
    Property(
      "addressFamilies", .list(of: .choice(IPNetwork.Family.allCases.map(\.rawValue))),
      "The families that rules are made for. Default: both."),
    Property(
      "rpcPorts", .list(of: .string(.portRange)),
      "The fixed ports of RPC on the domain controllers (KB224196), in place of 49152-65535."),
    Property(
      "certificateAuthentication", .choice(["certauth-name", "port-49443"]),
      "Where user certificates are asked for: on 443 under certauth.<federation name>, or on 49443 (the default)."),
  ])

  private static let forest = Schema.object([
    Property("name", .string(.dnsName), required: true, "The forest's DNS name, which is that of its root domain."),
    Property("domains", .list(of: domain), required: true, "Every domain, the root among them."),
    Property(
      "domainControllers", .list(of: .string(.dnsName)),
      "The only controllers that Connect uses, as in bridgehead.yaml; all when absent."),
  ])

  private static let domain = Schema.object([
    Property("name", .string(.dnsName), required: true, "The domain's DNS name."),
    Property(
      "controllers",
      .list(
        of: .object([
          Property("name", .string(.dnsName), required: true, "The controller's full DNS name."),
          addresses, note,
          Property("globalCatalog", .boolean, "It is a global catalog. Default: false."),
          Property("readOnly", .boolean, "It is read-only; Connect does not use it. Default: false."),
        ])), required: true, "Its domain controllers."),
  ])

  private static let cloudService = Schema.object([
    Property("name", .string(.label), required: true, "Unique in this file."),
    Property("dnsNames", .list(of: .string(.dnsPattern)), "Names, with * as a first label where it must be."),
    Property(
      "samples", .list(of: .string(.dnsName)),
      "Names below the wildcards: a check tries these, a plan opens none of them."),
    Property("addresses", .list(of: .string(.network)), "Published ranges; where given, rules take these."),
    Property("serviceTag", .string(.label), "The Azure service tag, for Azure's formats."),
    Property(
      "protocols", .list(of: .choice(["https", "http"])), "https, http (revocation lists) or both. Default: https."),
    note, external,
  ])

  private static let outboundProxy = Schema.object([
    Property("name", .string(.label), required: true, "Unique in this file."),
    addresses,
    Property("port", .integer(1...65535), required: true, "Where it listens."),
    Property("user", .string(.text), "The user for Basic authentication to the proxy, when a check goes through it."),
    Property("password", .secret, "The password for Basic authentication to the proxy."),
    note,
  ])

  private static let federation = Schema.object([
    Property("name", .string(.dnsName), required: true, "The federation service's name."),
    Property("servers", .list(of: host), required: true, "The federation servers."),
    Property(
      "views",
      .list(
        of: .object([
          Property(
            "seenFrom", .list(of: .string(.label)), required: true,
            "Roles (connect, proxy, users) or names of hosts and networks."),
          Property(
            "targets", .list(of: .string(.label)), required: true, "The virtual addresses or hosts it leads to."),
        ])), "What the federation name leads to, inside and outside."),
  ])

  private static let virtualAddress = Schema.object([
    Property("name", .string(.label), required: true, "Unique in this file."),
    Property("addresses", .list(of: .string(.network)), required: true, "The addresses that clients connect to."),
    Property("nodes", .list(of: .string(.label)), required: true, "The servers or the proxies behind it."),
    Property(
      "forwarding", .choice(["full", "destination", "direct"]),
      "What nodes see: the balancer (full, the default), the client (destination), or the client and the virtual "
        + "address (direct)."),
    Property("sourceAddresses", .list(of: .string(.network)), "From where the balancer reaches nodes, with full."),
    note,
  ])

  private static let translation = Schema.object([
    Property("hosts", .list(of: .string(.label)), required: true, "Whose addresses are translated."),
    Property(
      "seenBy", .list(of: .string(.label)), required: true,
      "Roles (connect, ad, cloud, federation, proxy, users) or names at the other end."),
    Property("seenAs", .list(of: .string(.network)), required: true, "The addresses that they see."),
  ])
}
