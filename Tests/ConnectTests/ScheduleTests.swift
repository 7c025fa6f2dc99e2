// SPDX-License-Identifier: Apache-2.0

import Foundation
import IdentityModel
import Logging
import Store
import Testing
import Wire

@testable import Connect
import TestSupport

@Suite struct ScheduleTests {
  /// Runs a scheduler while the body looks at what it does.
  private func schedule(
    _ site: Site, _ plan: SchedulePlan, _ configuration: ConnectConfiguration? = nil,
    _ body: (ManualClock) async throws -> Void
  ) async throws {
    let clock = ManualClock()
    let scheduler = Scheduler(
      site.service(configuration), plan: plan, clock: clock,
      logger: .silent)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await scheduler.run() }
      try await eventually { clock.isAwaited }
      try await body(clock)
      group.cancelAll()
    }
  }

  /// Moves the clock, and waits until the scheduler waits again.
  private func pass(_ clock: ManualClock, _ site: Site, _ duration: Duration) async throws {
    // The scheduler looks around every second of a wait.
    let end = clock.now.advanced(by: duration)
    while clock.now < end {
      let step = min(.seconds(1), clock.now.duration(to: end))
      site.advance(Double(step.components.seconds) + Double(step.components.attoseconds) / 1e18)
      clock.advance(by: step)
      try await eventually { clock.isAwaited }
    }
  }

  @Test func changesArriveAtTheIntervalAndNotBefore() async throws {
    try await Site.with { site in
      _ = site.directory.user("ann", in: site.people)
      try await schedule(site, SchedulePlan()) { clock in
        #expect(site.target.objects.count == 1)
        _ = site.directory.user("bob", in: site.people)
        try await pass(clock, site, .seconds(29))
        #expect(site.target.objects.count == 1)
        try await pass(clock, site, .seconds(1))
        #expect(site.target.objects.count == 2)
      }
    }
  }

  @Test func quietPassesWriteNothingButTheWatermark() async throws {
    try await Site.with { site in
      _ = site.directory.user("ann", in: site.people)
      try await schedule(site, SchedulePlan()) { clock in
        let before = try await picture(site)
        let readings = site.directory.readings.count
        for _ in 0..<3 { try await pass(clock, site, .seconds(30)) }
        #expect(site.directory.readings.count == readings + 3)
        #expect(try await picture(site) == before)
        // They are told with the next one that changed something.
        _ = site.directory.user("bob", in: site.people)
        try await pass(clock, site, .seconds(30))
        let runs = try await RunHistory(store: site.store).last(10)
        #expect(runs.map(\.report?.quietBefore) == [3, nil])
      }
    }
  }

  /// Every row of every table but the watermarks.
  private func picture(_ site: Site) async throws -> [String] {
    try await site.store.read { transaction in
      let tables = try transaction.query(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'watermark' ORDER BY name", []
      ) { row in try row[0] as String }
      return try tables.map { table in
        let columns = try transaction.query("SELECT name FROM pragma_table_info('\(table)')", []) { row in
          "quote(\"\(try row[0] as String)\")"
        }
        let rows = try transaction.query(
          "SELECT \(columns.joined(separator: " || ',' || ")) AS text FROM \"\(table)\" ORDER BY text", []
        ) { row in try row[0] as String }
        return "\(table): \(rows.joined(separator: "\n"))"
      }
    }
  }

  @Test func failuresBackOffAndNeverEndTheService() async throws {
    #expect(SchedulePlan().wait(afterFailures: 0) == .seconds(30))
    #expect(
      (1...6).map { SchedulePlan().wait(afterFailures: $0) } == [30, 60, 120, 240, 300, 300].map { .seconds($0) })
    #expect(SchedulePlan(interval: .seconds(3600)).wait(afterFailures: 9) == .seconds(3600))
    #expect(SchedulePlan(interval: SchedulePlan.followInterval).wait(afterFailures: 1_000) == .seconds(300))

    try await Site.with { site in
      _ = site.directory.user("ann", in: site.people)
      site.target.beDown(true)
      try await schedule(site, SchedulePlan()) { clock in
        try await pass(clock, site, .seconds(30))
        try await pass(clock, site, .seconds(60))
        site.target.beDown(false)
        try await pass(clock, site, .seconds(119))
        #expect(site.target.objects.isEmpty)
        try await pass(clock, site, .seconds(1))
        #expect(site.target.objects.count == 1)
        // The three failures in a row are one line of the history.
        let runs = try await RunHistory(store: site.store).last(10)
        #expect(runs.map(\.outcome) == [.succeeded, .failed])
        #expect(runs.last?.report?.repetitions == 3)
        // The wait is the usual one again.
        _ = site.directory.user("bob", in: site.people)
        try await pass(clock, site, .seconds(30))
        #expect(site.target.objects.count == 2)
      }
    }
  }

  @Test func anApprovalEndsTheWait() async throws {
    try await Site.with { site in
      let users = (0..<8).map { site.directory.user("u\($0)", in: site.people) }
      try await schedule(site, SchedulePlan()) { clock in
        for user in users.prefix(6) { site.directory.delete(user) }
        try await pass(clock, site, .seconds(30))
        #expect(site.target.objects.count == 8)
        try await site.approve()
        try await pass(clock, site, .seconds(2))
        #expect(site.target.objects.count == 2)
      }
    }
  }

  @Test func fullPassesHaveTheirOwnSchedule() async throws {
    try await Site.with { site in
      _ = site.directory.user("ann", in: site.people)
      try await site.sync(full: true)
      site.advance(600)
      let plan = SchedulePlan(interval: .seconds(60), full: .seconds(900))
      // The last full pass was ten minutes ago: the next one comes after five.
      try await schedule(site, plan) { clock in
        #expect(site.directory.readings == [.full, .delta])
        for _ in 0..<4 { try await pass(clock, site, .seconds(60)) }
        #expect(site.directory.readings.filter { $0 == .full }.count == 1)
        try await pass(clock, site, .seconds(60))
        #expect(site.directory.readings.filter { $0 == .full }.count == 2)
        try await pass(clock, site, .seconds(60))
        #expect(site.directory.readings.last == .delta)
      }
    }
  }

  @Test func refusedObjectsAreTriedAtTheirTime() async throws {
    try await Site.with { site in
      _ = site.directory.user("ann", in: site.people)
      site.target.refuse(["ann@corp.example"])
      try await schedule(site, SchedulePlan()) { clock in
        let held = try await HeldObject.read(site.store)
        #expect(held.map(\.reason) == [.targetRefused])
        #expect(held.first?.name == "ann@corp.example")
        #expect(held.first?.attempts == 1)
        #expect(held.first?.nextTry == 1_800_000_060)
        site.target.refuse([])
        try await pass(clock, site, .seconds(30))
        #expect(site.target.objects.isEmpty)
        #expect(try await site.finder().retry("ann", in: site.store) == 1)
        try await pass(clock, site, .seconds(2))
        #expect(site.target.objects.count == 1)
        #expect(try await HeldObject.read(site.store).isEmpty)
      }
    }
  }
}

@Suite struct StagingTests {
  @Test func stagingExportsNothingUntilItIsActive() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people, ["department": ["Sales"]])
      var staging = site.configuration()
      staging.isStaging = true
      let report = try await site.sync(staging)
      #expect(report.isStaging == true)
      #expect(report.pending == 1)
      #expect(site.target.requests == 0)
      // Another server exports meanwhile; then this one takes its place.
      try await site.sync()
      try await site.sync(staging)
      let id = try #require(site.target.id("ann@corp.example"))
      site.target.tamper { $0[id]?.attributes["department"] = [Array("Elsewhere".utf8)] }
      site.directory.modify(ann, ["displayname": ["Ann"]])
      try await site.sync(staging)
      #expect(site.target["ann@corp.example"]?.attributes.text("department") == "Elsewhere")
      try await site.sync()
      #expect(site.target["ann@corp.example"]?.attributes.text("department") == "Sales")
      #expect(site.target["ann@corp.example"]?.attributes.text("displayName") == "Ann")
    }
  }
}

/// A forest that does not answer, beside one that does.
@Suite struct LeftBehindTests {
  private func runs(_ site: Site) async throws -> [RunRecord] { try await RunHistory(store: site.store).last(100) }

  private func populate(_ site: Site) {
    _ = site.directory.user("ann", in: site.people)
    _ = site.resources.user("bob", in: site.resourcesRoot)
  }

  @Test func itIsToldOnceAndLeftAlone() async throws {
    try await Site.with { site in
      populate(site)
      let service = site.service(site.twoForests())
      _ = try await service.run()
      site.resources.beUnreachable(true)
      let attempts = site.resources.attempts
      var report = try await service.poll()
      #expect(report.leftBehind == [site.resources.name])
      // Each reading tries a few times.
      #expect(site.resources.attempts == attempts + Importer.maximumAttempts)
      #expect(try await runs(site).map(\.outcome) == [.partial, .succeeded])
      // It is left alone for a while, and that is no success.
      site.advance(SourceReadings.backoff.first / .seconds(1) - 1)
      report = try await service.poll()
      #expect(report.leftBehind == [site.resources.name])
      #expect(site.resources.attempts == attempts + Importer.maximumAttempts)
      site.advance(1)
      _ = try await service.poll()
      #expect(site.resources.attempts == attempts + 2 * Importer.maximumAttempts)
      site.advance(SourceReadings.backoff.first / .seconds(1))
      _ = try await service.poll()
      #expect(site.resources.attempts == attempts + 2 * Importer.maximumAttempts)
      // All of them are one line of the history.
      site.advance(PassMemory.noteInterval)
      _ = try await service.poll()
      #expect(try await runs(site).map(\.outcome) == [.partial, .succeeded])
      #expect(try await runs(site).first?.report?.repetitions == 5)
      // What changes elsewhere goes on, in a line of its own.
      _ = site.directory.user("cem", in: site.people)
      report = try await service.poll()
      #expect(report.leftBehind == [site.resources.name])
      #expect(report.exported(.user).created == 1)
      #expect(try await runs(site).map(\.outcome) == [.partial, .partial, .succeeded])
      site.resources.beUnreachable(false)
      _ = site.resources.user("dan", in: site.resourcesRoot)
      site.advance(SourceReadings.backoff.longest / .seconds(1))
      report = try await service.poll()
      #expect(report.leftBehind == nil)
      #expect(site.target.objects.count == 4)
    }
  }

  /// A service that ends in the midst of a reading, and another pass of the same process.
  @Test func aReadingThatWasCancelledIsNoNews() async throws {
    try await Site.with { site in
      populate(site)
      let service = site.service(site.twoForests())
      _ = try await service.run()
      for directory in [site.directory, site.resources] { directory.beSilent(true) }
      for insists in [false, true] {
        let attempts = site.directory.attempts + site.resources.attempts
        let pass = Task { try await insists ? service.run() : service.poll() }
        try await eventually { site.directory.attempts + site.resources.attempts == attempts + 2 }
        pass.cancel()
        await #expect(throws: CancellationError.self) { try await pass.value }
      }
      for directory in [site.directory, site.resources] { directory.beSilent(false) }
      _ = site.directory.user("cem", in: site.people)
      let report = try await service.poll()
      #expect(report.leftBehind == nil && report.errors.isEmpty)
      #expect(site.target["cem@corp.example"] != nil)
    }
  }

  @Test func whereNobodyAnswersThePassFails() async throws {
    try await Site.with { site in
      populate(site)
      let service = site.service(site.twoForests())
      _ = try await service.run()
      for directory in [site.directory, site.resources] { directory.beUnreachable(true) }
      for _ in 0..<3 {
        let attempts = site.directory.attempts
        await #expect(throws: ConnectError.self) { try await service.poll() }
        // The wait between passes is the back-off.
        #expect(site.directory.attempts > attempts)
      }
      #expect(try await runs(site).map(\.outcome) == [.failed, .succeeded])
    }
  }

  @Test func aSilentForestHoldsUpNobody() async throws {
    try await Site.with { site in
      populate(site)
      let clock = ManualClock()
      var plan = SchedulePlan()
      plan.patience = .zero
      let scheduler = Scheduler(site.service(site.twoForests()), plan: plan, clock: clock, logger: .silent)
      func passing(until condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(30)
        while try await !condition() {
          try #require(ContinuousClock.now < end)
          if clock.isAwaited {
            site.advance(1)
            clock.advance(by: .seconds(1))
          }
          try await Task.sleep(for: .milliseconds(1))
        }
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await scheduler.run() }
        try await passing { site.target.objects.count == 2 }
        site.resources.beSilent(true)
        let attempts = site.resources.attempts
        try await passing { site.resources.attempts > attempts }
        // Pass after pass, while that one reading goes on.
        for number in 1...3 {
          _ = site.directory.user("u\(number)", in: site.people)
          try await passing { site.target.objects.count == 2 + number }
        }
        #expect(site.resources.attempts == attempts + 1)
        // The pass that brought the last one is noted when it ends.
        try await passing { try await runs(site).first?.report?.leftBehind == [site.resources.name] }
        // It answers after all.
        _ = site.resources.user("dan", in: site.resourcesRoot)
        site.resources.beSilent(false)
        try await passing { site.target.objects.count == 6 }
        group.cancelAll()
      }
    }
  }
}
