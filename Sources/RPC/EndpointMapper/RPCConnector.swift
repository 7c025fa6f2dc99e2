// SPDX-License-Identifier: Apache-2.0

package import NIOCore
package import Wire

/// Reaches an interface of a server the way that the reference's two rows describe: endpoint mapper, then mapped port.
package struct RPCConnector: Sendable {
  /// The rows `connect-ad/rpc-endpoint-mapper` and `connect-ad/rpc-dynamic` and who keeps their record.
  package struct Flows: Sendable {
    package var mapper: Flow
    package var mapped: Flow

    package init(recorder: any FlowRecorder) {
      mapper = Flow(row: "connect-ad/rpc-endpoint-mapper", recorder: recorder)
      mapped = Flow(row: "connect-ad/rpc-dynamic", recorder: recorder)
    }
  }

  private let flows: Flows?
  /// The endpoint mapper's well-known port, MS-RPCE 2.1.1.1.
  package static let endpointMapperPort = 135

  private let options: RPCOptions
  private let group: any EventLoopGroup

  package init(flows: Flows?, options: RPCOptions = RPCOptions(), group: any EventLoopGroup) {
    self.flows = flows
    self.options = options
    self.group = group
  }

  /// The ports where a server offers the interfaces.
  /// - Parameter server: its name and address; the port is the endpoint mapper's.
  package func ports(of interfaces: [RPCInterface], at server: ServerAddress) async throws -> [RPCInterface: Int] {
    let association = try await RPCAssociation.connect(
      to: server, .endpointMapper, security: .none, flow: flows?.mapper, options: options, group: group)
    return try await association.use { association in
      var ports: [RPCInterface: Int] = [:]
      for interface in interfaces {
        ports[interface] = try await EndpointMapper(association).endpoints(of: interface).first?.port
      }
      return ports
    }
  }

  /// An association with the interface at its mapped port, on the address that the caller knows.
  package func connect(
    to server: ServerAddress, _ interface: RPCInterface, security: RPCSecurity
  ) async throws -> RPCAssociation {
    var mapped = server
    mapped.port = try await ports(of: [interface], at: server)[interface] ?? 0
    do {
      return try await RPCAssociation.connect(
        to: mapped, interface, security: security, flow: flows?.mapped, options: options, group: group)
    } catch let error as RPCError where error.code == .timeout || error.code == .unreachable {
      throw RPCError(
        error.code,
        "\(server.host) offers \(interface) on port \(mapped.port), which does not answer from here though port "
          + "\(server.port) does. \(error.message)",
        remedy:
          "Open the dynamic RPC ports (TCP 49152-65535, or the range configured on the server) from here to there.")
    }
  }
}
