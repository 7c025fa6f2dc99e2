// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

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

  /// Makes the thread look at new sockets and cancellations.
  func wake() {
    // The write fails only when the pipe is full, and then the thread is awake anyway.
    var byte: UInt8 = 1
    _ = write(wakeup.writing, &byte, 1)
  }

  private func start() {
    var thread = pthread_t()
    let reference = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<SocketThread>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, reference.toOpaque())
    if status == 0 {
      pthread_detach(thread)
      return
    }
    reference.release()
    let stranded = state.withLock { state in
      defer { state = State() }
      return state.incoming
    }
    for handover in stranded { _ = handover.socket.finish(.failed(.system(status), other: nil)) }
  }

  private func run() {
    let clock = ContinuousClock()
    var active: [PendingSocket] = []
    while let incoming = take(isIdle: active.isEmpty) {
      let now = clock.now
      active += incoming.map(\.socket).filter { !$0.begin(at: now) }
      if !active.isEmpty { wait(for: &active, clock) }
    }
  }

  /// The new sockets; nil when the thread has nothing left to do and must end.
  private func take(isIdle: Bool) -> [Handover]? {
    state.withLock { state in
      if isIdle, state.incoming.isEmpty {
        state.isRunning = false
        return nil
      }
      defer { state.incoming = [] }
      return state.incoming
    }
  }

  private func wait(for active: inout [PendingSocket], _ clock: ContinuousClock) {
    var events = [pollfd(fd: wakeup.reading, events: Int16(POLLIN), revents: 0)] + active.map(\.interest)
    var left = active.map(\.due).min().map { $0 - clock.now } ?? .seconds(1)
    if wakeup.reading < 0 { left = min(left, .milliseconds(20)) }
    // Rounded up, so that the thread does not spin through the last millisecond.
    let milliseconds = max(0, left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1)
    poll(&events, nfds_t(events.count), CInt(clamping: milliseconds))
    if events[0].revents != 0 {
      var bytes = [UInt8](repeating: 0, count: 256)
      while read(wakeup.reading, &bytes, bytes.count) == bytes.count {}
    }
    let now = clock.now
    var remaining: [PendingSocket] = []
    for (event, socket) in zip(events.dropFirst(), active) {
      if !socket.process(event.revents), !socket.processTime(now) { remaining.append(socket) }
    }
    active = remaining
  }
}
