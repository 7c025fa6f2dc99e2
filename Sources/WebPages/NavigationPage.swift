// SPDX-License-Identifier: Apache-2.0

/// One of several pages of an application: one main heading, landmarks, a link that skips the navigation, no script. What
/// it looks like stands in a file of its own, so that the policy can forbid styles inside a page.
package struct NavigationPage: Sendable {
  package struct Link: Sendable {
    package var title: String
    package var path: String
    package init(_ title: String, _ path: String) {
      self.title = title
      self.path = path
    }
  }

  package var title: String
  /// What the whole application is called.
  package var application: String
  package var navigation: [Link]
  /// The path of this page, which the navigation marks as the current one.
  package var path: String
  package var content: [HTML]

  package init(title: String, application: String, navigation: [Link], path: String, content: [HTML]) {
    self.title = title
    self.application = application
    self.navigation = navigation
    self.path = path
    self.content = content
  }

  /// The path under which the style sheet must be served.
  package static let stylePath = "/style.css"

  /// Nothing is loaded but the style sheet, nothing runs, nobody frames the page.
  package static let securityHeaders: [(name: String, value: String)] = [
    (
      "Content-Security-Policy",
      "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"), ("Cache-Control", "no-store"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
  ]

  package var text: String {
    let head = HTML.element(
      "head", [:],
      [
        .element("meta", ["charset": "utf-8"]),
        .element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
        .element("title", [:], "\(title) - \(application)"),
        .element("link", ["rel": "stylesheet", "href": Self.stylePath]),
      ])
    let items = navigation.map { link in
      HTML.element(
        "li", [:],
        [.element("a", ["href": link.path, "aria-current": link.path == path ? "page" : nil], link.title)])
    }
    let body = HTML.element(
      "body", [:],
      [
        .element("a", ["class": "skip", "href": "#main"], "Skip to the content"),
        .element(
          "header", [:],
          [
            .element("p", ["class": "application"], application),
            .element("nav", ["aria-label": "Pages"], [.element("ul", [:], items)]),
          ]),
        .element("main", ["id": "main", "tabindex": "-1"], [.element("h1", [:], title)] + content),
      ])
    return "<!DOCTYPE html>\n" + HTML.element("html", ["lang": "en"], [head, body]).text + "\n"
  }
}
