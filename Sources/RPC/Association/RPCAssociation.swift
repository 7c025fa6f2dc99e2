// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NIOCore
package import Wire

/// A client's association with one interface of a server (C706 chapter 9, MS-RPCE 3.3.1).
///
/// Calls follow each other; one that comes while another is under way waits for its turn. A call that is cancelled or runs
/// out of time is told to the server (co_cancel, C706 12.6.4.6) and closes the association, since its answer may still be on
/// the way: Windows and Samba take no notice of a co_cancel, other servers may.
package actor RPCAssociation: Closable {
  package nonisolated let interface: RPCInterface
  package nonisolated let peer: String
  /// How messages are protected, in words.
  package nonisolated let protectionSummary: String
  private let channel: any FragmentChannel
  private let protection: FragmentProtection?
  private let maximumSent: Int
  private let options: RPCOptions
  private var lastCallID: UInt32 = 1
  private var isOpen = true
  private var isBusy = false
  private var turns: [CheckedContinuation<Void, Never>] = []

  private init(
    _ interface: RPCInterface, _ channel: any FragmentChannel, _ protection: FragmentProtection?, maximumSent: Int,
    _ options: RPCOptions
  ) {
    self.interface = interface
    self.channel = channel
    self.protection = protection
    self.maximumSent = maximumSent
    self.options = options
    peer = channel.peer
    protectionSummary = protection?.context.summary ?? "none"
  }

  // MARK: - Opening

  /// Connects over TCP and binds.
  /// - Parameters:
  ///   - flow: the row under which the association is recorded once it is bound, never before.
  ///   - socket: the descriptor of a TCP connection to the server that stands already; it is taken over.
  /// - Throws: `RPCError`, `SecurityError`, what the security provider throws, or `CancellationError`.
  package static func connect(
    to server: ServerAddress, _ interface: RPCInterface, security: RPCSecurity, flow: Flow?,
    options: RPCOptions = RPCOptions(), over socket: CInt? = nil, group: any EventLoopGroup
  ) async throws -> RPCAssociation {
    // The ticket first: no connection waits for a KDC.
    let context: (any SecurityContext)?
    do {
      context = try await securityContext(security)
    } catch {
      if let socket { Glibc.close(socket) }
      throw error
    }
    let channel = try await TCPChannel.connect(
      server, timeout: options.connectTimeout, over: socket, group: group)
    let association = try await bind(channel, interface, security, context, options)
    flow?.established(
      .tcp, host: server.host, address: server.address, port: server.port, protection: association.protectionSummary)
    return association
  }

  /// Binds over a pipe that is already signed in.
  package static func open(
    _ pipe: any PipeTransport, _ interface: RPCInterface, options: RPCOptions = RPCOptions()
  ) async throws -> RPCAssociation {
    try await bind(PipeChannel(pipe), interface, .none, nil, options)
  }

  /// Binds over a local socket of a server on this machine.
  package static func connect(
    toSocket path: String, _ interface: RPCInterface, security: RPCSecurity, options: RPCOptions = RPCOptions(),
    group: any EventLoopGroup
  ) async throws -> RPCAssociation {
    let context = try await securityContext(security)
    let channel = try await TCPChannel.connect(socketPath: path, timeout: options.connectTimeout, group: group)
    return try await bind(channel, interface, security, context, options)
  }

  private static func securityContext(_ security: RPCSecurity) async throws -> (any SecurityContext)? {
    guard case .privacy(let provider, let principal, let mechanism) = security else { return nil }
    return try await provider.initiate(
      principal, SecurityParameters(mechanism: mechanism, protection: .confidentiality, isDCEStyle: true))
  }

  static func bind(
    _ channel: any FragmentChannel, _ interface: RPCInterface, _ security: RPCSecurity,
    _ context: (any SecurityContext)?, _ options: RPCOptions
  ) async throws -> RPCAssociation {
    let mechanism =
      if case .privacy(_, _, let mechanism) = security { mechanism } else { SecurityParameters.Mechanism.kerberos }
    do {
      let bound = try await withTimeLimit(options.bindTimeout) {
        var handshake = BindHandshake(
          peer: channel.peer, interface: interface, context: context, mechanism: mechanism,
          maximumFragment: channel.maximumFragment)
        try await conduct(&handshake, over: channel)
        let protection = handshake.protection
        guard (protection?.context.protection ?? .confidentiality) == .confidentiality else {
          throw RPCError(
            .unprotected, "\(channel.peer) agreed to less than sealing.", remedy: "Check the server's security policy.")
        }
        return RPCAssociation(interface, channel, protection, maximumSent: handshake.maximumSent, options)
      }
      guard let bound else {
        throw RPCError.timeout("\(channel.peer) did not answer the bind of \(interface)", options.bindTimeout)
      }
      return bound
    } catch {
      await channel.close()
      throw error
    }
  }

  private static func conduct(_ handshake: inout BindHandshake, over channel: any FragmentChannel) async throws {
    try await channel.send(try handshake.start().bytes, answered: true, cancel: nil)
    while true {
      let bytes = try await channel.receive(cancel: nil)
      switch try handshake.receive(try fragment(bytes, channel.peer)) {
      case .send(let fragment, let answered): try await channel.send(fragment.bytes, answered: answered, cancel: nil)
      case .sendAndComplete(let fragment): return try await channel.send(fragment.bytes, answered: false, cancel: nil)
      case .complete: return
      }
    }
  }

  private static func fragment(_ bytes: [UInt8], _ peer: String) throws(RPCError) -> Fragment {
    do {
      return try Fragment(bytes)
    } catch {
      throw RPCError.malformed(peer, error.description)
    }
  }

  // MARK: - Calling

  /// The key that both sides hold, from which secrets inside calls are protected further.
  package func sessionKey() throws -> SecretBytes {
    guard let protection else {
      throw RPCError(
        .unprotected, "The association with \(peer) has no session key.", remedy: "Authenticate, or use the pipe's key."
      )
    }
    return try protection.context.sessionKey()
  }

  /// Calls a procedure.
  /// - Parameters:
  ///   - operation: its number in the interface's specification.
  ///   - name: its name there, for messages.
  ///   - stub: the parameters.
  /// - Returns: the results' stub.
  /// - Throws: `RPCError` (a fault among others), `SecurityError`, the transport's errors or `CancellationError`.
  package func call(_ operation: UInt16, _ name: String, _ stub: [UInt8]) async throws -> [UInt8] {
    await takeTurn()
    defer { passTurn() }
    try Task.checkCancellation()
    guard isOpen else {
      throw RPCError(.notOpen, "The association with \(peer) was closed before.", remedy: "Connect again.")
    }
    lastCallID = lastCallID &+ 1
    let callID = lastCallID
    do {
      let answer = try await withTimeLimit(options.callTimeout) {
        try await self.exchange(operation, name, stub, callID: callID)
      }
      guard let answer else { throw RPCError.timeout("\(peer) did not answer \(name)", options.callTimeout) }
      return answer
    } catch let error as RPCError where error.code == .fault {
      // The call is over; the association lives on.
      throw error
    } catch {
      isOpen = false
      await channel.close()
      throw error
    }
  }

  private func exchange(_ operation: UInt16, _ name: String, _ stub: [UInt8], callID: UInt32) async throws -> [UInt8] {
    // Header only. It may go without authentication: nothing is concluded from it (C706 12.6.4.6).
    let cancel = Fragment(.cancel, callID: callID, body: PDU.cancel.body).bytes
    for fragment in try requests(operation, stub, callID: callID) {
      try await channel.send(fragment.bytes, answered: fragment.isLast, cancel: cancel)
    }
    var answer: [UInt8] = []
    while true {
      var fragment = try Self.fragment(await channel.receive(cancel: cancel), peer)
      guard fragment.header.callID == callID else {
        throw RPCError.malformed(peer, "an answer to call \(fragment.header.callID) where \(callID) was made")
      }
      let flags = fragment.header.flags
      switch fragment.header.type {
      case .response:
        if let protection { try protection.unseal(&fragment, peer: peer) }
      case .fault:
        // MS-RPCE 3.3.1.5.2.2: servers may send faults without protection. What they say only ends the call.
        if let protection, fragment.trailer != nil { try protection.unseal(&fragment, peer: peer) }
      case .shutdown: continue  // C706 12.6.4.11: a wish to be left alone, not an answer
      default: throw RPCError.malformed(peer, "\(fragment.header.type.name) in answer to \(name)")
      }
      switch try Self.pdu(fragment, peer) {
      case .fault(let fault): throw FaultStatus.error(fault.status, peer: peer, operation: name)
      case .response(let response):
        guard flags.contains(.first) == answer.isEmpty || response.stub.isEmpty else {
          throw RPCError.malformed(peer, "fragments of an answer out of order")
        }
        guard answer.count + response.stub.count <= RPCLimits.answer else {
          throw RPCError.tooLarge(peer, "an answer of more than \(RPCLimits.answer >> 20) MiB to \(name)")
        }
        answer += response.stub
        if flags.contains(.last) { return answer }
      default: throw RPCError.malformed(peer, "no answer to \(name)")
      }
    }
  }

  private static func pdu(_ fragment: Fragment, _ peer: String) throws(RPCError) -> PDU {
    do {
      return try PDU(fragment)
    } catch {
      throw RPCError.malformed(peer, error.description)
    }
  }

  /// The call's fragments, sealed where the association is.
  private func requests(
    _ operation: UInt16, _ stub: [UInt8], callID: UInt32
  ) throws -> [(bytes: [UInt8], isLast: Bool)] {
    var stub = stub
    var capacity = maximumSent - RequestPDU.stubOffset
    if let protection {
      let header = (callID: callID, contextID: BindHandshake.contextID, operation: operation)
      stub = VerificationTrailer(
        interface: interface.syntax, unsignedHeader: protection.signsHeaders ? nil : header
      ).appended(to: stub)
      capacity = try protection.capacity(ofFragment: maximumSent)
    }
    guard capacity > 0 else { throw RPCError.malformed(peer, "no fragment of \(maximumSent) bytes carries a request") }
    var fragments: [(bytes: [UInt8], isLast: Bool)] = []
    var start = 0
    repeat {
      let end = min(stub.count, start + capacity)
      let isLast = end == stub.count
      let request = RequestPDU(
        allocationHint: UInt32(clamping: stub.count - start), contextID: BindHandshake.contextID, operation: operation,
        stub: Array(stub[start..<end]))
      var flags: PDUFlags = []
      if start == 0 { flags.insert(.first) }
      if isLast { flags.insert(.last) }
      let bytes =
        try protection?.seal(request, flags: flags, callID: callID)
        ?? Fragment(.request, flags: flags, callID: callID, body: request.encoded).bytes
      fragments.append((bytes, isLast))
      start = end
    } while start < stub.count
    return fragments
  }

  /// Ends the association; calls under way fail.
  package func close() async {
    isOpen = false
    await channel.close()
  }

  // MARK: - Turns

  private func takeTurn() async {
    if isBusy { await withCheckedContinuation { turns.append($0) } }
    isBusy = true
  }

  private func passTurn() {
    if turns.isEmpty { isBusy = false } else { turns.removeFirst().resume() }
  }
}
