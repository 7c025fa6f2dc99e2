// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NIOCore

/// A stream to ask questions on, in clear or (once TLS was put before it) inside TLS.
package struct ProbeStream: Sendable {
  package let channel: any Channel
  private let early: EarlyBytes?

  package init(_ channel: any Channel) {
    self.channel = channel
    early = nil
  }

  init(_ channel: any Channel, early: EarlyBytes) {
    self.channel = channel
    self.early = early
  }

  /// Ends the keeping of early bytes, on the event loop: whatever comes from now on reaches the handlers that follow.
  private static func open(_ pipeline: ChannelPipeline.SynchronousOperations, _ early: EarlyBytes?) -> [UInt8] {
    guard let early else { return [] }
    if let handler = try? pipeline.handler(type: EarlyBytesHandler.self) {
      pipeline.removeHandler(handler, promise: nil)
    }
    return early.take()
  }

  /// Before TLS: the bytes of a peer that does not wait for a ClientHello. Nothing is kept after this.
  func earlyBytes() async -> [UInt8] {
    (try? await channel.eventLoop.submit { [channel, early] in
      Self.open(channel.pipeline.syncOperations, early)
    }.get()) ?? []
  }

  package func close() { channel.close(promise: nil) }

  /// How a stream's bytes so far look.
  package enum Progress: Sendable, Equatable {
    case incomplete
    /// The answer is whole; in words.
    case complete(String)
    /// These bytes cannot become an answer of this protocol.
    case wrong
  }

  /// Sends one question and waits for its one answer. Questions follow one another; what comes between them is lost.
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
    let promise = channel.eventLoop.makePromise(of: StreamAnswer.self)
    do {
      try await channel.eventLoop.submit { [channel, early] in
        let operations = channel.pipeline.syncOperations
        let said = Self.open(operations, early)
        do {
          try operations.addHandler(
            StreamAnswerHandler(limit: limit, patience: TimeAmount(patience), early: said, promise: promise, read: read)
          )
          channel.writeAndFlush(ByteBuffer(bytes: question), promise: nil)
        } catch {
          // The peer hung up already.
          promise.succeed(said.isEmpty ? .closed([]) : .wrong(said))
        }
      }.get()
    } catch {
      promise.succeed(.closed([]))
    }
    do {
      let answer = try await withTaskCancellationHandler {
        try await promise.futureResult.get()
      } onCancel: { [channel] in
        channel.close(promise: nil)
      }
      return Self.note(answer, index, phase, patience, log)
    } catch {
      log.end(index, received: "\(error)")
      log.observe(.systemError("\(error)"))
      return nil
    }
  }

  private static func note(
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
        patience < ProbeContext.leastTellingWait ? .deadline(phase) : .silenceAfterData(seconds: patience / .seconds(1))
      )
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
final class StreamAnswerHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer

  private let limit: Int
  private let patience: TimeAmount
  private let early: [UInt8]
  private let promise: EventLoopPromise<StreamAnswer>
  private let read: ([UInt8]) -> ProbeStream.Progress
  private var received: [UInt8] = []
  private var timer: Scheduled<Void>?
  private var isOver = false
  private var context: ChannelHandlerContext?

  init(
    limit: Int, patience: TimeAmount, early: [UInt8], promise: EventLoopPromise<StreamAnswer>,
    read: @escaping ([UInt8]) -> ProbeStream.Progress
  ) {
    self.limit = limit
    self.patience = patience
    self.early = early
    self.promise = promise
    self.read = read
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if !early.isEmpty { consider(early) }
    guard !isOver else { return }
    guard context.channel.isActive else { return finish(.closed(received)) }
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: patience) { self.finish(.silent(self.received)) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    finish(.closed(received))
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isOver else { return }
    consider(unwrapInboundIn(data).readableBytesView)
  }

  private func consider(_ bytes: some Sequence<UInt8>) {
    received += bytes
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
    if let context { context.pipeline.syncOperations.removeHandler(self, promise: nil) }
  }
}
