// SPDX-License-Identifier: Apache-2.0

import Wire

/// The messages that make an association, without any input or output (MS-RPCE 3.3.1.5.2.1 and its sequence in 4.2).
///
/// bind → bind_ack; then with raw Kerberos one rpc_auth_3 without an answer, with SPNEGO alter_context →
/// alter_context_resp until the handshake is over.
struct BindHandshake: ~Copyable {
  enum Action {
    case send(Fragment, answered: Bool)
    case sendAndComplete(Fragment)
    case complete
  }

  /// Any value: an association has one security context.
  static let securityContextID: UInt32 = 1
  static let contextID: UInt16 = 0
  private static let callID: UInt32 = 1

  private enum State { case fresh, bound, altering, complete }

  private let peer: String
  private let interface: RPCInterface
  private let context: (any SecurityContext)?
  private let type: AuthenticationType
  private let maximumFragment: Int
  private var state = State.fresh
  private var isContextComplete = false
  private var steps = 0
  /// Bytes of a fragment that the server accepts.
  private(set) var maximumSent: Int
  private(set) var signsHeaders = false

  init(
    peer: String, interface: RPCInterface, context: (any SecurityContext)?, mechanism: SecurityParameters.Mechanism,
    maximumFragment: Int
  ) {
    self.peer = peer
    self.interface = interface
    self.context = context
    type = mechanism == .kerberos ? .kerberos : .negotiate
    self.maximumFragment = maximumFragment
    maximumSent = maximumFragment
  }

  /// What protects messages after the handshake; nil where nothing does.
  var protection: FragmentProtection? {
    context.map {
      FragmentProtection(
        context: $0, type: type, contextID: Self.securityContextID, signsHeaders: signsHeaders)
    }
  }

  private var bind: BindPDU {
    BindPDU(
      maximumSent: UInt16(clamping: maximumFragment), maximumReceived: UInt16(clamping: maximumFragment),
      contexts: [.init(id: Self.contextID, abstractSyntax: interface.syntax)])
  }

  private func fragment(_ type: PDUType, flags: PDUFlags = .whole, body: [UInt8], token: [UInt8]?) throws(RPCError)
    -> Fragment
  {
    var fragment = Fragment(
      type, flags: flags, callID: Self.callID, body: body,
      security: token.map { _ in (self.type, Self.securityContextID) }, tokenLength: token?.count ?? 0)
    guard fragment.bytes.count <= maximumFragment, token.map({ fragment.setToken($0) }) ?? true else {
      throw RPCError(
        .tooLarge, "The ticket for \(peer) takes \(token?.count ?? 0) bytes, which one message cannot carry.",
        remedy: "Remove the account from groups that it does not need: they are in the ticket.")
    }
    return fragment
  }

  /// The bind.
  mutating func start() throws -> Fragment {
    guard let context else { return try fragment(.bind, body: bind.encoded, token: nil) }
    guard case .send(let token) = try context.step(nil) else { throw outOfTurn }
    return try fragment(.bind, flags: [.whole, .headerSigning], body: bind.encoded, token: token)
  }

  mutating func receive(_ fragment: Fragment) throws -> Action {
    guard fragment.header.callID == Self.callID else {
      throw RPCError.malformed(peer, "an answer to call \(fragment.header.callID) where a bind was sent")
    }
    let pdu: PDU
    do {
      pdu = try PDU(fragment)
    } catch {
      throw RPCError.malformed(peer, "\(error)")
    }
    switch (state, pdu) {
    case (.fresh, .bindAck(let ack)):
      try accept(ack)
      signsHeaders = context != nil && fragment.header.flags.contains(.headerSigning)
      state = .bound
    case (.bound, .alterContextResponse(let ack)), (.altering, .alterContextResponse(let ack)):
      try check(ack)
    case (_, .bindNak(let nak)): throw refusal(nak)
    case (_, .fault(let fault)):
      throw FaultStatus.error(fault.status, peer: peer, operation: "the bind of \(interface)")
    default:
      throw RPCError.malformed(peer, "\(fragment.header.type.name) in answer to the bind of \(interface)")
    }
    guard let context else { return finish(.complete) }
    if isContextComplete { return finish(.complete) }
    return try proceed(context, fragment)
  }

  private mutating func proceed(_ context: any SecurityContext, _ fragment: Fragment) throws -> Action {
    steps += 1
    guard steps <= RPCLimits.handshakeSteps else {
      throw RPCError.tooLarge(peer, "\(steps) messages of one handshake")
    }
    guard let trailer = fragment.trailer, trailer.type == type.rawValue else {
      throw RPCError(
        .unprotected, "\(peer) accepted the bind of \(interface) but does not authenticate itself.",
        remedy: "Check the server's security policy and what stands between this machine and the server.")
    }
    switch try context.step(fragment.token) {
    case .complete: return finish(.complete)
    case .sendAndComplete(let token):
      isContextComplete = true
      if type == .kerberos {
        // MS-RPCE 3.3.1.5.2.2: the third of three messages has no answer.
        return finish(.sendAndComplete(try self.fragment(.auth3, body: PDU.auth3.body, token: token)))
      }
      return try alter(token)
    case .send(let token): return try alter(token)
    }
  }

  private mutating func alter(_ token: [UInt8]) throws -> Action {
    state = .altering
    return .send(try fragment(.alterContext, body: bind.encoded, token: token), answered: true)
  }

  private mutating func finish(_ action: Action) -> Action {
    state = .complete
    return action
  }

  private mutating func accept(_ ack: BindAckPDU) throws(RPCError) {
    try check(ack)
    let accepted = Int(ack.maximumReceived)
    guard accepted >= RPCLimits.leastFragment else {
      throw RPCError.malformed(
        peer, "fragments of \(accepted) bytes, C706 asks for \(RPCLimits.leastFragment) at least")
    }
    maximumSent = min(maximumFragment, accepted)
  }

  private func check(_ ack: BindAckPDU) throws(RPCError) {
    guard let result = ack.results.first, ack.results.count == 1 else {
      throw RPCError.malformed(peer, "\(ack.results.count) results where one interface was asked for")
    }
    guard result.result == 0 else {
      let reason =
        switch (result.result, result.reason) {
        case (2, 1): "the server does not offer it on this port"
        case (2, 2): "the server does not accept NDR 2.0, the only encoding offered"
        case (2, 3): "a local limit of the server is exceeded"
        default: "result \(result.result), reason \(result.reason)"
        }
      throw RPCError(
        .interfaceRefused, "\(peer) refuses the interface \(interface): \(reason).",
        remedy: "Ask the endpoint mapper (port 135) anew: the service may have moved to another port.",
        status: UInt32(result.reason))
    }
    guard result.transferSyntax == .ndr else {
      throw RPCError.malformed(peer, "an encoding that was not offered (\(result.transferSyntax))")
    }
  }

  private func refusal(_ nak: BindNakPDU) -> RPCError {
    RPCError(
      .bindRefused, "\(peer) refuses the bind of \(interface): \(nak.words).",
      remedy: nak.reason == 8 || nak.reason == 9
        ? "Check that the server accepts Kerberos: its account, its clock, its service principal names."
        : "Ask the endpoint mapper (port 135) anew, and look into the server's log.",
      status: UInt32(nak.reason))
  }

  private var outOfTurn: RPCError {
    RPCError(.unprotected, "The handshake with \(peer) came out of turn.", remedy: "Report this as a defect.")
  }
}
