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

  private struct State {
    var incoming: [Handover] = []
    var isRunning = false
    /// The thread was woken and has not looked yet.
    var isWoken = false
    /// A socket's task was cancelled.
    var isCancelled = false
  }

  private let state = Mutex(State())
  /// A pipe that interrupts `poll`. Without one, when the system has no descriptor left, both ends are -1: `poll` ignores
  /// that, and time alone ends a wait.
  private let wakeup: (reading: CInt, writing: CInt)

  init() {
    var ends: [CInt] = [-1, -1]
    pipe(&ends)
    for end in ends where end >= 0 {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    wakeup = (ends[0], ends[1])
  }

  deinit {
    close(wakeup.reading)
    close(wakeup.writing)
  }

  /// Takes a socket over; its continuation is resumed exactly once.
  func submit(_ socket: sending PendingSocket) {
    let handover = Handover(socket: socket)
    let mustStart = state.withLock { state in
      state.incoming.append(handover)
      defer { state.isRunning = true }
      return !state.isRunning
    }
    if mustStart { start() } else { wake() }
  }

  /// Makes the thread look for sockets whose task was cancelled.
  func noteCancellation() {
    state.withLock { $0.isCancelled = true }
    wake()
  }

  private func takeCancellations() -> Bool {
    state.withLock { state in
      defer { state.isCancelled = false }
      return state.isCancelled
    }
  }

  private func wake() {
    let isWoken = state.withLock { state in
      defer { state.isWoken = true }
      return state.isWoken
    }
    guard !isWoken else { return }
    // The write fails only when the pipe is full, and then the thread is awake anyway.
    var byte: UInt8 = 1
    _ = write(wakeup.writing, &byte, 1)
  }

  private func start() {
    guard let status = DetachedThread.start({ self.run() }) else { return }
    let stranded = state.withLock { state in
      defer { state = State() }
      return state.incoming
    }
    for handover in stranded { _ = handover.socket.finish(.failed(.system(status), other: nil)) }
  }

  private func run() {
    let clock = ContinuousClock()
    var waiting = Waiting(wakeup.reading)
    while let incoming = take(isIdle: waiting.sockets.isEmpty) {
      let now = clock.now
      for handover in incoming where !handover.socket.begin(at: now) { waiting.add(handover.socket) }
      if !waiting.sockets.isEmpty { wait(&waiting, clock) }
    }
  }

  /// The sockets that wait, in the order of their entries for `poll`, of which the first is the pipe's.
  private struct Waiting {
    var sockets: [PendingSocket] = []
    var events: [pollfd]
    /// When the first of them has to be looked at again.
    var due: ContinuousClock.Instant?

    init(_ wakeup: CInt) { events = [pollfd(fd: wakeup, events: Int16(POLLIN), revents: 0)] }

    mutating func add(_ socket: PendingSocket) {
      sockets.append(socket)
      events.append(socket.interest)
      due = min(due ?? socket.due, socket.due)
    }
  }

  /// The new sockets; nil when the thread has nothing left to do and must end.
  private func take(isIdle: Bool) -> [Handover]? {
    state.withLock { state in
      if isIdle, state.incoming.isEmpty {
        state = State()
        return nil
      }
      defer { state.incoming = [] }
      return state.incoming
    }
  }

  /// Waits until a socket is ready, one is due, or the thread is woken. Only then are all of them looked at: thousands wait
  /// at a time.
  private func wait(_ waiting: inout Waiting, _ clock: ContinuousClock) {
    var left = waiting.due.map { $0 - clock.now } ?? .seconds(1)
    if wakeup.reading < 0 { left = min(left, .milliseconds(20)) }
    // Rounded up, so that the thread does not spin through the last millisecond.
    let milliseconds = max(0, left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1)
    let ready = poll(&waiting.events, nfds_t(waiting.events.count), CInt(clamping: milliseconds))
    let isWoken = waiting.events[0].revents != 0
    if isWoken {
      var bytes = [UInt8](repeating: 0, count: 256)
      while read(wakeup.reading, &bytes, bytes.count) == bytes.count {}
      // Who wakes it from now on writes again.
      state.withLock { $0.isWoken = false }
    }
    let now = clock.now
    let isDue = waiting.due.map { now >= $0 } ?? false
    guard ready > (isWoken ? 1 : 0) || isDue || wakeup.reading < 0 || takeCancellations() else { return }
    var remaining = Waiting(wakeup.reading)
    for (event, socket) in zip(waiting.events.dropFirst(), waiting.sockets)
    where !socket.process(event.revents) && !socket.processTime(now) {
      remaining.add(socket)
    }
    waiting = remaining
  }
}
