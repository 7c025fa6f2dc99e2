// SPDX-License-Identifier: Apache-2.0

package import Glibc
import Synchronization

/// Wakes a thread that waits in `poll`: a pipe, whose reading end it polls beside its own descriptors.
package final class PollInterrupt: Sendable {
  /// What the thread polls. -1 when the system has no descriptor left: `poll` ignores that, and time alone ends a wait.
  package let descriptor: CInt
  private let writing: CInt
  /// The thread was woken and has not looked yet, so that a thousand callers write one byte.
  private let isFired = Atomic(false)

  package init() {
    var ends: [CInt] = [-1, -1]
    pipe(&ends)
    for end in ends where end >= 0 {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    (descriptor, writing) = (ends[0], ends[1])
  }

  deinit {
    close(descriptor)
    close(writing)
  }

  /// The entry for `poll`.
  package var interest: pollfd { pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0) }

  /// Callable from any thread, after what the woken one is to find has been left for it.
  package func fire() {
    guard !isFired.exchange(true, ordering: .acquiringAndReleasing) else { return }
    var byte: UInt8 = 1
    _ = write(writing, &byte, 1)
  }

  /// For the woken thread, before it looks for what was left: who leaves something from now on wakes it again.
  package func clear() {
    var bytes = [UInt8](repeating: 0, count: 16)
    while read(descriptor, &bytes, bytes.count) == bytes.count {}
    _ = isFired.exchange(false, ordering: .acquiringAndReleasing)
  }
}
