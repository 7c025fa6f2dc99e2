// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import Wire

/// Carries what ``SMBClientState`` decides: frames out, answers to those who wait for them, and the deadline of each.
///
/// Lives on the event loop; ``SMBLink`` enters through `NIOLoopBound`.
final class SMBHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private struct Waiter {
    let promise: EventLoopPromise<SMBMessage>
    let deadline: Scheduled<Void>
  }

  private let server: String
  private let logger: Logger
  private var state: SMBClientState
  private var framer = DirectTCPFramer()
  private var waiters: [UInt64: Waiter] = [:]
  private var failure: SMBError?
  private var context: ChannelHandlerContext?
  private var deadline: Scheduled<Void>?
  private var hasReceived = false

  init(server: String, logger: Logger) {
    self.server = server
    self.logger = logger
    state = SMBClientState(server: server)
  }

  // MARK: - What the connection asks for

  func perform(_ request: SMBRequest, ticket: UInt64, timeout: TimeAmount, promise: EventLoopPromise<SMBMessage>) {
    guard failure == nil, let context else { return promise.fail(failure ?? closed()) }
    let deadline = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) { [self] in
      expire(ticket, request.command, timeout)
    }
    waiters[ticket] = Waiter(promise: promise, deadline: deadline)
    attempt { state throws(SMBError) in try state.send(request, ticket: ticket) }
  }

  /// Lets the server know that nobody waits any more; whoever waited gets the error.
  func cancel(ticket: UInt64, _ error: any Error) {
    guard let waiter = waiters.removeValue(forKey: ticket) else { return }
    waiter.deadline.cancel()
    attempt { state throws(SMBError) in try state.cancel(ticket: ticket) }
    waiter.promise.fail(error)
  }

  func negotiated(_ dialect: Dialect) { state.negotiated(dialect) }

  func establish(
    _ key: SecretBytes, _ negotiation: SMBNegotiation, last: SMBMessage, encrypts: Bool
  ) throws -> SecretBytes {
    guard failure == nil else { throw failure ?? closed() }
    return try state.establish(key, negotiation, last: last, encrypts: encrypts)
  }

  func beginEncryption() throws { try state.beginEncryption() }

  /// Until ``disarm()`` the connection must be done with its handshakes in this time.
  func arm(_ time: TimeAmount) {
    guard let context else { return }
    deadline = context.eventLoop.assumeIsolated().scheduleTask(in: time) { [self] in
      fail(
        SMBError(
          .timeout, "\(server) did not finish the sign-in within \(time.nanoseconds / 1_000_000_000) s.",
          remedy: "Check that the server is healthy and that nothing between holds packets back."))
    }
  }

  func disarm() {
    deadline?.cancel()
    deadline = nil
  }

  func close() {
    fail(SMBError(.closed, "The connection to \(server) was closed here.", remedy: "Connect again."))
  }

  // MARK: - The channel

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    disarm()
    self.context = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard failure == nil else { return }
    framer.append(unwrapInboundIn(data))
    while failure == nil {
      let frame: [UInt8]?
      do throws(ByteError) { frame = try framer.next() } catch { return fail(notSMB(error)) }
      guard let frame else { return }
      receive(frame)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    fail(closed())
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    fail(error as? SMBError ?? .transport(server, error))
  }

  // MARK: - Messages

  private func receive(_ frame: [UInt8]) {
    do throws(SMBError) {
      let received = try state.receive(frame)
      hasReceived = true
      write(received.frames)
      guard let (ticket, message) = received.answer, let waiter = waiters.removeValue(forKey: ticket) else { return }
      waiter.deadline.cancel()
      waiter.promise.succeed(message)
    } catch {
      fail(error)
    }
  }

  private func attempt(_ body: (inout SMBClientState) throws(SMBError) -> [[UInt8]]) {
    guard failure == nil else { return }
    do throws(SMBError) { write(try body(&state)) } catch { fail(error) }
  }

  private func write(_ frames: [[UInt8]]) {
    guard !frames.isEmpty, let context else { return }
    var buffer = context.channel.allocator.buffer(
      capacity: frames.reduce(0) { $0 + $1.count + DirectTCPFramer.headerSize })
    for frame in frames { DirectTCPFramer.frame(frame, into: &buffer) }
    context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
  }

  private func expire(_ ticket: UInt64, _ command: SMBCommand, _ timeout: TimeAmount) {
    logger.debug("request timed out", metadata: ["server": "\(server)", "command": "\(command)"])
    cancel(
      ticket: ticket,
      SMBError(
        .timeout, "\(server) did not answer \(command) within \(timeout.nanoseconds / 1_000_000_000) s.",
        remedy: "Check the server's load and that nothing between holds packets back."))
  }

  private func fail(_ error: SMBError) {
    guard failure == nil else { return }
    failure = error
    disarm()
    let waiting = waiters.values
    waiters.removeAll()
    for waiter in waiting {
      waiter.deadline.cancel()
      waiter.promise.fail(error)
    }
    context?.close(promise: nil)
  }

  private func notSMB(_ error: ByteError) -> SMBError {
    guard !hasReceived else { return .protocolViolation(server, "\(error)") }
    return SMBError(
      .wrongService, "What answers at \(server) is no SMB server: \(error).",
      remedy: "Check the address and port, and what else may listen there.")
  }

  private func closed() -> SMBError {
    hasReceived
      ? SMBError(
        .closed, "\(server) closed the connection.",
        remedy: "Connect again; a server that restarts or is overloaded closes connections.")
      : SMBError(
        .closed, "\(server) closed the connection without an answer to SMB 2 and 3.",
        remedy: "Check that SMB 2.1 or newer is enabled on the server, and that no firewall ends the connection.")
  }
}
