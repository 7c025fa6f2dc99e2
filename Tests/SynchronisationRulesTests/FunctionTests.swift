// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

@testable import SynchronisationRules

@Suite struct FunctionTests {
  @Test("Each function gives what its example says", arguments: RuleFunction.all.map(\.name))
  func example(name: String) throws {
    let function = try #require(RuleFunction.named(name))
    #expect(try evaluate(function.example.expression).description == function.example.result)
  }

  @Test("Names and aliases are unique, whatever their case")
  func names() {
    #expect(Set(RuleFunction.allNames.map { $0.lowercased() }).count == RuleFunction.allNames.count)
    #expect(RuleFunction.all.count > 50)
  }

  @Test(
    "Wrong types, missing values, other scripts and long ranges give a value, not a failure",
    arguments: [
      (#"Left([mail], [mail])"#, "Null"), (#"Left("añb", 2)"#, #""añ""#), (#"Left(Null, 2)"#, "Null"),
      (#"Left("abc", -1)"#, #""""#), (#"Left("abc", 9223372036854775807)"#, #""abc""#),
      (#"Right("日本語", 2)"#, #""本語""#), (#"Mid("abc", 0)"#, "Null"), (#"Mid("abc", 9, 2)"#, #""""#),
      (#"Mid("abc", 2, Null)"#, "Null"), (#"Mid("abc", 9223372036854775807)"#, #""""#),
      (#"Len([absent])"#, "0"), (#"Len("👩‍👩‍👧")"#, "1"), (#"Trim([absent])"#, "Null"),
      (#"Trim(List(" a ", "  ", "b"))"#, #"{"a", "b"}"#), (#"Lower(List("A", "B"))"#, #"{"a", "b"}"#),
      (#"Lower(CNum([mail]))"#, "refused"), (#"Upper("straße")"#, #""STRASSE""#),
      (#"Replace("aaa", "a", "aa")"#, #""aaaaaa""#), (#"Replace("abc", "", "x")"#, #""abc""#),
      (#"Replace("abc", "b", Null)"#, #""ac""#), (#"ReplaceChars("abc", "")"#, #""abc""#),
      (#"ReplaceChars("abc", "x")"#, #""abc""#), (#"InStr("abc", "z")"#, "0"), (#"InStr("abc", "")"#, "0"),
      (#"InStr("abcabc", "b", 3)"#, "5"), (#"InStr("abc", "a", 99)"#, "0"), (#"InStr("ümlaut", "m")"#, "2"),
      (#"Word("a b", 3)"#, "Null"), (#"Word("", 1)"#, "Null"), (#"Word("a,b;c", 3, ",;")"#, #""c""#),
      (#"Word("a  b c d", 2)"#, #""b""#), (#"PadLeft("abc", 2)"#, #""abc""#), (#"PadLeft("a", 3, "")"#, "Null"),
      (#"PadRight("ü", 3, "日")"#, #""ü日日""#), (#"Item(List("a", "b"), 3)"#, "Null"), (#"Item(Null, 1)"#, "Null"),
      (#"Item("a", 0)"#, "Null"), (#"Count([absent])"#, "0"), (#"Count("a")"#, "1"), (#"First(Null)"#, "Null"),
      (#"Split("abc", "")"#, #""abc""#), (#"Split(",,", ",")"#, "Null"), (#"Join([absent], ",")"#, "Null"),
      (#"Join("a", ",")"#, #""a""#), (#"Contains("abc", "B")"#, "0"), (#"Contains(Null, "b")"#, "0"),
      (#"ItemsStartingWith([absent], "a")"#, "Null"), (#"ItemsEndingWith(List("a", "b"), "z")"#, "Null"),
      (#"RemoveDuplicates(List("Ä", "ä"))"#, #""Ä""#), (#"IIF([absent], 1, 2)"#, "2"),
      (#"IIF("maybe", 1, 2)"#, "refused"),
      (#"IIF(False, 1)"#, "Null"), (#"Switch(False, 1, False, 2)"#, "Null"), (#"Coalesce(Null, [absent])"#, "Null"),
      (#"Coalesce(AuthoritativeNull, 1)"#, "AuthoritativeNull"), (#"Not([absent])"#, "True"), (#"And(1)"#, "True"),
      (#"Or(0, [absent])"#, "False"), (#"IsNull([absent])"#, "True"), (#"IsNullOrEmpty(List("", ""))"#, "True"),
      (#"IsPresent("")"#, "False"), (#"IsNumeric("x")"#, "False"), (#"IsString(1)"#, "False"),
      (#"CNum("x")"#, "Null"), (#"CNum("9223372036854775808")"#, "Null"), (#"CNum(" 7 ")"#, "7"),
      (#"CNum("-3")"#, "-3"),
      (#"CBool("perhaps")"#, "Null"), (#"CBool(7)"#, "True"), (#"CBool("no")"#, "Null"), (#"CStr(True)"#, #""True""#),
      (#"CStr(Null)"#, "Null"), (#"BitAnd(Null, 1)"#, "Null"), (#"BitAnd(-1, 5)"#, "5"), (#"BitOr("4", 1)"#, "refused"),
      (#"IsBitSet([absent], 2)"#, "False"), (#"IsBitSet(&HF, 4)"#, "True"), (#"ConvertFromBase64("%%")"#, "Null"),
      (#"ConvertFromBase64("/w==")"#, "0xff"), (#"ConvertToBase64(Null)"#, "Null"),
      (#"BinaryEquals(Null, Null)"#, "True"),
      (#"StringFromGuid("short")"#, "Null"),
      (#"StringFromGuid([objectGUID])"#, #""03020100-0504-0706-0809-0a0b0c0d0e0f""#),
      (#"Guid("x")"#, "Null"), (#"StringFromSid("x")"#, "Null"), (#"Sid("S-1-x")"#, "Null"),
      (#"DNComponent([distinguishedName], 2)"#, #""People""#), (#"DNComponent("", 1)"#, "Null"),
      (#"DNComponent("CN=a\2Cb,DC=x", 1)"#, #""a,b""#), (#"DNComponent("CN=a\", 1)"#, #""a""#),
      (#"DNComponentRev("CN=a,DC=x", 9)"#, "Null"), (##"EscapeDNComponent(" #a ")"##, ##""\ #a\ ""##),
      (##"EscapeDNComponent("#a")"##, ##""\#a""##), (#"IsPast([absent])"#, "False"), (#"IsPast(0)"#, "False"),
      (#"IsPast(9223372036854775807)"#, "False"), (#"IsPast("2999-01-01")"#, "False"), (#"IsPast("never")"#, "False"),
      (#"DateFromNum(0)"#, "Null"), (#"DateFromNum(-1)"#, #""1600-12-31T23:59:59Z""#),
      (#"DateFromNum("20240229120000.5Z")"#, #""2024-02-29T12:00:00Z""#),
      (#"DateFromNum("20230229120000.0Z")"#, "Null"),
      (#"DateFromNum("2024-13-01")"#, "Null"), (#"NumFromDate("1601-01-01")"#, "0"),
      (#"DateAdd("y", 1, "2024-01-01")"#, "Null"),
      (#"DateAdd("d", 9223372036854775807, "2024-01-01")"#, "Null"),
      (#"DateAdd("n", -1, "2024-03-01")"#, #""2024-02-29T23:59:00Z""#),
      (#"FormatDateTime("2024-03-01T04:05:06", "HH.mm.ss yyyyMMdd")"#, #""04.05.06 20240301""#),
      (#"NormalizeDiacritics("ß日é")"#, #""ss日e""#), (#"IsVerifiedDomain("ann@CORP.example ")"#, "True"),
      (#"IsVerifiedDomain("ann@evil.example")"#, "False"), (#"IsVerifiedDomain(Null)"#, "False"),
      (#"PrimaryAddress("smtp:a@b")"#, "Null"), (#"MailAddresses(Null, Null)"#, "Null"),
      (#"Len(List("a", "bcd"))"#, "{1, 3}"), (#"Word(List("a b", "c", "d e"), 2)"#, #"{"b", "e"}"#),
      (#"Word([proxyAddresses], 1, "@") & "@contoso.com""#, #""@contoso.com""#),
      (#"Word(List("x@a", "y@b"), 1, "@") & "@contoso.com""#, #"{"x@contoso.com", "y@contoso.com"}"#),
      (#"InStr(List("ab", "ba"), "b")"#, "{2, 1}"), (#"InStrRev("abab", "ab")"#, "3"),
      (#"InStrRev("abab", "ab", 3)"#, "1"),
      (#"InStrRev("abab", "ab", 1)"#, "0"), (#"InStrRev("ab", "abc")"#, "0"), (#"InStrRev("", "a")"#, "0"),
      (#"InStrRev("a", "")"#, "0"), (#"InStrRev(Null, "a")"#, "0"), (#"InStrRev("üü", "ü")"#, "2"),
      (#"Split(List("a,b", "c"), ",")"#, #"{"a", "b", "c"}"#), (#"CNum(List("1", "x", "0x10"))"#, "{1, 16}"),
      (#"DNComponent(List("CN=a,DC=x", "CN=b"), 1)"#, #"{"a", "b"}"#),
      (#"DNComponent(List("CN=a", "CN=b,DC=x"), 2)"#, #""x""#),
      (#"ConvertToBase64(List("a", "b"))"#, #"{"YQ==", "Yg=="}"#), (#"ConvertFromBase64(List("YQ==", "%"))"#, #""a""#),
      (#"ConvertToUTF8Hex(Null)"#, "Null"), (#"ConvertFromUTF8Hex("0")"#, "Null"),
      (#"ConvertFromUTF8Hex("zz")"#, "Null"),
      (#"ConvertFromUTF8Hex("ff")"#, "0xff"),
      (#"ConvertToUTF8Hex([objectGUID])"#, #""000102030405060708090A0B0C0D0E0F""#),
      (#"StringFromSid(Sid(List("S-1-5-10", "S-1-1-0")))"#, #"{"S-1-5-10", "S-1-1-0"}"#),
      (
        #"StringFromGuid(Guid(List("x", "{6F1B2A3C-0d4e-4f5a-8b6c-7d8e9f0a1b2c}")))"#,
        #""6f1b2a3c-0d4e-4f5a-8b6c-7d8e9f0a1b2c""#
      ),
      (#"DateFromNum(List("2024-01-01", 0, "2025-01-01"))"#, #"{"2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"}"#),
      (#"CDate("20240229120000.5Z")"#, #""2024-02-29T12:00:00Z""#), (#"NumFromDate(List("x", "1601-01-01"))"#, "0"),
      (#"DateAdd("d", 1, List("2024-01-01", "2024-02-01"))"#, #"{"2024-01-02T00:00:00Z", "2024-02-02T00:00:00Z"}"#),
      (#"FormatDateTime(List("2024-01-01", "2025-01-01"), "yyyy")"#, #"{"2024", "2025"}"#),
      (#"IsDate("2024-02-29")"#, "True"), (#"IsDate([absent])"#, "False"), ("IsDate(0)", "False"),
      (#"IsGuid("6f1b2a3c-0d4e-4f5a-8b6c-7d8e9f0a1b2c")"#, "True"), (#"IsGuid("6f1b2a3c")"#, "False"),
      ("IsGuid(Null)", "False"),
      (#"Error("x")"#, "Null"), (#"Trim(List("a", 1))"#, #"{"a", "1"}"#),
      (#"MailAddresses(List("X500:/o=x", "SMTP:A@b", "smtp:a@B"), Null)"#, #""SMTP:A@b""#),
    ] as [(String, String)])
  func edge(expression: String, result: String) throws {
    if result == "refused" {
      #expect(throws: ExpressionError.self) { try evaluate(expression) }
    } else {
      #expect(try evaluate(expression).description == result)
    }
  }

  @Test("What would be too large has no value, at once", .timeLimit(.minutes(1)))
  func sizes() throws {
    let big = entry(["a": [String(repeating: "a", count: 60_000)], "many": (0..<20_000).map { "value \($0)" }])
    #expect(try evaluate(#"Replace([a], "a", "bb")"#, big) == .null)
    #expect(try evaluate(#"[a] & [a]"#, big) == .null)
    #expect(try evaluate(#"ReplaceChars([a], "a=bb")"#, big) == .null)
    #expect(try evaluate(#"Join(List([a], [a]), "")"#, big) == .null)
    #expect(try evaluate(#"PadLeft("a", 65536, "日")"#, big) == .null)
    #expect(try evaluate(#"Count([many])"#, big) == .integer(10_000))
    #expect(try evaluate(#"Count(List([many], [many]))"#, big) == .integer(0))
    #expect(try evaluate(#"Count(Split([a], "a"))"#, big) == .integer(0))
    #expect(try evaluate(#"PadLeft([many], 65536)"#, big) == .null)
    #expect(try evaluate(#"[many] & [a]"#, big) == .null)
    #expect(try evaluate(#"[a] & [many]"#, big) == .null)
    #expect(try evaluate(#"Split([many], "")"#, big).items.count == 10_000)
    #expect(try evaluate(#"Len([a])"#, big) == .integer(60_000))
  }

  @Test("IsPast tells when its answer will change, the earliest of several")
  func nextChange() throws {
    var scene = Scene(entry(["accountExpires": ["133781040000000000"]]), context(now: 1_733_600_000))
    let expression = try Expression(#"Or(IsPast("2030-01-01"), IsPast([accountExpires]))"#)
    #expect(expression.compiled.evaluate(in: &scene) == .boolean(false))
    #expect(scene.nextChange == 1_733_630_400)
    var later = Scene(entry(["accountExpires": ["133781040000000000"]]), context(now: 1_733_630_400))
    #expect(try Expression("IsPast([accountExpires])").compiled.evaluate(in: &later) == .boolean(true))
    #expect(later.nextChange == nil)
  }

  @Test("The nickname is what the first present attribute says, without what a sign-in name may not have")
  func nickname() throws {
    func nickname(_ texts: [String: [String]]) throws -> RuleValue { try evaluate("Nickname()", entry(texts)) }
    #expect(try nickname(["mailNickname": [" a nn "], "mail": ["b@x"]]) == .text("ann"))
    #expect(try nickname(["proxyAddresses": ["smtp:z@x", "SMTP:p@x"], "mail": ["b@x"]]) == .text("p"))
    #expect(try nickname(["mail": ["b@x"], "userPrincipalName": ["u@x"]]) == .text("b"))
    #expect(try nickname(["userPrincipalName": ["u@x"], "proxyAddresses": ["smtp:a@x"]]) == .text("u"))
    #expect(try nickname(["proxyAddresses": ["smtp:c@x", "smtp:b@x"], "sAMAccountName": ["s"]]) == .text("b"))
    #expect(try nickname(["sAMAccountName": ["s s"]]) == .text("ss"))
    #expect(try nickname(["sAMAccountName": ["日本"]]) == .null)
    #expect(try evaluate("Nickname()", ann, context(nickname: "first")) == .text("first"))
  }

  @Test("docs/rules.md has the table of functions as it is")
  func documentation() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try String(contentsOf: root.appending(path: "docs/rules.md"), encoding: .utf8)
    #expect(
      text.contains(RuleFunction.markdown),
      "replace the table of functions in docs/rules.md by the output of 'bridgehead connect rules functions'")
  }
}
