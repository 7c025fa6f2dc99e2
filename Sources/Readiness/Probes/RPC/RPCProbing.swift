// SPDX-License-Identifier: Apache-2.0

import PortReference
import RPC
import Wire

/// What the two rows of MS-RPC have in common: interfaces, associations, and errors as observations.
enum RPCProbing {
  /// What password synchronisation and writeback need: replication, the domain's identity, accounts.
  static let interfaces: [RPCInterface] = [.drsuapi, .lsarpc, .samr]

  /// C706 12.6.4.5 with MS-RPCE 2.2.2.5: the reason authentication_type_not_recognized of a bind_nak.
  static let unknownAuthentication: UInt32 = 8

  static func options(_ context: ProbeContext) -> RPCOptions {
    var options = RPCOptions()
    options.bindTimeout = context.patience()
    options.callTimeout = context.patience()
    return options
  }

  /// Binds over a connection that stands, as one phase.
  /// - Returns: nil when there is no association; the log says why.
  static func bind(
    _ interface: RPCInterface, over socket: ConnectedSocket, at port: Int, security: RPCSecurity = .none,
    phase: Phase.Name, sent: String, _ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog
  ) async -> RPCAssociation? {
    do {
      return try await log.phase(phase, sent: sent) {
        let association = try await RPCAssociation.connect(
          to: ServerAddress(host: target.serverName, address: target.address, port: port), interface,
          security: security,
          flow: nil, options: options(context), over: socket.take(), group: context.group)
        return (association, received: "bind_ack, protection: \(association.protectionSummary)")
      }
    } catch {
      log.observe(association: error, interface, phase, context)
      return nil
    }
  }

  /// Asks an endpoint mapper where the interfaces are, each by itself. Interfaces that are not registered are observed.
  static func map(
    _ mapper: RPCAssociation, _ context: ProbeContext, _ log: ConversationLog
  ) async -> [(interface: RPCInterface, endpoint: Endpoint)]? {
    var mapped: [(RPCInterface, Endpoint)] = []
    for interface in interfaces {
      do {
        let endpoints = try await log.phase(.negotiate, sent: "ept_map of \(interface)") {
          let found = try await EndpointMapper(mapper).endpoints(of: interface)
          return (found, received: found.map { "\($0)" }.joined(separator: ", "))
        }
        if let first = endpoints.first { mapped.append((interface, first)) }
      } catch let error as RPCError where error.code == .notRegistered {
        log.observe(.interfaceNotRegistered(interface.name))
      } catch {
        log.observe(association: error, interface, .negotiate, context)
        return nil
      }
    }
    return mapped
  }
}

extension ConversationLog {
  /// Records why there is no association, or why it ended.
  func observe(association error: any Error, _ interface: RPCInterface, _ phase: Phase.Name, _ context: ProbeContext) {
    if let error = error as? RPCError, error.code == .bindRefused || error.code == .interfaceRefused {
      // The interface was bound without a sign-in before, and the KDC has granted the ticket: what is refused is the ticket.
      if phase == .authenticate, error.code == .bindRefused, error.status != RPCProbing.unknownAuthentication {
        return observe(.wrongServicePrincipal(error.message))
      }
      return observe(.bindRefused(interface: interface.name, reason: error.message))
    }
    observeSignIn(error, phase: phase, context)
  }

  func observe(rpc error: RPCError, _ phase: Phase.Name) {
    switch error.code {
    case .timeout: observe(.silenceAfterData(seconds: ProbeContext.answerPatience / .seconds(1)))
    case .closed, .notOpen: observe(.closedAfterData(received: 0))
    case .reset: observe(.resetAfterData(received: 0))
    case .unreachable: observe(.systemError(error.message))
    case .notRPC:
      observe(
        .wrongAnswer(recognised: AnswerSummary.protocolName(error.received ?? []), summary: error.message))
    case .malformed, .tooLarge: observe(.wrongAnswer(recognised: nil, summary: error.message))
    case .bindRefused, .interfaceRefused: observe(.bindRefused(interface: "", reason: error.message))
    case .notRegistered: observe(.interfaceNotRegistered(error.message))
    case .fault, .refused, .unprotected, .badSecret: observe(.permissionDenied(error.message))
    }
  }
}
