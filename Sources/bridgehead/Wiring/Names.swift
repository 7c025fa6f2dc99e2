// SPDX-License-Identifier: Apache-2.0

import DirectoryLocator
import PortReference
import Wire

/// Name resolution as configured: the forest's servers, or the machine's own resolver.
struct Names {
  let forest: DNSResolver
  /// The cloud's names go the same way, but are no row of the reference.
  let cloud: DNSResolver

  init(_ configuration: Configuration, flows: any FlowRecorder) throws {
    let servers = try Self.servers(configuration)
    forest = DNSResolver(
      .init(servers: servers), flow: Flow(row: RowID.connectADDNS.rawValue, recorder: flows))
    cloud = DNSResolver(.init(servers: servers), flow: nil)
  }

  /// - Returns: none where the machine's own are to be asked.
  static func servers(_ configuration: Configuration) throws -> [Endpoint] {
    try (configuration.dns?.servers ?? []).map { text in
      guard let server = Endpoint(parsing: text) ?? Self.address(text) else {
        throw CommandError(
          "configuration.dns", "'\(text)' under dns.servers is not an address.",
          remedy: "write an IP address, with :port where it is not 53.", status: .configuration)
      }
      return server
    }
  }

  private static func address(_ text: String) -> Endpoint? {
    text.isEmpty || text.contains("/") ? nil : Endpoint(host: text, port: 53)
  }
}
