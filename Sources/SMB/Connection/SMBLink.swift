// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import Synchronization
import TCP
import Wire

/// The channel of one connection and the way onto its event loop. The last reference closes the channel.
final class SMBLink: Sendable {
  let server: ServerAddress
  let options: SMBOptions
  let channel: any Channel
  private let handler: NIOLoopBound<SMBHandler>
  private let lastTicket = Atomic<UInt64>(0)

  private init(
    _ server: ServerAddress, _ options: SMBOptions, _ channel: any Channel, _ handler: NIOLoopBound<SMBHandler>
  ) {
    self.server = server
    self.options = options
    self.channel = channel
    self.handler = handler
  }

  deinit { channel.eventLoop.execute { [handler] in handler.value.close() } }

  /// Opens the TCP connection, unless `socket` is one.
  static func open(
    _ server: ServerAddress, _ options: SMBOptions, over socket: CInt? = nil, _ group: any EventLoopGroup,
    _ logger: Logger
  ) async throws -> SMBLink {
    do {
      return try await TCPConnector(
        peer: server.description, address: server.address, port: server.port, socket: socket,
        timeout: options.connectTimeout, group: group
      ).open { channel in
        let handler = SMBHandler(server: server.description, logger: logger)
        try channel.pipeline.syncOperations.addHandler(handler)
        return SMBLink(server, options, channel, NIOLoopBound(handler, eventLoop: channel.eventLoop))
      }
    } catch let failure as TCPFailure {
      throw SMBError(failure.isTimeout ? .timeout : .unreachable, failure.message, remedy: failure.remedy)
    }
  }

  // MARK: - Requests

  /// Sends a request and waits for its answer, whatever the answer says.
  func perform(_ request: SMBRequest, timeout: Duration? = nil) async throws -> SMBMessage {
    let ticket = lastTicket.add(1, ordering: .relaxed).newValue
    let loop = channel.eventLoop
    let promise = loop.makePromise(of: SMBMessage.self)
    let time = TimeAmount(timeout ?? options.operationTimeout)
    loop.execute { [handler] in
      handler.value.perform(request, ticket: ticket, timeout: time, promise: promise)
    }
    return try await withTaskCancellationHandler {
      try await promise.futureResult.get()
    } onCancel: {
      loop.execute { [handler] in handler.value.cancel(ticket: ticket, CancellationError()) }
    }
  }

  /// Sends a request whose answer must have one of the statuses.
  /// - Parameter action: for errors, for example `Opening the pipe samr`.
  func perform(
    _ request: SMBRequest, action: String, accepting statuses: Set<NTStatus> = [.success]
  ) async throws -> SMBMessage {
    let message = try await perform(request)
    let status = message.header.status
    guard !statuses.contains(status) else { return message }
    if status.isError { _ = try decode(message, ErrorResponse.init) }
    throw SMBError(status, action: action, server: server.description)
  }

  /// Reads a body; one that cannot be read is a violation of the protocol.
  func decode<Body>(_ message: SMBMessage, _ body: (SMBMessage) throws(ByteError) -> Body) throws(SMBError) -> Body {
    do throws(ByteError) { return try body(message) } catch {
      throw .protocolViolation(server.description, "an answer to \(message.header.command), \(error)")
    }
  }

  // MARK: - The connection as a whole

  /// Runs on the event loop, where the connection's state lives.
  func onLoop<R: Sendable>(_ body: @escaping @Sendable (SMBHandler) throws -> R) async throws -> R {
    try await channel.eventLoop.submit { [handler] in try body(handler.value) }.get()
  }

  func close() async {
    channel.eventLoop.execute { [handler] in handler.value.close() }
    try? await channel.closeFuture.get()
  }
}
