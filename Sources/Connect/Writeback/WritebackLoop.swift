// SPDX-License-Identifier: Apache-2.0

package import Logging
import Wire

/// Handles one request after the other until its task is cancelled. No error ends it.
package struct WritebackLoop<Waiting: Clock>: Sendable where Waiting.Duration == Duration {
  private let service: WritebackService
  private let clock: Waiting
  private let logger: Logger

  /// The long poll, in seconds: below the idle limits of usual firewalls and proxies.
  private static var poll: Int { 20 }
  private static var longestWait: Duration { .seconds(60) }
  /// A tenant that asks for too much is asked less often.
  private static var floodPause: Duration { .seconds(30) }

  package init(_ service: WritebackService, clock: Waiting, logger: Logger) {
    self.service = service
    self.clock = clock
    self.logger = logger
  }

  package func run() async {
    var failures = 0
    while !Task.isCancelled {
      var pause = Duration.zero
      do {
        let isOpen = try await service.settle()
        if try await service.next(waiting: isOpen ? 1 : Self.poll) == .flooded { pause = Self.floodPause }
        failures = 0
      } catch {
        if Task.isCancelled { return }
        failures += 1
        pause = min(Self.longestWait, .seconds(1) * (1 << min(failures - 1, 6)))
        logger.failure(
          error, otherwise: "writeback: the tenant could not be asked: \(error)", "connect.writeback")
      }
      guard pause > .zero else { continue }
      guard (try? await clock.sleep(until: clock.now.advanced(by: pause), tolerance: nil)) != nil else { return }
    }
  }
}
