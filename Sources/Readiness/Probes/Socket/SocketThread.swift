// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import Wire

/// Waits for all sockets of a check on one thread of its own.
///
/// NIO does not show the error queue of a socket, which alone tells a reset from an ICMP message; so handshakes and datagrams
/// are waited for here, and a connected socket goes on as a NIO channel. The thread starts with the first socket and ends
/// with the last one, so nobody has to stop it.
final class SocketThread: Sendable {
  /// `PendingSocket` is not Sendable: it crosses to the thread once, through this box, and nobody else keeps it.
  private struct Handover: @unchecked Sendable {
    let socket: PendingSocket
  }

  private let queue = OnDemandQueue<Handover>()
  private let interrupt = PollInterrupt()
  /// A socket's task was cancelled.
  private let isCancelled = Atomic(false)

  /// Takes a socket over; its continuation is resumed exactly once.
  func submit(_ socket: sending PendingSocket) {
    if queue.add(Handover(socket: socket)) { start() } else { interrupt.fire() }
  }

  /// Makes the thread look for sockets whose task was cancelled.
  func noteCancellation() {
    isCancelled.store(true, ordering: .releasing)
    interrupt.fire()
  }

  private func start() {
    guard let status = DetachedThread.start({ self.run() }) else { return }
    for handover in queue.takeStranded() { _ = handover.socket.finish(.failed(.system(status), other: nil)) }
  }

  private func run() {
    let clock = ContinuousClock()
    var waiting = Waiting(interrupt.interest)
    while let incoming = queue.take(isIdle: waiting.sockets.isEmpty) {
      let now = clock.now
      for handover in incoming where !handover.socket.begin(at: now) { waiting.add(handover.socket) }
      if !waiting.sockets.isEmpty { wait(&waiting, clock) }
    }
  }

  /// The sockets that wait, in the order of their entries for `poll`, of which the first is the interrupt's.
  private struct Waiting {
    var sockets: [PendingSocket] = []
    var events: [pollfd]
    /// When the first of them has to be looked at again.
    var due: ContinuousClock.Instant?

    init(_ interrupt: pollfd) { events = [interrupt] }

    mutating func add(_ socket: PendingSocket) {
      sockets.append(socket)
      events.append(socket.interest)
      due = min(due ?? socket.due, socket.due)
    }
  }

  /// Waits until a socket is ready, one is due, or the thread is woken. Only then are all of them looked at: thousands wait
  /// at a time.
  private func wait(_ waiting: inout Waiting, _ clock: ContinuousClock) {
    var left = waiting.due.map { $0 - clock.now } ?? .seconds(1)
    if interrupt.descriptor < 0 { left = min(left, .milliseconds(20)) }
    // Rounded up, so that the thread does not spin through the last millisecond.
    let milliseconds = max(0, left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1)
    let ready = poll(&waiting.events, nfds_t(waiting.events.count), CInt(clamping: milliseconds))
    let isWoken = waiting.events[0].revents != 0
    if isWoken { interrupt.clear() }
    let now = clock.now
    let isDue = waiting.due.map { now >= $0 } ?? false
    guard
      ready > (isWoken ? 1 : 0) || isDue || interrupt.descriptor < 0
        || isCancelled.exchange(false, ordering: .acquiring)
    else { return }
    var remaining = Waiting(interrupt.interest)
    for (event, socket) in zip(waiting.events.dropFirst(), waiting.sockets)
    where !socket.process(event.revents) && !socket.processTime(now) {
      remaining.add(socket)
    }
    waiting = remaining
  }
}
