// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Testing

@testable import SynchronisationRules
import TestSupport
import Wire

@Suite struct ExpressionTests {
  @Test(
    "Operators",
    arguments: [
      ("1 + 2 - 4", "-1"), ("-[n]", "-7"), ("--3", "3"), ("1 - (2 - 3)", "2"), (#""a" & 1 + 2 & "b""#, "refused"),
      (#""a" & CStr(1 + 2) & "b""#, #""a3b""#), (#""a" & Null"#, #""a""#), ("Null & [absent]", "Null"),
      (#""Ä" = "ä""#, "True"), (#""a" <> "b""#, "True"), ("[absent] = Null", "True"), ("[n] = 7", "True"),
      ("[n] > 10", "False"), (#"[n] > "10""#, "False"), (#""b" >= "A""#, "True"), ("Null < 1", "False"),
      ("Null > 1", "False"),
      ("[n] = True", "False"), (#"[flag] = True"#, "True"), (#"[many] = "A""#, "True"), (#"[many] = "b""#, "False"),
      ("1 < 2 = True", "True"), ("9223372036854775807 + 1", "Null"), ("[mail] + 1", "Null"), ("0x10 - &h0F", "1"),
      (#""say ""hi""""#, #""say ""hi""""#), (#"[mail]&[mail]"#, #""ann@corp.exampleann@corp.example""#),
      ("[n] <= 7", "True"), ("[n] < 7", "False"),
      ("2 * 5 + 3", "13"), ("2 * (5 + 3)", "16"), ("2 + 3 * 4 - 6 / 4", "13"), ("-7 / 2", "-3"), ("7 / 0", "Null"),
      ("-9223372036854775807 * 2", "Null"), ("(-9223372036854775807 - 1) / -1", "Null"), ("-[n] * 2", "-14"),
      ("[mail] * 2", "Null"), ("[n] = 7 && [flag]", "True"), ("[n] = 7 && [absent]", "False"),
      ("[absent] || [n] > 6", "True"), ("False && False || True", "True"), ("True || False && False", "True"),
      (#""a" && True"#, "refused"), ("[n] = 7 && IsNull([absent]) = True", "True"),
      (#"[many] & "@x""#, #"{"a@x", "b@x"}"#), (#""x-" & [many]"#, #"{"x-a", "x-b"}"#),
      ("[many] & Null", #"{"a", "b"}"#),
      (#"[many] & List("1", "2")"#, #"{"a1", "b1"}"#), (#""a" & CRLF"#, "\"a\r\n\""),
      ("IgnoreThisFlow", "IgnoreThisFlow"),
      ("IsNull(IgnoreThisFlow)", "True"), ("Coalesce(Null, IgnoreThisFlow, 1)", "IgnoreThisFlow"),
      ("List(1, IgnoreThisFlow)", "1"), ("IgnoreThisFlow = Null", "True"), ("$item", "refused"),
      ("Where($item, $item, True)", "refused"), ("With($a, 1, $A + 1)", "2"), ("With($a, 1, 2) + $a", "refused"),
      ("With($a, 1, With($b, $a + 1, $a + $b))", "3"), ("With($a, 1, With($a, 2, $a) + $a)", "3"),
      ("With($a, 1, $b)", "refused"), ("With(1, 1, 1)", "refused"), ("Where($x, [many])", "refused"),
      (#"Where($x, [many], $x <> "a")"#, #""b""#), ("Where($x, [absent], True)", "Null"),
      (#"Select($x, [many], Upper($x))"#, #"{"A", "B"}"#), ("Select($x, [many], Null)", "Null"),
      ("Select($x, 3, $x * $x)", "9"), ("Select($x, List(1, 2), List($x, 10 * $x))", "{1, 10, 2, 20}"),
      (#"Select($x, List("a,b", "c"), Select($y, Split($x, ","), $y & "!"))"#, #"{"a!", "b!", "c!"}"#),
    ] as [(String, String)])
  func operators(expression: String, result: String) throws {
    let ann = entry(["mail": ["ann@corp.example"], "n": ["7"], "flag": ["TRUE"], "many": ["a", "b"]])
    if result == "refused" {
      #expect(throws: ExpressionError.self) { try evaluate(expression, ann) }
    } else {
      #expect(try evaluate(expression, ann).description == result)
    }
  }

  @Test(
    "Mistakes are told with their place and what to do",
    arguments: [
      ("", 1, 1, "where a value", "a value"), ("Trm([mail])", 1, 1, "no function Trm", "did you mean Trim?"),
      ("Left([mail])", 1, 1, "1 arguments", "Left(text, length)"), (#"Left("a", "b")"#, 1, 11, "a number here", "CNum"),
      (#"1 + "a""#, 1, 5, "+ takes a number", "CNum"), ("[mail", 1, 1, "has no end", "]"),
      (#"Trim("abc"#, 1, 6, "has no end", "double quote"), ("[ma il]", 1, 1, "no name", "[mail]"),
      ("Trim([mail]", 1, 12, ", or )", ""),
      ("[mail] [sn]", 1, 8, "[sn]", "an operator"), ("mail", 1, 1, "neither a value", "[mail]"),
      ("Trim($x)", 1, 6, "the name $x", "Where, Select and With"),
      ("Where([mail], 1, 1)", 1, 7, "[mail]", "such as $item"), ("Select($x, [mail])", 1, 18, ")", ","),
      ("%Domain.FQDN%", 1, 1, "no meaning", "DomainName()"), ("$1", 1, 1, "no meaning", "remove"),
      ("[mail] # 1", 1, 8, "no meaning", "remove"), ("'a'", 1, 1, "no meaning", "double quotes"),
      ("99999999999999999999", 1, 1, "64 bits", "digits"),
      ("Trim(\n  Lowr([mail]))", 2, 3, "no function Lowr", "Lower"),
      (#""a" = 1"#, 1, 7, "= takes a text", "CStr"), ("Switch(True, 1, False)", 1, 1, "3 arguments", "Switch("),
      ("0x", 1, 1, "64 bits", ""), ("Trim()", 1, 1, "0 arguments", "Trim(text)"),
      ("Len([a]) & \"x\"", 1, 1, "& takes a text", "CStr"),
      ("1 +", 1, 4, "the end", "a value"), (")", 1, 1, "Here stands )", "a value"),
      ("Trim", 1, 1, "neither", "Trim( )"),
    ] as [(String, Int, Int, String, String)])
  func mistakes(text: String, line: Int, column: Int, message: String, remedy: String) throws {
    let error = try #require(throws: ExpressionError.self) { try Expression(text) }
    #expect(error.position == TextPosition(line: line, column: column))
    #expect(error.message.contains(message))
    #expect(error.remedy.contains(remedy))
  }

  @Test("Depth and length are limited")
  func limits() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "Trim(", count: depth) + "[a]" + String(repeating: ")", count: depth)
    }
    #expect(throws: Never.self) { try Expression(nested(60)) }
    for text in [
      nested(70), String(repeating: "(", count: 100_000), String(repeating: "-", count: 8_000) + "1",
      String(repeating: "(", count: 8_000), Array(repeating: "1", count: 2_000).joined(separator: "+"),
      "\"" + String(repeating: "a", count: 8_192) + "\"",
      "Or(" + Array(repeating: "1", count: 101).joined(separator: ",") + ")",
    ] {
      #expect(throws: ExpressionError.self) { try Expression(text) }
    }
  }

  @Test("Only what decides is evaluated, so that only it can ask to be looked at again")
  func laziness() throws {
    var scene = Scene(ann, context())
    let expression = try Expression(#"IIF(True, Or(True, IsPast("2990-01-01")), IsPast("2991-01-01"))"#)
    #expect(expression.compiled.evaluate(in: &scene) == .boolean(true))
    #expect(scene.nextChange == nil)
  }

  @Test("The attributes of an expression are known, those of functions included")
  func attributes() throws {
    #expect(try Expression("Trim([mail]) & [sn]").attributes == ["mail", "sn"])
    #expect(try Expression("Nickname()").attributes.contains("mailNickname"))
  }

  @Test("What Where and Select may cost is limited, however they stand within each other", .timeLimit(.minutes(1)))
  func cost() throws {
    let many = entry(["many": (0..<2_000).map { "value \($0)" }, "long": [String(repeating: "a", count: 60_000)]])
    #expect(try evaluate("Count(Select($x, [many], Len($x)))", many) == .integer(2_000))
    #expect(try evaluate("Select($x, [many], Count(Select($y, [many], 1)))", many) == .null)
    let nested = (0..<20).reduce("1") { text, index in "Select($x\(index), [many], \(text))" }
    #expect(try evaluate(nested, many) == .null)
    #expect(try evaluate(#"Count(Where($x, [many], Len(Replace([long], "a", "b")) > 0))"#, many) == .integer(0))
    // Each has an allowance of its own.
    #expect(
      try evaluate("Count(Select($x, [many], Upper($x))) + Count(Where($x, [many], True))", many) == .integer(4_000))
  }

  @Test("Only the branch that is taken can stop an object, and its text is short")
  func failure() throws {
    var scene = Scene(ann, context())
    _ = try Expression(#"IIF(True, "a", Error("no"))"#).compiled.evaluate(in: &scene)
    #expect(scene.takeFailure() == nil)
    #expect(try Expression(#"Coalesce(Error("one"), Error("two"))"#).compiled.evaluate(in: &scene) == .null)
    #expect(scene.takeFailure() == "one")
    #expect(scene.takeFailure() == nil)
    _ = try Expression("Error([absent])").compiled.evaluate(in: &scene)
    #expect(scene.takeFailure() == "")
    var long = Scene(entry(["long": [String(repeating: "a", count: 60_000)]]), context())
    _ = try Expression("Error([long])").compiled.evaluate(in: &long)
    #expect(long.takeFailure()?.count == 1_024)
  }

  // MARK: Random expressions

  @Test("Parsing what was printed gives the same expression; evaluating gives a value, whatever the entry")
  func random() throws {
    var random = SeededGenerator(seed: 20_261_124)
    let entries = (0..<8).map { _ in Self.randomEntry(&random) }
    for _ in 0..<3_000 {
      let syntax = Self.syntax(depth: 4, &random)
      // Types may not fit; then the parser says so, and the evaluator still gives a value.
      if let parsed = try? Parser.parse(syntax.description) {
        #expect(parsed == syntax, "\(syntax)")
      }
      let expression = Expression(syntax)
      for entry in entries {
        var scene = Scene(entry, context())
        let value = expression.compiled.evaluate(in: &scene)
        #expect(value.items.count <= RuleValue.maximumItems)
        #expect(value.items.allSatisfy { ($0.bytes?.count ?? 0) <= RuleValue.maximumBytes })
        if case .list(let items) = value { #expect(items.count > 1 && !items.contains { $0.items.count != 1 }) }
      }
    }
  }

  @Test("Whatever the text, the parser gives an expression or a place in the text")
  func garbage() {
    var random = SeededGenerator(seed: 7)
    let pieces = [
      "Trim", "(", ")", "[mail]", "[", "]", "\"", "\"a\"", ",", "&", "&H", "0x", "1", "-", "+", "=", "<", ">", "\n",
      " ", "é", "IIF", "*", "/", "&&", "||", "|", "$", "$x", "With($x,", "Where($x,", "Select($x,", "CRLF", "%",
      "Null", "'", "\\", "\u{0}", "99999999999999999999",
    ]
    for _ in 0..<5_000 {
      let text = (0..<Int.random(in: 0...20, using: &random)).map { _ in pieces.randomElement(using: &random)! }
        .joined()
      do throws(ExpressionError) { _ = try Expression(text) } catch {
        #expect(error.position.line >= 1 && error.position.column >= 1 && !error.remedy.isEmpty)
      }
    }
  }

  private static let texts = [
    "", " ", "a", "SMTP:ann@corp.example", "smtp:b@x", "Müller, Ann", "日本語", "👩‍👩‍👧", "é\u{301}", "0", "-1", "TRUE",
    "9223372036854775807",
    "133781040000000000", "20261124041500.0Z", "CN=a\\,b,DC=x", "\r\n", "\"", "S-1-5-21-1-2", "{}", ",", "a=b,=,x",
  ]

  private static func randomEntry(_ random: inout SeededGenerator) -> Entry {
    var bytes: [String: [[UInt8]]] = [:]
    for name in ["mail", "proxyAddresses", "objectSid", "accountExpires", "title"] {
      bytes[name] = (0..<Int.random(in: 0...4, using: &random)).map { _ in
        Bool.random(using: &random)
          ? Array(texts.randomElement(using: &random)!.utf8)
          : (0..<Int.random(in: 0...20, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      }
    }
    bytes["department"] = [Array(repeating: 0x61, count: 65_000)]
    return entry([:], bytes: bytes)
  }

  private static func syntax(depth: Int, _ random: inout SeededGenerator) -> Syntax {
    if Int.random(in: 0..<10, using: &random) == 0 { return .variable(Bool.random(using: &random) ? "v" : "W") }
    switch Int.random(in: 0..<(depth == 0 ? 3 : 8), using: &random) {
    case 0:
      return .attribute(
        ["mail", "proxyAddresses", "objectSid", "accountExpires", "title", "department", "absent"]
          .randomElement(using: &random)!)
    case 1: return .literal(.text(texts.randomElement(using: &random)!))
    case 2:
      return .literal(
        ([
          .null, .authoritativeNull, .ignored, .text(Syntax.lineBreak), .boolean(true), .boolean(false), .integer(0),
          .integer(-5), .integer(.max),
          .integer(Int64.random(in: -70_000...70_000, using: &random)),
        ] as [RuleValue]).randomElement(using: &random)!)
    case 3:
      return .operation(
        Syntax.Operator.allCases.randomElement(using: &random)!, syntax(depth: depth - 1, &random),
        syntax(depth: depth - 1, &random))
    case 4:
      let operand = syntax(depth: depth - 1, &random)
      if case .literal(.integer) = operand { return operand }
      return .negate(operand)
    default:
      let function = RuleFunction.all.randomElement(using: &random)!
      let least = function.parameters.filter { !$0.isOptional }.count
      let most = function.repeating > 0 ? least + 2 * function.repeating : function.parameters.count
      var count = Int.random(in: least...most, using: &random)
      if !function.accepts(count: count) { count = least }
      if function.bindsVariable {
        return .call(
          function.name,
          [.variable(Bool.random(using: &random) ? "v" : "W")] + (0..<2).map { _ in syntax(depth: depth - 1, &random) })
      }
      return .call(function.name, (0..<count).map { _ in syntax(depth: depth - 1, &random) })
    }
  }
}
