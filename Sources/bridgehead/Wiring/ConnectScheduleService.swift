// SPDX-License-Identifier: Apache-2.0

import Connect
import Logging
import ServiceLifecycle

/// The scheduler with its collaborators: made when the service begins, when signals are already taken care of.
struct ConnectScheduleService: Service {
  let configuration: Configuration
  let file: String
  let isStaging: Bool
  let plan: SchedulePlan

  func run() async throws {
    let runtime = try await ConnectRuntime.open(
      configuration, file: file, environment: Environment.current, purpose: "connect run", staging: isStaging,
      isService: true)
    Observability.say(
      "synchronising every \(plan.interval)" + (plan.full.map { ", in full every \($0)" } ?? "")
        + (runtime.isStaging ? "; staging mode: nothing is exported" : ""))
    let scheduler = Scheduler(
      runtime.service, plan: plan, clock: .continuous, logger: Logger(label: "bridgehead.connect"))
    await cancelWhenGracefulShutdown { await scheduler.run() }
    await runtime.close()
    Observability.say("stopped; the next run goes on from here")
  }
}
