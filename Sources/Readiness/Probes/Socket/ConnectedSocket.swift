// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NIOCore
import NIOPosix
import Synchronization

/// A TCP connection that stands. Whoever takes the descriptor owns it; an untaken one is closed with the last reference.
package final class ConnectedSocket: Sendable {
  package let localAddress: String
  package let interface: String?
  private let descriptor: Mutex<CInt>

  init(_ descriptor: CInt) {
    localAddress = SocketAddressText.local(descriptor) ?? ""
    interface = LocalInterfaces.name(of: localAddress)
    self.descriptor = Mutex(descriptor)
  }

  deinit { descriptor.withLock { if $0 >= 0 { close($0) } } }

  /// Hands the descriptor over.
  /// - Returns: -1 when somebody has it already.
  package func take() -> CInt {
    descriptor.withLock { held in
      defer { held = -1 }
      return held
    }
  }

  /// Goes on as a NIO channel.
  ///
  /// - Parameter initializer: runs on the channel's event loop before anything is read.
  package func channel(
    on group: any EventLoopGroup,
    _ initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Void> = {
      $0.eventLoop.makeSucceededVoidFuture()
    }
  ) async throws -> any Channel {
    try await ClientBootstrap(group: group)
      .channelInitializer(initializer)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .withConnectedSocket(take()).get()
  }

  /// How a stream's bytes so far look.
  package enum Progress: Sendable, Equatable {
    case incomplete
    /// The answer is whole; in words.
    case complete(String)
    /// These bytes cannot become an answer of this protocol.
    case wrong
  }

  /// Sends one question and waits for its one answer; then the connection is closed.
  ///
  /// - Parameters:
  ///   - limit: bytes of the longest answer.
  ///   - read: looks at all bytes that came so far.
  /// - Returns: nil when there is no such answer; the log says why.
  package func exchange(
    _ question: [UInt8], limit: Int, phase: Phase.Name = .request, sent: String, _ context: ProbeContext,
    _ log: ConversationLog, read: @escaping @Sendable ([UInt8]) -> Progress
  ) async -> [UInt8]? {
    let index = log.begin(phase, sent: sent)
    let patience = context.patience()
    let loop = context.group.next()
    let promise = loop.makePromise(of: StreamAnswer.self)
    do {
      let channel = try await channel(on: loop) { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            StreamAnswerHandler(limit: limit, patience: TimeAmount(patience), promise: promise, read: read))
        }
      }
      channel.writeAndFlush(ByteBuffer(bytes: question), promise: nil)
      let answer = try await withTaskCancellationHandler {
        try await promise.futureResult.get()
      } onCancel: {
        channel.close(promise: nil)
      }
      channel.close(promise: nil)
      return note(answer, index, phase, patience, log)
    } catch {
      promise.fail(error)
      log.end(index, received: "\(error)")
      log.observe(.systemError("\(error)"))
      return nil
    }
  }

  private func note(
    _ answer: StreamAnswer, _ index: Int, _ phase: Phase.Name, _ patience: Duration, _ log: ConversationLog
  ) -> [UInt8]? {
    switch answer {
    case .complete(let bytes, let words):
      log.end(index, received: words)
      return bytes
    case .wrong(let bytes):
      log.end(index, received: "something else: \(AnswerSummary.text(bytes))")
      log.observeWrongAnswer(bytes)
    case .tooLong(let bytes):
      log.end(index, received: "an answer that does not end (\(bytes.count) bytes so far)")
      log.observeWrongAnswer(bytes)
    case .silent(let bytes):
      log.end(index, received: bytes.isEmpty ? "nothing" : "\(bytes.count) bytes, then nothing")
      log.observe(
        patience < ProbeContext.answerPatience ? .deadline(phase) : .silenceAfterData(seconds: patience / .seconds(1)))
    case .closed(let bytes):
      log.end(index, received: "the end of the connection after \(bytes.count) bytes")
      log.observe(.closedAfterData(received: bytes.count))
    case .reset(let bytes):
      log.end(index, received: "a reset after \(bytes.count) bytes")
      log.observe(.resetAfterData(received: bytes.count))
    }
    return nil
  }
}

/// How a stream's answer ended.
enum StreamAnswer: Sendable {
  case complete([UInt8], String)
  case wrong([UInt8])
  case tooLong([UInt8])
  case silent([UInt8])
  case closed([UInt8])
  case reset([UInt8])
}

/// Collects one answer. Confined to its channel's event loop.
final class StreamAnswerHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let limit: Int
  private let patience: TimeAmount
  private let promise: EventLoopPromise<StreamAnswer>
  private let read: ([UInt8]) -> ConnectedSocket.Progress
  private var received: [UInt8] = []
  private var timer: Scheduled<Void>?
  private var isOver = false

  init(
    limit: Int, patience: TimeAmount, promise: EventLoopPromise<StreamAnswer>,
    read: @escaping ([UInt8]) -> ConnectedSocket.Progress
  ) {
    self.limit = limit
    self.patience = patience
    self.promise = promise
    self.read = read
  }

  func handlerAdded(context: ChannelHandlerContext) {
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: patience) { self.finish(.silent(self.received)) }
  }

  func handlerRemoved(context: ChannelHandlerContext) { finish(.closed(received)) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isOver else { return }
    received += unwrapInboundIn(data).readableBytesView
    switch read(received) {
    case .complete(let words): finish(.complete(received, words))
    case .wrong: finish(.wrong(received))
    case .incomplete: if received.count > limit { finish(.tooLong(received)) }
    }
  }

  func channelInactive(context: ChannelHandlerContext) { finish(.closed(received)) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    finish((error as? IOError)?.errnoCode == ECONNRESET ? .reset(received) : .closed(received))
    context.close(promise: nil)
  }

  private func finish(_ answer: StreamAnswer) {
    guard !isOver else { return }
    isOver = true
    timer?.cancel()
    promise.succeed(answer)
  }
}
