// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Wire

@testable import LDAP

/// A directory server on loopback that says whatever a test makes it say.
final class FakeServer: Sendable {
  /// What a test's script can do with one connection; used on its event loop.
  struct Peer {
    let channel: any Channel

    func send(_ message: LDAPMessage) { sendRaw(message.encoded) }
    func send(_ id: Int32, _ operation: ProtocolOperation, _ controls: [Control] = []) {
      send(LDAPMessage(id: id, operation, controls: controls))
    }
    func sendRaw(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }
    func close() { channel.close(promise: nil) }
  }

  typealias Script = @Sendable (LDAPMessage, Peer) -> Void

  let channel: any Channel
  let port: Int
  private let log: Log

  private final class Log: Sendable {
    let received = Mutex<[LDAPMessage]>([])
  }

  /// Every message that clients sent so far.
  var received: [LDAPMessage] { log.received.withLock { $0 } }

  private init(_ channel: any Channel, _ log: Log) {
    self.channel = channel
    port = channel.localAddress?.port ?? 0
    self.log = log
  }

  /// - Parameter accepted: called for each new connection, before anything is read.
  static func start(accepted: @escaping @Sendable (Peer) -> Void = { _ in }, _ script: @escaping Script) async throws
    -> FakeServer
  {
    let log = Log()
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Handler(log, accepted, script))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    return FakeServer(channel, log)
  }

  /// Starts a server, connects to it without protection, runs the test, and ends both.
  static func with<R>(
    _ options: LDAPOptions = .testing, _ script: @escaping Script,
    test: (LDAPConnection, FakeServer) async throws -> R
  ) async throws -> R {
    let server = try await start(script)
    let connection = try await server.connect(options)
    do {
      let result = try await test(connection, server)
      await connection.close()
      try await server.channel.close()
      return result
    } catch {
      await connection.close()
      try await server.channel.close()
      throw error
    }
  }

  /// - Parameter other: instead of the server's own port.
  func connect(
    _ options: LDAPOptions = .testing, security: ConnectionSecurity = .open, port other: Int? = nil
  ) async throws -> LDAPConnection {
    try await LDAPConnection.connect(
      to: ServerAddress(host: "dc1.corp.example", address: "127.0.0.1", port: other ?? port), security: security,
      flow: Flow(row: "connect-ad/ldap", recorder: flows), options: options, logger: Logger(label: "test"))
  }

  let flows = RecordedFlows()

  /// Waits until the client has sent what the test waits for.
  func waits(for condition: @Sendable ([LDAPMessage]) -> Bool) async throws {
    try await eventually { condition(received) }
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let log: Log
    private let accepted: @Sendable (Peer) -> Void
    private let script: Script
    private var framer = MessageFramer(maximumSize: 1 << 20)

    init(_ log: Log, _ accepted: @escaping @Sendable (Peer) -> Void, _ script: @escaping Script) {
      self.log = log
      self.accepted = accepted
      self.script = script
    }

    func channelActive(context: ChannelHandlerContext) { accepted(Peer(channel: context.channel)) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      framer.append(unwrapInboundIn(data))
      while let bytes = (try? framer.next()).flatMap({ $0 }), let message = try? LDAPMessage(bytes) {
        log.received.withLock { $0.append(message) }
        script(message, Peer(channel: context.channel))
      }
    }
  }
}

extension LDAPOptions {
  /// Patient enough for a busy machine; tests of timeouts set their own.
  static var testing: LDAPOptions {
    var options = LDAPOptions()
    options.connectTimeout = .seconds(60)
    options.operationTimeout = .seconds(60)
    options.handshakeTimeout = .seconds(60)
    return options
  }
}

extension ProtocolOperation {
  static func done(_ code: ResultCode = .success, _ diagnostic: String = "", referrals: [String] = [])
    -> ProtocolOperation
  {
    .searchResultDone(LDAPResult(code, diagnosticMessage: diagnostic, referrals: referrals))
  }

  static func entry(_ dn: String, _ attributes: [Attribute] = []) -> ProtocolOperation {
    .searchResultEntry(SearchEntry(dn: dn, attributes: attributes))
  }
}

/// Runs the body and returns the LDAPError that it must throw.
func ldapError(_ body: () async throws -> Void) async -> LDAPError? {
  do {
    try await body()
    return nil
  } catch {
    return error as? LDAPError
  }
}

func hex(_ text: String) -> [UInt8] {
  // Comments run from `#` to the end of the line.
  let digits = text.split(separator: "\n").map { $0.prefix { $0 != "#" } }.joined().filter { $0.isHexDigit }
  return Hex.decode(digits) ?? []
}

extension AsyncSequence {
  func collect() async throws -> [Element] {
    var all: [Element] = []
    for try await element in self { all.append(element) }
    return all
  }
}

let someGUID = GUID([UInt8](repeating: 3, count: 16))!
