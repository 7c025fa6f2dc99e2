// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WebPages

@Suite struct ElementsTests {
  /// What tries to leave text and attributes, and characters that no page may have.
  static let hostile = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='x", "&lt;b&gt;", "a & b",
    "\u{0}\u{1F}\u{7F}\u{9F}", "\u{202E}gnp.exe", "\u{2066}x\u{2069}",  // U+FDD0 and U+FFFF.
    String(decoding: [0xEF, 0xB7, 0x90, 0xEF, 0xBF, 0xBF] as [UInt8], as: UTF8.self), "</title><h1>",
    "-->", "]]>", "javascript:alert(1)", "é ü 漢字 🚢",
  ]

  @Test(arguments: hostile)
  func nothingLeavesItsPlace(_ text: String) {
    let element = HTML.element("p", ["title": text], text).text
    let escaped = HTML.escape(text)
    #expect(element == "<p title=\"\(escaped)\">\(escaped)</p>")
    #expect(!escaped.contains { "<>\"'".contains($0) })
    // Every ampersand begins a reference of ours.
    for part in escaped.split(separator: "&", omittingEmptySubsequences: false).dropFirst() {
      #expect(["amp;", "lt;", "gt;", "quot;", "#39;"].contains { part.hasPrefix($0) }, "\(escaped)")
    }
    #expect(escaped.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
    #expect(escaped.unicodeScalars.allSatisfy { !(0x202A...0x202E).contains($0.value) })
  }

  @Test func whatIsHarmlessStaysAsItIs() {
    #expect(HTML.escape("é ü 漢字 🚢\n\t-") == "é ü 漢字 🚢\n\t-")
    #expect(HTML.plain("a < b").text == "a &lt; b")
  }

  @Test func attributesMayBeLeftOut() {
    #expect(HTML.element("a", ["href": "/x", "aria-current": nil], "x").text == "<a href=\"/x\">x</a>")
    #expect(HTML.element("meta", ["charset": "utf-8"]).text == "<meta charset=\"utf-8\">")
  }

  @Test func aPageHasLandmarksAndNoScript() {
    let page = NavigationPage(
      title: "A <b>", application: "App", navigation: [.init("Now", "/"), .init("Then", "/then")], path: "/then",
      content: [.plain("text")]
    ).text
    for part in [
      "<!DOCTYPE html>", "<html lang=\"en\">", "<title>A &lt;b&gt; - App</title>", "<main id=\"main\"",
      "<nav aria-label=\"Pages\">", "href=\"#main\"", "<h1>A &lt;b&gt;</h1>",
      "<a href=\"/then\" aria-current=\"page\">",
    ] {
      #expect(page.contains(part), "\(part)")
    }
    #expect(!page.contains("<script") && !page.contains("style=") && !page.contains("<style"))
    #expect(page.components(of: "<h1>") == 1)
  }
}

extension String {
  fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}
