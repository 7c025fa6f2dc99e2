// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SCIM

@Suite struct JSONTests {
  @Test func keepsOrderAndKinds() throws {
    let text = #"{"b":1,"a":[true,false,null,-2.5,1e3],"ü":"é\n\"\\😀"}"#
    let value = try JSONValue.parse(text)
    #expect(value.object?.names == ["b", "a", "ü"])
    #expect(value.object?["a"] == [true, false, nil, -2.5, .number(1000)])
    #expect(try JSONValue.parse(value.serialized()) == value)
  }

  @Test func objectsAreEqualInAnyOrder() throws {
    let left = try JSONValue.parse(#"{"a":1,"b":{"c":2,"d":3}}"#)
    let right = try JSONValue.parse(#"{"b":{"d":3,"c":2},"a":1}"#)
    #expect(left == right)
    #expect(left.hashValue == right.hashValue)
    #expect(left != [:])
  }

  @Test func readsEscapes() throws {
    #expect(try JSONValue.parse(#""\u0041\ud83d\ude00\/\b\f\n\r\t""#) == "A😀/\u{8}\u{c}\n\r\t")
  }

  @Test(arguments: [
    "", " ", "{", "[", "[1", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "01", "1.", ".5", "+1", "1e", "--1",
    "tru", "nul", "\"", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"",
    "\"\u{1}\"",
    "1 2", "{\"a\":1,\"a\":2}", "1e999", "[1}", "nullx", "\u{FEFF}\u{FEFF}1", "'a'", "NaN", "// x\n1",
  ])
  func refusesMalformedText(_ text: String) {
    #expect(throws: SCIMError.self) { try JSONValue.parse(text) }
  }

  @Test func refusesBytesThatAreNotUTF8() {
    for bytes: [UInt8] in [
      [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0x5C, 0x6E, 0xFF, 0x22], [0xFF],
    ] {
      let error = #expect(throws: SCIMError.self) { try JSONValue.parse(bytes) }
      #expect(error?.scimType == .invalidSyntax)
    }
  }

  @Test func limitsDepthSizeAndNumberOfValues() throws {
    let deep = String(repeating: "[", count: 100_000)
    let error = #expect(throws: SCIMError.self) { try JSONValue.parse(deep) }
    #expect(error?.detail.contains("nesting") == true)
    #expect(throws: Never.self) { try JSONValue.parse("[[[]]]", limits: JSONLimits(maximumBytes: 10, maximumDepth: 3)) }
    #expect(throws: SCIMError.self) {
      try JSONValue.parse("[[[[]]]]", limits: JSONLimits(maximumBytes: 10, maximumDepth: 3))
    }
    let size = #expect(throws: SCIMError.self) { try JSONValue.parse("[1,2]", limits: JSONLimits(maximumBytes: 4)) }
    #expect(size?.status == 413)
    let many = #expect(throws: SCIMError.self) {
      try JSONValue.parse("[1,2,3]", limits: JSONLimits(maximumBytes: 100, maximumValues: 3))
    }
    #expect(many?.detail.contains("values") == true)
  }

  @Test func manyMembersAreReadInLinearTimeAndDuplicatesFound() throws {
    let members = (0..<20_000).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
    #expect(try JSONValue.parse("{\(members)}").object?.count == 20_000)
    #expect(throws: SCIMError.self) { try JSONValue.parse("{\(members),\"k777\":1}") }
  }

  @Test func escapesControlCharacters() {
    #expect(JSONValue.string("a\u{1}\u{1f}\n\"").text == #""a\u0001\u001f\n\"""#)
    #expect(JSONValue.number(.infinity).text == "null")
    #expect(JSONValue.integer(.min).text == "-9223372036854775808")
  }

  @Test func survivesMutations() {
    let seed = #"{"schemas":["urn:x"],"a":{"b":[1,2.5e3,"\u00e9\\",null,true]},"z":"😀"}"#
    var fuzz = Fuzz(seeds: [Array(seed.utf8)])
    for _ in 0..<Fuzz.iterations {
      let bytes = fuzz.next()
      guard let value = try? JSONValue.parse(bytes) else { continue }
      #expect((try? JSONValue.parse(value.serialized())) == value)
    }
  }
}
