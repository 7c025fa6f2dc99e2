// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Tells a thread that the task it works for was cancelled. Set from any thread.
package final class CancellationFlag: Sendable {
  private let flag = Atomic(false)

  package init() {}

  package var isRequested: Bool { flag.load(ordering: .acquiring) }
  package func request() { flag.store(true, ordering: .releasing) }
}
