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
    let (mapped, outcomes) = await talk(target, context, log)
    if let outcomes { Self.note(outcomes, target, log) }
    guard let mapped, mapped.count == RPCProbing.interfaces.count, mapped.allSatisfy(\.isBound) else { return }
    log.reached(.service)
    if let port = mapped.first(where: { $0.interface == .drsuapi })?.endpoint.port {
      log.movedTo(port: port)
      if let credentials = context.credentials { await replicate(credentials, port, target, context, log) }
    }
  }

  /// An interface where the mapper says that it is.
  private struct Mapped: Sendable {
    var interface: RPCInterface
    var endpoint: Endpoint
    var isBound = false
  }

  private enum Step: Sendable {
    case talked([Mapped]?)
    /// No word yet after ``patience``.
    case late
    case sampled([Int: PortSample])
  }

  /// A port that has not answered by then has lost its first SYN at least (RFC 6298 2.1).
  private static let patience = Duration.milliseconds(1200)

  /// Binds all interfaces. What the silence of one means, other ports of the range tell; they are asked while it is still
  /// being waited for, so that a dropped range costs one wait and not two.
  ///
  /// - Returns: what the mapper said, nil where it said nothing; and how other ports behaved, where that matters.
  private func talk(
    _ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog
  ) async -> ([Mapped]?, [Int: PortSample]?) {
    await withTaskGroup(of: Step.self) { group in
      group.addTask { .talked(await bindAll(target, context, log)) }
      group.addTask {
        try? await Task.sleep(for: Self.patience)
        return .late
      }
      var mapped: [Mapped]?
      var outcomes: [Int: PortSample]?
      var (isOver, isSampling) = (false, false)
      for await step in group {
        switch step {
        case .talked(let result): (mapped, isOver) = (result, true)
        case .late: break
        case .sampled(let result): outcomes = result
        }
        if isOver, mapped?.allSatisfy(\.isBound) ?? false {
          group.cancelAll()
          return (mapped, nil)
        }
        if !isSampling {
          isSampling = true
          group.addTask { .sampled(await sample(target, context)) }
        }
        if isOver, outcomes != nil { group.cancelAll() }
      }
      return (mapped, outcomes)
    }
  }

  private func bindAll(_ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async -> [Mapped]? {
    guard let endpoints = await endpoints(target, context, log) else { return nil }
    for (interface, endpoint) in endpoints {
      log.observe(.endpointMapped(interface: interface.name, address: endpoint.host, port: endpoint.port))
    }
    // All at once: waiting for one dropped port after the other would use up the check's time.
    return await withTaskGroup(of: Mapped.self) { group in
      for (interface, endpoint) in endpoints {
        group.addTask {
          let isBound = await reach(interface, endpoint, target, context, log)
          return Mapped(interface: interface, endpoint: endpoint, isBound: isBound)
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
  }

  /// What the endpoint mapper says; nil when it says nothing, which is a matter of its own row.
  private func endpoints(
    _ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog
  ) async -> [(interface: RPCInterface, endpoint: Endpoint)]? {
    let port = RPCConnector.endpointMapperPort
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
      } else if failure.observation(isStream: true, seconds: 0) == .localFirewall {
        // Nothing was asked of the way or of the host.
        log.movedTo(port: endpoint.port)
        log.observe(.localFirewall)
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
    case .icmp, .noRoute: .unreachable
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

  private func sample(_ target: ProbeTarget, _ context: ProbeContext) async -> [Int: PortSample] {
    guard context.patience() > .zero else { return [:] }
    return await withTaskGroup(of: (Int, PortSample).self) { group in
      for port in Self.spread(target.ports) {
        group.addTask {
          let endpoint = Endpoint(host: target.address, port: port)
          return (port, await context.sockets.sample(endpoint, deadline: context.deadline))
        }
      }
      return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
  }

  private static func note(_ outcomes: [Int: PortSample], _ target: ProbeTarget, _ log: ConversationLog) {
    guard !outcomes.isEmpty else { return }
    let sorted = outcomes.sorted { $0.key < $1.key }
    let list = sorted.map { String($0.key) }.joined(separator: ", ")
    let index = log.begin(.sample, sent: "TCP SYN to ports \(list) of \(target.address), meanwhile")
    log.end(index, received: sorted.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
    for (port, outcome) in sorted {
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
