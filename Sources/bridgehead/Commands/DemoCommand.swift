// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect
import FoundationEssentials
import LDAP
import Lab
import Logging
import Tenant
import Wire

struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Take a real Samba forest into the embedded tenant, change it, and watch it arrive.",
    discussion: """
      Everything is real: a Samba domain controller on a loopback address, LDAP sealed by Kerberos, a tenant behind TLS with
      a certificate whose revocation list is fetched and checked, and a person who signs in there with the password of the
      forest, also after it was changed there; who changes it in the tenant and gets a Kerberos ticket with it; and who is
      signed in by a ticket alone. A step that does not see what it claims ends the demo. It needs the standard ports, so
      root or namespaces of its own; 'make demo' makes them.

      EXAMPLES
        bridgehead demo
        bridgehead demo --users 2000 --groups 200 --json
        unshare -rn --mount --pid --fork --mount-proc sh -c 'ip link set lo up; bridgehead demo'
      """)

  @OptionGroup var global: GlobalOptions

  @Option(help: ArgumentHelp("Users of the forest.", valueName: "n"))
  var users = 300

  @Option(help: ArgumentHelp("Groups of the forest.", valueName: "n"))
  var groups = 40

  @Option(
    help: ArgumentHelp(
      "How soon a password that was changed in the forest or in the tenant has to hold on the other side.",
      valueName: "duration"))
  var within = "5s"

  @Option(
    help: ArgumentHelp("Keep everything in this new folder; without it nothing is left behind.", valueName: "folder"))
  var dir: String?

  @Flag(help: "Write the result as JSON, and nothing else.")
  var json = false

  func validate() throws {
    guard Duration(parsing: within) != nil else {
      throw ValidationError("'\(within)' is no duration: write a number and s, m, h or d.")
    }
  }

  func run() async throws {
    Observability.bootstrap(global)
    let environment = Environment.current
    let started = ContinuousClock.now
    let folder = try DemoFolder(dir, environment: environment)
    let lab = LabEnvironment(
      directory: folder.path + "/lab", environment: environment, executable: LabCommand.ownExecutable,
      cache: LabCommand.defaultCache(environment), now: { Date.now })
    do {
      let report = try await Interruption.stopping { try await play(lab, folder, environment, started) }
      try await lab.down(remove: false)
      folder.remove()
      if json { try printJSON(report) }
    } catch {
      try? await lab.down(remove: false)
      folder.remove()
      throw error
    }
  }

  /// What a synchronisation with passwords uses of the reference.
  private static let rows = [
    "connect-ad/dns", "connect-ad/kerberos", "connect-ad/rpc-endpoint-mapper", "connect-ad/ldap", "connect-ad/smb",
    "connect-ad/ldaps", "connect-ad/rpc-dynamic", "connect-ad/global-catalog", "connect-cloud/http",
    "connect-cloud/https",
  ]

  /// The demo's table of contents.
  private func play(
    _ lab: LabEnvironment, _ folder: DemoFolder, _ environment: [String: String],
    _ started: ContinuousClock.Instant
  ) async throws -> DemoReport {
    var stage = DemoStage(
      line: ProgressLine(Terminal(environment: environment), quiet: global.quiet || json), asText: !json)
    stage.say("Bridgehead takes a real forest into a cloud directory.")
    let description = try await raise(lab, &stage)
    let clock = ContinuousClock.now
    let site = try await DemoSite(description, directory: folder.path)
    let server = try await site.tenantServer()
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run() }
      defer { group.cancelAll() }
      _ = try await server.port()
      stage.finish(
        "a tenant", ["https://\(site.forest.tenant.name)/scim/v2, with a certificate of the lab's authority"],
        since: clock)
      try await synchronise(site, environment, &stage)
      let status = try await lookOverTLS(site, environment, &stage)
      try check(status, &stage)
      stage.report.elapsed = (ContinuousClock.now - started) / .seconds(1)
      stage.say("\nflows used, each told by its transport after the handshake")
      stage.say(status.flowTable.text())
      stage.say("\nAll of this took \(CycleReport.seconds(stage.report.elapsed)).")
      if dir != nil { stage.say("The configuration and the databases are in \(folder.path).") }
      return stage.report
    }
  }

  private func raise(_ lab: LabEnvironment, _ stage: inout DemoStage) async throws -> LabDescription {
    let clock = ContinuousClock.now
    let line = stage.line
    let description = try await lab.up(LabOptions(users: users, groups: groups)) { progress in
      line.update(progress.phase, progress.done, of: progress.total)
    }
    let controller = description.forests[0].controllers[0]
    stage.finish(
      "a forest",
      [
        "\(description.forests[0].name): a Samba domain controller, \(controller.host) on \(controller.address), "
          + "with \(users) users and \(groups) groups to synchronise"
      ], since: clock)
    return description
  }

  private func synchronise(
    _ site: DemoSite, _ environment: [String: String], _ stage: inout DemoStage
  ) async throws {
    let access = try ConnectAccess(site.configuration, file: site.configurationFile)
    try await ConnectRuntime.open(access, environment: environment).use { runtime in
      try await site.administrator().use { administrator in
        try await site.peoplesCloud().use { people in
          var script = DemoScript(
            site: site, runtime: runtime, tenant: runtime.clients[0], administrator: administrator,
            browser: DemoBrowser(http: people.http, issuer: try site.issuer, application: site.application),
            passwordDeadline: Duration(parsing: within) ?? .seconds(5), tell: stage.tell, report: stage.report)
          let line = stage.line
          try await script.run(
            progress: Progress { phase, done, total in line.update(phase.rawValue, done, of: total) })
          stage.report = script.report
        }
      }
    }
  }

  private func lookOverTLS(
    _ site: DemoSite, _ environment: [String: String], _ stage: inout DemoStage
  ) async throws -> ConnectStatus {
    let clock = ContinuousClock.now
    let access = try ConnectAccess(site.configurationOverTLS, file: site.configurationFile)
    return try await ConnectRuntime.open(access, environment: environment).use { runtime in
      let result = try await runtime.service.run()
      guard result.requests == 0, result.imports.allSatisfy({ $0.mode == .delta }) else {
        throw DemoError(message: "Over LDAPS the directory looked different.")
      }
      stage.finish(
        "the same over TLS", ["LDAPS goes on at the same watermark: nothing has changed, nothing is sent"],
        since: clock)
      return try await ConnectStatus.read(runtime.store)
    }
  }

  private func check(_ status: ConnectStatus, _ stage: inout DemoStage) throws {
    stage.report.flowUses = status.flows
    stage.report.flows = Array(Set(status.flows.map(\.row))).sorted()
    let missing = Self.rows.filter { !stage.report.flows.contains($0) }
    guard missing.isEmpty else {
      throw DemoError(message: "The demo did not use \(missing.joined(separator: ", ")).")
    }
  }
}

/// Tells the steps of the demo as they end, and keeps them for its report.
private struct DemoStage {
  let line: ProgressLine
  let asText: Bool
  var report = DemoReport()

  init(line: ProgressLine, asText: Bool) {
    self.line = line
    self.asText = asText
  }

  func say(_ text: String) { if asText { print(text) } }

  var tell: @Sendable (DemoReport.Step) -> Void {
    { [line, asText] step in
      line.finish()
      guard asText else { return }
      print("\n\(step.name) (\(CycleReport.seconds(step.elapsed)))")
      for detail in step.detail { print("  \(detail)") }
    }
  }

  mutating func finish(_ name: String, _ detail: [String], since clock: ContinuousClock.Instant) {
    let step = DemoReport.Step(name: name, detail: detail, elapsed: (ContinuousClock.now - clock) / .seconds(1))
    report.steps.append(step)
    tell(step)
  }
}

/// Where the demo keeps its files.
private struct DemoFolder {
  let path: String
  private let isTemporary: Bool

  init(_ named: String?, environment: [String: String]) throws {
    isTemporary = named == nil
    let base = environment["TMPDIR"] ?? "/tmp"
    path = named.map(absolutePath) ?? "\(base)/bridgehead-demo-\(UUID().uuidString.lowercased().prefix(8))"
    guard !FileManager.default.fileExists(atPath: path) else {
      throw CommandError("demo.folder", "\(path) is there already.", remedy: "name a folder that does not exist yet.")
    }
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw CommandError(
        "demo.folder", "\(path) cannot be made: \(error).", remedy: "name a folder in a place that you may write.")
    }
  }

  func remove() {
    if isTemporary { try? FileManager.default.removeItem(atPath: path) }
  }
}
