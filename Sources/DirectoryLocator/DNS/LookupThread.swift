// SPDX-License-Identifier: Apache-2.0

import CARES
import Glibc
import Wire

/// Runs lookups on one thread of its own, because c-ares reads files and must not run on a cooperative thread. The
/// thread starts with the first lookup and ends with the last one, so nobody has to stop it.
final class LookupThread: Sendable {
  private let queue = OnDemandQueue<LookupRequest>()
  private let interrupt = PollInterrupt()

  /// Once a process, before the first channel (ares_library_init(3)); on Linux it cannot fail without its allocator.
  private static let library = ares_library_init(ARES_LIB_INIT_ALL)

  init() { _ = Self.library }

  /// Takes a request over; its continuation is resumed exactly once.
  func submit(_ request: LookupRequest) {
    if queue.add(request) { start() } else { wake() }
  }

  /// Makes the thread look at new requests and cancellations.
  func wake() { interrupt.fire() }

  private func start() {
    guard let status = DetachedThread.start({ self.run() }) else { return }
    for request in queue.takeStranded() {
      request.continuation.resume(
        throwing: LocatorError.internalFailure(
          "no thread could be started for DNS: \(String(cString: strerror(status)))"))
    }
  }

  private func run() {
    var active: [Lookup] = []
    while let requests = queue.take(isIdle: active.isEmpty) {
      for request in requests { active.append(Lookup(request)) }
      for lookup in active { lookup.cancelIfRequested() }
      active.removeAll { $0.finish() }
      if !active.isEmpty { wait(for: active) }
    }
  }

  private func wait(for active: [Lookup]) {
    var events = [interrupt.interest]
    var owners: [Lookup] = []
    for lookup in active {
      for interest in lookup.interests() {
        events.append(interest)
        owners.append(lookup)
      }
    }
    // c-ares always has a time-out while a question is open; a second is the answer to "none".
    poll(&events, nfds_t(events.count), active.compactMap { $0.timeout() }.min() ?? 1000)
    if events[0].revents != 0 { interrupt.clear() }
    for (event, owner) in zip(events.dropFirst(), owners) { owner.process(event) }
    for lookup in active { lookup.processTimeouts() }
  }
}
