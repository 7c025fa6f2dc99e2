// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import PortReference
import Synchronization
import Testing
import TestSupport
import WebPages

@testable import Readiness
import Wire

@Suite struct WatchEndpointsTests {
  private static let hostile = "\"><script>alert(1)</script>\n<img src=x onerror='x'> & \u{202E} \\ \u{0}"

  private func endpoints(
    _ bench: WatchBench, log: RecordedLog = RecordedLog(), probe: @escaping WatchEndpoints.Probe = { _, _ in nil }
  ) -> WatchEndpoints {
    WatchEndpoints(
      history: bench.history, hosts: ["watch.corp.example"], now: { bench.clock.now },
      ownMetrics: { "# TYPE own gauge\nown 1\n" }, logger: log.logger, probe: probe)
  }

  private func get(
    _ target: String, _ endpoints: WatchEndpoints, method: String = "GET", host: String? = "127.0.0.1:9463"
  ) async -> WatchAnswer {
    await endpoints.answer(WatchRequest(method: method, target: target, host: host))
  }

  /// Two controllers, one of them in trouble and with a name for mischief.
  private func fill(_ bench: WatchBench) async throws {
    let evidence = [
      Phase(.connect, start: 0, seconds: 0.002, sent: "TCP SYN", received: "SYN-ACK"),
      Phase(.request, start: 0.002, seconds: 0.25, sent: Self.hostile, received: Self.hostile),
      Phase(.request, start: 0.3, seconds: 0.25, sent: "again", received: nil),
    ]
    let observations: [Observation] = [
      .peerCertificate(subject: Self.hostile, issuer: "x", notAfter: Date(timeIntervalSince1970: 1_900_000_000)),
      .clockSkew(seconds: -3, source: Self.hostile),
      .endpointMapped(interface: "drsuapi", address: "192.0.2.10", port: 49_664),
      .endpointMapped(interface: "drsuapi", address: "192.0.2.11", port: 49_665),
      .revocationListStale(location: Self.hostile, nextUpdate: Date(timeIntervalSince1970: 1_700_000_000)),
    ]
    let findings: [Finding] = [
      .sample(evidence: evidence, observations: observations),
      .sample(row: .connectADKerberos, transport: .udp),
      .sample(
        .blocked, .dropped, to: Self.hostile, summary: Self.hostile,
        remedy: Remedy(.firewall, Self.hostile, rule: Self.hostile)),
      .sample(.inconclusive, .unknown, row: .connectADSMB, to: "dc2.corp.example", isRequired: false),
    ]
    _ = try await bench.history.record(findings, at: bench.clock.now, notifies: false)
    bench.clock.advance(30)
  }

  /// What went wrong inside is for the administrator's log, not for whoever looks at a page.
  @Test func theLogSaysWhyARequestFailed() async throws {
    struct Detail: DiagnosableError {
      let identifier = "test.detail"
      let message = "The file /var/lib/secret/place is broken."
      let remedy = "Mend it."
    }
    try await WatchBench.with { bench in
      let log = RecordedLog()
      let endpoints = endpoints(bench, log: log) { _, _ in throw Detail() }
      let answer = await get("/probe?target=dc1.corp.example&row=connect-ad/ldap", endpoints)
      #expect(answer.status == 500)
      #expect(answer.body.contains("the log says why") && !answer.body.contains("/var/lib/secret"))
      #expect(log.lines.count == 1)
      #expect(log.lines.first?.hasPrefix("error request failed") == true)
      #expect(log.lines.first?.contains("/var/lib/secret/place") == true)
      #expect(log.lines.first?.contains("target=/probe?target=dc1") == true)
    }
  }

  @Test func pagesShowTheMatrixAndTheFindingBehindEachCell() async throws {
    try await WatchBench.with { bench in
      let endpoints = endpoints(bench)
      #expect(await get("/", endpoints).body.contains("No check has ended yet."))
      try await fill(bench)
      let page = await get("/", endpoints)
      #expect(page.status == 200)
      for part in [
        "2 of 3 required flows work", "<th scope=\"col\">dc1.corp.example</th>", "connect-ad/ldap", "not needed",
        "To be seen to", "tcp: blocked", "To on-premises AD", "30 s ago", "aria-hidden=\"true\"",
      ] {
        #expect(page.body.contains(part), "\(part)")
      }
      for flow in try await bench.history.current() {
        #expect(page.body.contains("href=\"/flows/\(flow.id)\""))
        let detail = await get("/flows/\(flow.id)", endpoints)
        #expect(detail.status == 200)
        #expect(detail.body.contains(HTML.escape(flow.finding.summary)))
        #expect(detail.body.contains("role=\"img\""))
      }
      let timeline = await get("/timeline?hours=6", endpoints)
      #expect(timeline.body.contains("The last 6 h") && timeline.body.contains("<svg"))
      #expect(timeline.body.contains("<a href=\"/timeline?hours=6\" aria-current=\"true\">"))
    }
  }

  @Test func nothingRemoteLeavesItsPlace() async throws {
    try await WatchBench.with { bench in
      try await fill(bench)
      let endpoints = endpoints(bench)
      var targets = ["/", "/timeline", "/style.css", "/none/<script>", "/flows/99"]
      targets += try await bench.history.current().map { "/flows/\($0.id)" }
      for target in targets {
        let answer = await get(target, endpoints)
        #expect(!answer.body.contains("<script") && !answer.body.contains("<img"), "\(target)")
        #expect(!answer.body.contains("\u{202E}"))
        let headers = Dictionary(answer.headers.map { ($0.name, $0.value) }) { first, _ in first }
        #expect(headers["Content-Security-Policy"]?.hasPrefix("default-src 'none'") == true)
        #expect(headers["X-Content-Type-Options"] == "nosniff")
      }
      // Metrics have one line a series, whatever names hold.
      let metrics = await get("/metrics", endpoints).body
      for line in metrics.split(separator: "\n") where !line.hasPrefix("#") {
        #expect(line.wholeMatch(of: /[a-z_]+(\{([a-z]+="([^"\\]|\\.)*",?)*\})? -?[0-9.e+-]+/) != nil, "\(line)")
      }
    }
  }

  @Test func metricsTellVerdictsTimesAndExpiries() async throws {
    try await WatchBench.with { bench in
      try await fill(bench)
      let metrics = await get("/metrics", endpoints(bench)).body
      let labels =
        #"kind="check",source="sync1",row="connect-ad/ldap",transport="tcp",target="dc1.corp.example",address="192.0.2.10",port="389""#
      for line in [
        "bridgehead_ports_flow_works{\(labels)} 1",
        #"bridgehead_ports_flow_finding{\#(labels),verdict="works",diagnosis="none",required="true"} 1"#,
        #"bridgehead_ports_phase_duration_seconds{\#(labels),phase="connect"} 0.002"#,
        // Phases of one name together.
        #"bridgehead_ports_phase_duration_seconds{\#(labels),phase="request"} 0.5"#,
        "bridgehead_ports_certificate_expiry_timestamp_seconds{\(labels)} 1900000000",
        "bridgehead_ports_clock_skew_seconds{\(labels)} -3",
        #"bridgehead_ports_rpc_endpoint_port{\#(labels),interface="drsuapi"} 49664"#,
        "bridgehead_ports_flow_state_start_timestamp_seconds{\(labels)} 1800000000", "own 1",
      ] {
        #expect(metrics.contains(line + "\n"), "\(line)")
      }
      // A series has one value, and what is not decided is neither.
      #expect(!metrics.contains("49665"))
      #expect(!metrics.contains(#"flow_works{kind="check",source="sync1",row="connect-ad/smb""#))
      #expect(metrics.ranges(of: "# TYPE bridgehead_ports_flow_works gauge").count == 1)
    }
  }

  @Test func theJSONIsThatOfTheFindings() async throws {
    try await WatchBench.with { bench in
      try await fill(bench)
      let endpoints = endpoints(bench)
      struct Flows: Decodable {
        var version: Int
        var flows: [WatchedFlow]
      }
      struct Flow: Decodable {
        var flow: WatchedFlow
        var states: [WatchState]
      }
      let flows = try StableJSON.decode(
        Flows.self, from: Data(await get("/api/v1/flows", endpoints).body.utf8))
      let current = try await bench.history.current()
      #expect(flows.version == 1 && flows.flows == current)
      let id = flows.flows[2].id
      let flow = try StableJSON.decode(
        Flow.self, from: Data(await get("/api/v1/flows/\(id)?hours=1", endpoints).body.utf8))
      #expect(flow.flow == flows.flows[2] && flow.states.count == 1)
      #expect(await get("/api/v1/flows/77", endpoints).status == 404)
      #expect(await get("/api/v2/flows", endpoints).status == 404)
    }
  }

  @Test func onlyWhoAsksProperlyIsAnswered() async throws {
    try await WatchBench.with { bench in
      let endpoints = endpoints(bench)
      for host in [nil, "evil.example", "evil.example:9463", "[2001:db8::1]:80", "127.0.0.1.evil.example", ""] {
        #expect(await get("/", endpoints, host: host).status == 421, "\(host ?? "none")")
      }
      for host in ["localhost", "LOCALHOST:1", "[::1]:9463", "127.0.0.1", "Watch.Corp.Example"] {
        #expect(await get("/", endpoints, host: host).status == 200, "\(host)")
      }
      for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "get"] {
        #expect(await get("/", endpoints, method: method).status == 405)
      }
      let head = await get("/", endpoints, method: "HEAD")
      #expect(head.status == 200 && head.body.isEmpty)
      #expect(await get("/" + String(repeating: "a", count: 3_000), endpoints).status == 414)
      for target in ["/%", "/%zz", "/%ff", "none", "/?a=%", "/?a=1&a=2", "/?" + String(repeating: "a&", count: 20)] {
        #expect(await get(target, endpoints).status == 400, "\(target)")
      }
      for target in ["/flows/", "/flows/x", "/flows/1/2", "/..", "/api", "/timeline/x", "/metrics/x"] {
        #expect(await get(target, endpoints).status == 404, "\(target)")
      }
      // Odd windows are brought into bounds.
      for hours in ["0", "-1", "x", "99999999999999999999", "9223372036854775807"] {
        #expect(await get("/timeline?hours=\(hours)", endpoints).status == 200)
      }
    }
  }

  @Test func onlyFlowsOfTheTopologyAreProbedAndNotTooManyAtOnce() async throws {
    try await WatchBench.with { bench in
      let asked = Mutex<[String]>([])
      let (hold, release) = AsyncStream<Void>.makeStream()
      let (entered, enter) = AsyncStream<Void>.makeStream()
      let endpoints = endpoints(bench) { target, row in
        asked.withLock { $0.append("\(target) \(row)") }
        if target == "slow" {
          enter.yield()
          for await _ in hold {}
        }
        return target == "dc1.corp.example" || target == "slow" ? [.sample(row: row)] : nil
      }
      for target in [
        "/probe", "/probe?target=dc1.corp.example", "/probe?target=&row=connect-ad/ldap", "/probe?target=x&row=none",
      ] {
        #expect(await get(target, endpoints).status == 400, "\(target)")
      }
      #expect(asked.withLock { $0 }.isEmpty)
      #expect(await get("/probe?target=169.254.169.254&row=connect-cloud/http", endpoints).status == 404)
      let probe = await get("/probe?target=dc1.corp.example&row=connect-ad%2Fldap", endpoints)
      #expect(probe.status == 200 && probe.body.contains("probe_success 1\n"))
      #expect(probe.body.contains("probe_duration_seconds "))
      await withTaskGroup(of: Int.self) { group in
        for _ in 0..<4 { group.addTask { await get("/probe?target=slow&row=connect-ad/ldap", endpoints).status } }
        for await _ in entered.prefix(4) {}
        #expect(await get("/probe?target=dc1.corp.example&row=connect-ad/ldap", endpoints).status == 503)
        release.finish()
        for await status in group { #expect(status == 200) }
      }
      #expect(await get("/probe?target=dc1.corp.example&row=connect-ad/ldap", endpoints).status == 200)
    }
  }

  @Test(arguments: [
    ("127.0.0.1", true), ("127.8.9.10", true), ("::1", true), ("0.0.0.0", false), ("::", false), ("192.0.2.1", false),
    ("localhost", false), ("::ffff:127.0.0.1", false), ("", false),
  ])
  func nothingButLoopbackIsListenedOn(_ host: String, _ isAllowed: Bool) {
    #expect(WatchServer.isLoopback(host) == isAllowed)
  }
}
