// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import Logging
import Synchronization
import Wire

/// Logging and metrics of the process: bootstrapped once, here.
enum Observability {
  static let registry = PrometheusRegistry()
  private static let format = Mutex(LogFormat.text)

  static func bootstrap(_ options: GlobalOptions) {
    let format = options.logFormat
    let level = options.logLevel
    self.format.withLock { $0 = format }
    LoggingSystem.bootstrap { LineLogHandler(label: $0, level: level, format: format) }
    MetricsSystem.bootstrap(registry)
  }

  /// Tells why a command ends: in words, or as a record where records are JSON, so that standard error stays one format.
  static func report(_ error: any DiagnosableError) {
    guard isJSON else {
      printError("error: \(error.message)")
      if !(error is ConfigurationError) { printError("remedy: \(error.remedy)") }
      return
    }
    command.error("\(error.message)", metadata: ["error": "\(error.identifier)", "remedy": "\(error.remedy)"])
  }

  /// Tells a person what happens, whatever the log level is.
  static func say(_ text: String) {
    if isJSON { command.notice("\(text)") } else { printError(text) }
  }

  static var isJSON: Bool { format.withLock { $0 == .json } }

  /// What a command itself says is not subject to the log level.
  private static var command: Logger {
    var logger = Logger(label: "bridgehead.command")
    logger.logLevel = .trace
    return logger
  }
}
