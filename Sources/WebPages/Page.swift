// SPDX-License-Identifier: Apache-2.0

/// A whole page: one column, readable without style, script or mouse.
package struct Page: Sendable {
  /// What the page is about; also its heading.
  package var title: String
  /// Whose page it is, shown above the heading and in the browser's title.
  package var site: String
  /// Where the style sheet is.
  package var styleSheet: String
  /// A script that only saves a click, from a file of the same origin; nil for none.
  package var script: String?
  /// What went wrong with the form; the page's title then begins with "Error" for readers that announce it first.
  package var error: ErrorSummary?
  /// Where the browser goes on by itself, without a script.
  package var next: String?
  /// After so many seconds.
  package var nextDelay: Int
  package var body: HTML

  package init(
    title: String, site: String, styleSheet: String, script: String? = nil, error: ErrorSummary? = nil,
    next: String? = nil, nextDelay: Int = 0, body: HTML
  ) {
    self.title = title
    self.site = site
    self.styleSheet = styleSheet
    self.script = script
    self.error = error
    self.next = next
    self.nextDelay = nextDelay
    self.body = body
  }

  package var html: HTML {
    let prefix = error == nil ? "" : "Error: "
    let script: HTML? = script.map { "<script src=\"\($0)\" defer></script>\n" }
    let next: HTML? = next.map { "<meta http-equiv=\"refresh\" content=\"\(String(nextDelay)); url=\($0)\">\n" }
    return """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="referrer" content="same-origin">
      <title>\(prefix)\(title) – \(site)</title>
      <link rel="stylesheet" href="\(styleSheet)">
      \(next)\(script)</head>
      <body>
      <main>
      <p class="site">\(site)</p>
      \(error?.html)<h1>\(title)</h1>
      \(body)
      </main>
      </body>
      </html>

      """
  }
}
