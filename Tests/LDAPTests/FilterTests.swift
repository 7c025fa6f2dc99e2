// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@testable import LDAP

@Suite struct FilterTests {
  static let table: [(text: String, filter: Filter, encoded: String)] = [
    ("(cn=Babs)", .equal("cn", "Babs"), "a30a 0402636e 0404 42616273"),
    ("(cn=*)", .present("cn"), "8702636e"),
    ("(!(cn=a))", .not(.equal("cn", "a")), "a209 a307 0402636e 040161"),
    (
      "(&(a=1)(|(b=2)(c=3)))", .and([.equal("a", "1"), .or([.equal("b", "2"), .equal("c", "3")])]),
      "a01a a306 040161 040131 a110 a306 040162 040132 a306 040163 040133"
    ),
    ("(&)", .and([]), "a000"),
    ("(|)", .or([]), "a100"),
    ("(a>=5)", .greaterOrEqual("a", [0x35]), "a506 040161 040135"),
    ("(a<=5)", .lessOrEqual("a", [0x35]), "a606 040161 040135"),
    ("(a~=5)", .approximate("a", [0x35]), "a806 040161 040135"),
    ("(a=)", .equal("a", ""), "a305 040161 0400"),
    (
      "(o=univ*of*mich*gan)",
      .substrings(
        "o", initial: Array("univ".utf8), any: [Array("of".utf8), Array("mich".utf8)], final: Array("gan".utf8)),
      "a41a 04016f 3015 8004756e6976 81026f66 81046d696368 820367616e"
    ),
    ("(a=x*)", .substrings("a", initial: [0x78], any: [], final: nil), "a408 040161 3003 800178"),
    ("(a=*x)", .substrings("a", initial: nil, any: [], final: [0x78]), "a408 040161 3003 820178"),
    ("(a=*x*)", .substrings("a", initial: nil, any: [[0x78]], final: nil), "a408 040161 3003 810178"),
    (
      #"(cn=a\28b\29\2a\5c\00)"#, .equal("cn", Array("a(b)*\\".utf8) + [0]), "a30d 0402636e 0407 612862292a5c00"
    ),
    ("(cn=Lučić)", .equal("cn", "Lučić"), "a30d 0402636e 0407 4c75c48d69c487"),
    (#"(g=\ff\00)"#, .equal("g", [0xFF, 0]), "a307 040167 0402ff00"),
    ("(member;range=x)", .equal("member;range", "x"), "a311 040c6d656d6265723b72616e6765 040178"),
    (
      "(userAccountControl:1.2.840.113556.1.4.803:=2)",
      .extensible(
        rule: "1.2.840.113556.1.4.803", attribute: "userAccountControl", value: [0x32], dnAttributes: false),
      "a92f 8116312e322e3834302e3131333535362e312e342e383033 8212757365724163636f756e74436f6e74726f6c 830132"
    ),
    (
      "(ou:dn:=s)", .extensible(rule: nil, attribute: "ou", value: [0x73], dnAttributes: true),
      "a90a 82026f75 830173 8401ff"
    ),
    (
      "(:dn:2.4.6:=s)", .extensible(rule: "2.4.6", attribute: nil, value: [0x73], dnAttributes: true),
      "a90d 8105322e342e36 830173 8401ff"
    ),
  ]

  @Test(arguments: table.indices)
  func parsesEncodesAndPrints(index: Int) throws {
    let row = Self.table[index]
    #expect(try Filter(row.text) == row.filter)
    var writer = BERWriter()
    row.filter.encode(into: &writer)
    #expect(writer.bytes == hex(row.encoded))
    var reader = BERReader(hex(row.encoded))
    #expect(try Filter(&reader) == row.filter)
    #expect(row.filter.description == row.text)
  }

  @Test(arguments: [
    ("", 1, "`(` is missing"), ("cn=a", 1, "`(` is missing"), ("(cn=a", 6, "`)` is missing"),
    ("(cn=a))", 7, "something follows"), ("(cn=a)(cn=b)", 7, "something follows"), ("()", 2, "name is missing"),
    ("(=a)", 2, "name is missing"), ("(cn)", 4, "operator"), ("(c n=a)", 3, "operator"),
    ("(cn>a)", 5, "`=` is missing"),
    ("(cn=a(b)", 6, "`(` in a value"), (#"(cn=\zz)"#, 5, "hexadecimal"), (#"(cn=\2)"#, 5, "hexadecimal"),
    ("(cn=a**b)", 9, "`**`"), ("(cn>=a*)", 7, "no meaning"), ("(&(cn=a)", 9, "`)` is missing"),
    ("(!(cn=a)(cn=b))", 9, "`)` is missing"), ("(!cn=a)", 3, "`(` is missing"), ("(cn;=a)", 5, "option is missing"),
    ("(::=a)", 3, "name is missing"), ("(:=a)", 3, "neither"), ("(cn:1.2:3.4:=a)", 9, "second matching rule"),
    ("(ä=a)", 2, "name is missing"), ("(cn=ä(b)", 6, "`(` in a value"),
  ])
  func tellsWhere(text: String, character: Int, reason: String) throws {
    let error = #expect(throws: FilterSyntaxError.self) { try Filter(text) }
    #expect(error?.character == character)
    #expect(error?.reason.contains(reason) == true)
    #expect(error?.message.contains(text) == true)
  }

  @Test func nestingIsBounded() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "(!", count: depth) + "(a=b)" + String(repeating: ")", count: depth)
    }
    let limit = LDAPLimits.standard.filterDepth
    #expect(throws: Never.self) { try Filter(nested(limit - 1)) }
    #expect(throws: FilterSyntaxError.self) { try Filter(nested(limit)) }
    #expect(throws: FilterSyntaxError.self) { try Filter(nested(1_000_000)) }
  }

  @Test func escapesWhateverAValueHolds() throws {
    let values: [[UInt8]] = [Array("*)(objectClass=*".utf8), [0, 1, 0xFF, 0x80], Array("Lučić \\ x".utf8), []]
    for value in values {
      #expect(try Filter("(cn=\(Filter.escape(value)))") == .equal("cn", value))
    }
    #expect(Filter.escape("a*b") == #"a\2ab"#)
  }
}
