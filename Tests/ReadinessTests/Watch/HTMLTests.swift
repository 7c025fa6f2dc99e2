// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Readiness

@Suite struct HTMLTests {
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
    #expect(HTML("a < b").text == "a &lt; b")
  }

  @Test func attributesMayBeLeftOut() {
    #expect(HTML.element("a", ["href": "/x", "aria-current": nil], "x").text == "<a href=\"/x\">x</a>")
    #expect(HTML.element("meta", ["charset": "utf-8"]).text == "<meta charset=\"utf-8\">")
  }

  @Test func aPageHasLandmarksAndNoScript() {
    let page = Page(
      title: "A <b>", application: "App", navigation: [.init("Now", "/"), .init("Then", "/then")], path: "/then",
      content: [HTML("text")]
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

  /// WCAG 2.2 1.4.3: text needs a contrast of 4.5 in both schemes.
  @Test func coloursCanBeRead() throws {
    let schemes = Style.sheet.split(separator: "@media (prefers-color-scheme: dark)")
    try #require(schemes.count == 2)
    for scheme in schemes {
      let colours = Dictionary(
        scheme.matches(of: /--([a-z]+): #([0-9a-f]{6})/).map { (String($0.1), String($0.2)) }
      ) { first, _ in first }
      for name in ["text", "link", "good", "fair", "bad", "open", "line"] {
        let (front, back) = (try #require(colours[name]), try #require(colours["back"]))
        // Lines are no text: WCAG 2.2 1.4.11 wants 3.
        #expect(contrast(front, back) >= (name == "line" ? 3 : 4.5), "\(name): \(contrast(front, back))")
      }
      #expect(contrast(try #require(colours["text"]), try #require(colours["soft"])) >= 4.5)
    }
  }

  private func contrast(_ left: String, _ right: String) -> Double {
    let (one, two) = (luminance(left), luminance(right))
    return (max(one, two) + 0.05) / (min(one, two) + 0.05)
  }

  /// WCAG 2.2's relative luminance.
  private func luminance(_ colour: String) -> Double {
    let value = Int(colour, radix: 16) ?? 0
    let parts = [value >> 16, value >> 8 & 0xFF, value & 0xFF].map { part -> Double in
      let share = Double(part) / 255
      // The curve of sRGB without its toe: dark enough for this purpose.
      return share <= 0.04045 ? share / 12.92 : power((share + 0.055) / 1.055, 2.4)
    }
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
  }

  /// x^2.4 = x^2 · (x^2)^(1/5), the root by Newton.
  private func power(_ base: Double, _ exponent: Double) -> Double {
    let square = base * base
    var root = 1.0
    for _ in 0..<60 { root -= (root * root * root * root * root - square) / (5 * root * root * root * root) }
    return square * root
  }
}

extension String {
  fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}
