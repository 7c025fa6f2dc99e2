// SPDX-License-Identifier: Apache-2.0

/// The files that let third-party programs (kinit, ldapsearch, curl) use the lab without touching the machine's own.
enum ClientConfiguration {
  /// - Parameter only: the address of the one KDC to be asked; nil for all.
  static func kerberos(_ forests: [ForestPlan], controller only: String? = nil) -> String {
    let realms = forests.map { forest in
      let servers = forest.controllers.filter { only == nil || $0.address == only }
        .map { "    kdc = \($0.address)\n" }.joined()
      let password = forest.controllers.prefix(1).map { "    kpasswd_server = \($0.address)\n" }.joined()
      return "  \(forest.realm) = {\n\(servers)\(password)  }\n"
    }
    let domains = forests.map { "  .\($0.name) = \($0.realm)\n  \($0.name) = \($0.realm)\n" }
    return """
      [libdefaults]
        default_realm = \(forests.first?.realm ?? "")
        dns_lookup_realm = false
        dns_lookup_kdc = false
        dns_canonicalize_hostname = false
        rdns = false

      [realms]
      \(realms.joined())
      [domain_realm]
      \(domains.joined())
      """
  }

  static func hosts(_ forests: [ForestPlan]) -> String {
    "127.0.0.1 localhost\n"
      + forests.map { forest in
        forest.controllers.map { "\($0.address) \($0.fqdn)\n" }.joined()
          + "\(forest.tenant.address) \(forest.tenant.name) \(forest.ticketHost.name)\n\(forest.crl.address) \(forest.crl.name)\n"
      }.joined()
  }

  /// - Parameter first: the address that is asked first.
  static func resolver(_ forests: [ForestPlan], first: String? = nil) -> String {
    let addresses = forests.flatMap(\.controllers).map(\.address)
    let ordered = addresses.filter { $0 == first } + addresses.filter { $0 != first }
    // The C library uses three servers at most (resolv.conf(5)).
    return ordered.prefix(3).map { "nameserver \($0)\n" }.joined() + "options timeout:1 attempts:1\n"
  }
}
