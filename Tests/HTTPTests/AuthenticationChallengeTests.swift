// SPDX-License-Identifier: Apache-2.0

import HTTP
import Testing

@Suite struct AuthenticationChallengeTests {
  /// RFC 9110 11.6.1 has an example of several challenges in one field.
  @Test(
    arguments: [
      (["Negotiate"], ["Negotiate"], [nil]), (["Negotiate", "Kerberos"], ["Negotiate", "Kerberos"], [nil, nil]),
      (["Negotiate oYG2MIGz=="], ["Negotiate"], ["oYG2MIGz=="]),
      (["Basic realm=\"a, b\", Negotiate"], ["Basic", "Negotiate"], [nil, nil]),
      (
        ["Basic realm=\"simple\", Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\""],
        ["Basic", "Newauth"], [nil, nil]
      ),
      (["", ",,", "=x"], [], []),
    ] as [([String], [String], [String?])])
  func challenges(fields: [String], schemes: [String], tokens: [String?]) {
    var all = HTTPFields()
    for field in fields { all.add("WWW-Authenticate", field) }
    let found = AuthenticationChallenge.all("www-authenticate", in: all)
    #expect(found.map(\.scheme) == schemes && found.map(\.token) == tokens)
  }

  @Test func manyAreCut() {
    var fields = HTTPFields()
    fields.add("WWW-Authenticate", Array(repeating: "Basic", count: 1_000).joined(separator: ", "))
    #expect(AuthenticationChallenge.all("WWW-Authenticate", in: fields).count == 16)
  }
}
