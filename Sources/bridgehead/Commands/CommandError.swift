// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Wire

/// What the process's exit code says. Documented in `bridgehead --help`.
enum ExitStatus: Int32 {
  case success = 0
  /// The command failed; standard error says why.
  case failure = 1
  /// A preview found differences.
  case differences = 2
  /// The export was stopped by the guard.
  case guarded = 3
  /// The cycle ended, and some objects are in quarantine or left for the next run.
  case partial = 4
  /// The command line is wrong (sysexits: EX_USAGE).
  case usage = 64
  /// The configuration is wrong (sysexits: EX_CONFIG).
  case configuration = 78
}

/// An error of a command itself.
struct CommandError: DiagnosableError {
  let identifier: String
  let message: String
  let remedy: String
  let status: ExitStatus

  init(_ identifier: String, _ message: String, remedy: String, status: ExitStatus = .failure) {
    self.identifier = identifier
    self.message = message
    self.remedy = remedy
    self.status = status
  }
}
