// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SynchronisationRules

@Suite struct RuleFileTests {
  private static let head = "rules:\n  - name: A\n    precedence: 1\n    from: user\n"

  @Test(
    "Mistakes are told with line, column, cause and remedy",
    arguments: [
      ("", 1, 1, "empty", "extends"), ("rules: [", 2, 1, "Not valid YAML", "brackets|colons"),
      ("ruels: []", 1, 1, "no key ruels", "did you mean rules?"), ("extends: basic", 1, 10, "unknown", "standard"),
      ("rules: 1", 1, 8, "no list", "- name"),
      ("rules:\n  - name: A\n", 2, 5, "precedence is missing", "precedence: 50"),
      (head + "    form: x\n", 5, 5, "no key form", "did you mean from?"),
      (head + "    link: provison\n", 5, 11, "link cannot be provison", "did you mean provision?"),
      (
        head + "    flows:\n      - { to: dislayName, direct: cn }\n", 6, 15, "no attribute dislayName",
        "did you mean displayName?"
      ),
      (head + "    flows:\n      - { to: city }\n", 6, 9, "no source", "direct"),
      (head + "    flows:\n      - { to: city, direct: l, constant: x }\n", 6, 9, "more than one source", "direct"),
      (
        head + "    flows:\n      - { to: city, expression: 'Trm([l])' }\n", 6, 34,
        "no function Trm (in the expression at column 1)", "Trim"
      ),
      (head + "    flows:\n      - to: city\n        expression: Trim([l]) & 1\n", 7, 33, "& takes a text", "CStr"),
      (
        head + "    flows:\n      - to: city\n        expression: |\n          Trim(\n            Lwer([l]))\n", 9, 13,
        "line 2, column 3", "Lower"
      ),
      (head + "    flows:\n      - { to: manager, direct: manager }\n", 6, 32, "refers to objects", "reference"),
      (head + "    flows:\n      - { to: city, reference: l }\n", 6, 32, "refers to no objects", "direct"),
      (head + "    flows:\n      - { to: city, direct: l, merge: merge }\n", 6, 39, "one value", "leave merge out"),
      (
        head + "    flows:\n      - { to: city, direct: l }\n      - { to: city, direct: st }\n", 7, 9, "two values",
        "keep one"
      ),
      (head + "    scope:\n      - { attribute: mail, operator: LIKE, value: x }\n", 6, 38, "cannot be LIKE", "EQUAL"),
      (
        head + "    scope:\n      - { attribute: mail, operator: ISNULL, value: x }\n", 6, 53, "takes no value", "leave"
      ),
      (head + "    scope:\n      - { attribute: mail, operator: EQUAL }\n", 6, 9, "wants a value", "value:"),
      (
        head + "    scope:\n      - { attribute: mail, operator: ISBITSET, value: x }\n", 6, 55, "wants a number",
        "number"
      ),
      (head + "    scope:\n      - { operator: EQUAL, value: x }\n", 6, 9, "no attribute", "attribute:"),
      (head + "    precedence: 2\n", 3, 5, "stands twice", "keep one"),
      (head + "  - name: A\n    precedence: 2\n    from: user\n", 5, 11, "second rule", "own name"),
      (
        "extends: standard\nrules:\n  - { name: Usr, disabled: true }\n", 3, 13, "No rule has the name Usr",
        "did you mean User?"
      ),
      ("rules:\n  - name: A\n    precedence: -1\n    from: user\n", 3, 17, "whole number", "number"),
      ("rules:\n  - name: A\n    precedence: 1\n    from: person\n", 4, 11, "from cannot be person", "user"),
    ] as [(String, Int, Int, String, String)])
  func mistakes(text: String, line: Int, column: Int, message: String, remedy: String) throws {
    let error = try #require(throws: RuleFileError.self) { try RuleFile.parse(text, file: "rules.yaml") }
    let issue = try #require(error.issues.first)
    #expect(issue.line == line && issue.column == column, "\(error)")
    #expect(issue.message.contains(message), "\(error)")
    #expect(remedy.split(separator: "|").contains { issue.remedy.contains($0) }, "\(error)")
    #expect(error.message.hasPrefix("rules.yaml:\(issue.line):\(issue.column): "))
  }

  @Test("Every mistake is told, not only the first")
  func all() throws {
    let text =
      Self.head
      + "    form: x\n    flows:\n      - { to: cty, direct: l }\n      - { to: city, expression: 'Trm([l])' }\n"
    let error = try #require(throws: RuleFileError.self) { try RuleFile.parse(text, file: "rules.yaml") }
    #expect(error.issues.map(\.line) == [5, 7, 8])
  }

  @Test("Rules of the same name replace the standard ones, and rules can be switched off")
  func extends() throws {
    let set = try RuleFile.parse(
      """
      extends: standard
      rules:
        - { name: Contact, disabled: true }
        - name: Group common
          precedence: 5
          from: group
          link: join
          flows: [{ to: displayName, direct: cn }]
        - { name: New, precedence: 6, from: user, link: join, flows: [{ to: city, constant: Berlin }] }
      """, file: "rules.yaml")
    let names = StandardRules.ruleSet.rules.map(\.name)
    #expect(Set(set.rules.map(\.name)) == Set(names).subtracting(["Contact"]).union(["New"]))
    #expect(set.rule(named: "group common")?.flows.count == 1)
    #expect(try RuleFile.parse("extends: standard", file: "x").fingerprint == StandardRules.ruleSet.fingerprint)
    #expect(set.fingerprint != StandardRules.ruleSet.fingerprint)
  }

  @Test("Printing rules and reading them gives the same rules")
  func printing() throws {
    let text = ##"""
      rules:
        - name: 'It''s: "odd" # \'
          description: "two\nlines\t\u2028"
          precedence: 7
          forest: corp.example
          from: user
          to: contact
          link: join
          scope:
            - - { attribute: a, operator: ISIN, value: ['x, y', "'"], otherwise: 'no: way' }
              - { operator: ISMEMBEROF, value: ['CN=a,DC=x', 'CN=b,DC=x'] }
            - - { attribute: b, operator: ISNULL }
          join:
            - { mail: mail, sn: surname }
          flows:
            - { to: proxyAddresses, constant: [a, ' b'], merge: mergeCaseInsensitive }
            - { to: city, expression: 'IIF([a] = "it''s", (1 + 2) - (3 - 4) < 5, "é""")', once: true }
            - { to: state, clear: true }
            - { to: manager, reference: manager }
      """##
    let rules = try RuleFile.rules(in: text, file: "a", standard: [])
    #expect(try RuleFile.rules(in: RuleFile.text(of: rules), file: "b", standard: []) == rules)
    let standard = StandardRules.rules
    #expect(try RuleFile.rules(in: RuleFile.text(of: standard), file: "c", standard: []) == standard)
  }
}
