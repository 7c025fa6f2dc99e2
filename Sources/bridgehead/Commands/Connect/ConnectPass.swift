// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect

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
    let environment = Environment.current
    let terminal = Terminal(environment: environment)
    let line = ProgressLine(terminal, quiet: global.quiet || global.logFormat == .json)
    let runtime = try await ConnectRuntime.open(
      ConfigurationLoader.load(configurationFile.config), file: configurationFile.config, environment: environment,
      purpose: purpose, staging: staging)
    let pass = ConnectPass(
      service: runtime.service,
      progress: Progress { phase, done, total in line.update(phase.rawValue, done, of: total) }, line: line,
      terminal: terminal)
    do {
      let status = try await Interruption.stopping { try await work(pass) }
      line.finish()
      await runtime.close()
      if status != .success { throw ExitCode(status.rawValue) }
    } catch {
      line.finish()
      await runtime.close()
      throw error
    }
  }
}
