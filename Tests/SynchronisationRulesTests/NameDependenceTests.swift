// SPDX-License-Identifier: Apache-2.0

import SynchronisationRules
import Testing

@Suite struct NameDependenceTests {
  private func dependence(_ rule: String) throws -> NameDependence {
    NameDependence(
      try RuleFile.parse(
        """
        rules:
          - name: One
            precedence: 1
            from: user
        \(rule)
        """, file: "rules.yaml"))
  }

  @Test(arguments: [
    "    flows: [{ to: displayName, direct: distinguishedName }]",
    "    flows: [{ to: displayName, expression: 'DNComponent([DistinguishedName], 1)' }]",
    "    scope: [{ attribute: distinguishedName, operator: ENDSWITH, value: 'OU=a,DC=b' }]\n"
      + "    flows: [{ to: displayName, direct: cn }]",
    "    scope: [{ attribute: distinguishedName, operator: CONTAINS, value: 'OU=a,DC=b' }]\n"
      + "    flows: [{ to: displayName, direct: cn }]",
  ])
  func anyChangeMatters(_ rule: String) throws {
    let names = try dependence(rule)
    #expect(names.matters(from: "OU=a,DC=b", to: "OU=A,DC=b"))
    #expect(!names.matters(from: "OU=a,DC=b", to: "OU=a,DC=b"))
  }

  @Test func onlyAPartMatters() throws {
    let names = try dependence(
      "    scope: [{ attribute: distinguishedName, operator: NOTCONTAINS, value: 'OU=Leavers' }]\n"
        + "    flows: [{ to: displayName, direct: cn }]")
    #expect(!names.matters(from: "OU=a,DC=b", to: "OU=c,DC=b"))
    #expect(names.matters(from: "OU=a,DC=b", to: "ou=LEAVERS 2,DC=b"))
    #expect(!names.matters(from: "OU=Leavers 1,DC=b", to: "ou=leavers 2,DC=b"))
    #expect(!NameDependence().matters(from: "OU=a", to: "OU=b"))
  }
}
