// SPDX-License-Identifier: Apache-2.0

import Foundation
import LDAP
import Store
import Testing

@testable import Connect

/// By what an account that an interrupted run left behind is told from everybody else's.
@Suite struct SSOIntentTests {
  private static let began: Int64 = 1_790_000_000
  private let intent = SSOIntent(
    domain: "corp.example", account: "BRIDGEHEADSSO", tenant: "corp.tenant.example", began: began)

  private func traces(after seconds: Int64 = 1, _ more: (String, String)..., control: String = "4098") -> SSOTraces {
    let date = Date(timeIntervalSince1970: Double(Self.began + seconds))
    let time = date.formatted(.iso8601).filter(\.isNumber)
    return SSOTraces(
      SearchEntry(
        dn: "CN=BRIDGEHEADSSO,CN=Computers,DC=corp,DC=example",
        attributes: more.map { Attribute($0.0, [$0.1]) } + [
          Attribute("whenCreated", ["\(time).0Z"]), Attribute("userAccountControl", [control]),
          Attribute("objectClass", ["top", "person", "user", "computer"]), Attribute("logonCount", ["0"]),
        ]))
  }

  @Test func recognisesWhatItLeftBehind() {
    // Disabled still, or enabled already.
    for control in ["4098", "4096", "4130"] {
      #expect(intent.recognises(traces(control: control), tenant: intent.tenant))
    }
    for seconds in [0, 1, SSOIntent.duration] {
      #expect(intent.recognises(traces(after: seconds), tenant: intent.tenant))
    }
  }

  @Test func recognisesNothingElse() {
    let others = [
      traces(after: -1), traces(after: SSOIntent.duration + 1), traces(control: "512"), traces(control: "8192"),
      traces(after: 1, ("servicePrincipalName", "HOST/x")), traces(after: 1, ("dNSHostName", "x.corp.example")),
      traces(after: 1, ("adminDescription", "mine")), traces(after: 1, ("lastLogonTimestamp", "133000000000000000")),
      traces(after: 1, ("logonCount", "1")),
      SSOTraces(SearchEntry(dn: "CN=x", attributes: [Attribute("objectClass", ["computer"])])),
    ]
    for other in others { #expect(!intent.recognises(other, tenant: intent.tenant)) }
    #expect(!intent.recognises(traces(), tenant: "other.tenant.example"))
    let never = SSOIntent(domain: "", account: "", tenant: "", began: .max)
    #expect(!never.recognises(traces(), tenant: ""))
  }

  @Test func isKeptUntilItEnds() async throws {
    let folder = NSTemporaryDirectory() + "bridgehead-intents-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let store = try await SQLiteStore.open(path: folder + "/connect.db", migrations: ConnectSchema.migrations)
    let intents = SSOIntents(store: store)
    try await intents.begin(intent)
    #expect(try await intents.find(domain: "CORP.example", account: "bridgeheadsso")?.began == Self.began)
    let later = SSOIntent(domain: "corp.example", account: "BridgeheadSSO", tenant: "b", began: 2)
    try await intents.begin(later)
    #expect(try await intents.find(domain: "corp.example", account: "BRIDGEHEADSSO")?.tenant == "b")
    #expect(try await intents.find(domain: "corp.example", account: "OTHER") == nil)
    try await intents.end(domain: "corp.example", account: "BRIDGEHEADSSO")
    #expect(try await intents.find(domain: "corp.example", account: "BRIDGEHEADSSO") == nil)
    try await store.close()
  }
}
