// SPDX-License-Identifier: Apache-2.0

import DirectoryLocator
import IdentityModel
import LDAP
import Logging
import Synchronization

/// Reads a whole domain as DirSync reads of disjoint slices over several connections, so that the server works on one
/// slice while another is taken over: Samba computes all of an answer before it sends the first byte of it, and on one
/// core. Then the changes since `cookie` follow, which was taken before the first slice: what moved, came or went
/// meanwhile is among them, and the cookie at their end is the watermark.
///
/// A slice that fails makes the whole reading fail. A server that does not answer slices, or answers them without the
/// domain's own object, is read as one.
struct SlicedReading: Sendable {
  let session: LDAPSession
  /// What the server had when the reading began.
  let cookie: DirSyncCookie

  /// Batches that wait to be written, beyond the one in each reader's hands.
  private static let buffered = 3

  /// The reading begins at once. It ends when the stream is let go.
  func batches() -> AsyncThrowingStream<Batch, any Error> {
    let channel = BatchChannel(capacity: Self.buffered)
    let task = Task {
      do {
        try await read(into: channel)
        await session.release(session)
        channel.finish(.success(()))
      } catch {
        await session.connection.close()
        channel.finish(.failure(await session.lost(error)))
      }
    }
    let reading = Reading(channel: channel, task: task)
    return AsyncThrowingStream { try await reading.channel.next() }
  }

  /// The work behind a stream; it goes with the stream.
  private final class Reading: Sendable {
    let channel: BatchChannel
    private let task: Task<Void, Never>

    init(channel: BatchChannel, task: Task<Void, Never>) {
      self.channel = channel
      self.task = task
    }

    deinit {
      channel.finish(.failure(CancellationError()))
      task.cancel()
    }
  }

  private func read(into channel: BatchChannel) async throws {
    let received = session.connection.bytesReceived
    let progress = SliceQueue(end: session.sequence, readers: session.connections)
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await readSlices(session.connection, progress, channel) }
        for _ in 1..<session.connections { group.addTask { try await joinIn(progress, channel) } }
        try await group.waitForAll()
      }
      guard progress.hasMetRoot else {
        throw LDAPError(
          .incomplete, "\(session.controller.hostName) left the domain's own object out.", remedy: "It is read as one.")
      }
    } catch let error as LDAPError where !error.isTransient {
      session.logger.notice(
        "the domain is read as one", metadata: ["dc": "\(session.controller.hostName)", "cause": "\(error.message)"])
      return try await readRest(
        since: DirSyncCookie([]), isFull: true, into: channel, received: received - progress.received)
    }
    try await readRest(since: cookie, isFull: false, into: channel, received: received - progress.received)
  }

  /// A further connection is a help, not a need: without it the others read all.
  private func joinIn(_ queue: SliceQueue, _ channel: BatchChannel) async throws {
    let connection: LDAPConnection
    do {
      connection = try await session.another()
    } catch let error as LDAPError {
      session.logger.notice(
        "a further connection was not made",
        metadata: ["dc": "\(session.controller.hostName)", "cause": "\(error.message)"])
      return
    }
    do {
      try await readSlices(connection, queue, channel)
    } catch {
      await connection.close()
      throw error
    }
    queue.count(received: connection.bytesReceived)
    await connection.close()
  }

  private func readSlices(_ connection: LDAPConnection, _ queue: SliceQueue, _ channel: BatchChannel) async throws {
    var batch = Batch([])
    while let slice = queue.next() {
      var objects = 0
      for try await part in connection.dirSyncParts(session.request(since: [], only: slice.filter)) {
        for entry in part.entries {
          let change = try session.mapper.change(entry, isFull: true)
          queue.meet(change, base: session.base)
          batch.changes.append(change)
        }
        objects += part.entries.count
        if batch.changes.count >= LDAPSession.batchSize { try await Self.send(&batch, channel) }
      }
      queue.read(slice, objects: objects)
    }
    if !batch.changes.isEmpty { try await Self.send(&batch, channel) }
  }

  /// - Parameter received: what to take from the bytes that the connection received, so that those of this reading are
  ///   left.
  private func readRest(
    since cookie: DirSyncCookie, isFull: Bool, into channel: BatchChannel, received: Int
  ) async throws {
    var batch = Batch([])
    for try await part in session.connection.dirSyncParts(session.request(since: cookie.bytes)) {
      for entry in part.entries { batch.changes.append(try session.mapper.change(entry, isFull: isFull)) }
      if let (cookie, hasMore) = part.checkpoint, !hasMore {
        batch.end = session.end(
          cookie, isComplete: true, bytes: session.connection.bytesReceived - received)
        return try await channel.send(batch)
      }
      if batch.changes.count >= LDAPSession.batchSize { try await Self.send(&batch, channel) }
    }
  }

  private static func send(_ batch: inout Batch, _ channel: BatchChannel) async throws {
    let full = batch
    batch = Batch([])
    batch.changes.reserveCapacity(LDAPSession.batchSize + 100)
    try await channel.send(full)
  }
}

/// What the readers of one domain share.
private final class SliceQueue: Sendable {
  private struct State {
    var ranges: CreationRanges
    var hasMetRoot = false
    var received = 0
  }
  private let state: Mutex<State>

  init(end: Int64, readers: Int) { state = Mutex(State(ranges: CreationRanges(end: end, readers: readers))) }

  func next() -> CreationRanges.Slice? { state.withLock { $0.ranges.next() } }
  func read(_ slice: CreationRanges.Slice, objects: Int) { state.withLock { $0.ranges.read(slice, objects: objects) } }

  /// Bytes that came over further connections.
  var received: Int { state.withLock { $0.received } }
  func count(received bytes: Int) { state.withLock { $0.received += bytes } }

  var hasMetRoot: Bool { state.withLock { $0.hasMetRoot } }

  func meet(_ change: Change, base: String) {
    guard change.kind == .structure, let name = change.name, name.utf8.count == base.utf8.count,
      name.lowercased() == base.lowercased()
    else { return }
    state.withLock { $0.hasMetRoot = true }
  }
}
