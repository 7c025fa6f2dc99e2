// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import Logging
package import PortReference
import Synchronization
import Wire
import WebPages

/// Answers the requests to `ports watch`. One pipeline owns what keeps it safe; a route only looks things up.
package struct WatchEndpoints: Sendable {
  /// Checks one row of one target of the topology; nil when there is no such flow. Nobody else can be probed: the watch is
  /// no tool to reach into a network.
  package typealias Probe = @Sendable (_ target: String, _ row: RowID) async throws -> [Finding]?

  private let history: WatchHistory
  private let probe: Probe
  private let now: @Sendable () -> Double
  /// The program's own metrics, to stand below those of the flows.
  private let ownMetrics: @Sendable () -> String
  private let hosts: Set<String>
  private let probes = ProbeGate()
  private let logger: Logger

  /// - Parameter hosts: the names by which browsers may call the service, besides those of this machine itself. A page of
  ///   somebody else that lets its name point here is refused.
  package init(
    history: WatchHistory, hosts: Set<String> = [], now: @escaping @Sendable () -> Double,
    ownMetrics: @escaping @Sendable () -> String = { "" }, logger: Logger, probe: @escaping Probe
  ) {
    self.logger = logger
    self.history = history
    self.hosts = Set(hosts.map { $0.lowercased() }).union(["localhost", "127.0.0.1", "::1"])
    self.now = now
    self.ownMetrics = ownMetrics
    self.probe = probe
  }

  /// Never throws: whatever goes wrong becomes an answer.
  func answer(_ request: WatchRequest) async -> WatchAnswer {
    var answer: WatchAnswer
    do {
      answer = try await process(request)
    } catch {
      logger.error("request failed", metadata: ["target": "\(request.target)", "error": "\(error)"])
      answer = .text(500, "The request could not be served; the log says why.")
    }
    answer.headers += NavigationPage.securityHeaders
    if request.method == "HEAD" { answer.body = "" }
    return answer
  }

  private func process(_ request: WatchRequest) async throws -> WatchAnswer {
    // 1. Who was called.
    guard let host = request.host.map(Self.name), hosts.contains(host) else {
      return .text(421, "This service answers to the names of its own machine only.")
    }
    // 2. Only reading.
    guard request.method == "GET" || request.method == "HEAD" else {
      return .text(405, "Nothing can be changed here.", headers: [("Allow", "GET, HEAD")])
    }
    // 3. The target's size and form.
    guard request.target.utf8.count <= WatchRequest.maximumTarget else {
      return .text(414, "The request's target is longer than \(WatchRequest.maximumTarget) bytes.")
    }
    guard let (path, parameters) = request.parsed else {
      return .text(400, "The request's target is not encoded correctly.")
    }
    // 4. The work.
    return try await route(path, parameters)
  }

  /// The host without its port.
  private static func name(_ host: String) -> String {
    if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
      return host[host.index(after: host.startIndex)..<end].lowercased()
    }
    return host.prefix { $0 != ":" }.lowercased()
  }

  private func route(_ path: String, _ parameters: [String: String]) async throws -> WatchAnswer {
    let parts = path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
    switch (parts.first ?? "", parts.count) {
    case ("", 0): return html(pages.matrix(try await history.current()))
    case ("timeline", 1): return try await timeline(parameters)
    case ("flows", 2): return try await flow(parts[1], parameters)
    case ("style.css", 1):
      return WatchAnswer(headers: [("Content-Type", "text/css; charset=utf-8")], body: Style.sheet)
    case ("metrics", 1): return metrics(FlowMetrics.text(try await history.current()) + ownMetrics())
    case ("probe", 1): return try await probe(parameters)
    case ("api", 3) where parts[1] == "v1" && parts[2] == "flows":
      return try json(APIFlows(flows: try await history.current()))
    case ("api", 4) where parts[1] == "v1" && parts[2] == "flows": return try await apiFlow(parts[3], parameters)
    default: return html(pages.message("Not found", "There is no such page."), status: 404)
    }
  }

  private var pages: WatchPages { WatchPages(now: now()) }

  private func html(_ text: String, status: Int = 200) -> WatchAnswer {
    WatchAnswer(status: status, headers: [("Content-Type", "text/html; charset=utf-8")], body: text)
  }

  // MARK: Pages

  /// The window when none is named, in hours.
  private static let usualWindow = 24

  private func hours(_ parameters: [String: String]) -> Int {
    guard let hours = parameters["hours"].flatMap({ Int($0) }), hours > 0 else { return Self.usualWindow }
    return min(hours, WatchPages.windows.last ?? Self.usualWindow)
  }

  private func timeline(of flow: WatchedFlow, hours: Int) async throws -> Timeline {
    let end = now()
    let start = end - Double(hours) * 3600
    return Timeline(
      start: start, end: end, states: try await history.states(of: flow.id, since: start),
      gap: history.gap(of: flow.kind))
  }

  private func timeline(_ parameters: [String: String]) async throws -> WatchAnswer {
    let hours = hours(parameters)
    var lines: [(WatchedFlow, Timeline)] = []
    for flow in try await history.current() { lines.append((flow, try await timeline(of: flow, hours: hours))) }
    return html(pages.timeline(lines, hours: hours))
  }

  private func flow(_ id: String, _ parameters: [String: String]) async throws -> WatchAnswer {
    guard let id = Int64(id), let flow = try await history.flow(id) else {
      return html(pages.message("Not found", "There is no flow of this number."), status: 404)
    }
    return html(pages.flow(flow, try await timeline(of: flow, hours: hours(parameters))))
  }

  // MARK: JSON

  private struct APIFlows: Encodable {
    let version = 1
    let flows: [WatchedFlow]
  }

  private struct APIFlow: Encodable {
    let version = 1
    let flow: WatchedFlow
    let states: [WatchState]
  }

  private func json(_ value: some Encodable) throws -> WatchAnswer {
    WatchAnswer(headers: [("Content-Type", "application/json")], body: try StableJSON.text(value) + "\n")
  }

  private func apiFlow(_ id: String, _ parameters: [String: String]) async throws -> WatchAnswer {
    guard let id = Int64(id), let flow = try await history.flow(id) else {
      return WatchAnswer(
        status: 404, headers: [("Content-Type", "application/json")],
        body: #"{"error":"There is no flow of this number.","version":1}"# + "\n")
    }
    let timeline = try await timeline(of: flow, hours: hours(parameters))
    return try json(APIFlow(flow: flow, states: timeline.states))
  }

  // MARK: Metrics

  private func metrics(_ text: String) -> WatchAnswer {
    WatchAnswer(headers: [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")], body: text)
  }

  private func probe(_ parameters: [String: String]) async throws -> WatchAnswer {
    guard let target = parameters["target"], !target.isEmpty, let text = parameters["row"] else {
      return .text(400, "Name a target of the topology and a row: /probe?target=dc1.corp.example&row=connect-ad/ldap")
    }
    guard let row = RowID(rawValue: text) else {
      return .text(400, "There is no such row; 'bridgehead ports list' names them.")
    }
    guard probes.enter() else {
      return .text(503, "Other probes are under way.", headers: [("Retry-After", "10")])
    }
    defer { probes.leave() }
    let clock = ContinuousClock()
    let start = clock.now
    guard let findings = try await probe(target, row), !findings.isEmpty else {
      return .text(404, "The topology has no such flow from this machine.")
    }
    return metrics(FlowMetrics.probe(findings, seconds: (clock.now - start) / .seconds(1)))
  }
}

/// How many probes that somebody asked for are under way.
private final class ProbeGate: Sendable {
  /// Beside the check of the schedule.
  private static let maximum = 4
  private let count = Mutex(0)

  func enter() -> Bool {
    count.withLock { count in
      guard count < Self.maximum else { return false }
      count += 1
      return true
    }
  }

  func leave() { count.withLock { $0 -= 1 } }
}
