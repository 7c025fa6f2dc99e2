// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import Synchronization
import TCP
import Wire

/// The channel of one connection and the way onto its event loop. The last reference closes the channel.
final class Link: Sendable {
  let server: ServerAddress
  let channel: any Channel
  let options: LDAPOptions
  let logger: Logger
  private let gate: ReadGate
  private let handler: NIOLoopBound<OperationHandler>
  private let lastTicket = Atomic<UInt64>(0)

  private init(
    _ server: ServerAddress, _ channel: any Channel, _ gate: ReadGate, _ handler: NIOLoopBound<OperationHandler>,
    _ options: LDAPOptions, _ logger: Logger
  ) {
    self.server = server
    self.channel = channel
    self.gate = gate
    self.handler = handler
    self.options = options
    self.logger = logger
  }

  deinit { channel.eventLoop.execute { [handler] in handler.value.close() } }

  /// Opens the TCP connection, unless `socket` is one, and starts the clock of the handshakes.
  static func open(
    _ server: ServerAddress, _ options: LDAPOptions, over socket: CInt?, _ group: any EventLoopGroup, _ logger: Logger
  ) async throws -> Link {
    do {
      return try await TCPConnector(
        peer: server.description, address: server.address, port: server.port, socket: socket,
        timeout: options.connectTimeout, group: group
      ).open { try install(on: $0, server, options, logger) }
    } catch let failure as TCPFailure {
      throw LDAPError(failure.isTimeout ? .timeout : .unreachable, failure.message, remedy: failure.remedy)
    }
  }

  private static func install(
    on channel: any Channel, _ server: ServerAddress, _ options: LDAPOptions, _ logger: Logger
  ) throws -> Link {
    let loop = channel.eventLoop
    let slot = NIOLoopBoundBox<OperationHandler?>(nil, eventLoop: loop)
    let gate = ReadGate(limit: options.bufferLimit) { loop.execute { slot.value?.resumeReading() } }
    let handler = OperationHandler(server: server.description, limits: options.limits, gate: gate, logger: logger)
    slot.value = handler
    try channel.pipeline.syncOperations.addHandler(handler)
    return Link(server, channel, gate, NIOLoopBound(handler, eventLoop: loop), options, logger)
  }

  /// Bytes of all messages that arrived, without what protects them.
  var received: Int { gate.received }

  // MARK: Operations

  /// Sends a request. Its answers, and those of the requests that follow it up, come from the operation.
  ///
  /// - Parameter patience: the longest wait for the next answer; nil for ``LDAPOptions/operationTimeout``.
  func start(_ request: Request, patience: Duration? = nil, followUp: FollowUp? = nil) -> Operation {
    let ticket = lastTicket.add(1, ordering: .relaxed).newValue
    let stream = ResponseStream(gate: gate, timeout: TimeAmount(patience ?? options.operationTimeout))
    let loop = channel.eventLoop
    loop.execute { [handler] in
      handler.value.start(request, ticket: ticket, stream: stream, followUp: followUp)
    }
    return Operation(stream) { [handler] in
      loop.execute { handler.value.abandon(ticket: ticket) }
    }
  }

  /// Sends a request that has one answer.
  func perform(_ operation: ProtocolOperation, controls: [Control] = []) async throws -> LDAPMessage {
    guard let message = try await start(Request(operation: operation, controls: controls)).response() else {
      throw LDAPError.protocolViolation(server.description, "an operation without an answer")
    }
    return message
  }

  // MARK: The connection as a whole

  func arm(_ time: Duration, phase: String) async throws {
    try await channel.eventLoop.submit { [handler] in handler.value.arm(TimeAmount(time), phase: phase) }.get()
  }

  func disarm() async throws {
    try await channel.eventLoop.submit { [handler] in handler.value.disarm() }.get()
  }

  func protect(with context: any SecurityContext, maximumSent: Int) async throws {
    let name = server.description
    let maximumReceived = options.limits.saslBufferSize
    try await channel.eventLoop.submit { [handler] in
      let layer = SASLLayerHandler(context, server: name, maximumReceived: maximumReceived, maximumSent: maximumSent)
      try handler.value.install(layer)
    }.get()
  }

  func close() async {
    channel.eventLoop.execute { [handler] in handler.value.close() }
    try? await channel.closeFuture.get()
  }
}
