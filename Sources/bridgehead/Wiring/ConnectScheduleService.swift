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
  /// From the start of one pass over the passwords to the start of the next.
  let passwordInterval: Duration

  func run() async throws {
    let runtime = try await ConnectRuntime.open(
      configuration, file: file, environment: Environment.current, purpose: "connect run", staging: isStaging,
      isService: true)
    Observability.say(
      "synchronising every \(plan.interval)" + (plan.full.map { ", in full every \($0)" } ?? "")
        + (runtime.isStaging ? "; staging mode: nothing is exported" : ""))
    let scheduler = Scheduler(
      runtime.service, plan: plan, clock: .continuous, logger: Logger(label: "bridgehead.connect"))
    let passwords = runtime.passwords.map {
      PasswordScheduler(
        $0, interval: passwordInterval, clock: .continuous, logger: Logger(label: "bridgehead.passwords"))
    }
    if passwords != nil { Observability.say("reading changed password hashes every \(passwordInterval)") }
    let writeback = runtime.writeback.map {
      WritebackLoop($0, clock: .continuous, logger: Logger(label: "bridgehead.writeback"))
    }
    if writeback != nil { Observability.say("writing back passwords that are changed in the cloud") }
    await cancelWhenGracefulShutdown {
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await scheduler.run() }
        if let writeback { group.addTask { await writeback.run() } }
        if let passwords { group.addTask { await passwords.run() } }
      }
    }
    await runtime.close()
    Observability.say("stopped; the next run goes on from here")
  }
}
