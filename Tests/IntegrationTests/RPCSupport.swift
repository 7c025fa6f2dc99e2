// SPDX-License-Identifier: Apache-2.0

import Kerberos
import NIOPosix
import RPC
import Testing
import Wire

/// The lab's first controller, as the RPC tests see it.
struct RPCLab {
  let kerberos: KerberosLab
  let flows = RecordedFlows()

  init() throws { kerberos = try KerberosLab() }

  var forest: LabDescription.Forest { kerberos.forest }
  var server: RPCServer {
    RPCServer(
      host: kerberos.controller.host, address: kerberos.controller.address,
      port: kerberos.controller.ports["rpc-endpoint-mapper"] ?? RPCServer.endpointMapperPort)
  }

  var connector: RPCConnector {
    RPCConnector(flows: .init(recorder: flows), group: MultiThreadedEventLoopGroup.singleton)
  }

  func security(
    _ account: LabDescription.Account, _ mechanism: SecurityParameters.Mechanism = .kerberos
  ) throws -> RPCSecurity {
    let provider = try kerberos.provider(principal: account.principal, password: account.password())
    return .privacy(provider, kerberos.ldap, mechanism)
  }

  /// A bound replication client of the account.
  func replication(
    as account: LabDescription.Account, _ mechanism: SecurityParameters.Mechanism = .kerberos
  ) async throws -> DRSClient {
    try await DRSClient.bind(connector.connect(to: server, .drsuapi, security: security(account, mechanism)))
  }
}
