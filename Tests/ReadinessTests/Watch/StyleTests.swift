// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Readiness

@Suite struct StyleTests {
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
