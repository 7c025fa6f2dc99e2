// SPDX-License-Identifier: Apache-2.0

import Connect
import Logging
import ServiceLifecycle
import Wire

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
      try ConnectAccess(configuration, file: file), environment: Environment.current, purpose: "connect run",
      staging: isStaging, isService: true)
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
    let rollers = runtime.isStaging ? [] : rollers()
    await cancelWhenGracefulShutdown {
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await scheduler.run() }
        if let writeback { group.addTask { await writeback.run() } }
        if let passwords { group.addTask { await passwords.run() } }
        for roller in rollers { group.addTask { await roller.run() } }
      }
    }
    await runtime.close()
    Observability.say("stopped; the next run goes on from here")
  }

  /// Those who roll the keys of Seamless SSO, for the forests whose configuration asks for it.
  private func rollers() -> [SSORoller<ContinuousClock>] {
    (configuration.connect?.forests ?? []).compactMap { forest in
      guard let section = forest.seamlessSSO, let age = Duration(parsing: section.rollEvery) else { return nil }
      // Keys of the whole forest pass through.
      ProcessSecrecy.refuseCores()
      Observability.say("rolling the key of Seamless SSO of \(forest.name) every \(section.rollEvery)")
      var options = SeamlessSSO.Options()
      if let account = section.account { options.account = account }
      let settings = SeamlessSSORuntime.Settings(
        file: file, forest: forest.name, domain: section.domain, target: section.target,
        administrator: section.credentials, tokenFile: section.tokenFile, options: options)
      return SSORoller(
        forest: forest.name, clock: .continuous, logger: Logger(label: "bridgehead.sso")
      ) {
        let runtime = try await SeamlessSSORuntime.open(settings, environment: Environment.current)
        return try await runtime.use { try await $0.service.rollIfDue(after: age / .seconds(1)) }
      }
    }
  }
}
