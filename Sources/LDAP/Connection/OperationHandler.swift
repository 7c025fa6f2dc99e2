// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import Wire

/// The end of the channel's pipeline: cuts and decodes messages, hands each to its operation by message identifier
/// (RFC 4511 4.1.1.1), and keeps the socket closed to reading while consumers are behind.
///
/// Lives on the event loop; ``LDAPConnection`` enters through `NIOLoopBound`.
final class OperationHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = Never
  typealias OutboundOut = ByteBuffer

  private struct Pending {
    let stream: ResponseStream
    let followUp: FollowUp?
    /// The caller's own number of the operation; it stays the same over all pages.
    let ticket: UInt64
    let leavesEntriesUnparsed: Bool
    var staged: [LDAPMessage] = []
    var stagedBytes = 0
  }

  private let server: String
  private let limits: LDAPLimits
  private let gate: ReadGate
  private let logger: Logger
  private var framer: MessageFramer
  private var pending: [Int32: Pending] = [:]
  private var messageIDs: [UInt64: Int32] = [:]
  /// Abandoned operations whose answers may still be under way.
  private var abandoned: Set<Int32> = []
  private var touched: Set<Int32> = []
  private var lastMessageID: Int32 = 0
  private var failure: LDAPError?
  private var context: ChannelHandlerContext?
  private var deadline: Scheduled<Void>?
  private var watch: Scheduled<Void>?
  private var isReadHeld = false

  init(server: String, limits: LDAPLimits, gate: ReadGate, logger: Logger) {
    self.server = server
    self.limits = limits
    self.gate = gate
    self.logger = logger
    framer = MessageFramer(maximumSize: limits.messageSize)
  }

  // MARK: What the connection asks for

  /// Sends a request; its answers go to `stream`.
  func start(_ request: Request, ticket: UInt64, stream: ResponseStream, followUp: FollowUp?) {
    guard failure == nil, let context else {
      stream.fail(failure ?? closed())
      return
    }
    send(
      request,
      Pending(
        stream: stream, followUp: followUp, ticket: ticket, leavesEntriesUnparsed: request.leavesEntriesUnparsed),
      context)
  }

  /// RFC 4511 4.11: tells the server that nobody waits any more. There is no answer.
  func abandon(ticket: UInt64) {
    guard let id = messageIDs.removeValue(forKey: ticket), pending.removeValue(forKey: id) != nil else { return }
    touched.remove(id)
    guard failure == nil, let context else { return }
    abandoned.insert(id)
    if let next = nextMessageID() { write(LDAPMessage(id: next, .abandonRequest(id: id)), context) }
  }

  /// RFC 4511 4.3, then the end of the transport.
  func close() {
    guard let context, failure == nil else { return }
    if let id = nextMessageID() { write(LDAPMessage(id: id, .unbindRequest), context) }
    fail(
      LDAPError(.closed, "The connection to \(server) was closed here.", remedy: "Connect again."), context)
  }

  func fail(_ error: LDAPError) {
    if let context { fail(error, context) }
  }

  /// Until ``disarm()`` the whole connection must be done with its handshakes in this time.
  func arm(_ time: TimeAmount, phase: @autoclosure @escaping @Sendable () -> String) {
    guard let context else { return }
    let server = server
    deadline = context.eventLoop.assumeIsolated().scheduleTask(in: time) { [self] in
      fail(
        LDAPError(
          .timeout, "\(server) did not finish \(phase()) within \(time.nanoseconds / 1_000_000_000) s.",
          remedy:
            "Check that the server is healthy and that nothing between holds packets back; another server is tried."))
    }
  }

  func disarm() {
    deadline?.cancel()
    deadline = nil
  }

  /// Puts a security layer before this handler. What was received unprotected behind the bind's answer is refused.
  func install(_ layer: SASLLayerHandler) throws {
    guard let context, failure == nil else { throw failure ?? closed() }
    guard framer.isEmpty else {
      let error = LDAPError.protocolViolation(server, "unprotected bytes behind the answer that began protection")
      fail(error, context)
      throw error
    }
    try context.pipeline.syncOperations.addHandler(layer, position: .before(self))
  }

  func resumeReading() {
    guard isReadHeld, let context else { return }
    isReadHeld = false
    context.read()
  }

  // MARK: The channel

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    watch?.cancel()
    disarm()
    self.context = nil
  }

  func read(context: ChannelHandlerContext) {
    if gate.mayRead() { context.read() } else { isReadHeld = true }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard failure == nil else { return }
    let bytes = unwrapInboundIn(data)
    gate.count(received: bytes.readableBytes)
    framer.append(bytes)
    do {
      while failure == nil, let bytes = try framer.next() {
        receive(try message(bytes), size: bytes.count, context)
      }
    } catch {
      fail(.protocolViolation(server, "\(error)"), context)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    for id in touched { flush(id, isFinished: false) }
    touched.removeAll(keepingCapacity: true)
    context.fireChannelReadComplete()
  }

  func channelInactive(context: ChannelHandlerContext) {
    fail(closed(), context)
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    fail(error as? LDAPError ?? LDAPError.transport(server, error), context)
  }

  // MARK: Messages

  private func message(_ bytes: [UInt8]) throws(ByteError) -> LDAPMessage {
    if pending.values.contains(where: \.leavesEntriesUnparsed) {
      let (id, entry) = try UnparsedEntry.peek(bytes)
      if let entry, pending[id]?.leavesEntriesUnparsed == true { return LDAPMessage(id: id, .unparsedEntry(entry)) }
    }
    return try LDAPMessage(bytes, limits: limits)
  }

  private func receive(_ message: LDAPMessage, size: Int, _ context: ChannelHandlerContext) {
    if message.id == 0 { return notify(message, context) }
    guard let index = pending.index(forKey: message.id) else {
      if abandoned.contains(message.id) {
        if message.operation.isFinal { abandoned.remove(message.id) }
        return
      }
      return fail(.protocolViolation(server, "an answer to message \(message.id), which was not sent"), context)
    }
    pending.values[index].staged.append(message)
    pending.values[index].stagedBytes += size
    guard message.operation.isFinal else {
      touched.insert(message.id)
      return
    }
    touched.remove(message.id)
    var entry = pending.values[index]
    let next = entry.followUp?(message)
    flush(message.id, isFinished: next == nil)
    pending[message.id] = nil
    messageIDs[entry.ticket] = nil
    if let next {
      entry.staged = []
      entry.stagedBytes = 0
      send(next, entry, context)
    }
  }

  private func flush(_ id: Int32, isFinished: Bool) {
    guard let index = pending.index(forKey: id) else { return }
    let entry = pending.values[index]
    pending.values[index].staged = []
    pending.values[index].stagedBytes = 0
    entry.stream.deliver(entry.staged, bytes: entry.stagedBytes, isFinished: isFinished)
  }

  /// RFC 4511 4.4: the only unsolicited notification known is that of disconnection; others are ignored.
  private func notify(_ message: LDAPMessage, _ context: ChannelHandlerContext) {
    guard case .extendedResponse(let response) = message.operation else {
      return fail(.protocolViolation(server, "a message without identifier that is no notification"), context)
    }
    guard response.name == ExtendedResponse.noticeOfDisconnection else { return }
    var error = LDAPError(response.result, action: "The conversation", server: server)
    if response.result.code == .success || error.code == .refused { error.code = .closed }
    fail(error, context)
  }

  private func send(_ request: Request, _ entry: Pending, _ context: ChannelHandlerContext) {
    guard let id = nextMessageID() else {
      entry.stream.fail(closed())
      return
    }
    pending[id] = entry
    messageIDs[entry.ticket] = id
    watchTimeouts(context)
    write(LDAPMessage(id: id, request.operation, controls: request.controls), context)
  }

  private func write(_ message: LDAPMessage, _ context: ChannelHandlerContext) {
    let buffer = context.channel.allocator.buffer(bytes: message.encoded)
    context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
  }

  /// Identifiers are not used twice on a connection; after 2^31 - 1 the connection is at its end.
  private func nextMessageID() -> Int32? {
    guard lastMessageID < Int32.max else { return nil }
    lastMessageID += 1
    return lastMessageID
  }

  /// How often waiting consumers are looked at; the precision of the operation timeout.
  private static let watchInterval = TimeAmount.milliseconds(100)

  /// One timer for all operations, and only while there are some.
  private func watchTimeouts(_ context: ChannelHandlerContext) {
    guard watch == nil, !pending.isEmpty else { return }
    watch = context.eventLoop.assumeIsolated().scheduleTask(in: Self.watchInterval) { [self] in
      watch = nil
      expire()
      watchTimeouts(context)
    }
  }

  private func expire() {
    let now = NIODeadline.now()
    for (id, entry) in pending where entry.stream.isOverdue(at: now) {
      logger.debug("operation timed out", metadata: ["server": "\(server)", "message": "\(id)"])
      entry.stream.fail(
        LDAPError(
          .timeout, "\(server) stopped answering a request.",
          remedy: "Check the server's load, and that what is between lets connections live."))
      abandon(ticket: entry.ticket)
    }
  }

  private func fail(_ error: LDAPError, _ context: ChannelHandlerContext) {
    guard failure == nil else { return }
    failure = error
    disarm()
    watch?.cancel()
    for id in touched { flush(id, isFinished: false) }
    touched.removeAll()
    let streams = pending.values.map(\.stream)
    pending.removeAll()
    messageIDs.removeAll()
    for stream in streams { stream.fail(error) }
    context.close(promise: nil)
  }

  private func closed() -> LDAPError {
    LDAPError(
      .closed, "\(server) closed the connection.",
      remedy: "Connect again; a server that restarts or is overloaded closes connections.")
  }
}

extension ProtocolOperation {
  /// Whether no further answer with this identifier follows.
  var isFinal: Bool {
    switch self {
    case .searchResultEntry, .unparsedEntry, .searchResultReference, .intermediateResponse: false
    default: true
    }
  }
}

extension LDAPError {
  static func transport(_ server: String, _ error: any Error) -> LDAPError {
    LDAPError(
      .closed, "The connection to \(server) failed: \(error).",
      remedy: "Check the network between here and the server; another server is tried.")
  }
}
