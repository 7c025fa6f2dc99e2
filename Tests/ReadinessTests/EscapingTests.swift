// SPDX-License-Identifier: Apache-2.0

import Readiness
import Testing

/// Text of a topology stays text in every format: it never begins a line of its own, ends a string or a comment.
@Suite struct EscapingTests {
  /// Every character that ends a line, a string or a comment somewhere, before a word that must never stand alone.
  private static let note =
    "x\nESCAPED\r\nESCAPED\u{2028}ESCAPED\u{85}ESCAPED\u{0b}ESCAPED */ ESCAPED \" ' ` ${ESCAPED} \\"
  private static let marks = [
    "nftables": "#", "iptables": "#", "firewalld": "#", "windows": "#", "azure-bicep": "//", "azure-terraform": "#",
    "aws-terraform": "#", "gcp-terraform": "#", "cisco-asa": "!", "cisco-ios": "!", "palo-alto": "#", "pf": "#",
    "aerleon": "#",
  ]

  @Test(arguments: marks.keys.sorted()) func notesStayInComments(_ name: String) throws {
    var topology = try Goldens.topology("small")
    topology.connect[0].note = Self.note
    let format = try #require(Format.named(name))
    let mark = try #require(Self.marks[name])
    let lines = format.render(Planner.plan(topology)).text.split {
      "\n\r\u{2028}\u{2029}\u{85}\u{0b}\u{0c}".contains($0)
    }
    let found = lines.filter { $0.contains("ESCAPED") }
    #expect(!found.isEmpty)
    #expect(found.allSatisfy { $0.trimmingPrefix(while: \.isWhitespace).hasPrefix(mark) }, "\(found)")
  }

  /// The schema refuses such names; the renderers do not rely on it.
  @Test(arguments: marks.keys.sorted()) func namesStayNames(_ name: String) throws {
    var topology = try Goldens.topology("small")
    topology.name = "t\"'\n;ESCAPED"
    topology.connect[0].name = "s\"'\n;ESCAPED"
    let text = try #require(Format.named(name)).render(Planner.plan(topology)).text
    for line in text.split(separator: "\n") {
      #expect(!line.trimmingPrefix(while: \.isWhitespace).hasPrefix(";ESCAPED"), "\(line)")
    }
    let plain = text.split(separator: "\n").count
    topology.name = "t"
    topology.connect[0].name = "s"
    let other = try #require(Format.named(name)).render(Planner.plan(topology)).text.split(separator: "\n").count
    #expect(plain == other)
  }

  /// On these command lines a question mark asks for help wherever it is typed.
  @Test(arguments: ["cisco-asa", "cisco-ios", "palo-alto"]) func commandLinesGetNoQuestions(_ name: String) throws {
    var topology = try Goldens.topology("small")
    topology.connect[0].note = "who? me?"
    let text = try #require(Format.named(name)).render(Planner.plan(topology)).text
    #expect(text.contains("who me") && !text.contains("?"))
  }

  @Test func spreadsheetsGetNoFormulas() throws {
    var topology = try Goldens.topology("small")
    topology.connect[0].name = "=cmd|' /C calc'!A0"
    let text = try #require(Format.named("csv")).render(Planner.plan(topology)).text
    #expect(!text.contains("\n=") && !text.contains(",=") && text.contains("'=cmd"))
  }

  @Test func tablesKeepTheirColumns() throws {
    var topology = try Goldens.topology("small")
    topology.connect[0].name = "a|b"
    topology.connect[0].note = "<script>alert(1)</script> [x](javascript:1)"
    let text = try #require(Format.named("markdown")).render(Planner.plan(topology)).text
    #expect(text.contains("\\<script\\>") && text.contains("\\[x\\](") && text.contains("a\\|b"))
  }
}
