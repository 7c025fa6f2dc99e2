// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import Logging

/// Logging and metrics of the process: bootstrapped once, here.
enum Observability {
  static let registry = PrometheusRegistry()

  static func bootstrap(_ options: GlobalOptions) {
    let format = options.logFormat
    let level = options.logLevel
    LoggingSystem.bootstrap { LineLogHandler(label: $0, level: level, format: format) }
    MetricsSystem.bootstrap(registry)
  }
}
