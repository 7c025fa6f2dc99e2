// SPDX-License-Identifier: Apache-2.0

import Connect
import FoundationEssentials
import LDAP
import Lab
import Logging
import SCIM
import Wire

/// The demo as a list of steps. Each one looks at the tenant over HTTPS afterwards and fails unless it sees what it claims.
struct DemoScript {
  let site: DemoSite
  let runtime: ConnectRuntime
  let tenant: SCIMClient
  let administrator: LDAPConnection
  let browser: DemoBrowser
  /// How soon a password that was changed on one side has to hold on the other.
  let passwordDeadline: Duration
  /// Tells a finished step.
  let tell: (DemoReport.Step) -> Void
  var report: DemoReport

  /// The demo's table of contents.
  mutating func run(progress: Progress) async throws {
    try await firstRun(progress)
    try await checkRights()
    try await signIn()
    let person = try await Self.following(runtime) {
      try await changePasswordInTenant(of: try await changePassword())
    }
    try await signInByTicket(of: person)
    try await changeUser()
    try await renameUnit()
    try await deleteUser()
  }

  private mutating func firstRun(_ progress: Progress) async throws {
    var detail: [String] = []
    let clock = ContinuousClock.now
    let result = try await runtime.service.run(progress: progress)
    for (kind, endpoint) in [("user", "/Users"), ("group", "/Groups")] {
      var query = ListQuery()
      query.count = 0
      let held = try await tenant.list(endpoint, query).totalResults
      let created = result.exported[kind]?.created ?? 0
      try expect(held == created && held > 0, "the tenant holds \(held) \(kind)s after \(created) were created")
      report.counts[kind] = held
    }
    let links = result.exported.values.reduce(0) { $0 + $1.linksAdded }
    report.counts["reference"] = links
    detail.append(
      "\(report.counts["user"] ?? 0) users, \(report.counts["group"] ?? 0) groups and \(links) references "
        + "(memberships, managers) are in the tenant")
    if result.quarantined > 0 { detail.append("\(result.quarantined) objects are in quarantine") }
    for phase in Phase.allCases {
      if let elapsed = result.elapsed(phase) { report.phases[phase.rawValue] = elapsed }
    }
    detail.append(
      Phase.allCases.compactMap { phase in
        result.elapsed(phase).map { "\(phase.rawValue) \(CycleReport.seconds($0))" }
      }.joined(separator: ", "))
    finish("first run", detail, since: clock)
  }

  /// `connect forest check`: MS-RPC, SMB and the global catalog, and every right that the accounts need.
  private mutating func checkRights() async throws {
    let clock = ContinuousClock.now
    let examiner = ForestExaminer(configuration: site.configuration, file: site.configurationFile)
    guard let section = site.configuration.connect?.forests.first else { return }
    let found = try await examiner.examine(section) { _, _, _ in }
    for finding in found.missing + found.failed { throw DemoError(message: finding.message) }
    let rights = found.findings.filter { $0.check == .right }
    try expect(rights.count >= 4, "only \(rights.count) rights were checked")
    let used = Set(try await examiner.flows().map(\.row))
    for row in Self.rowsOfTheCheck { try expect(used.contains(row), "the check did not use \(row)") }
    finish(
      "what the accounts may do",
      found.domains.map { domain in
        "\(domain.name) is \(domain.netBIOSName), \(domain.identifier): the same by LDAP, SMB (LSARPC) and MS-RPC (DRSUAPI)"
      } + ["\(rights.count) rights that the accounts need are in the access lists, none is missing"], since: clock)
  }

  private static let rowsOfTheCheck = [
    "connect-ad/rpc-endpoint-mapper", "connect-ad/rpc-dynamic", "connect-ad/smb", "connect-ad/ldap",
    "connect-ad/global-catalog",
  ]

  // MARK: - Objects

  private mutating func changeUser() async throws {
    let person = try await somebody("(&(objectClass=user)(title=*)(mail=*)(displayName=*))")
    let before = person.string("title") ?? ""
    let clock = ContinuousClock.now
    try await administrator.modify(person.dn, [.replace("title", ["Bridge Keeper"])])
    let result = try await runtime.service.run()
    let seen = try await resource("/Users", person)
    try expect(seen?.attributes["title"]?.string == "Bridge Keeper", "the tenant has not got the new title")
    try expect(result.exported["user"]?.updated == 1, "another number of users than one was updated")
    finish(
      "a change",
      [
        "\(person.string("displayName") ?? person.dn): title \(before) → Bridge Keeper, on the premises and in the tenant",
        "\(result.requests) request to the tenant",
      ], since: clock)
  }

  private mutating func renameUnit() async throws {
    let person = try await somebody("(&(objectClass=user)(title=*))")
    let parts = Array(person.dn.split(separator: ",", omittingEmptySubsequences: false))
    guard let start = parts.firstIndex(where: { $0.hasPrefix("OU=") }) else {
      throw DemoError(message: "\(person.dn) lies in no organisational unit.")
    }
    let unit = parts[start...].joined(separator: ",")
    let people = try await count("(objectClass=user)", below: unit)
    let name = parts[start].dropFirst(3)
    let before = try await total("/Users")
    let clock = ContinuousClock.now
    try await administrator.modifyDN(unit, newRDN: "OU=\(name) and Service")
    let result = try await runtime.service.run()
    let after = try await total("/Users")
    try expect(after == before, "the tenant went from \(before) to \(after) users")
    try expect(result.exported.values.allSatisfy { $0.deleted == 0 }, "the renamed unit deleted somebody")
    let renamed = "OU=\(name) and Service," + parts[(start + 1)...].joined(separator: ",")
    let shown = try await runtime.show(renamed)
    try expect(shown.contains { $0.entries.contains { $0.name == renamed } }, "Connect does not know \(renamed)")
    finish(
      "a renamed unit",
      ["\(unit) is now \(renamed)", "\(people) people are in it: Connect knows their new place, nobody was deleted"],
      since: clock)
  }

  private mutating func deleteUser() async throws {
    let person = try await somebody("(&(objectClass=user)(mail=*)(!(directReports=*))(!(title=Bridge Keeper)))")
    try expect(try await resource("/Users", person) != nil, "\(person.dn) is not in the tenant")
    let clock = ContinuousClock.now
    try await administrator.delete(person.dn)
    let result = try await runtime.service.run()
    try expect(try await resource("/Users", person) == nil, "\(person.dn) is still in the tenant")
    try expect(result.exported["user"]?.deleted == 1, "another number of users than one was deleted")
    finish(
      "a deletion",
      [
        "\(person.string("displayName") ?? person.dn) is gone from the tenant",
        "'bridgehead tenant users deleted' still lists the account: it can be restored for 30 days",
      ], since: clock)
  }

  // MARK: - Looking

  func somebody(_ filter: String) async throws -> SearchEntry {
    for unit in site.forest.synchronisedUnits {
      let found = administrator.search(
        base: unit, filter: try Filter(filter), attributes: ["objectGUID", "displayName", "title", "sAMAccountName"])
      for try await entry in found { return entry }
    }
    throw DemoError(message: "The forest has nobody for \(filter).")
  }

  private func count(_ filter: String, below base: String) async throws -> Int {
    var count = 0
    for try await _ in administrator.search(base: base, filter: try Filter(filter), attributes: ["cn"]) { count += 1 }
    return count
  }

  func resource(_ endpoint: String, _ entry: SearchEntry) async throws -> SCIMResource? {
    let anchor = Data(entry.bytes("objectGUID") ?? []).base64EncodedString()
    var query = ListQuery()
    query.filter = try SCIM.Filter.parse("externalId eq \(JSONValue.string(anchor).text)")
    return try await tenant.list(endpoint, query).resources.first
  }

  private func total(_ endpoint: String) async throws -> Int {
    var query = ListQuery()
    query.count = 0
    return try await tenant.list(endpoint, query).totalResults
  }

  func expect(_ condition: Bool, _ otherwise: @autoclosure () -> String) throws {
    guard condition else { throw DemoError(message: "The demo did not see what it should: \(otherwise()).") }
  }

  mutating func finish(_ name: String, _ detail: [String], since clock: ContinuousClock.Instant) {
    let elapsed = (ContinuousClock.now - clock) / .seconds(1)
    let step = DemoReport.Step(name: name, detail: detail, elapsed: elapsed)
    report.steps.append(step)
    tell(step)
  }
}
