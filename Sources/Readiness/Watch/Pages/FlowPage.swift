// SPDX-License-Identifier: Apache-2.0

import PortReference
import WebPages

extension WatchPages {
  /// The finding behind a cell, and what it was before.
  func flow(_ flow: WatchedFlow, _ timeline: Timeline) -> String {
    let finding = flow.finding
    var facts: [(String, [HTML])] = [
      (
        "Verdict",
        [
          .element(
            "strong", ["class": finding.verdict.rawValue],
            "\(Words.sign(finding.verdict)) \(Words.verdict(finding.verdict))"),
          HTML.plain(" since "), Words.time(flow.state.since), HTML.plain(" (\(flow.state.checks) checks)"),
        ]
      ),
      ("Finding", [HTML.plain(finding.summary)]), ("Diagnosis", [HTML.plain(Words.diagnosis(finding.diagnosis))]),
    ]
    if let remedy = finding.remedy {
      facts.append(
        ("Remedy", [HTML.plain("\(remedy.owner.rawValue.replacing("-", with: " ")): \(remedy.action)")]))
      if let rule = remedy.rule { facts.append(("Rule", [.element("code", [:], rule)])) }
    }
    let target =
      "\(end(finding.target.host, finding.target.address, nil)), \(finding.transport.rawValue) \(finding.target.port)"
    facts.append(("From", [HTML.plain(end(finding.source.host, finding.source.address, finding.source.interface))]))
    facts.append(("To", [HTML.plain(target)]))
    facts.append(("Needed", [HTML.plain(finding.isRequired ? "by a feature in use" : "by no feature in use")]))
    facts.append(("Depth", [HTML.plain("\(finding.depth.reached.rawValue), of \(finding.depth.required.rawValue)")]))
    facts.append(("Last checked", [Words.time(flow.checked)]))
    facts.append(("Specification", [HTML.plain(finding.specification)]))
    let window = Words.duration(timeline.end - timeline.start)
    facts.append(("Worked", [HTML.plain("\(timeline.availabilityWords) of the last \(window)")]))
    let list = HTML.element(
      "dl", [:], facts.flatMap { [HTML.element("dt", [:], $0.0), HTML.element("dd", [:], $0.1)] })
    return page(
      "\(finding.row) (\(Self.transport(flow))) to \(finding.target.host)", path: "/flows/\(flow.id)",
      [
        list, .element("h2", [:], "Conversation"), conversation(finding), .element("h2", [:], "Over time"),
        timeline.strip("The flow over time", id: "strip"), states(timeline),
      ])
  }

  private func end(_ host: String, _ address: String?, _ interface: String?) -> String {
    host + (address.map { " (\($0)" + (interface.map { " on \($0)" } ?? "") + ")" } ?? "")
  }

  private func conversation(_ finding: Finding) -> HTML {
    guard !finding.evidence.isEmpty else { return .element("p", [:], "Nothing was sent.") }
    let rows = finding.evidence.map { phase in
      HTML.element(
        "tr", [:],
        [
          .element("th", ["scope": "row"], phase.name.rawValue), .element("td", [:], phase.sent ?? "-"),
          .element("td", [:], phase.received ?? "-"), .element("td", [:], Words.milliseconds(phase.seconds)),
        ])
    }
    return table("What was sent and received", ["Phase", "Sent", "Received", "Took"], rows)
  }

  private func states(_ timeline: Timeline) -> HTML {
    let rows = timeline.states.reversed().map { state in
      HTML.element(
        "tr", [:],
        [
          .element("td", [:], [Words.time(state.since)]), .element("td", [:], [Words.time(state.until)]),
          .element(
            "td", ["class": state.finding.verdict.rawValue],
            "\(Words.sign(state.finding.verdict)) \(Words.verdict(state.finding.verdict))"),
          .element("td", [:], state.finding.summary),
        ])
    }
    return table("States, the latest first", ["From", "To", "Verdict", "Finding"], rows)
  }

  private func table(_ caption: String, _ columns: [String], _ rows: [HTML]) -> HTML {
    .element(
      "div", ["class": "scroll", "role": "region", "tabindex": "0", "aria-label": caption],
      [
        .element(
          "table", [:],
          [
            .element("caption", [:], caption),
            .element(
              "thead", [:], [.element("tr", [:], columns.map { .element("th", ["scope": "col"], $0) })]),
            .element("tbody", [:], rows),
          ])
      ])
  }
}
