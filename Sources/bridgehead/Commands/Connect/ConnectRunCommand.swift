// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect
import Logging
import ServiceLifecycle

struct ConnectRun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Synchronise on a schedule, as a service, until SIGTERM or SIGINT.",
    discussion: """
      One pass at a time. A pass that fails is made again after a wait that doubles up to five minutes; it never ends the
      service. A pass that changed nothing is counted and leaves no trace in the run history. Everything can be stopped at
      any moment: the next run goes on from there.

      EXAMPLES
        bridgehead connect run
        bridgehead connect run --follow --log-level info --log-format json
        bridgehead connect run --interval 5m --staging

      EXIT CODES
        0 stopped by a signal, 1 could not begin
      """)

  @OptionGroup var configurationFile: ConfigurationOption
  @OptionGroup var global: GlobalOptions
  @OptionGroup var staging: StagingOption

  @Flag(
    help:
      "Look for changes twice a second, so that each is in the cloud within two seconds; for passwords every two seconds."
  )
  var follow = false

  @Option(
    help: ArgumentHelp(
      "From the start of one pass to the next: a number and s, m, h or d. Default: connect.schedule.interval, or 30s.",
      valueName: "duration"))
  var interval: String?

  func validate() throws {
    if follow, interval != nil { throw ValidationError("--follow has an interval of its own; leave out --interval.") }
    if let interval, Duration(parsing: interval) == nil {
      throw ValidationError("'\(interval)' is no duration: write a number and s, m, h or d.")
    }
  }

  func run() async throws {
    Observability.bootstrap(global)
    let file = configurationFile.config
    let configuration = try ConfigurationLoader.load(file)
    let schedule = configuration.connect?.schedule
    var plan = SchedulePlan()
    plan.full = schedule?.full.flatMap { Duration(parsing: $0) }
    plan.interval =
      follow
      ? SchedulePlan.followInterval
      : (interval ?? schedule?.interval).flatMap { Duration(parsing: $0) } ?? SchedulePlan.defaultInterval
    let service = ConnectScheduleService(
      configuration: configuration, file: file, isStaging: staging.staging, plan: plan,
      passwordInterval: follow
        ? PasswordSchedule.followInterval
        : configuration.connect?.passwordInterval.flatMap { Duration(parsing: $0) } ?? PasswordSchedule.defaultInterval)
    try await ServiceRunner.run(
      [service], metrics: configuration.metrics, logger: Logger(label: "bridgehead.connect"))
  }
}
