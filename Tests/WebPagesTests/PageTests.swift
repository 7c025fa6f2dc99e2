// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WebPages

@Suite struct PageTests {
  @Test func everythingThatIsTextIsEscaped() {
    let hostile = #"<script>alert("1")</script>&'"#
    let escaped = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;"
    let page = Page(
      title: hostile, site: hostile, styleSheet: hostile, error: ErrorSummary(hostile, field: hostile),
      body: PostForm(
        action: hostile, hidden: [(hostile, hostile)],
        fields: [TextField(id: hostile, label: hostile, autocomplete: hostile, value: hostile, hint: hostile).html],
        buttons: [Button(hostile, choice: (hostile, hostile))]
      ).html
    ).html.text
    #expect(!page.contains("<script"))
    #expect(!page.contains(hostile))
    #expect(page.components(of: escaped) > 12)
    #expect("\(HTML.escape("a\u{0}b\u{85}c\u{fffe}d\n"))" == "a\u{fffd}b\u{fffd}c\u{fffd}d\n")
  }

  @Test func eachFieldHasItsLabelAndDescription() {
    let field = TextField(id: "name", label: "User name", hint: "Like anna@corp.example", isInvalid: true).html.text
    #expect(field.contains(#"<label for="name">User name</label>"#))
    #expect(field.contains(#"id="name" name="name""#))
    #expect(field.contains(#"aria-describedby="name-hint error""#))
    #expect(field.contains(#"aria-invalid="true""#))
  }

  @Test func anErrorComesFirst() throws {
    let page = Page(
      title: "Sign in", site: "corp", styleSheet: "/s.css", error: ErrorSummary("Wrong", field: "name"), body: "<p></p>"
    ).html.text
    #expect(page.contains("<title>Error: Sign in – corp</title>"))
    #expect(page.contains(##"<a href="#name">Wrong</a>"##))
    let error = try #require(page.firstRange(of: #"role="alert""#))
    let heading = try #require(page.firstRange(of: "<h1>"))
    #expect(error.lowerBound < heading.lowerBound)
  }
}

extension String {
  fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}
