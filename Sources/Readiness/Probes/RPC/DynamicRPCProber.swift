// SPDX-License-Identifier: Apache-2.0

package import PortReference
import RPC
import Wire

/// The ports that the endpoint mapper names: connect to each, bind the interface; with credentials a replication handle
/// under packet privacy.
package struct DynamicRPCProber: Prober {
  package let row = RowID.connectADRPCDynamic
  package let transport = Transport.tcp
  package let specification = "MS-RPCE 3.3.1.5.2, 3.3.1.5.2.2; MS-DRSR 4.1.3 (IDL_DRSBind)"

  /// Ports of the range that are tried when a mapped one is silent: the first, the last and two between. A reset from any
  /// proves the path; silence alone proves nothing.
  private static let samples = 4

  package init() {}

  package func requiredDepth(withCredentials: Bool) -> Depth { withCredentials ? .operation : .service }

  package func converse(with target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
    guard let mapped = await endpoints(target, context, log) else { return await sample(target, context, log) }
    for (interface, endpoint) in mapped {
      log.observe(.endpointMapped(interface: interface.name, address: endpoint.host, port: endpoint.port))
    }
    // All at once: waiting for one dropped port after the other would use up the check's time, and the samples' with it.
    let bound = await withTaskGroup(of: Bool.self) { group in
      for (interface, endpoint) in mapped {
        group.addTask { await reach(interface, endpoint, target, context, log) }
      }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    guard bound == RPCProbing.interfaces.count else {
      if bound < mapped.count { await sample(target, context, log) }
      return
    }
    log.reached(.service)
    if let port = mapped.first(where: { $0.interface == .drsuapi })?.endpoint.port {
      log.movedTo(port: port)
      if let credentials = context.credentials { await replicate(credentials, port, target, context, log) }
    }
  }

  /// What the endpoint mapper says; nil when it says nothing, which is a matter of its own row.
  private func endpoints(
    _ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog
  ) async -> [(interface: RPCInterface, endpoint: Endpoint)]? {
    let port = RPCServer.endpointMapperPort
    let index = log.begin(.negotiate, sent: "TCP SYN to \(Endpoint(host: target.address, port: port))")
    switch await context.sockets.open(Endpoint(host: target.address, port: port), deadline: context.deadline) {
    case .failure(let failure):
      log.end(index, received: "\(failure)")
      log.observe(.note("the endpoint mapper (135) does not answer, so the ports in use are not known"))
      return nil
    case .success(let socket):
      log.end(index, received: "SYN-ACK; connected from \(socket.localAddress)")
      // Its row tells what is wrong with the mapper itself.
      let side = ConversationLog()
      guard
        let mapper = await RPCProbing.bind(
          .endpointMapper, over: socket, at: port, phase: .negotiate, sent: "bind of the endpoint mapper", target,
          context,
          side)
      else {
        log.observe(.note("the endpoint mapper (135) refuses to speak, so the ports in use are not known"))
        return nil
      }
      let index = log.begin(.negotiate, sent: "ept_map of drsuapi, lsarpc and samr")
      let mapped = await RPCProbing.map(mapper, context, side)
      await mapper.close()
      log.end(
        index,
        received: mapped.map { $0.map { "\($0.interface) at \($0.endpoint)" }.joined(separator: ", ") } ?? "no answer")
      if mapped?.count != RPCProbing.interfaces.count {
        log.observe(.note("the endpoint mapper (135) does not know all interfaces; see its own row"))
      }
      return mapped
    }
  }

  /// Connects to where the mapper says that an interface is, and binds it without credentials.
  private func reach(
    _ interface: RPCInterface, _ endpoint: Endpoint, _ target: ProbeTarget, _ context: ProbeContext,
    _ log: ConversationLog
  ) async -> Bool {
    // Some mappers name no address, or the one that stands for any.
    let isOpen = endpoint.host.isEmpty || endpoint.host == "0.0.0.0"
    let address = isOpen ? target.address : endpoint.host
    let index = log.begin(.connect, sent: "TCP SYN to \(Endpoint(host: address, port: endpoint.port)) for \(interface)")
    let opened = await context.sockets.open(Endpoint(host: address, port: endpoint.port), deadline: context.deadline)
    guard case .success(let socket) = opened else {
      guard case .failure(let failure) = opened else { return false }
      log.end(index, received: "\(failure)")
      if failure == .cancelled || context.patience() == .zero {
        log.observe(.deadline(.connect))
      } else {
        log.observe(
          .mappedEndpointUnreachable(
            interface: interface.name, address: address, port: endpoint.port, Self.sample(of: failure)))
      }
      return false
    }
    log.end(index, received: "SYN-ACK; connected from \(socket.localAddress)")
    log.used(localAddress: socket.localAddress, interface: socket.interface)
    log.reached(.port)
    guard
      let association = await RPCProbing.bind(
        interface, over: socket, at: endpoint.port, phase: .request, sent: "bind of \(interface), without credentials",
        target, context, log)
    else { return false }
    await association.close()
    return true
  }

  private static func sample(of failure: SocketFailure) -> PortSample {
    switch failure.observation(isStream: true, seconds: 0) {
    case .reset: .reset
    case .icmp, .noRoute, .localFirewall: .unreachable
    default: .silent
    }
  }

  /// A replication handle under packet privacy, given back at once.
  private func replicate(
    _ credentials: any SecurityContextProvider, _ port: Int, _ target: ProbeTarget, _ context: ProbeContext,
    _ log: ConversationLog
  ) async {
    guard
      let socket = await context.sockets.connect(
        target, port: port, phase: .authenticate, deadline: context.deadline, log)
    else { return }
    let principal = ServicePrincipal(service: "ldap", host: target.serverName)
    guard
      let association = await RPCProbing.bind(
        .drsuapi, over: socket, at: port, security: .privacy(credentials, principal, .spnego), phase: .authenticate,
        sent: "bind of drsuapi with Kerberos, packet privacy", target, context, log)
    else { return }
    do {
      try await log.phase(.operation, sent: "DRSBind, DRSUnbind") {
        let client = try await DRSClient.bind(association)
        // The server's answer came under the seal: it has accepted the credentials.
        log.reached(.authenticated)
        try await client.unbind()
        return ((), received: "a replication handle of \(target.serverName), given back")
      }
      log.reached(.operation)
    } catch {
      log.observe(association: error, .drsuapi, .operation, context)
    }
    await association.close()
  }

  // MARK: - The range

  private func sample(_ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
    let ports = Self.spread(target.ports)
    guard !ports.isEmpty, context.patience() > .zero else { return }
    let list = ports.map(String.init).joined(separator: ", ")
    let index = log.begin(.sample, sent: "TCP SYN to ports \(list) of \(target.address)")
    let outcomes = await withTaskGroup(of: (Int, PortSample).self) { group in
      for port in ports {
        group.addTask {
          let endpoint = Endpoint(host: target.address, port: port)
          return (port, await context.sockets.sample(endpoint, deadline: context.deadline))
        }
      }
      return await group.reduce(into: [Int: PortSample]()) { $0[$1.0] = $1.1 }
    }
    log.end(
      index, received: outcomes.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
    for (port, outcome) in outcomes.sorted(by: { $0.key < $1.key }) {
      log.observe(.sampled(port: port, outcome))
      if outcome == .reset || outcome == .connected { log.reached(.path) }
    }
  }

  /// Ports over the ranges, ends included.
  static func spread(_ ranges: [Ports]) -> [Int] {
    var result: [Int] = []
    for range in ranges {
      let (first, last) = (Int(range.first), Int(range.last))
      let steps = max(1, min(samples, last - first + 1) - 1)
      for step in 0...steps { result.append(first + (last - first) * step / steps) }
    }
    var seen: Set<Int> = []
    return Array(result.filter { seen.insert($0).inserted }.prefix(samples))
  }
}
