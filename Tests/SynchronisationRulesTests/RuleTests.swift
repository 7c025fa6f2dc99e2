// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Testing

@testable import SynchronisationRules

@Suite struct RuleTests {
  // MARK: Scope

  @Test(
    "Operators of scopes",
    arguments: [
      ("EQUAL", "sales", true), ("EQUAL", "sale", false), ("NOTEQUAL", "sales", false), ("NOTEQUAL", "it", true),
      ("CONTAINS", "ALE", true), ("CONTAINS", "x", false), ("NOTCONTAINS", "ale", false), ("NOTCONTAINS", "x", true),
      ("STARTSWITH", "sa", true), ("STARTSWITH", "al", false), ("NOTSTARTSWITH", "SA", false),
      ("NOTSTARTSWITH", "x", true),
      ("ENDSWITH", "es", true), ("ENDSWITH", "sal", false), ("NOTENDSWITH", "ES", false), ("NOTENDSWITH", "x", true),
      ("ISIN", "it|sales", true), ("ISIN", "it|hr", false), ("ISNOTIN", "it|sales", false), ("ISNOTIN", "it", true),
      ("ISNULL", "", false), ("ISNOTNULL", "", true), ("LESSTHAN", "t", true), ("LESSTHAN", "sales", false),
      ("LESSTHAN_OR_EQUAL", "SALES", true), ("GREATERTHAN", "r", true), ("GREATERTHAN", "sales", false),
      ("GREATERTHAN_OR_EQUAL", "sales", true), ("ISBITSET", "1", false), ("ISBITNOTSET", "1", true),
      ("ISMEMBEROF", "CN=Pilot,DC=x", true), ("ISMEMBEROF", "CN=Other,DC=x", false),
      ("ISNOTMEMBEROF", "CN=Pilot,DC=x", false),
      ("ISNOTMEMBEROF", "CN=Other,DC=x", true),
    ] as [(String, String, Bool)])
  func scope(test: String, value: String, holds: Bool) throws {
    let test = try #require(ScopeCondition.Operator(rawValue: test))
    let values = value.isEmpty ? [] : value.split(separator: "|").map(String.init)
    let condition = ScopeCondition("department", test, values)
    var scene = Scene(entry(["department": ["Sales"]]), context(groups: ["CN=Pilot,DC=x"]))
    #expect(condition.holds(in: &scene) == holds)
  }

  @Test(
    "Operators of scopes with numbers, with several values and with none",
    arguments: [
      ("n", "LESSTHAN", "10", true), ("n", "GREATERTHAN", "10", false), ("n", "ISBITSET", "0x6", true),
      ("n", "ISBITSET", "8", false), ("n", "ISBITNOTSET", "8", true), ("many", "EQUAL", "B", true),
      ("many", "NOTEQUAL", "b", false),
      ("absent", "EQUAL", "x", false), ("absent", "NOTEQUAL", "x", true), ("absent", "ISNULL", "", true),
      ("absent", "NOTCONTAINS", "x", true), ("absent", "LESSTHAN", "x", false), ("absent", "ISBITNOTSET", "1", true),
      ("absent", "ISNOTIN", "x", true), ("absent", "ISNOTNULL", "", false), ("empty", "ISNULL", "", true),
      ("name", "EQUAL", "MÜLLER", true), ("distinguishedName", "ENDSWITH", "dc=example", true),
      ("group", "ISBITSET", "0x80000000", true),
      ("group", "LESSTHAN", "0", true),
    ] as [(String, String, String, Bool)])
  func scope(attribute: String, test: String, value: String, holds: Bool) throws {
    let test = try #require(ScopeCondition.Operator(rawValue: test))
    let values = entry([
      "n": ["7"], "many": ["a", "b"], "empty": [""], "name": ["müller"], "group": ["-2147483646"],
    ])
    var scene = Scene(values, context())
    #expect(ScopeCondition(attribute, test, value.isEmpty ? [] : [value]).holds(in: &scene) == holds)
  }

  @Test("All conditions of a group, any of the groups; the reason is that of the group that came closest")
  func groups() throws {
    let rules = try rules(
      """
      rules:
        - name: R
          precedence: 1
          from: user
          scope:
            - - { attribute: department, operator: EQUAL, value: Sales }
              - { attribute: title, operator: ISNOTNULL, otherwise: it has no title }
            - - { attribute: company, operator: EQUAL, value: Corp }
      """)
    func exclusion(_ texts: [String: [String]]) -> String? { rules.evaluate(entry(texts), in: context()).exclusion }
    #expect(exclusion(["department": ["sales"], "title": ["x"]]) == nil)
    #expect(exclusion(["company": ["corp"]]) == nil)
    #expect(exclusion(["department": ["sales"]]) == "it has no title")
    #expect(exclusion(["department": ["IT"]]) == #"department EQUAL Sales does not hold: department is "IT""#)
    #expect(exclusion([:]) == "department EQUAL Sales does not hold: department has no value")
    #expect(rules.evaluate(entry([:], kind: .group), in: context()).exclusion == "no rule is for it")
  }

  // MARK: Precedence, merging, null, once

  private func rules(_ yaml: String) throws -> RuleSet { try RuleFile.parse(yaml, file: "test.yaml") }

  private func rule(_ name: String, _ precedence: Int, _ flows: [String], more: String = "") -> String {
    "  - name: \(name)\n    precedence: \(precedence)\n    from: user\n"
      + (more.isEmpty ? "" : "    \(more)\n") + "    flows:\n" + flows.map { "      - \($0)\n" }.joined()
  }

  @Test("The lower number wins; a rule without a value leaves the attribute to the next; an explicit null wins")
  func precedence() throws {
    let set = try rules(
      "rules:\n"
        + rule(
          "B", 20, ["{ to: department, constant: b }", "{ to: jobTitle, constant: b }", "{ to: city, constant: b }"])
        + rule(
          "A", 10, ["{ to: department, constant: a }", "{ to: jobTitle, direct: title }", "{ to: city, clear: true }"]))
    let merged = set.merge([set.evaluate(ann, in: context())])
    #expect(merged.attributes.text("department") == "a")
    #expect(merged.attributes.text("jobTitle") == "b")
    #expect(merged.attributes["city"].isEmpty)
    #expect(merged.provenance == ["department": ["A"], "jobTitle": ["B"], "city": ["A"]])
    #expect(set.rules.map(\.name) == ["A", "B"])
  }

  @Test("An expression may say that there is no value, or that it has nothing to say")
  func nulls() throws {
    let set = try rules(
      "rules:\n"
        + rule(
          "A", 1,
          [
            "{ to: department, expression: AuthoritativeNull }", "{ to: jobTitle, expression: 'Trim([absent])' }",
            #"{ to: city, expression: '""' }"#,
          ])
        + rule(
          "B", 2, ["{ to: department, constant: b }", "{ to: jobTitle, constant: b }", "{ to: city, constant: b }"]))
    let merged = set.merge([set.evaluate(ann, in: context())])
    #expect(merged.attributes.names == ["city", "jobTitle"])
  }

  @Test("A flow that is ignored leaves the attribute to the next rule, or as it is")
  func ignored() throws {
    let ignoring = rule(
      "A", 1,
      [
        "{ to: department, expression: 'IIF(IsPresent([department]), [department], IgnoreThisFlow)' }",
        "{ to: jobTitle, expression: IgnoreThisFlow }",
      ])
    let set = try rules("rules:\n" + ignoring + rule("B", 2, ["{ to: jobTitle, constant: b }"]))
    let first = set.merge([set.evaluate(entry(["department": ["Sales"]]), in: context())]).attributes
    #expect(first.text("department") == "Sales" && first.text("jobTitle") == "b")
    let later = set.merge([set.evaluate(ann, in: context())], previous: first)
    #expect(later.attributes.text("department") == "Sales")
    #expect(later.provenance["department"] == ["A"])
    #expect(set.merge([set.evaluate(ann, in: context())]).attributes.names == ["jobTitle"])
    let clearing = try rules("rules:\n" + ignoring + rule("C", 2, ["{ to: department, clear: true }"]))
    #expect(clearing.merge([clearing.evaluate(ann, in: context())], previous: first).attributes["department"].isEmpty)
  }

  @Test("An error counts where its flow would have counted")
  func failure() throws {
    let failing = "{ to: department, expression: 'Error(\"no \" & [sAMAccountName])' }"
    let set = try rules("rules:\n" + rule("A", 1, ["{ to: city, constant: x }"]) + rule("B", 2, [failing]))
    #expect(
      set.evaluate(ann, in: context()).failure == .init(rule: "B", attribute: "department", text: "no ann"))
    let outdone = try rules("rules:\n" + rule("A", 1, ["{ to: department, constant: x }"]) + rule("B", 2, [failing]))
    for explaining in [true, false] {
      #expect(outdone.evaluate(ann, in: context(), explaining: explaining).failure == nil)
    }
  }

  @Test("Entries of several forests: by precedence, of one rule the first entry; forests have their own rules")
  func forests() throws {
    let set = try rules(
      "rules:\n" + rule("All", 20, ["{ to: department, direct: department }", "{ to: city, direct: l }"])
        + rule("East", 10, ["{ to: department, direct: department }"], more: "forest: East.example"))
    let west = set.evaluate(entry(["department": ["w"], "l": ["W"]]), in: context(forest: "west.example"))
    let east = set.evaluate(entry(["department": ["e"], "l": ["E"]]), in: context(forest: "east.EXAMPLE"))
    let merged = set.merge([west, east])
    #expect(merged.attributes.text("department") == "e")
    #expect(merged.attributes.text("city") == "W")
    #expect(merged.provenance == ["department": ["East"], "city": ["All"]])
  }

  @Test("Values of rules that merge come together, each once")
  func merging() throws {
    func merged(_ first: String, _ second: String) throws -> [String] {
      let set = try rules(
        "rules:\n" + rule("A", 1, ["{ to: proxyAddresses, constant: [x, y], merge: \(first) }"])
          + rule("B", 2, ["{ to: proxyAddresses, constant: [X, z], merge: \(second) }"]))
      return set.merge([set.evaluate(ann, in: context())]).attributes.texts("proxyAddresses")
    }
    #expect(try merged("update", "merge") == ["x", "y"])
    #expect(try merged("merge", "update") == ["x", "y"])
    #expect(try merged("merge", "merge") == ["x", "y", "X", "z"])
    #expect(try merged("mergeCaseInsensitive", "merge") == ["x", "y", "z"])
  }

  @Test("A value that is set once stays, whatever the rule says later")
  func once() throws {
    let set = try rules("rules:\n" + rule("A", 1, ["{ to: employeeId, direct: employeeID, once: true }"]))
    let first = set.merge([set.evaluate(entry(["employeeID": ["1"]]), in: context())]).attributes
    #expect(first.text("employeeId") == "1")
    let second = set.evaluate(entry(["employeeID": ["2"]]), in: context())
    #expect(set.merge([second], previous: first).attributes.text("employeeId") == "1")
    #expect(set.merge([second]).attributes.text("employeeId") == "2")
  }

  @Test("Direct flows trim texts, take the first value for one, and leave bytes as they are")
  func direct() throws {
    let set = try rules(
      "rules:\n"
        + rule(
          "A", 1,
          [
            "{ to: department, direct: department }", "{ to: otherTelephone, direct: otherTelephone }",
            "{ to: onPremisesSecurityIdentifier, direct: objectSid }",
            "{ to: hideFromAddressLists, direct: msExchHideFromAddressLists }",
            "{ to: city, direct: objectSid }",
          ]))
    let sid: [UInt8] = [0x20, 1, 0xFF, 0x20]
    let merged = set.merge([
      set.evaluate(
        entry(
          [
            "department": [" ", " Sales\t"], "otherTelephone": ["1 ", "", "2"], "msExchHideFromAddressLists": ["TRUE"],
          ],
          bytes: ["objectSid": [sid]]), in: context())
    ]).attributes
    #expect(merged.texts("department") == ["Sales"])
    #expect(merged.texts("otherTelephone") == ["1", "2"])
    #expect(merged["onPremisesSecurityIdentifier"] == [sid])
    #expect(merged.text("hideFromAddressLists") == "true")
    #expect(merged["city"].isEmpty)
  }

  @Test("Join conditions come in order, without those of which the entry lacks a value")
  func joins() throws {
    let set = try rules(
      """
      rules:
        - name: Join
          precedence: 1
          from: user
          link: join
          join:
            - { employeeID: employeeId, department: department }
            - { mail: mail }
      """)
    let both = set.evaluate(entry(["mail": ["a@x"], "employeeID": ["1"], "department": ["d"]]), in: context())
    #expect(both.link == .join)
    #expect(both.joins.map { $0.conditions.map(\.attribute) } == [["employeeId", "department"], ["mail"]])
    let mail = set.evaluate(entry(["mail": ["a@x"], "employeeID": ["1"]]), in: context())
    #expect(mail.joins.map { $0.conditions.map(\.attribute) } == [["mail"]])
  }

  @Test("Explaining tells why rules do not hold and what lower ones would have given")
  func explaining() throws {
    let set = try rules(
      "rules:\n" + rule("A", 1, ["{ to: city, constant: a }"]) + rule("B", 2, ["{ to: city, constant: b }"])
        + rule(
          "C", 3, ["{ to: city, constant: c }"],
          more: "scope: [{ attribute: mail, operator: ISNULL, otherwise: it has mail }]"))
    let short = set.evaluate(ann, in: context())
    #expect(short.contributions.map(\.rule) == ["A"] && short.rejected.isEmpty)
    let long = set.evaluate(ann, in: context(), explaining: true)
    #expect(long.contributions.map(\.rule) == ["A", "B"])
    #expect(long.rejected == [.init(rule: "C", reason: "it has mail")])
    #expect(set.merge([long]) == set.merge([short]))
  }

  @Test("What is requested is what rules name, each once")
  func requested() throws {
    let set = try rules(
      """
      rules:
        - name: A
          precedence: 1
          from: user
          scope: [{ attribute: MAIL, operator: ISNOTNULL }, { operator: ISMEMBEROF, value: 'CN=Pilot,DC=x' }]
          join: [{ employeeID: employeeId }]
          flows:
            - { to: mail, direct: mail }
            - { to: city, expression: 'Coalesce([l], DNComponent([distinguishedName], 2))' }
            - { to: manager, reference: manager }
      """)
    #expect(set.requestedAttributes == ["MAIL", "employeeID", "l", "manager"])
    #expect(set.references == [.user: ["manager": "manager"]])
    #expect(set.groups == ["CN=Pilot,DC=x"])
  }
}
