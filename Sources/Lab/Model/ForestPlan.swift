// SPDX-License-Identifier: Apache-2.0

/// Names and addresses of one forest, derived from the options alone.
struct ForestPlan: Sendable {
  struct Controller: Sendable {
    /// Host name in capitals, as AD keeps it.
    var host: String
    var fqdn: String
    var address: String
  }

  static let site = "Default-First-Site-Name"

  let name: String
  let netbios: String
  let realm: String
  let baseDN: String
  let controllers: [Controller]
  let tenant: Endpoint
  /// Where the tenant takes Kerberos tickets.
  let ticketHost: Endpoint
  let crl: Endpoint
  let unverifiedSuffixes: [String]
  /// The DNS server that is asked for names of other forests: each forest asks the next, so that no question goes in a
  /// circle and the first forest's servers know every name.
  private(set) var forwarder: String?

  struct Endpoint: Sendable {
    var name: String
    var address: String
  }

  static func all(_ options: LabOptions) -> [ForestPlan] {
    var plans = options.forests.enumerated().map {
      ForestPlan(name: $0.element, network: options.firstNetwork + $0.offset, controllers: options.domainControllers)
    }
    for index in plans.indices.dropLast() { plans[index].forwarder = plans[index + 1].controllers[0].address }
    return plans
  }

  init(name: String, network: Int, controllers: Int) {
    self.name = name
    netbios = Self.netbiosName(of: name)
    realm = name.uppercased()
    baseDN = name.split(separator: ".").map { "DC=\($0)" }.joined(separator: ",")
    self.controllers = (1...controllers).map {
      Controller(host: "DC\($0)", fqdn: "dc\($0).\(name)", address: "127.0.\(network).\($0)")
    }
    tenant = Endpoint(name: "tenant.\(name)", address: "127.0.\(network).80")
    ticketHost = Endpoint(name: "autologon.\(tenant.name)", address: tenant.address)
    crl = Endpoint(name: "crl.\(name)", address: "127.0.\(network).81")
    unverifiedSuffixes = ["\(name.split(separator: ".")[0]).internal"]
  }

  /// The first label, at most 15 characters (MS-ADTS 6.1.1).
  static func netbiosName(of forest: String) -> String {
    String((forest.split(separator: ".").first ?? "").prefix(15)).uppercased()
  }

  var crlURL: String { "http://\(crl.name)/\(LabCertificateAuthority.crlFileName)" }
}
