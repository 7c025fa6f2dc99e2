// SPDX-License-Identifier: Apache-2.0

/// The requests in hand, for those who fetch and those who carry out.
actor WritebackHand {
  private var queue: WritebackQueue
  private let starter: AsyncStream<WritebackTicket>.Continuation
  private let ending: AsyncStream<Void>.Continuation
  private var isClosed = false

  /// Those that may begin.
  nonisolated let tickets: AsyncStream<WritebackTicket>
  /// One has ended, perhaps several since the last look.
  nonisolated let endings: AsyncStream<Void>

  init(concurrency: Int) {
    queue = WritebackQueue(concurrency: concurrency)
    (tickets, starter) = AsyncStream.makeStream()
    (endings, ending) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  var identifiers: [String] { queue.identifiers }
  var hasRoom: Bool { queue.count < WritebackSettings.inHand }

  func ticket(_ id: String) -> WritebackTicket? { queue.ticket(id) }

  func take(_ ticket: WritebackTicket) {
    queue.add(ticket)
    begin()
  }

  func end(_ id: String) {
    queue.end(id)
    begin()
    ending.yield()
  }

  /// Nothing more comes: the stream of tickets ends with the last one.
  func close() {
    isClosed = true
    begin()
  }

  private func begin() {
    for ticket in queue.begin() { starter.yield(ticket) }
    if isClosed, queue.count == 0 { starter.finish() }
  }
}
