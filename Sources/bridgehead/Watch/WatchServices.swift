// SPDX-License-Identifier: Apache-2.0

import Readiness
import ServiceLifecycle

/// Something that goes on until the program stops.
struct LastingService: Service {
  let work: @Sendable () async -> Void

  func run() async throws { await cancelWhenGracefulShutdown { await work() } }
}
