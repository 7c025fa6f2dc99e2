// SPDX-License-Identifier: Apache-2.0

import Synchronization
package import Wire

/// Keeps what transports record.
package final class RecordedFlows: FlowRecorder {
  private let kept = Mutex<[FlowUse]>([])

  package init() {}

  package var uses: [FlowUse] { kept.withLock { $0 } }

  package func record(_ use: FlowUse) { kept.withLock { $0.append(use) } }
}
