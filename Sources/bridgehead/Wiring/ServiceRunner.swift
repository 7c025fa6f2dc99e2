// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle
import UnixSignals
import Wire

/// Runs services until SIGTERM or SIGINT, with the metrics listener beside them where one is configured.
enum ServiceRunner {
  static func run(
    _ services: [any Service], metrics: Configuration.Metrics?, logger: Logger
  ) async throws {
    var all = services
    if let metrics {
      guard let endpoint = Endpoint(parsing: metrics.listen) else {
        throw CommandError(
          "configuration.metrics", "metrics.listen is not host:port.", remedy: "write host:port.",
          status: .configuration)
      }
      all.append(MetricsServer(registry: Observability.registry, endpoint: endpoint, logger: logger))
    }
    let group = ServiceGroup(
      services: all, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    try await group.run()
  }
}
