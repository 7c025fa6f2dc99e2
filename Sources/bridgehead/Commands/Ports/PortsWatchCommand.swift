// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import Logging
import NIOPosix
import PortReference
import Readiness
import ServiceLifecycle
import Store
import Wire

struct PortsWatch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Check the flows on a schedule, as a service, and show how they stand and stood.",
    discussion: """
      Makes the checks of 'ports check' again and again, keeps what was found, and serves it on a loopback address:
        /                  the matrix of rows by host, with the finding behind each cell; /timeline: over time
        /metrics           Prometheus metrics of all flows
        /probe             one row of one target of the topology, as the blackbox exporter does it:
                           /probe?target=dc1.corp.example&row=connect-ad/ldap
        /api/v1/flows      the same as JSON
      Beside that it leaves an LDAP connection to each domain controller alone for longer and longer, to find devices that
      cut off quiet connections. Each change is logged, and posted to the webhook, once. It has no sign-in and no TLS: to
      see it from elsewhere, put a proxy with both before it.

      EXAMPLES
        bridgehead ports watch -f topology.yaml --database /var/lib/bridgehead/watch.sqlite
        bridgehead ports watch -f topology.yaml --every 5m --config bridgehead.yaml --sign-in
        bridgehead ports watch -f topology.yaml --webhook https://alerts.corp.example/hook --webhook-token-file hook.token

      EXIT CODES
        0 stopped by a signal, 1 could not begin, 2 the topology has nothing to watch from here
        64 the command line is wrong, 78 the topology or the configuration is wrong
      """)

  @OptionGroup var global: GlobalOptions

  @Option(name: [.customShort("f"), .long], help: ArgumentHelp("The topology file.", valueName: "file"))
  var file = "topology.yaml"

  @Option(help: "The role that this machine plays.")
  var from = Role.connect

  @OptionGroup var options: CheckOptions

  @Option(help: ArgumentHelp("The history (SQLite).", valueName: "file"))
  var database = "/var/lib/bridgehead/watch.sqlite"

  @Option(help: ArgumentHelp("Where to serve: a loopback address and a port.", valueName: "address:port"))
  var listen = "127.0.0.1:9463"

  @Option(
    help: ArgumentHelp("A name by which a proxy before it is called (repeatable).", valueName: "name"))
  var publicName: [String] = []

  @Option(help: ArgumentHelp("From the start of one check to that of the next.", valueName: "duration"))
  var every = "60s"

  @Option(help: ArgumentHelp("Seconds after which a check ends, 1 to 300.", valueName: "seconds"))
  var deadline = 10.0

  @Option(help: ArgumentHelp("How long the history is kept.", valueName: "duration"))
  var keep = "90d"

  @Option(help: ArgumentHelp("Where changes are posted as JSON.", valueName: "url"))
  var webhook: String?

  @Option(help: ArgumentHelp("A private file with a bearer token for the webhook.", valueName: "file"))
  var webhookTokenFile: String?

  @Option(help: ArgumentHelp("The first time that a connection is left alone; it doubles.", valueName: "duration"))
  var idleFrom = "60s"

  @Option(help: ArgumentHelp("The longest time that a connection is left alone.", valueName: "duration"))
  var idleTo = "1h"

  @Flag(inversion: .prefixedNo, help: "Watch for devices that cut off quiet connections.")
  var idle = true

  /// A shorter interval would be a burden.
  private static let shortestInterval = Duration.seconds(1)

  func validate() throws {
    for (name, text) in [("every", every), ("keep", keep), ("idle-from", idleFrom), ("idle-to", idleTo)]
    where Duration(parsing: text) == nil {
      throw ValidationError("--\(name) takes a number and s, m, h or d, not '\(text)'.")
    }
    if Endpoint(parsing: listen) == nil { throw ValidationError("--listen takes address:port.") }
    if !(1...300).contains(deadline) { throw ValidationError("--deadline takes 1 to 300 seconds.") }
    if webhook == nil, webhookTokenFile != nil { throw ValidationError("--webhook-token-file belongs to --webhook.") }
  }

  func run() async throws {
    Observability.bootstrap(global)
    CheckEnvironment.raiseDescriptorLimit()
    let topology = try TopologyFile.load(file).topology
    let check = WatchCheck(
      options, topology, source: from, deadline: .seconds(deadline), variables: Environment.current)
    let flows = await check.flows
    guard !flows.isEmpty else {
      printError("error: the topology needs no flow from the role \(from.rawValue).")
      printError("remedy: see 'bridgehead ports plan' for its flows, and choose --from by them.")
      throw ExitCode(2)
    }
    let lock = try RunLock(database, purpose: "ports watch")
    let store = try await SQLiteStore.open(path: database, migrations: WatchSchema.migrations)
    let services = try await services(check, flows, topology, store)
    Observability.say("watching \(flows.count) flows every \(every)")
    try await ServiceRunner.run(services, metrics: nil, logger: Logger(label: "bridgehead.watch"))
    try? await store.close()
    lock.release()
    Observability.say("stopped")
  }

  private func services(
    _ check: WatchCheck, _ flows: [CheckedFlow], _ topology: Topology, _ store: SQLiteStore
  ) async throws -> [any Service] {
    let logger = Logger(label: "bridgehead.watch")
    let now: @Sendable () -> Double = { Date.now.timeIntervalSince1970 }
    var schedule = Watcher.Schedule()
    schedule.interval = max(Duration(parsing: every) ?? schedule.interval, Self.shortestInterval)
    schedule.retention = Duration(parsing: keep) ?? schedule.retention
    let history = WatchHistory(
      store: store, longestGap: (schedule.longestGap + .seconds(deadline)) / .seconds(1))
    var services: [any Service] = []
    var notifier: WatchNotifier?
    if let webhook {
      let environment = try CheckEnvironment(options, topology, environment: Environment.current)
      let hook = try Webhook(webhook, tokenFile: webhookTokenFile, http: environment.http)
      let made = WatchNotifier(history: history, now: now, logger: logger) { try await hook.post($0) }
      notifier = made
      services.append(
        LastingService {
          await made.run()
          await environment.shutdown()
        })
    }
    let watcher = Watcher(
      check: { try await check.run() }, history: history, schedule: schedule, notifier: notifier, now: now,
      logger: logger)
    services.append(LastingService { await watcher.run() })
    let quiet = IdleWatch.flows(among: flows)
    if idle, !quiet.isEmpty {
      var plan = IdleWatch.Plan()
      plan.first = Duration(parsing: idleFrom) ?? plan.first
      plan.longest = max(plan.first, Duration(parsing: idleTo) ?? plan.longest)
      services.append(LastingService { [plan] in await Self.watchIdle(quiet, plan, watcher, logger) })
    }
    guard let endpoint = Endpoint(parsing: listen) else { return services }
    let endpoints = WatchEndpoints(
      history: history, hosts: Set(publicName), now: now, ownMetrics: { Observability.registry.exposition() },
      logger: logger
    ) { target, row in try await check.run(target: target, row: row) }
    services.append(
      try WatchServer(endpoints, on: endpoint) { port in Observability.say("serving http://\(endpoint.host):\(port)/") }
    )
    return services
  }

  private static func watchIdle(
    _ flows: [CheckedFlow], _ plan: IdleWatch.Plan, _ watcher: Watcher, _ logger: Logger
  ) async {
    let sockets = ProbeSockets()
    let watch = IdleWatch(plan: plan) {
      ProbeContext(
        sockets: sockets, group: MultiThreadedEventLoopGroup.singleton, deadline: .now + .seconds(10),
        now: { Date.now }, credentials: nil, trust: { _ in nil }, standIns: nil, logger: logger)
    }
    await watch.run(flows) { finding in
      do {
        try await watcher.record([finding], kind: .idle)
      } catch {
        logger.error("a quiet connection could not be noted", metadata: ["error": "\(error)"])
      }
    }
  }
}
