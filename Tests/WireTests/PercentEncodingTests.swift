// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@Suite struct PercentEncodingTests {
  @Test func encodesAllButTheUnreserved() {
    #expect(PercentEncoding.encode("a b/ü~-._Z9") == "a%20b%2F%C3%BC~-._Z9")
    #expect(PercentEncoding.encode("a b/c", alsoPlain: "/") == "a%20b/c")
  }

  @Test func decodes() {
    #expect(PercentEncoding.decode("a%20b%2f%C3%BC+") == "a b/ü+")
    #expect(PercentEncoding.decode("a+b%2B", plusIsSpace: true) == "a b+")
    #expect(PercentEncoding.decode("") == "")
  }

  @Test(arguments: ["%", "%4", "%zz", "%+1", "a%2", "%ff", "%c3", "%ed%a0%80"])
  func refuses(_ text: String) { #expect(PercentEncoding.decode(text) == nil) }
}
