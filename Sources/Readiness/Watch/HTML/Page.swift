// SPDX-License-Identifier: Apache-2.0

/// A page that a role serves: one main heading, landmarks, a link that skips the navigation, no script. What it looks like
/// stands in ``Style``, which the role serves as a file of its own, so that the policy can forbid styles inside a page.
struct Page: Sendable {
  struct Link: Sendable {
    var title: String
    var path: String
    init(_ title: String, _ path: String) {
      self.title = title
      self.path = path
    }
  }

  var title: String
  /// What the whole application is called.
  var application: String
  var navigation: [Link]
  /// The path of this page, which the navigation marks as the current one.
  var path: String
  var content: [HTML]

  init(title: String, application: String, navigation: [Link], path: String, content: [HTML]) {
    self.title = title
    self.application = application
    self.navigation = navigation
    self.path = path
    self.content = content
  }

  /// The path under which ``Style/sheet`` must be served.
  static let stylePath = "/style.css"

  /// Nothing is loaded but the style sheet, nothing runs, nobody frames the page.
  static let securityHeaders: [(name: String, value: String)] = [
    (
      "Content-Security-Policy",
      "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"), ("Cache-Control", "no-store"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
  ]

  var text: String {
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
