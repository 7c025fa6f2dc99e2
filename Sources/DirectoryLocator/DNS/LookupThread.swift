// SPDX-License-Identifier: Apache-2.0

import CARES
import Glibc
import Synchronization
import Wire

/// Runs lookups on one thread of its own, because c-ares reads files and must not run on a cooperative thread. The
/// thread starts with the first lookup and ends with the last one, so nobody has to stop it.
final class LookupThread: Sendable {
  private struct State {
    var incoming: [LookupRequest] = []
    var isRunning = false
  }

  private let state = Mutex(State())
  /// An eventfd that interrupts `poll`.
  private let wakeup: CInt

  /// Once a process, before the first channel (ares_library_init(3)); on Linux it cannot fail without its allocator.
  private static let library = ares_library_init(ARES_LIB_INIT_ALL)

  init() {
    _ = Self.library
    wakeup = eventfd(0, CInt(EFD_CLOEXEC) | CInt(EFD_NONBLOCK))
  }

  deinit {
    close(wakeup)
  }

  /// Takes a request over; its continuation is resumed exactly once.
  func submit(_ request: LookupRequest) {
    let mustStart = state.withLock { state in
      state.incoming.append(request)
      defer { state.isRunning = true }
      return !state.isRunning
    }
    if mustStart { start() } else { wake() }
  }

  /// Makes the thread look at new requests and cancellations.
  func wake() {
    // An eventfd write fails only when the counter is full, and then the thread is awake anyway.
    eventfd_write(wakeup, 1)
  }

  private func start() {
    guard let status = DetachedThread.start({ self.run() }) else { return }
    let stranded = state.withLock { state in
      defer { state = State() }
      return state.incoming
    }
    for request in stranded {
      request.continuation.resume(
        throwing: LocatorError.internalFailure(
          "no thread could be started for DNS: \(String(cString: strerror(status)))"))
    }
  }

  private func run() {
    var active: [Lookup] = []
    while let requests = take(isIdle: active.isEmpty) {
      for request in requests { active.append(Lookup(request)) }
      for lookup in active { lookup.cancelIfRequested() }
      active.removeAll { $0.finish() }
      if !active.isEmpty { wait(for: active) }
    }
  }

  /// The new requests; nil when the thread has nothing left to do and must end.
  private func take(isIdle: Bool) -> [LookupRequest]? {
    state.withLock { state in
      if isIdle, state.incoming.isEmpty {
        state.isRunning = false
        return nil
      }
      defer { state.incoming = [] }
      return state.incoming
    }
  }

  private func wait(for active: [Lookup]) {
    var events = [pollfd(fd: wakeup, events: Int16(POLLIN), revents: 0)]
    var owners: [Lookup] = []
    for lookup in active {
      for interest in lookup.interests() {
        events.append(interest)
        owners.append(lookup)
      }
    }
    // c-ares always has a time-out while a question is open; a second is the answer to "none".
    poll(&events, nfds_t(events.count), active.compactMap { $0.timeout() }.min() ?? 1000)
    if events[0].revents != 0 {
      var count: eventfd_t = 0
      eventfd_read(wakeup, &count)
    }
    for (event, owner) in zip(events.dropFirst(), owners) { owner.process(event) }
    for lookup in active { lookup.processTimeouts() }
  }
}
