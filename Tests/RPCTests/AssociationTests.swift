// SPDX-License-Identifier: Apache-2.0

import NIOPosix
import Synchronization
import Testing
import TestSupport
import Wire

@testable import RPC

/// Associations with peers that misbehave. Those with real ones are in the integration tests.
@Suite struct AssociationTests {
  private var quick: RPCOptions {
    var options = RPCOptions()
    options.bindTimeout = .milliseconds(300)
    options.callTimeout = .milliseconds(300)
    return options
  }

  private func connect(
    _ server: ScriptedServer, security: RPCSecurity = .none, options: RPCOptions = RPCOptions(), flow: Flow? = nil
  ) async throws -> RPCAssociation {
    try await RPCAssociation.connect(
      to: server.server, .samr, security: security, flow: flow, options: options,
      group: MultiThreadedEventLoopGroup.singleton)
  }

  private func privacy(_ context: MarkedContext) -> RPCSecurity {
    .privacy(MarkedProvider(context: context), ServicePrincipal(service: "ldap", host: "dc1"), .kerberos)
  }

  private func code(_ body: () async throws -> Void) async -> RPCError.Code? {
    do {
      try await body()
      return nil
    } catch {
      #expect(error is RPCError, "\(error)")
      return (error as? RPCError)?.code
    }
  }

  // MARK: Binding

  @Test(arguments: [
    (UInt16(2), UInt16(1), RPCError.Code.interfaceRefused), (2, 2, .interfaceRefused), (1, 0, .interfaceRefused),
  ])
  func refusedInterfaces(_ result: UInt16, _ reason: UInt16, _ expected: RPCError.Code) async throws {
    let server = try await ScriptedServer { [Answers.bindAck(to: $0, result: result, reason: reason)] }
    let recorder = RecordedFlows()
    let flow = Flow(row: "connect-ad/rpc-dynamic", recorder: recorder)
    #expect(await code { _ = try await connect(server, flow: flow) } == expected)
    #expect(recorder.uses.isEmpty)
  }

  @Test func recordsWhatWasBound() async throws {
    let server = try await ScriptedServer { [Answers.bindAck(to: $0)] }
    let recorder = RecordedFlows()
    let association = try await connect(server, flow: Flow(row: "connect-ad/rpc-dynamic", recorder: recorder))
    #expect(recorder.uses.map(\.port) == [server.port])
    await association.close()
    #expect(await code { _ = try await association.call(1, "test", []) } == .notOpen)
  }

  @Test func bindNak() async throws {
    let server = try await ScriptedServer {
      [Fragment(.bindNak, callID: $0.header.callID, body: BindNakPDU(reason: 8).encoded).bytes]
    }
    let error = await #expect(throws: RPCError.self) { _ = try await connect(server) }
    #expect(error?.code == .bindRefused && error?.status == 8 && error?.remedy.contains("Kerberos") == true)
  }

  @Test func silence() async throws {
    let server = try await ScriptedServer { _ in [] }
    #expect(await code { _ = try await connect(server, options: quick) } == .timeout)
  }

  @Test func closing() async throws {
    let server = try await ScriptedServer { _ in nil }
    #expect(await code { _ = try await connect(server) } == .closed)
  }

  @Test func anotherProtocol() async throws {
    let server = try await ScriptedServer(greeting: Array("SSH-2.0-OpenSSH_9.2\r\n".utf8)) { _ in [] }
    let error = await #expect(throws: RPCError.self) { _ = try await connect(server) }
    #expect(error?.code == .notRPC && error?.message.contains("SSH-2.0") == true)
  }

  @Test func nobodyListens() async throws {
    let closed = try await ScriptedServer { _ in nil }
    let port = closed.port
    try await closed.close()
    let server = ServerAddress(host: "dc1", address: "127.0.0.1", port: port)
    #expect(
      await code {
        _ = try await RPCAssociation.connect(
          to: server, .samr, security: .none, flow: nil, group: MultiThreadedEventLoopGroup.singleton)
      } == .unreachable)
  }

  @Test func tinyFragments() async throws {
    let server = try await ScriptedServer { [Answers.bindAck(to: $0, fragmentSize: 100)] }
    #expect(await code { _ = try await connect(server) } == .malformed)
  }

  @Test func withoutAuthentication() async throws {
    let server = try await ScriptedServer { [Answers.bindAck(to: $0)] }
    let context = MarkedContext([.send([1]), .sendAndComplete([2])])
    #expect(await code { _ = try await connect(server, security: privacy(context)) } == .unprotected)
  }

  @Test func lessThanSealing() async throws {
    let server = try await ScriptedServer { [Answers.bindAck(to: $0, token: [7])] }
    let context = MarkedContext([.send([1]), .sendAndComplete([2])], protection: .integrity)
    #expect(await code { _ = try await connect(server, security: privacy(context)) } == .unprotected)
  }

  // MARK: Calling

  private func serving(_ answer: @escaping ScriptedServer.Answer) async throws -> ScriptedServer {
    try await ScriptedServer { fragment in
      fragment.header.type == .bind ? [Answers.bindAck(to: fragment)] : try answer(fragment)
    }
  }

  @Test func fragmentsOfAnAnswer() async throws {
    let server = try await serving { fragment in
      let call = fragment.header.callID
      return [
        Answers.response(call, [1, 2], flags: .first), Answers.response(call, [3], flags: []),
        Answers.response(call, [4], flags: .last),
      ]
    }
    #expect(try await connect(server).call(1, "test", []) == [1, 2, 3, 4])
  }

  @Test func fragmentsOfARequest() async throws {
    let received = Mutex<[UInt8]>([])
    let server = try await serving { fragment in
      guard case .request(let request) = try PDU(fragment) else { return nil }
      received.withLock { $0 += request.stub }
      return fragment.header.flags.contains(.last) ? [Answers.response(fragment.header.callID, [0])] : []
    }
    let stub = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    #expect(try await connect(server).call(1, "test", stub) == [0])
    #expect(received.withLock { $0 } == stub)
  }

  @Test func faultsInWords() async throws {
    let server = try await serving { [Answers.fault($0.header.callID, 0x1c01_0002)] }
    let association = try await connect(server)
    let error = await #expect(throws: RPCError.self) { _ = try await association.call(99, "SamrNothing", []) }
    #expect(error?.code == .fault && error?.status == 0x1c01_0002)
    #expect(error?.message.contains("SamrNothing") == true && error?.message.contains("no such procedure") == true)
    // The association lives on.
    #expect(await code { _ = try await association.call(99, "SamrNothing", []) } == .fault)
  }

  @Test func wrongAnswers() async throws {
    let wrong: [@Sendable (UInt32) -> [UInt8]] = [
      { Answers.response($0 &+ 1, [1]) },
      { Fragment(.bindNak, callID: $0, body: BindNakPDU(reason: 0).encoded).bytes },
      { Answers.response($0, [1], flags: .last) },
      { [5, 0, 2, 3, 0x10, 0, 0, 0, 0xff, 0xff, 0, 0] + withUnsafeBytes(of: $0) { Array($0) } },
    ]
    for answer in wrong {
      let server = try await serving { [answer($0.header.callID)] }
      let association = try await connect(server)
      #expect(await code { _ = try await association.call(1, "test", []) } == .malformed)
      #expect(await code { _ = try await association.call(1, "test", []) } == .notOpen)
    }
  }

  @Test func timeOfACall() async throws {
    let server = try await serving { _ in [] }
    let association = try await connect(server, options: quick)
    #expect(await code { _ = try await association.call(1, "test", []) } == .timeout)
    #expect(await code { _ = try await association.call(1, "test", []) } == .notOpen)
  }

  @Test func cancellation() async throws {
    let (began, signal) = AsyncStream.makeStream(of: Void.self)
    let server = try await serving { _ in
      signal.yield()
      return []
    }
    let association = try await connect(server)
    let task = Task { try await association.call(1, "test", []) }
    for await _ in began { break }
    task.cancel()
    await #expect(throws: CancellationError.self) { _ = try await task.value }
    #expect(await code { _ = try await association.call(1, "test", []) } == .notOpen)
  }

  /// Answers no call, and tells what came.
  private func listening() async throws -> (ScriptedServer, AsyncStream<Fragment>) {
    let (fragments, signal) = AsyncStream.makeStream(of: Fragment.self)
    let server = try await serving { fragment in
      signal.yield(fragment)
      return []
    }
    return (server, fragments)
  }

  /// C706 12.6.4.6: a co_cancel has a header only, and the call's number.
  @Test(.timeLimit(.minutes(1))) func aCancelledCallIsTold() async throws {
    let (server, fragments) = try await listening()
    let association = try await connect(server)
    let task = Task { try await association.call(1, "test", []) }
    var iterator = fragments.makeAsyncIterator()
    let request = try #require(await iterator.next())
    #expect(request.header.type == .request)
    task.cancel()
    let cancel = try #require(await iterator.next())
    #expect(cancel.header.type == .cancel && cancel.header.callID == request.header.callID)
    #expect(cancel.header.flags == .whole && cancel.bytes.count == PDUHeader.length)
    await #expect(throws: CancellationError.self) { _ = try await task.value }
  }

  @Test(.timeLimit(.minutes(1))) func aCallOutOfTimeIsTold() async throws {
    let (server, fragments) = try await listening()
    let association = try await connect(server, options: quick)
    #expect(await code { _ = try await association.call(1, "test", []) } == .timeout)
    var types: [PDUType] = []
    for await fragment in fragments.prefix(2) { types.append(fragment.header.type) }
    #expect(types == [.request, .cancel])
  }

  /// A call that was answered has nothing to cancel.
  @Test(.timeLimit(.minutes(1))) func anAnsweredCallIsNotCancelled() async throws {
    let (fragments, signal) = AsyncStream.makeStream(of: PDUType.self)
    let server = try await serving { fragment in
      signal.yield(fragment.header.type)
      return [Answers.response(fragment.header.callID, [1])]
    }
    let association = try await connect(server)
    let task = Task { try await association.call(1, "test", []) }
    _ = try await task.value
    task.cancel()
    _ = try await association.call(2, "test", [])
    var types: [PDUType] = []
    for await type in fragments.prefix(2) { types.append(type) }
    #expect(types == [.request, .request])
  }

  // MARK: Sealing

  /// A server that seals as the client does, or not.
  private func sealing(
    signsHeaders: Bool, _ answer: @escaping @Sendable (MarkedContext, UInt32) throws -> [UInt8]
  ) async throws -> (ScriptedServer, MarkedContext, Received) {
    let received = Received()
    let peer = MarkedContext([])
    let server = try await ScriptedServer { fragment in
      switch fragment.header.type {
      case .bind:
        let flags: PDUFlags = signsHeaders ? [.whole, .headerSigning] : .whole
        return [Answers.bindAck(to: fragment, flags: flags, token: [7])]
      case .auth3: return []
      default:
        var fragment = fragment
        let protection = FragmentProtection(
          context: peer, type: .kerberos, contextID: BindHandshake.securityContextID, signsHeaders: signsHeaders)
        try protection.unseal(&fragment, peer: "client")
        guard case .request(let request) = try PDU(fragment) else { return nil }
        received.append(request.stub)
        guard fragment.header.flags.contains(.last) else { return [] }
        return [try answer(peer, fragment.header.callID)]
      }
    }
    return (server, MarkedContext([.send([1]), .sendAndComplete([2])]), received)
  }

  final class Received: Sendable {
    private let kept = Mutex<[UInt8]>([])
    func append(_ bytes: [UInt8]) { kept.withLock { $0 += bytes } }
    var bytes: [UInt8] { kept.withLock { $0 } }
  }

  /// Requests and responses differ in their type only.
  private static func sealed(
    _ context: MarkedContext, _ callID: UInt32, _ stub: [UInt8], signsHeaders: Bool
  ) throws -> [UInt8] {
    let segments: (Int, Int) -> [Segment] = { end, token in
      signsHeaders ? [.signed(0..<24), .sealed(24..<end), .signed(end..<token)] : [.sealed(24..<end)]
    }
    var fragment = Fragment(
      .response, callID: callID,
      body: ResponsePDU(allocationHint: UInt32(stub.count), contextID: 0, stub: stub).encoded,
      security: (.kerberos, BindHandshake.securityContextID), tokenLength: MarkedContext.tokenSize, paddedFrom: 8,
      to: 16)
    let parts = segments(fragment.trailerStart, fragment.tokenStart)
    let token = try fragment.withBytes { bytes throws(SecurityError) in try context.seal(&bytes, parts) }
    guard fragment.setToken(token) else { throw RPCError(.malformed, "token", remedy: "") }
    return fragment.bytes
  }

  @Test(arguments: [true, false]) func sealsBothWays(_ signsHeaders: Bool) async throws {
    let (server, context, received) = try await sealing(signsHeaders: signsHeaders) { peer, call in
      try Self.sealed(peer, call, [5, 6, 7], signsHeaders: signsHeaders)
    }
    let association = try await connect(server, security: privacy(context))
    let stub = (0..<12_001).map { UInt8(truncatingIfNeeded: $0) }
    #expect(try await association.call(3, "test", stub) == [5, 6, 7])
    #expect(Array(received.bytes.prefix(stub.count)) == stub)
    // The verification trailer is under the seal.
    let trailer = Array(received.bytes.dropFirst((stub.count + 3) / 4 * 4))
    #expect(trailer.starts(with: VerificationTrailer.signature))
    #expect(trailer.count == (signsHeaders ? 60 : 80))
    let segments = context.sealed.withLock { $0 }
    #expect(segments.count == 3 && segments.allSatisfy { $0.count == (signsHeaders ? 3 : 1) })
    #expect(try await association.sessionKey().count == 3)
    await association.close()
  }

  @Test func refusesUnsealedAnswers() async throws {
    let (server, context, _) = try await sealing(signsHeaders: true) { _, call in Answers.response(call, [1]) }
    let association = try await connect(server, security: privacy(context))
    #expect(await code { _ = try await association.call(3, "test", []) } == .unprotected)
  }

  @Test func refusesForgedAnswers() async throws {
    let (server, context, _) = try await sealing(signsHeaders: true) { peer, call in
      var bytes = try Self.sealed(peer, call, [1, 2, 3], signsHeaders: true)
      bytes[25] ^= 1
      return bytes
    }
    let association = try await connect(server, security: privacy(context))
    await #expect(throws: SecurityError.self) { _ = try await association.call(3, "test", []) }
    #expect(await code { _ = try await association.call(3, "test", []) } == .notOpen)
  }

  /// MS-RPCE 3.3.1.5.2.2: a fault may come without protection.
  @Test func takesUnsealedFaults() async throws {
    let (server, context, _) = try await sealing(signsHeaders: true) { _, call in Answers.fault(call, 5) }
    let association = try await connect(server, security: privacy(context))
    let error = await #expect(throws: RPCError.self) { _ = try await association.call(3, "test", []) }
    #expect(error?.code == .fault && error?.status == 5)
  }
}
