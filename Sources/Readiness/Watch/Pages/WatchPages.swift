// SPDX-License-Identifier: Apache-2.0

import PortReference
import WebPages

/// The pages of `ports watch`.
struct WatchPages {
  /// Seconds since 1970.
  let now: Double

  static let navigation = [
    NavigationPage.Link("Now", "/"), NavigationPage.Link("Over time", "/timeline"),
    NavigationPage.Link("Metrics", "/metrics"),
    NavigationPage.Link("JSON", "/api/v1/flows"),
  ]

  func page(_ title: String, path: String, _ content: [HTML]) -> String {
    NavigationPage(
      title: title, application: "Bridgehead port watch", navigation: Self.navigation, path: path, content: content
    ).text
  }

  /// A message with the way back.
  func message(_ title: String, _ text: String) -> String {
    page(
      title, path: "",
      [.element("p", [:], text), .element("p", [:], [.element("a", ["href": "/"], "Back to the matrix")])])
  }

  func summary(_ flows: [WatchedFlow]) -> HTML {
    let required = flows.filter(\.isRequired)
    let working = required.count { !$0.finding.verdict.isFailure && $0.finding.verdict != .inconclusive }
    guard let last = flows.map(\.checked).max() else {
      return .element("p", ["role": "status"], "No check has ended yet.")
    }
    return .element(
      "p", ["role": "status"],
      [
        HTML.plain("\(working) of \(required.count) required flows work. Last checked "), Words.time(last),
        HTML.plain(", \(Words.duration(now - last)) ago."),
      ])
  }

  func link(_ flow: WatchedFlow, _ text: [HTML], label: String? = nil) -> HTML {
    .element(
      "a", ["href": "/flows/\(flow.id)", "class": flow.finding.verdict.rawValue, "aria-label": label], text)
  }

  static func transport(_ flow: WatchedFlow) -> String {
    flow.finding.transport.rawValue + (flow.kind == .idle ? " idle" : "")
  }
}
