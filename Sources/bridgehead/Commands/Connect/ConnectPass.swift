// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect
import Wire

/// What one-shot passes share: the runtime, progress, a clean stop on a signal, and the exit code.
struct ConnectPass {
  let service: ConnectService
  let progress: Progress
  let line: ProgressLine
  let terminal: Terminal

  static func run(
    _ configurationFile: ConfigurationOption, _ global: GlobalOptions, purpose: String, staging: Bool = false,
    _ work: @escaping @Sendable (ConnectPass) async throws -> ExitStatus
  ) async throws {
    Observability.bootstrap(global)
    let terminal = Terminal(environment: Environment.current)
    let line = ProgressLine(terminal, quiet: global.quiet || global.logFormat == .json)
    let runtime = try await ConnectAccess(configurationFile).open(purpose: purpose, staging: staging)
    let pass = ConnectPass(
      service: runtime.service,
      progress: Progress { phase, done, total in line.update(phase.rawValue, done, of: total) }, line: line,
      terminal: terminal)
    let status = try await runtime.use { _ in
      defer { line.finish() }
      return try await Interruption.stopping { try await work(pass) }
    }
    if status != .success { throw ExitCode(status.rawValue) }
  }
}
