// SPDX-License-Identifier: Apache-2.0

import Glibc
import PortReference
import Readiness

/// The topology of `ports check --to HOST` without a file: one domain controller, and everything that uses one.
enum AdHocTopology {
  /// - Parameters:
  ///   - domain: default: what follows the first dot of the host's name.
  ///   - forest: default: the domain.
  static func make(host: String, domain: String?, forest: String?) throws -> Topology {
    let address = IPNetwork(parsing: host)
    let parent = host.firstIndex(of: ".").map { String(host[host.index(after: $0)...]) }
    guard let domain = domain ?? (address == nil ? parent : nil), DNSPattern(parsing: domain) != nil else {
      throw CommandError(
        "check.domain", "The domain of \(host) is not known.",
        remedy: "add --domain, or describe the host in a topology and name it with -f.", status: .usage)
    }
    let controller = Readiness.Forest.Controller(host, address.map { [$0] }, globalCatalog: true)
    let forest = Readiness.Forest(forest ?? domain, [.init(domain, [controller])])
    return Topology(name: host, features: Feature.allCases, connect: [Host(Self.hostName)], forests: [forest])
  }

  static var hostName: String {
    var buffer = [CChar](repeating: 0, count: Int(HOST_NAME_MAX) + 1)
    gethostname(&buffer, buffer.count)
    let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return name.isEmpty ? "localhost" : name
  }
}
