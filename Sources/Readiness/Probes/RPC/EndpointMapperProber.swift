// SPDX-License-Identifier: Apache-2.0

package import PortReference
import RPC
import Wire

/// The endpoint mapper on 135: a bind, and where the interfaces are that Connect needs. It is asked anonymously, by
/// everyone: credentials would add nothing.
package struct EndpointMapperProber: Prober {
  package let row = RowID.connectADRPCEndpointMapper
  package let transport = Transport.tcp
  package let specification = "C706 12.6.4.3, appendix O (ept_map); MS-RPCE 2.2.1.2"

  package init() {}

  package func requiredDepth(withCredentials: Bool) -> Depth { .operation }

  package func converse(with target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
    guard let socket = await context.sockets.connect(target, deadline: context.deadline, log) else { return }
    guard
      let mapper = await RPCProbing.bind(
        .endpointMapper, over: socket, at: target.port, phase: .request, sent: "bind of the endpoint mapper", target,
        context, log)
    else { return }
    log.reached(.service)
    if let mapped = await RPCProbing.map(mapper, context, log) {
      for (interface, endpoint) in mapped {
        log.observe(.endpointMapped(interface: interface.name, address: endpoint.host, port: endpoint.port))
      }
      if mapped.count == RPCProbing.interfaces.count { log.reached(.operation) }
    }
    await mapper.close()
  }
}
