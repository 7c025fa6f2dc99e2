// SPDX-License-Identifier: Apache-2.0

import PortReference
import WebPages

extension WatchPages {
  /// The matrix of rows by host, as it is now.
  func matrix(_ flows: [WatchedFlow]) -> String {
    let roles = Role.allCases.filter { role in flows.contains { $0.finding.target.role == role } }
    let trouble = flows.filter { $0.finding.verdict != .works && ($0.isRequired || $0.finding.verdict.isFailure) }
    return page(
      "Flows now", path: "/",
      [summary(flows)] + (trouble.isEmpty ? [] : [troubles(trouble)])
        + roles.map { role in table(role, flows.filter { $0.finding.target.role == role }) } + [legend])
  }

  private func troubles(_ flows: [WatchedFlow]) -> HTML {
    let items = flows.map { flow in
      HTML.element(
        "li", [:],
        [
          link(
            flow,
            [HTML.plain("\(Words.sign(flow.finding.verdict)) \(flow.row) (\(Self.transport(flow))) to \(flow.host)")]),
          HTML.plain(": \(flow.finding.summary)"),
        ])
    }
    return .element("h2", [:], "To be seen to") + .element("ul", [:], items)
  }

  /// One table a role: its hosts are asked for the same rows.
  private func table(_ role: Role, _ flows: [WatchedFlow]) -> HTML {
    var hosts: [String] = []
    for flow in flows where !hosts.contains(flow.host) { hosts.append(flow.host) }
    let rows = ReferenceRow.all.filter { row in flows.contains { $0.row == row.id } }
    let cells = Dictionary(grouping: flows) { Cell(row: $0.row, host: $0.host) }
    let head = HTML.element(
      "tr", [:],
      [.element("th", ["scope": "col"], "Flow")] + hosts.map { .element("th", ["scope": "col"], $0) })
    let body = rows.map { row in
      HTML.element(
        "tr", [:],
        [.element("th", ["scope": "row"], "\(row.name) (\(row.id))")]
          + hosts.map { cell(cells[Cell(row: row.id, host: $0)] ?? []) })
    }
    let name = "table-\(role.rawValue)"
    // A wide table scrolls by itself, also by keyboard.
    return .element(
      "div", ["class": "scroll", "role": "region", "tabindex": "0", "aria-labelledby": name],
      [
        .element(
          "table", [:],
          [
            .element("caption", ["id": name], "To \(role.title)"), .element("thead", [:], [head]),
            .element("tbody", [:], body),
          ])
      ])
  }

  private struct Cell: Hashable {
    var row: RowID
    var host: String
  }

  private func cell(_ flows: [WatchedFlow]) -> HTML {
    guard !flows.isEmpty else { return .element("td", [:], "not needed") }
    let items = flows.map { flow in
      let words = "\(Self.transport(flow)): \(Words.verdict(flow.finding.verdict))"
      return HTML.element(
        "li", [:],
        [
          link(
            flow,
            [.element("span", ["aria-hidden": "true"], "\(Words.sign(flow.finding.verdict)) "), HTML.plain(words)],
            label: "\(words), \(flow.row) to \(flow.host)")
        ])
    }
    return .element("td", [:], [.element("ul", ["class": "flows"], items)])
  }

  var legend: HTML {
    let entries = Verdict.allCases.flatMap { verdict in
      [
        HTML.element(
          "dt", ["class": verdict.rawValue], "\(Words.sign(verdict)) \(Words.verdict(verdict))"),
        HTML.element("dd", [:], Self.meaning(verdict)),
      ]
    }
    return .element("h2", [:], "What the words mean") + .element("dl", [:], entries)
  }

  private static func meaning(_ verdict: Verdict) -> String {
    switch verdict {
    case .works: "The conversation went as deep as the flow needs."
    case .worksWithRemark: "It works, and something should be seen to before it stops."
    case .blocked: "Nothing passes on the way."
    case .refused: "The host, or a firewall in its name, says that nobody listens."
    case .wrongService: "Something answers that is not the service, or not this host's."
    case .broken: "The right service answers and does not do what the flow is for."
    case .inconclusive: "The evidence does not tell."
    }
  }
}
