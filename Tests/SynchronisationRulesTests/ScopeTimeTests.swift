// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Testing

@testable import SynchronisationRules

/// Scopes whose conditions name a time. The present is 2027-01-15 08:00:00 UTC, 1,800,000,000 s after 1970.
@Suite struct ScopeTimeTests {
  private static let now: Int64 = 1_800_000_000

  /// 100 ns since 1601 (MS-DTYP 2.3.3).
  private static func ticks(_ seconds: Int64) -> String { String((seconds + 11_644_473_600) * 10_000_000) }

  private func ask(
    _ test: ScopeCondition.Operator, _ value: String, of attribute: String, at now: Int64 = Self.now
  ) -> (holds: Bool, change: Double?) {
    var scene = Scene(entry(["t": [attribute]]), context(now: Double(now)))
    let holds = ScopeCondition("t", test, [value]).holds(in: &scene)
    return (holds, scene.nextChange)
  }

  private func rules(_ yaml: String) throws -> RuleSet { try RuleFile.parse(yaml, file: "test.yaml") }

  @Test(
    "A distance from the present: each operator before, at and after its turn",
    arguments: [
      // The value is 90 days older than a present of `now`: operator, seconds later, whether it holds.
      (.lessThan, -1, false), (.lessThan, 0, false), (.lessThan, 1, true),
      (.lessThanOrEqual, -1, false), (.lessThanOrEqual, 0, true), (.lessThanOrEqual, 1, true),
      (.greaterThan, -1, true), (.greaterThan, 0, false), (.greaterThan, 1, false),
      (.greaterThanOrEqual, -1, true), (.greaterThanOrEqual, 0, true), (.greaterThanOrEqual, 1, false),
    ] as [(ScopeCondition.Operator, Int64, Bool)])
  func relative(test: ScopeCondition.Operator, later: Int64, holds: Bool) {
    let value = Self.ticks(Self.now - 90 * 86_400)
    let answer = ask(test, "now-90d", of: value, at: Self.now + later)
    #expect(answer.holds == holds)
    // The moment that is noted is the first at which the answer is the other one, and none is noted after it.
    if let change = answer.change {
      #expect(ask(test, "now-90d", of: value, at: Int64(change)).holds != holds)
      #expect(ask(test, "now-90d", of: value, at: Int64(change) - 1).holds == holds)
      #expect(ask(test, "now-90d", of: value, at: Int64(change)).change == nil)
    } else {
      #expect(ask(test, "now-90d", of: value, at: Self.now + 1_000_000_000).holds == holds)
    }
  }

  @Test(
    "Units and signs",
    arguments: [
      ("now", 0), ("NOW", 0), ("now-90d", -7_776_000), ("now + 12h", 43_200), ("now-30m", -1_800), ("now+5s", 5),
      ("now-0d", 0),
    ] as [(String, Int64)])
  func distance(text: String, seconds: Int64) {
    #expect(ScopeTime(text)?.seconds == seconds && ScopeTime(text)?.isRelative == true)
  }

  @Test(
    "What is no distance",
    arguments: [
      "now-", "now-90", "now-90w", "now+-5d", "now-99999999999999999999d", "now-9000000000d", "now 5d", "now--5d",
    ])
  func noDistance(text: String) {
    #expect(ScopeTime.isRelative(text) && ScopeTime(text) == nil)
  }

  @Test("Words and numbers are no times")
  func noTime() {
    for text in ["nowhere", "Sales", "133781040000000000", "14", ""] { #expect(ScopeTime(text) == nil, "\(text)") }
  }

  @Test(
    "A date stands still, in whatever form the directory keeps the time",
    arguments: [
      (.lessThan, "2027-01-15", "20270114235959.0Z", true), (.lessThan, "2027-01-15", "20270115000000.0Z", false),
      (.lessThanOrEqual, "2027-01-15", "20270115000000.0Z", true),
      (.greaterThan, "2027-01-15T08:00:00Z", ticks(now + 1), true),
      (.greaterThan, "2027-01-15T08:00:00Z", ticks(now), false),
      (.greaterThanOrEqual, "20270115080000.0Z", ticks(now), true),
      (.greaterThan, "2027-01-15", "2027-01-16", true),
    ] as [(ScopeCondition.Operator, String, String, Bool)])
  func date(test: ScopeCondition.Operator, value: String, attribute: String, holds: Bool) {
    let answer = ask(test, value, of: attribute)
    #expect(answer.holds == holds && answer.change == nil)
  }

  @Test(
    "Never is later than every time; what is no time, and no value, is neither earlier nor later",
    arguments: ["now", "2027-01-15"])
  func never(value: String) {
    for never in ["0", "9223372036854775807"] {
      #expect(ask(.greaterThan, value, of: never).holds && ask(.greaterThanOrEqual, value, of: never).holds)
      #expect(!ask(.lessThan, value, of: never).holds && !ask(.lessThanOrEqual, value, of: never).holds)
      #expect(ask(.greaterThan, value, of: never).change == nil)
    }
    var scene = Scene(entry([:]), context())
    #expect(!ScopeCondition("t", .greaterThan, [value]).holds(in: &scene))
    #expect(!ScopeCondition("t", .lessThan, [value]).holds(in: &scene))
  }

  @Test("Whoever is left out by a time has a moment at which to be looked at again")
  func exclusion() throws {
    let rules = try rules(
      """
      rules:
        - name: Settled
          precedence: 50
          from: user
          scope:
            - { attribute: sAMAccountName, operator: ISNOTNULL }
            - { attribute: whenCreated, operator: LESSTHAN_OR_EQUAL, value: now-1d, otherwise: it is too new }
          flows: [{ to: displayName, direct: cn }]
      """)
    let young = entry(["sAMAccountName": ["a"], "cn": ["A"], "whenCreated": ["20270115070000.0Z"]])
    let evaluation = rules.evaluate(young, in: context())
    #expect(evaluation.exclusion == "it is too new" && evaluation.nextChange == Double(Self.now - 3_600 + 86_400))
    let later = rules.evaluate(young, in: context(now: Double(Self.now) + 86_400))
    #expect(later.exclusion == nil && later.nextChange == nil)
    #expect(rules.requestedAttributes.contains("whenCreated"))
  }

  @Test("A distance that cannot be read is an error of the file")
  func file() {
    #expect(throws: RuleFileError.self) {
      try rules(
        """
        rules:
          - name: A
            precedence: 50
            from: user
            scope: [{ attribute: whenCreated, operator: LESSTHAN, value: now-90 }]
            flows: [{ to: displayName, direct: cn }]
        """)
    }
  }
}
